//! Parts of the macros for tests of the derives, and the derives' documentation as doc tests.
//!
//! `skelgen-macros` cannot depend on `skelgen-runtime`, which depends on it. So the tests that need both are in this package.
//! The macros' modules that read layouts from BTF are compiled here a second time, outside a procedural macro.

#[path = "../../../skelgen-macros/src/attribute/mod.rs"]
#[allow(dead_code, reason = "the macros use the rest")]
mod attribute;
#[path = "../../../skelgen-macros/src/nearest.rs"]
mod nearest;
#[path = "../../../skelgen-macros/src/object.rs"]
mod object;
#[path = "../../../skelgen-macros/src/percpu/mod.rs"]
#[allow(dead_code, reason = "the macros use the rest")]
mod percpu;
#[path = "../../../skelgen-macros/src/runtime.rs"]
#[allow(dead_code, reason = "the macros use it")]
mod runtime;

use percpu::layout::{CMember, CType};
use skelgen::object::{Map, Object};
use skelgen_runtime::plain::compare;

/// `derive(Skeleton)`.
#[cfg(doctest)]
#[doc = include_str!("../../../skelgen-macros/docs/skeleton.md")]
pub struct Skeleton;

/// `derive(PerCpu)`.
#[cfg(doctest)]
#[doc = include_str!("../../../skelgen-macros/docs/percpu.md")]
pub struct PerCpu;

/// The README of skelgen-runtime.
#[cfg(doctest)]
#[doc = include_str!("../../../runtime/README.md")]
pub struct Runtime;

/// The README of skelgen.
#[cfg(doctest)]
#[doc = include_str!("../../../skelgen/README.md")]
pub struct Generator;

/// The C layout of a section or map value, as `derive(PerCpu)` checks it; `None` if it is not a struct.
#[must_use]
pub fn c_value(object: &Object, file: &str, map: &Map) -> Option<compare::CValue> {
    let c = percpu::source::of_map(object, file, map).ok()?;
    Some(compare::CValue { place: "C", bytes: c.bytes as usize, members: members(&c.members) })
}

/// Whether `derive(PerCpu)` treats a field of this name as padding or as the bytes of bit-fields.
#[must_use]
pub fn is_storage(name: &str) -> bool {
    percpu::names::is_storage(name)
}

fn members(members: &[CMember]) -> &'static [compare::CMember] {
    let member = |member: &CMember| compare::CMember {
        name: member.name.clone().leak(),
        declaration: member.declaration.clone().leak(),
        offset: member.offset as usize,
        ty: c_type(&member.ty),
        required: member.required,
    };
    members.iter().map(member).collect::<Vec<_>>().leak()
}

fn c_type(ty: &CType) -> compare::CType {
    match ty {
        CType::Int { bytes, signed } => compare::CType::Int { bytes: *bytes as usize, signed: *signed },
        CType::Bool => compare::CType::Bool,
        CType::Float { bytes } => compare::CType::Float { bytes: *bytes as usize },
        CType::Array { len, of } => compare::CType::Array { len: *len as usize, of: Box::leak(Box::new(c_type(of))) },
        CType::Struct { name, bytes, members: inner } => {
            compare::CType::Struct { name: name.clone().leak(), bytes: *bytes as usize, members: members(inner) }
        }
        CType::Opaque { bytes } => compare::CType::Opaque { bytes: *bytes as usize },
    }
}
