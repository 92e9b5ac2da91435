//! Prints what was measured.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::build::Peer;
use crate::run::{Cost, Sample, Tools};
use crate::table::{median, table};
use crate::{Comparison, Options, Row, file_name};

const HEADINGS: [&str; 10] =
    ["peer", "load", "ratio", "again", "process", "bpf(2)", "all calls", "peak RSS", "binary", "links to"];

pub fn text(comparisons: &[Comparison], tools: &Tools, options: &Options) -> String {
    let mut text = String::new();
    for comparison in comparisons {
        let rows: Vec<_> = comparison.rows.iter().map(|row| cells(row, skelgen(comparison))).collect();
        let _ = writeln!(text, "## {}\n\n{}", file_name(&comparison.object), table(&HEADINGS, &rows));
        for row in &comparison.rows {
            for note in notes(row) {
                let _ = writeln!(text, "- {}: {note}", row.peer.name());
            }
        }
        text.push('\n');
    }
    let _ = writeln!(
        text,
        "load: open and load in a fresh process, median of {}, the peers in turn; ratio: to skelgen's; again: median of \
         {} loads in one\nprocess; process: from fork to wait; peak RSS: {} KiB of it are there before the program \
         begins.",
        options.rounds, options.again, tools.floor_kib
    );
    text
}

pub fn json(comparisons: &[Comparison], tools: &Tools, options: &Options) -> Value {
    let objects = comparisons.iter().map(|comparison| {
        let rows = comparison.rows.iter().map(|row| json_row(row, skelgen(comparison)));
        json!({ "object": file_name(&comparison.object), "peers": rows.collect::<Vec<_>>() })
    });
    json!({
        "rounds": options.rounds,
        "again": options.again,
        "peak_rss_floor_kib": tools.floor_kib,
        "objects": objects.collect::<Vec<_>>(),
    })
}

fn json_row(row: &Row, skelgen: Option<u64>) -> Value {
    let mut value = json!({ "peer": row.peer.name(), "notes": notes(row) });
    if let Ok(built) = &row.built {
        value["binary_bytes"] = json!(built.size);
        value["libraries"] = json!(built.libraries.as_ref().ok());
    }
    if let Ok(cost) = &row.cost {
        let loads = || cost.first.iter().map(|sample| sample.load_ns);
        value["load_ns"] = json!({
            "median": load_ns(cost),
            "min": loads().min(),
            "max": loads().max(),
            "all": loads().collect::<Vec<_>>(),
        });
        value["ratio"] = json!(ratio(cost, skelgen));
        value["again_ns_median"] = json!(cost.again.as_ref().ok().map(|times| median(times.iter().copied())));
        value["process_ns_median"] = json!(of(cost, |sample| sample.process_ns));
        value["cpu_us_median"] = json!(of(cost, |sample| sample.cpu_us));
        value["peak_rss_kib_median"] = json!(of(cost, |sample| sample.peak_kib));
        value["bpf_calls"] = json!(cost.calls.as_ref().ok().map(|calls| calls.bpf));
        value["all_calls"] = json!(cost.calls.as_ref().ok().map(|calls| calls.all));
    }
    value
}

/// What could not be measured, and why.
fn notes(row: &Row) -> Vec<String> {
    let built = match &row.built {
        Ok(built) => built,
        Err(why) => return vec![why.clone()],
    };
    let mut notes = Vec::new();
    notes.extend(built.libraries.as_ref().err().cloned());
    match &row.cost {
        Ok(cost) => {
            notes.extend(cost.again.as_ref().err().map(|why| format!("several loads in one process: {why}")));
            notes.extend(cost.calls.as_ref().err().cloned());
        }
        Err(why) => notes.push(why.clone()),
    }
    notes
}

fn cells(row: &Row, skelgen: Option<u64>) -> [String; HEADINGS.len()] {
    let unknown = || "?".to_owned();
    let mut cells = HEADINGS.map(|_| "-".to_owned());
    cells[0] = row.peer.name().to_owned();
    match (&row.built, &row.cost) {
        (Err(_), _) => cells[1] = "not built".to_owned(),
        // The words stand below the table.
        (_, Err(why)) => cells[1] = why.split(" (").next().unwrap_or_default().to_owned(),
        (_, Ok(cost)) => {
            cells[1] = millis(load_ns(cost));
            cells[2] = ratio(cost, skelgen).map_or_else(unknown, |ratio| format!("{ratio:.2}"));
            cells[3] = cost.again.as_ref().map_or_else(|_| unknown(), |times| millis(median(times.iter().copied())));
            cells[4] = millis(of(cost, |sample| sample.process_ns));
            cells[5] = cost.calls.as_ref().map_or_else(|_| unknown(), |calls| calls.bpf.to_string());
            cells[6] = cost.calls.as_ref().map_or_else(|_| unknown(), |calls| calls.all.to_string());
            cells[7] = format!("{:.1} MiB", of(cost, |sample| sample.peak_kib) as f64 / 1024.0);
        }
    }
    if let Ok(built) = &row.built {
        cells[8] = format!("{} KB", built.size.div_ceil(1000));
        cells[9] = match &built.libraries {
            Ok(names) if names.is_empty() => "nothing".to_owned(),
            Ok(names) => names.join(" "),
            Err(_) => unknown(),
        };
    }
    cells
}

fn skelgen(comparison: &Comparison) -> Option<u64> {
    let row = comparison.rows.iter().find(|row| row.peer == Peer::Skelgen)?;
    row.cost.as_ref().ok().map(load_ns)
}

fn ratio(cost: &Cost, skelgen: Option<u64>) -> Option<f64> {
    skelgen.filter(|&ns| ns > 0).map(|ns| load_ns(cost) as f64 / ns as f64)
}

fn load_ns(cost: &Cost) -> u64 {
    of(cost, |sample| sample.load_ns)
}

fn of(cost: &Cost, number: fn(&Sample) -> u64) -> u64 {
    median(cost.first.iter().map(number))
}

fn millis(ns: u64) -> String {
    format!("{:.2} ms", ns as f64 / 1e6)
}
