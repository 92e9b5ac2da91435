//! Derives and attributes for types, by name and by pattern, one type more, and one that is bytes.

use std::collections::HashSet;

#[derive(skelgen_runtime::Skeleton)]
#[skeleton(
    object = "../../fixtures/counters.bpf.o",
    type_derive("call_range", Eq, Hash, Debug, serde::Serialize),
    type_derive("*_event", Eq, ::core::hash::Hash),
    type_attribute("call_range", #[serde(rename_all = "kebab-case")]),
    type_attribute(".rodata", #[must_use]),
    add_type = "exec_event",
)]
#[skeleton(opaque_type = "bpf_*")]
#[allow(dead_code, reason = "only its types are used")]
struct Counters;

#[derive(skelgen_runtime::Skeleton)]
#[skeleton(object = "../../fixtures/counters.bpf.o", opaque_type = "call_range")]
struct Bytes;

#[test]
fn types_have_what_the_options_say() {
    use counters::types::{CallRange, ExecEvent};

    let calls = CallRange { first_ns: 1, lowest: 2, highest: 3 };
    assert_eq!(HashSet::from([calls, calls]).len(), 1);
    assert_eq!(serde_json::to_string(&calls).unwrap(), r#"{"first-ns":1,"lowest":2,"highest":3}"#);
    let event = ExecEvent { pid: 7, ..ExecEvent::default() };
    assert_eq!(HashSet::from([event]).len(), 1);

    let calls: [u8; 16] = Bytes::open().unwrap().percpu.calls;
    assert_eq!(calls[8..12], u32::MAX.to_ne_bytes());
}
