//! Prints what building cost.

use std::fmt::Write;

use serde_json::{Value, json};

use super::crates::Crate;
use super::round::Way;
use super::{Costs, Options};
use crate::run::Sample;
use crate::table::{median, table};

pub fn text(costs: &[Costs], options: &Options) -> String {
    let mut text = String::from("## rustc on the crate, everything else being built\n\n");
    let headings = ["skeleton", "", "CPU time", "more", "wall time", "more", "peak RSS", "more"];
    let mut rows = Vec::new();
    for way in Way::ALL {
        for of in costs {
            rows.push(compiled(of, way, costs));
        }
    }
    text += &table(&headings, &rows);
    let _ = writeln!(
        text,
        "\nMedians of {} rounds in which all took turns; more: than without a skeleton, and how many times \
         skelgen's.\n\n## The skeleton\n",
        options.rounds
    );
    let rows: Vec<_> = costs.iter().filter_map(generated).collect();
    text += &table(&["skeleton", "Rust", "beside it", "generated in, CPU time", "peak RSS"], &rows);
    let rows: Vec<_> = costs.iter().filter_map(first).collect();
    if !rows.is_empty() {
        text += "\n## `cargo build` with nothing built before\n\n";
        text += &table(&["skeleton", "packages", "CPU time", "wall time", "peak RSS of one process"], &rows);
    }
    text
}

fn compiled(costs: &Costs, way: Way, all: &[Costs]) -> [String; 8] {
    let of = |costs: &Costs, number: fn(&Sample) -> u64| number_of(costs, way, number);
    let (nothing, skelgen) = (find(all, Crate::Nothing), find(all, Crate::Skelgen));
    let more = |number: fn(&Sample) -> u64, show: fn(u64) -> String| {
        let more = |costs: &Costs| of(costs, number).saturating_sub(nothing.map_or(0, |nothing| of(nothing, number)));
        let ours = skelgen.map_or(0, more);
        match costs.of {
            Crate::Nothing => String::new(),
            Crate::Skelgen => show(more(costs)),
            _ if ours == 0 => show(more(costs)),
            _ => format!("{} ({:.1})", show(more(costs)), more(costs) as f64 / ours as f64),
        }
    };
    [
        costs.of.name().to_owned(),
        way.name().to_owned(),
        millis(of(costs, cpu)),
        more(cpu, millis),
        millis(of(costs, wall)),
        more(wall, millis),
        mib(of(costs, peak)),
        more(peak, mib),
    ]
}

fn generated(costs: &Costs) -> Option<[String; 5]> {
    let generated = costs.generated.as_ref()?;
    let kb = |bytes: u64| format!("{} KB", bytes.div_ceil(1000));
    Some([
        costs.of.name().to_owned(),
        kb(generated.source),
        kb(generated.beside),
        millis(of(&generated.costs, cpu)),
        mib(of(&generated.costs, peak)),
    ])
}

fn first(costs: &Costs) -> Option<[String; 5]> {
    let first = costs.first.as_ref()?;
    let of = |number| of(&first.costs, number);
    let seconds = |us: u64| format!("{:.1} s", us as f64 / 1e6);
    let packages = first.packages.to_string();
    Some([costs.of.name().to_owned(), packages, seconds(of(cpu)), seconds(of(wall)), mib(of(peak))])
}

pub fn json(costs: &[Costs]) -> Value {
    let samples = |samples: &[Sample]| {
        json!({
            "cpu_us": samples.iter().map(cpu).collect::<Vec<_>>(),
            "wall_us": samples.iter().map(wall).collect::<Vec<_>>(),
            "peak_kib": samples.iter().map(peak).collect::<Vec<_>>(),
        })
    };
    let rows = costs.iter().map(|costs| {
        let mut row = json!({ "skeleton": costs.of.name() });
        if let Some(first) = &costs.first {
            row["first"] = samples(&first.costs);
            row["first"]["packages"] = json!(first.packages);
        }
        for (way, taken) in &costs.compiled {
            row["rustc"][way.name()] = samples(taken);
        }
        if let Some(generated) = &costs.generated {
            row["generated"] = samples(&generated.costs);
            row["generated"]["source_bytes"] = json!(generated.source);
            row["generated"]["beside_bytes"] = json!(generated.beside);
        }
        row
    });
    json!(rows.collect::<Vec<_>>())
}

fn number_of(costs: &Costs, way: Way, number: fn(&Sample) -> u64) -> u64 {
    let samples = costs.compiled.iter().find(|(compiled, _)| *compiled == way).map(|(_, samples)| samples);
    samples.map_or(0, |samples| of(samples, number))
}

fn find(all: &[Costs], of: Crate) -> Option<&Costs> {
    all.iter().find(|costs| costs.of == of)
}

fn of(samples: &[Sample], number: fn(&Sample) -> u64) -> u64 {
    median(samples.iter().map(number))
}

fn cpu(sample: &Sample) -> u64 {
    sample.cpu_us
}

/// In microseconds.
fn wall(sample: &Sample) -> u64 {
    sample.process_ns / 1000
}

/// In kibibytes.
fn peak(sample: &Sample) -> u64 {
    sample.peak_kib
}

fn millis(us: u64) -> String {
    format!("{} ms", us.div_ceil(1000))
}

fn mib(kib: u64) -> String {
    format!("{} MiB", kib.div_ceil(1024))
}
