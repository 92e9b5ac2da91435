//! The M:N problem: M cached values beside one.

use super::svg::Svg;

/// CPUs of the build machine, and of the target.
const M: u32 = 4;
const N: u32 = 6;

const TOP: u32 = 78;
const ROW: u32 = 34;

fn cpu_row(svg: &mut Svg, x: u32, cpu: u32, has_value: bool) {
    let class = if has_value { "value" } else { "missing" };
    let label = if has_value { format!("CPU {cpu}") } else { format!("CPU {cpu}: no value") };
    svg.labelled([x, TOP + cpu * ROW, 146, 26], class, &[&label]);
}

pub(crate) fn picture() -> String {
    let mut svg = Svg::new(
        940,
        330,
        "Without BPF_F_ALL_CPUS a skeleton caches M values for a machine with N CPUs; skelgen caches one value for all CPUs",
    );
    let middle = |row: u32| TOP + row * ROW + 13;

    // One value for each CPU that the build machine had.
    svg.text(24, 34, "title", "M cached values");
    svg.text(24, 56, "small", "skeleton built for M = 4 CPUs");
    svg.text(250, 56, "small", "machine with N = 6 CPUs");
    for cpu in 0..M {
        svg.labelled([24, TOP + cpu * ROW, 136, 26], "value", &[&format!("value for CPU {cpu}")]);
        svg.arrow((162, middle(cpu)), (246, middle(cpu)));
    }
    for cpu in 0..N {
        cpu_row(&mut svg, 250, cpu, cpu < M);
    }
    svg.text(24, 306, "small", "M is fixed when the program is built. N differs on each machine.");

    svg.line((440, 24), (440, 306));

    // One value, and one command.
    svg.text(464, 34, "title", "One cached value: skelgen");
    svg.text(464, 56, "small", "skeleton");
    svg.text(762, 56, "small", "machine with N = 6 CPUs");
    let from = middle(0).midpoint(middle(N - 1));
    svg.labelled([464, from - 16, 80, 32], "value", &["value"]);
    svg.text(464, TOP + 16, "small", "one BPF_MAP_UPDATE_ELEM");
    svg.text(464, TOP + 34, "small", "with BPF_F_ALL_CPUS");
    for cpu in 0..N {
        svg.arrow((546, from), (758, middle(cpu)));
        cpu_row(&mut svg, 762, cpu, true);
    }
    svg.text(464, 306, "small", "The kernel copies the value to every CPU, however many there are.");
    svg.finish()
}
