//! What an operation copies, computed: for as many CPUs as no machine here has.

use peer_percpu::copied::{BPF_F_ALL_CPUS, BPF_F_CPU, value_bytes};
use peer_percpu::{Kind, Operation, SIZES};
use serde_json::{Value, json};

use crate::table::{grouped, table};

/// Numbers of CPUs; `NR_CPUS` of distributions goes to the last.
const CPUS: [usize; 8] = [1, 2, 4, 8, 64, 128, 1024, 8192];

/// Who operates.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// skelgen, on a kernel with `BPF_F_CPU` and `BPF_F_ALL_CPUS`.
    Flags,
    /// skelgen on that kernel if it makes elements of hashes unclean (Linux 7.0 and 7.1): it looks before it writes.
    FlagsLookFirst,
    /// Everybody else, and skelgen on kernels before Linux 7.0.
    AllCpus,
}

impl Way {
    /// skelgen's, on a kernel of this version.
    pub fn of(version: (u32, u32), kind: Kind, cpus: usize) -> Way {
        match version {
            (..7, _) => Way::AllCpus,
            (7, 0..=1) if kind == Kind::Hash && cpus > 1 => Way::FlagsLookFirst,
            _ => Way::Flags,
        }
    }
}

/// Bytes that go between user space and the kernel for the values of one operation.
pub fn bytes(way: Way, operation: Operation, size: usize, cpus: usize) -> usize {
    let one = value_bytes(BPF_F_CPU, size, cpus);
    let all = value_bytes(0, size, cpus);
    match (operation, way) {
        (Operation::Values, _) => all,
        (Operation::Get, Way::AllCpus) => all,
        (Operation::Get, _) => one,
        // Read, and written back.
        (Operation::Set, Way::AllCpus) => all + all,
        (Operation::Set, Way::FlagsLookFirst) => one + one,
        (Operation::Set, Way::Flags) => one,
        (Operation::SetAll, Way::AllCpus) => all,
        (Operation::SetAll, _) => value_bytes(BPF_F_ALL_CPUS, size, cpus),
    }
}

const ROWS: [(Way, &str); 2] =
    [(Way::Flags, "skelgen, Linux 7.0 on"), (Way::AllCpus, "libbpf-rs, aya; skelgen before 7.0")];

pub fn text() -> String {
    let columns = CPUS.map(|cpus| grouped(cpus as u64) + if cpus == 1 { " CPU" } else { "" });
    let [a, b, c, d, e, f, g, h] = columns.each_ref().map(String::as_str);
    let headings = ["operation", "who", a, b, c, d, e, f, g, h];
    let row = |operation: &str, who: &str, bytes: &dyn Fn(usize) -> usize| {
        let [a, b, c, d, e, f, g, h] = CPUS.map(|cpus| grouped(bytes(cpus) as u64));
        [operation.to_owned(), who.to_owned(), a, b, c, d, e, f, g, h]
    };
    let mut text = String::new();
    for size in SIZES {
        let mut rows = Vec::new();
        for operation in [Operation::Get, Operation::Set, Operation::SetAll] {
            rows.extend(ROWS.map(|(way, who)| row(operation.name(), who, &|cpus| bytes(way, operation, size, cpus))));
        }
        rows.push(row(Operation::Values.name(), "all", &|cpus| bytes(Way::Flags, Operation::Values, size, cpus)));
        text += &format!("### Bytes copied, a value of {size} bytes\n\n{}\n", table(&headings, &rows));
    }
    let section = 1024;
    let rows = [row("one value", "skelgen", &|_| section), row("a value for each CPU", "", &|cpus| section * cpus)];
    text + &format!(
        "### Bytes stored, the initial value of a section of {section} bytes\n\n{}\n",
        table(&headings, &rows)
    )
}

pub fn json() -> Value {
    let mut all = Vec::new();
    for (size, cpus) in SIZES.into_iter().flat_map(|size| CPUS.map(|cpus| (size, cpus))) {
        for operation in Operation::ALL {
            let [flags, without] = ROWS.map(|(way, _)| bytes(way, operation, size, cpus));
            all.push(json!({
                "operation": operation.name(),
                "value_size": size,
                "cpus": cpus,
                "bytes_with_flags": flags,
                "bytes_without": without,
            }));
        }
    }
    all.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_flags_no_number_of_cpus_costs_more() {
        for operation in [Operation::Get, Operation::Set, Operation::SetAll] {
            assert_eq!(CPUS.map(|cpus| bytes(Way::Flags, operation, 12, cpus)), [12; 8]);
        }
        assert_eq!(bytes(Way::AllCpus, Operation::Get, 12, 8192), 131_072);
        assert_eq!(bytes(Way::AllCpus, Operation::Set, 64, 8192), 1_048_576);
        assert_eq!(bytes(Way::Flags, Operation::Values, 64, 8), 512);
    }

    #[test]
    fn kernels_have_their_ways() {
        assert!(Way::of((6, 18), Kind::Array, 2) == Way::AllCpus);
        assert!(Way::of((7, 1), Kind::Hash, 2) == Way::FlagsLookFirst);
        assert!(Way::of((7, 1), Kind::Hash, 1) == Way::Flags);
        assert!(Way::of((7, 1), Kind::Array, 2) == Way::Flags);
        assert!(Way::of((8, 0), Kind::Hash, 2) == Way::Flags);
    }
}
