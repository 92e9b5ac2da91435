//! The structs that users hold: before the load, after it, and attached.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

use super::handle::{map_handle, section_handle};
use super::names::Names;
use super::ops_names::struct_ops;
use super::statics::statics;
use super::struct_ops::{self, OpenStructOps};
use super::types::{SectionVar, TypeEmitter, doc, quoted};
use super::{Emission, Options};
use crate::object::{DataKind, Map, Var};
use crate::uapi::BPF_MAP_TYPE_ARENA;
use crate::{Endian, Result, Skeleton};

/// A map as it appears in the skeleton.
struct Field<'a> {
    index: Literal,
    ident: &'a Ident,
    map: &'a Map,
    /// For a data section its struct; else the loaded map's type.
    ty: TokenStream,
    /// The runtime's method that gives it.
    method: Ident,
    /// What kind of section it is, if it is one.
    section: Option<Section>,
}

impl Field<'_> {
    fn is_kconfig(&self) -> bool {
        matches!(self.section, Some(Section::Data(DataKind::Kconfig)))
    }
}

/// Variables that are a field of their own.
#[derive(Clone, Copy)]
enum Section {
    /// A map of their own.
    Data(DataKind),
    /// They lie in the arena.
    Arena,
}

/// The whole module.
pub(super) fn emission(skeleton: &Skeleton, options: &Options, names: &Names) -> Result<Emission> {
    let mut types = TypeEmitter::new(&skeleton.object.btf, quote!(rt));
    types.set_options(options.types.clone());
    names.reserved().iter().for_each(|name| types.reserve(name));
    let fields = fields(skeleton, names, &mut types)?;
    let arena = arena_field(&fields, names, &mut types)?;
    let (mut data, maps): (Vec<_>, Vec<_>) = fields.iter().partition(|field| field.section.is_some());
    data.extend(&arena);
    let struct_ops = struct_ops::open(skeleton, names, &mut types)?;
    types.add_types()?;
    let (unmatched, types) = (types.unmatched(), types.finish());

    let statics = statics(skeleton, options);
    let (declaration, beside) = entry(skeleton, options, names);
    let open = open(names, &fields, &data, &maps, skeleton, &struct_ops);
    let loaded = loaded(names, &data, &maps, skeleton);
    let links = links(names, skeleton);
    let wrong_endian = wrong_endian(skeleton.object.endian);
    let (module, rt, visibility, docs) = (&names.module, &options.runtime, &options.visibility, &options.docs);
    let doc = format!(" Light skeleton of {}.", quoted(&skeleton.file_name));
    let docs = if docs.is_empty() { TokenStream::new() } else { quote!(#docs #[doc = ""]) };
    let tokens = quote! {
        #docs
        #[doc = #doc]
        #[allow(unused, unreachable_pub, reason = "nobody uses all of an object")]
        #[allow(missing_copy_implementations, reason = "another object may have more in it")]
        #[allow(clippy::all, clippy::pedantic, clippy::nursery, clippy::restriction, reason = "the code is generated")]
        #[allow(non_camel_case_types, non_snake_case, reason = "names are the object's")]
        #visibility mod #module {
            use #rt as rt;
            #[allow(unused_imports, reason = "an object may have no types of its own")]
            use types::*;

            #wrong_endian
            #declaration
            #open
            #loaded
            #links

            /// The object's types, as Rust: fields and layout are those of C, and any bytes are a valid value.
            pub mod types {
                #[allow(unused_imports, reason = "an object may have no types of its own")]
                use super::rt;

                #types
            }

            #statics
        }

        #beside
    };
    Ok(Emission { tokens, unmatched })
}

fn fields<'a>(skeleton: &'a Skeleton, names: &'a Names, types: &mut TypeEmitter<'_>) -> Result<Vec<Field<'a>>> {
    // Sections first: their structs have the names that users expect.
    for map in &skeleton.plan.maps {
        match (&map.data, &map.arena) {
            (Some(_), _) => types.reserve(&names.section_type(&map.name)),
            (None, Some(_)) => types.reserve(&names.section_type("arena")),
            (None, None) => {}
        }
    }
    let mut fields = Vec::new();
    for (index, (map, ident)) in skeleton.plan.maps.iter().zip(&names.maps).enumerate() {
        let (ty, method) = match &map.data {
            Some(data) => {
                let vars = section_vars(&data.vars);
                let ty = types.datasec(&map.name, &names.section_type(&map.name), &vars, map.def.value_size)?;
                (ty, section_handle(data.kind, &map.def).1)
            }
            None => map_handle(map, types).map_err(|error| error.in_section(".maps").in_symbol(map.name.as_str()))?,
        };
        let index = Literal::usize_unsuffixed(index);
        let section = map.data.as_ref().map(|data| Section::Data(data.kind));
        fields.push(Field { index, ident, map, ty, method: format_ident!("{method}"), section });
    }
    Ok(fields)
}

/// The field of the variables that lie in the arena, beside that of the arena itself, which is among the maps.
fn arena_field<'a>(fields: &[Field<'a>], names: &'a Names, types: &mut TypeEmitter<'_>) -> Result<Option<Field<'a>>> {
    let found = fields.iter().find_map(|field| Some((field, field.map.arena.as_ref()?)));
    let Some((Field { index, map, .. }, arena)) = found else { return Ok(None) };
    let name = names.section_type("arena");
    let ty = types.datasec(".addr_space.1", &name, &section_vars(&arena.vars), arena.size)?;
    let (index, method, section) = (index.clone(), format_ident!("arena_variables"), Some(Section::Arena));
    Ok(Some(Field { index, ident: &names.arena, map, ty, method, section }))
}

fn section_vars(vars: &[Var]) -> Vec<SectionVar<'_>> {
    vars.iter()
        .map(|var| SectionVar {
            name: &var.name,
            ty: var.type_id,
            offset: var.offset,
            size: var.size,
            notes: &var.notes,
        })
        .collect()
}

fn wrong_endian(endian: Endian) -> TokenStream {
    let (wrong, what) = match endian {
        Endian::Little => ("big", "little"),
        Endian::Big => ("little", "big"),
    };
    let message = format!("this skeleton was made from an object for {what}-endian machines");
    quote! {
        #[cfg(target_endian = #wrong)]
        ::core::compile_error!(#message);
    }
}

/// What stands in the module, and what beside it: `open` goes where the entry type is, even if that is in a function.
fn entry(skeleton: &Skeleton, options: &Options, names: &Names) -> (TokenStream, TokenStream) {
    let Names { module, entry, open, .. } = names;
    let with_open = |rt: &TokenStream, open: TokenStream| {
        quote! {
            impl #entry {
                /// Opens the object. The kernel is not asked for anything yet.
                ///
                /// # Errors
                ///
                /// The description of the object is damaged, which no generated code does.
                pub fn open() -> #rt::Result<#open> {
                    #open::new()
                }
            }
        }
    };
    if options.entry.is_some() {
        return (TokenStream::new(), with_open(&options.runtime, quote!(#module::#open)));
    }
    let doc = format!(" The object {}: [`open`]({entry}::open) is where it begins.", quoted(&skeleton.file_name));
    let open = with_open(&quote!(rt), quote!(#open));
    (quote!(#[doc = #doc] #[derive(Clone, Copy, Debug)] pub struct #entry; #open), TokenStream::new())
}

/// What the object's sections, maps and programs are before they are loaded.
fn open(
    names: &Names,
    fields: &[Field<'_>],
    data: &[&Field<'_>],
    maps: &[&Field<'_>],
    skeleton: &Skeleton,
    struct_ops: &OpenStructOps,
) -> TokenStream {
    let Names { open, loaded, open_maps, open_maps_type, open_progs_type, maps_type, progs_type, .. } = names;
    // What the machine says is no initial value to change.
    let first: Vec<_> = data.iter().filter(|field| !field.is_kconfig()).collect();
    let values = first.iter().map(|field| {
        let (ident, ty, doc) = (field.ident, &field.ty, open_doc(field));
        quote!(#[doc = #doc] pub #ident: ::std::boxed::Box<#ty>)
    });
    let value_inits = first.iter().map(|field| {
        let (ident, index) = (field.ident, &field.index);
        quote!(#ident: opened.value(#index)?)
    });
    let value_bytes = first.iter().map(|field| {
        let (ident, index) = (field.ident, &field.index);
        quote!((#index, rt::Plain::as_bytes(&*self.#ident)))
    });
    let set_kconfig = data.iter().any(|field| field.is_kconfig()).then(set_kconfig);
    let take = |field: &&Field<'_>| {
        let Field { ident, index, method, .. } = field;
        quote!(#ident: loaded.#method(#index)?)
    };
    let (loaded_data, loaded_maps) = (data.iter().map(take), maps.iter().map(take));
    let map_docs = fields.iter().map(|field| map_doc(field.map));
    let progs = &names.programs;
    let prog_docs = skeleton.plan.programs.iter().map(|program| prog_doc(&program.section));
    let all_maps = all_of(open_maps_type, open_maps, &quote!(opened.open_maps()));
    let all_progs = all_of(open_progs_type, progs, &quote!(opened.open_programs()));
    let loaded_progs = all_of(progs_type, progs, &quote!(loaded.programs()));
    let OpenStructOps { definitions: ops_definitions, field: ops_field, init: ops_init, store: ops_store } = struct_ops;
    let this = if ops_store.is_empty() { quote!(self) } else { quote!(mut self) };
    quote! {
        /// Before the load: initial values, maps and programs can still be changed.
        #[derive(Debug)]
        pub struct #open {
            #(#values,)*
            /// The maps.
            pub maps: #open_maps_type,
            /// The programs.
            pub progs: #open_progs_type,
            #ops_field
            opened: rt::Opened<'static>,
        }

        /// The maps before the load, those of the sections among them.
        #[derive(Debug)]
        pub struct #open_maps_type {
            #(#[doc = #map_docs] pub #open_maps: rt::OpenMap,)*
        }

        /// The programs before the load.
        #[derive(Debug)]
        pub struct #open_progs_type {
            #(#[doc = #prog_docs] pub #progs: rt::OpenProgram,)*
        }

        #ops_definitions

        impl #open {
            pub(super) fn new() -> rt::Result<Self> {
                let opened = rt::Opened::new(&OBJECT)?;
                ::core::result::Result::Ok(#open {
                    #(#value_inits,)*
                    maps: #all_maps,
                    progs: #all_progs,
                    #ops_init
                    opened,
                })
            }

            /// Says how programs get at `.percpu` variables; by default as the running kernel can.
            pub fn set_percpu_mode(&mut self, mode: rt::PerCpuMode) {
                self.opened.set_percpu_mode(mode);
            }

            /// Has the load use a BPF token of the BPF file system mounted at `path`, instead of what the environment says.
            pub fn set_token(&mut self, path: impl ::core::convert::Into<::std::path::PathBuf>) {
                self.opened.set_token(path);
            }

            /// Has the load use no BPF token, whatever the environment says.
            pub fn clear_token(&mut self) {
                self.opened.clear_token();
            }

            #set_kconfig

            /// Creates the maps, fills them and loads the programs.
            ///
            /// # Errors
            ///
            /// The step that failed, on which map or program, and the verifier's log. Nothing is left behind.
            pub fn load(#this) -> rt::Result<#loaded> {
                #ops_store
                let values: &[(::core::primitive::usize, &[::core::primitive::u8])] = &[#(#value_bytes),*];
                #[allow(unused_mut, unused_variables, reason = "an object may have no maps and no programs")]
                let mut loaded = self.opened.load([#(self.maps.#open_maps),*], [#(self.progs.#progs),*], values)?;
                ::core::result::Result::Ok(#loaded {
                    #(#loaded_data,)*
                    maps: #maps_type { #(#loaded_maps,)* },
                    progs: #loaded_progs,
                })
            }
        }
    }
}

/// A struct whose fields are the items of an array that can fail to be there. One `?` for each field would make the
/// compiler write down, for each, how to drop all that came before.
fn all_of(ty: &Ident, fields: &[Ident], array: &TokenStream) -> TokenStream {
    let items = bindings(fields);
    let inits = inits(fields, &items);
    quote!({ let [#(#items),*] = #array?; #ty { #inits } })
}

/// Variables called as fields are, which have C's names: what is not in lower case may be a type's or constant's as well,
/// which no variable can hide.
fn bindings(fields: &[Ident]) -> Vec<Ident> {
    let binding = |(index, field): (usize, &Ident)| {
        let is_lower = field.to_string().starts_with(|c: char| c.is_ascii_lowercase());
        if is_lower { field.clone() } else { format_ident!("_item_{index}") }
    };
    fields.iter().enumerate().map(binding).collect()
}

fn inits(fields: &[Ident], items: &[Ident]) -> TokenStream {
    let init = |(field, item): (&Ident, &Ident)| if field == item { quote!(#field,) } else { quote!(#field: #item,) };
    fields.iter().zip(items).map(init).collect()
}

/// The method that only objects with `.kconfig` have.
fn set_kconfig() -> TokenStream {
    quote! {
        /// Says what the kernel is configured with, in lines as in its `.config`: `CONFIG_HZ=250`. These options come
        /// before those of the machine, which is only asked if there are others.
        ///
        /// # Errors
        ///
        /// A line that is none of a configuration, or a value that its variable does not take.
        pub fn set_kconfig(&mut self, config: &::core::primitive::str) -> rt::Result<()> {
            self.opened.set_kconfig(config)
        }
    }
}

/// What they are afterwards.
fn loaded(names: &Names, data: &[&Field<'_>], maps: &[&Field<'_>], skeleton: &Skeleton) -> TokenStream {
    let Names { loaded, links, programs: progs, maps_type, progs_type, .. } = names;
    let sections = data.iter().map(|field| {
        let (ident, ty) = (field.ident, &field.ty);
        let section = quoted(&field.map.name);
        let def = &field.map.def;
        let handle = match field.section {
            Some(Section::Data(kind)) => section_handle(kind, def).0,
            Some(Section::Arena) | None => quote!(rt::Mapped),
        };
        let doc = match field.section {
            Some(Section::Data(DataKind::PerCpu)) => format!(" {section}: a value for each possible CPU."),
            Some(Section::Data(DataKind::Rodata)) => format!(" {section}: constant since the load."),
            Some(Section::Data(DataKind::Kconfig)) => {
                format!(" {section}: what the kernel is configured with, as found at the load.")
            }
            Some(Section::Arena) => format!(" The variables in {section}, shared with the programs."),
            _ if !def.is_mmapable() => format!(" {section}: the programs' own, static and hidden variables only."),
            _ => format!(" {section}: shared with the programs."),
        };
        quote!(#[doc = #doc] pub #ident: #handle<#ty>)
    });
    let map_fields = maps.iter().map(|field| {
        let (ident, ty, doc) = (field.ident, &field.ty, map_doc(field.map));
        quote!(#[doc = #doc] pub #ident: #ty)
    });
    let prog_docs = skeleton.plan.programs.iter().map(|program| prog_doc(&program.section));
    let (ops_maps, ops_links): (Vec<_>, Vec<_>) = ops_links(names, skeleton).map(|(map, link, _)| (map, link)).unzip();
    let (and_maps, or_map) =
        if ops_maps.is_empty() { ("", "") } else { (", and registers every struct_ops map", " or map") };
    let links_of_progs = bindings(progs);
    let inits = inits(progs, &links_of_progs);
    let attach_doc = doc(&format!("Attaches every loaded program to what its section names{and_maps}."));
    let attach_errors = doc(&format!(
        "The program{or_map} that could not be attached, and why. Those attached before it are detached again."
    ));
    quote! {
        /// Loaded. Maps and programs live as long as this, their links and their pins do.
        #[derive(Debug)]
        pub struct #loaded {
            #(#sections,)*
            /// The maps.
            pub maps: #maps_type,
            /// The programs.
            pub progs: #progs_type,
        }

        /// The maps.
        #[derive(Debug)]
        pub struct #maps_type {
            #(#map_fields,)*
        }

        /// The programs.
        #[derive(Debug)]
        pub struct #progs_type {
            #(#[doc = #prog_docs] pub #progs: rt::Program,)*
        }

        impl #loaded {
            #attach_doc
            ///
            /// # Errors
            ///
            #attach_errors
            pub fn attach(&self) -> rt::Result<#links> {
                let [#(#links_of_progs),*] = rt::Program::autoattach_all([#(&self.progs.#progs),*])?;
                ::core::result::Result::Ok(#links {
                    #inits
                    #(#ops_links: self.maps.#ops_maps.autoattach()?,)*
                })
            }
        }
    }
}

/// The links of an attached skeleton.
fn links(names: &Names, skeleton: &Skeleton) -> TokenStream {
    let Names { links, programs: progs, .. } = names;
    let docs = skeleton.plan.programs.iter().map(|program| prog_doc(&program.section));
    let (ops_links, ops_docs): (Vec<_>, Vec<_>) = ops_links(names, skeleton).map(|(_, link, doc)| (link, doc)).unzip();
    quote! {
        /// The programs' links: dropping one detaches its program. `None`: not loaded, or a program whose section
        /// names no target.
        #[derive(Debug)]
        pub struct #links {
            #(#[doc = #docs] pub #progs: ::core::option::Option<rt::Link>,)*
            #(#[doc = #ops_docs] pub #ops_links: ::core::option::Option<rt::Link>,)*
        }
    }
}

/// The struct_ops maps' fields, those of their links, and docs.
fn ops_links<'a>(names: &'a Names, skeleton: &'a Skeleton) -> impl Iterator<Item = (&'a Ident, &'a Ident, String)> {
    struct_ops(skeleton).filter_map(|(index, map, ops)| {
        let link = names.ops_links[index].as_ref()?;
        Some((&names.maps[index], link, struct_ops::map_doc(map, ops)))
    })
}

fn open_doc(field: &Field<'_>) -> String {
    let section = quoted(&field.map.name);
    match field.section {
        Some(Section::Data(DataKind::PerCpu)) => format!(" {section}: the one value with which every CPU begins."),
        Some(Section::Data(DataKind::Rodata)) => format!(" {section}: constant once it is loaded."),
        Some(Section::Arena) => format!(" The variables in {section}: their initial values."),
        _ => format!(" {section}: the initial values."),
    }
}

fn map_doc(map: &Map) -> String {
    if let Some(ops) = &map.struct_ops {
        return struct_ops::map_doc(map, ops);
    }
    let def = &map.def;
    let name = def.map_type;
    if map.data.is_some() {
        return format!(" The map of {}, `{name}`: value of {} bytes.", quoted(&map.name), def.value_size);
    }
    let (key, value, entries) = (def.key_size, def.value_size, def.max_entries);
    if def.map_type == BPF_MAP_TYPE_ARENA {
        return format!(" `{name}`: {entries} pages.");
    }
    let each = if def.is_percpu() { " for each CPU" } else { "" };
    format!(" `{name}`: key of {key} bytes, value of {value} bytes{each}, {entries} entries.")
}

fn prog_doc(section: &str) -> String {
    format!(" {}", quoted(&format!("SEC(\"{section}\")")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_type_is_no_variable() {
        let fields = ["hits", "Level", "_private", "OBJECT"].map(|name| format_ident!("{name}"));
        let items = bindings(&fields);
        let names: Vec<_> = items.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["hits", "_item_1", "_item_2", "_item_3"]);
        let inits = inits(&fields, &items).to_string();
        assert_eq!(inits, "hits , Level : _item_1 , _private : _item_2 , OBJECT : _item_3 ,");
    }
}
