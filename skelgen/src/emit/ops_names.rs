//! What the structs of struct_ops maps are called in Rust.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::Ident;
use quote::format_ident;

use super::types::type_name;
use crate::Skeleton;
use crate::btf::TypeId;
use crate::object::{Map, StructOps};

/// The names of what is defined here, which no C type may take.
#[derive(Default)]
pub(super) struct OpsNames {
    /// What holds the structs.
    pub(super) all: Option<Ident>,
    /// The programs.
    pub(super) program: Option<Ident>,
    /// By the struct in the object.
    pub(super) structs: BTreeMap<TypeId, Ident>,
}

impl OpsNames {
    /// Names that `taken` has not.
    pub(super) fn new(skeleton: &Skeleton, taken: &[&Ident]) -> OpsNames {
        let mut taken: BTreeSet<String> = taken.iter().map(ToString::to_string).collect();
        let mut claim = |name: String| {
            let mut name = name;
            while !taken.insert(name.clone()) {
                name.push_str("Fields");
            }
            format_ident!("{name}")
        };
        let mut names = OpsNames::default();
        for (_, _, ops) in struct_ops(skeleton) {
            names.all.get_or_insert_with(|| claim("OpenStructOps".to_owned()));
            names.program.get_or_insert_with(|| claim("StructOpsProg".to_owned()));
            let c_name = skeleton.object.btf.name_of(ops.type_id);
            names.structs.entry(ops.type_id).or_insert_with(|| claim(format!("Open{}", type_name(c_name))));
        }
        names
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &Ident> {
        self.all.iter().chain(&self.program).chain(self.structs.values())
    }
}

/// The struct_ops maps, and their indexes.
pub(super) fn struct_ops(skeleton: &Skeleton) -> impl Iterator<Item = (usize, &Map, &StructOps)> {
    let maps = skeleton.plan.maps.iter().enumerate();
    maps.filter_map(|(index, map)| Some((index, map, map.struct_ops.as_ref()?)))
}
