//! The section or map that a struct is the value of.

use skelgen::btf::Type;
use skelgen::object::{Map, Object};
use syn::Error;

use super::layout::{self, CValue};
use crate::attribute::{Source, SourceKind};
use crate::nearest::nearest;

/// What the struct is compared to; `file` is the object's file name.
pub(crate) fn value(object: &Object, file: &str, source: &Source) -> Result<CValue, Error> {
    let name = source.name.value();
    let refused = |what: String| Error::new_spanned(&source.name, what);
    let Some(map) = of_kind(object, source.kind).find(|map| map.name == name) else {
        let kind = word(source.kind);
        let other = match source.kind {
            SourceKind::Section => SourceKind::Map,
            SourceKind::Map => SourceKind::Section,
        };
        let hint = if of_kind(object, other).any(|map| map.name == name) {
            format!("; there is a {0} of this name: say {0} = {name:?}", word(other))
        } else {
            let meant = nearest(&name, of_kind(object, source.kind).map(|map| map.name.as_str()));
            let meant = meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
            format!("{meant}{}", listed(object, source.kind))
        };
        return Err(refused(format!("{file} has no {kind} `{name}`{hint}")));
    };
    if !map.def.is_percpu() {
        let what = match &map.data {
            Some(_) => format!("section `{name}` holds one value for all CPUs"),
            None => format!("map `{name}` is of type {}, with one value for all CPUs", type_name(map)),
        };
        return Err(refused(format!("{what}{}", listed(object, source.kind))));
    }
    of_map(object, file, map).map_err(refused)
}

/// The layout of a map's value, or the reason why it is no struct.
pub(crate) fn of_map(object: &Object, file: &str, map: &Map) -> Result<CValue, String> {
    let (btf, name, bytes) = (&object.btf, &map.name, map.def.value_size);
    let failed = |error: skelgen::Error| error.in_object(file).to_string();
    if let Some(data) = &map.data {
        let place = format!("section `{name}` of {file}");
        let members = layout::variables(btf, &data.vars).map_err(|error| failed(error.in_section(name)))?;
        return Ok(CValue { place, bytes, members, noun: "variable", bitfields: Vec::new() });
    }
    let Some(id) = map.def.value_type else {
        return Err(format!(
            "{file} says of the value of map `{name}` only that it has {bytes} bytes: declare it with __type(value, \
             struct ...)"
        ));
    };
    let c_type = btf.c_type(id);
    match btf.get_resolved(id) {
        Type::Struct(ty) => {
            let place = format!("the value of map `{name}` of {file}");
            let members = layout::members(btf, ty).map_err(|error| failed(error.in_symbol(name)))?;
            let bitfields = layout::bitfields(btf, ty);
            Ok(CValue { place, bytes: ty.size, members, noun: "member", bitfields })
        }
        Type::Union(_) => Err(format!(
            "the value of map `{name}` is `{c_type}`, and only a struct can be derived: a union is `[u8; {bytes}]`, or \
             the type of a generated skeleton"
        )),
        _ => Err(format!(
            "the value of map `{name}` is `{c_type}`, and only a struct can be derived: numbers and arrays of them are \
             values as they are"
        )),
    }
}

fn of_kind(object: &Object, kind: SourceKind) -> impl Iterator<Item = &Map> {
    object.maps.iter().filter(move |map| map.data.is_some() == (kind == SourceKind::Section))
}

fn word(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Section => "section",
        SourceKind::Map => "map",
    }
}

/// `percpu_array`, as the kernel's documentation has it.
fn type_name(map: &Map) -> String {
    map.def.map_type.short().to_string()
}

/// What there is of this kind, on lines of their own.
fn listed(object: &Object, kind: SourceKind) -> String {
    let names = |percpu: bool| {
        let names =
            of_kind(object, kind).filter(|map| map.def.is_percpu() == percpu).map(|map| format!("`{}`", map.name));
        let names = names.collect::<Vec<_>>().join(", ");
        if names.is_empty() { "none".to_owned() } else { names }
    };
    format!("\n  per-CPU {0}s: {1}\n  other {0}s: {2}", word(kind), names(true), names(false))
}
