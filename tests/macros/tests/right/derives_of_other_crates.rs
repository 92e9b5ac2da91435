//! Every C type with the derives of zerocopy, bytemuck and std; with those of serde where no array is longer than serde
//! takes, which is 32.

use bytemuck::Zeroable;
use skelgen_runtime::{Bool, Plain, Skeleton, Unaligned};
use zerocopy::{FromBytes, IntoBytes};

#[derive(Skeleton)]
#[skeleton(
    object = "../../fixtures/data_sections.bpf.o",
    type_derive("*", zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable, zerocopy::KnownLayout),
    type_derive("*", bytemuck::Zeroable, bytemuck::Pod),
    type_derive("*", PartialOrd),
    type_derive("packed", Eq, Ord, Hash)
)]
struct DataSections;

#[derive(Skeleton)]
#[skeleton(
    object = "../../fixtures/percpu_types.bpf.o",
    type_derive("*", PartialOrd, serde::Serialize, serde::Deserialize, bytemuck::Zeroable, bytemuck::Pod),
    type_derive("*", zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable, zerocopy::KnownLayout)
)]
struct PercpuTypes;

#[derive(Skeleton)]
#[skeleton(object = "../../fixtures/flexible.bpf.o", type_derive("*", serde::Serialize, serde::Deserialize))]
struct Flexible;

#[test]
fn types_have_derives_of_other_crates() {
    let open = DataSections::open().unwrap();
    let data = *open.data;
    assert_eq!(IntoBytes::as_bytes(&data), Plain::as_bytes(&data));
    assert_eq!(bytemuck::bytes_of(&data), Plain::as_bytes(&data));
    assert_eq!(data_sections::types::Data::read_from_bytes(Plain::as_bytes(&data)).unwrap(), data);
    assert_eq!(<data_sections::types::Bss as Zeroable>::zeroed(), data_sections::types::Bss::default());

    let open = PercpuTypes::open().unwrap();
    let text = serde_json::to_string(&*open.percpu).unwrap();
    assert_eq!(serde_json::from_str::<percpu_types::types::Percpu>(&text).unwrap(), *open.percpu);
    assert!(!text.contains("_pad") && !text.contains("_align"), "{text}");
    assert_eq!(open.percpu.partial_cmp(&open.percpu), Some(std::cmp::Ordering::Equal));

    let mut open = Flexible::open().unwrap();
    open.data.longer.items[1] = 4;
    let text = r#"{"list":{"count":2,"items":[5,6]},"longer":{"count":3,"items":[1,4,3]},"after":7,"#.to_owned()
        + r#""packet":{"when":8,"kind":9,"bytes":[1,2,3,4,5,6,7]},"apart":11}"#;
    assert_eq!(serde_json::to_string(&*open.data).unwrap(), text);
    assert_eq!(serde_json::from_str::<flexible::types::Data>(&text).unwrap(), *open.data);

    assert_eq!(serde_json::to_string(&(Bool::TRUE, Unaligned::new(7u32))).unwrap(), "[true,7]");
    assert_eq!(serde_json::from_str::<(Bool, Unaligned<u32>)>("[true,7]").unwrap(), (Bool::TRUE, 7.into()));
}
