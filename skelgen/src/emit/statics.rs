//! The description of the object: constants of the runtime's `desc` types, which is all that a load works by.

use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens as _, quote};

use super::Options;
use super::attach::AttachPlan;
use crate::loader::{MapSlots, ProgramSlots, Repeat};
use crate::object::{Arena, DataKind, Kconfig, KconfigType, Map, OpsMember, ProgIdx, SecDef, StructOps, Var};
use crate::plan::PlannedProgram;
use crate::{KernelVersion, Skeleton};

/// `IMAGE` and `OBJECT`.
pub(super) fn statics(skeleton: &Skeleton, options: &Options) -> TokenStream {
    let Skeleton { plan, loader, .. } = skeleton;
    let name = &plan.name;
    let image = match &options.image {
        Some(path) => quote!(::core::include_bytes!(#path)),
        None => Literal::byte_string(&loader.image_at_rest()).into_token_stream(),
    };
    let len = Literal::usize_unsuffixed(loader.image.len());
    let (repeats, table) = repeats(&loader.repeats);
    let code = Literal::byte_string(&loader.interpreter.code(plan.endian));
    let btf = Literal::byte_string(&loader.interpreter.btf);
    let func_info = Literal::byte_string(&loader.interpreter.func_info);
    let maps = plan.maps.iter().zip(&loader.maps).map(|(map, slots)| map_desc(map, slots));
    let progs = plan.programs.iter().zip(&loader.programs).map(|(program, slots)| prog_desc(program, slots));
    let min_kernel = match plan.min_kernel {
        None => quote!(::core::option::Option::None),
        Some(KernelVersion { major, minor }) => {
            let (major, minor) = (number(major), number(minor));
            quote!(::core::option::Option::Some((#major, #minor)))
        }
    };
    let steps = plan.steps.iter().map(|step| {
        let (what, subject) = plan.words(step);
        quote!(rt::StepDesc { what: #what, subject: #subject })
    });
    quote! {
        /// Everything the kernel is given: attrs, instructions, types, initial values, and the steps to take.
        static IMAGE: &[u8] = #image;
        #table
        /// The loader program: it carries out the steps of `IMAGE`.
        static LOADER: &[u8] = #code;
        /// What `OBJECT` says of `IMAGE` are offsets into it.
        static OBJECT: rt::ObjectDesc<'static> = rt::ObjectDesc {
            name: #name,
            min_kernel: #min_kernel,
            image: rt::ImageDesc { len: #len, bytes: IMAGE, repeats: #repeats },
            loader: LOADER,
            loader_btf: #btf,
            loader_func_info: #func_info,
            maps: &[#(#maps),*],
            progs: &[#(#progs),*],
            steps: &[#(#steps),*],
        };
    }
}

/// What `OBJECT` has for `repeats`, and the static that it refers to.
fn repeats(repeats: &[Repeat]) -> (TokenStream, TokenStream) {
    if repeats.is_empty() {
        return (quote!(&[]), TokenStream::new());
    }
    let lines = repeats.iter().map(|&Repeat { to, from, len, stride, add }| {
        let [to, from, len] = [to, from, len].map(number);
        if stride == 0 {
            return quote!(rt::Repeat::equal(#to, #from, #len));
        }
        let sign = (add < 0).then(|| quote!(-));
        let (stride, add) = (number(stride), number(add.unsigned_abs()));
        quote!(rt::Repeat::moved(#to, #from, #len, #stride, #sign #add))
    });
    let table = quote! {
        /// Parts of the image that `IMAGE` leaves out because they repeat earlier parts: functions that several programs
        /// reach. Each line has the offset of the part, the offset of the earlier part, and their length; where the first
        /// words of records differ, also the length of a record and the difference.
        static REPEATS: &[rt::Repeat] = &[#(#lines),*];
    };
    (quote!(REPEATS), table)
}

fn map_desc(map: &Map, slots: &MapSlots) -> TokenStream {
    let name = &map.name;
    let def = &map.def;
    let (map_type, key_size, value_size) = (number(def.map_type.0), number(def.key_size), number(def.value_size));
    let (max_entries, map_flags) = (number(def.max_entries), number(def.map_flags.0));
    let attrs = slots.attrs.iter().map(|attr| number(attr.0));
    let (fd, reused) = (number(slots.fd.0), number(slots.reused.0));
    let pinning = number(def.pin_by_name.into());
    let struct_ops = match &map.struct_ops {
        None => quote!(::core::option::Option::None),
        Some(ops) => {
            let desc = struct_ops_desc(ops);
            quote!(::core::option::Option::Some(#desc))
        }
    };
    let arena = arena_desc(map.arena.as_ref(), slots);
    let data = match &map.data {
        None => quote!(::core::option::Option::None),
        Some(data) => {
            let init = init(slots);
            let kind = match data.kind {
                DataKind::Data => quote!(Data),
                DataKind::Rodata => quote!(Rodata),
                DataKind::Bss => quote!(Bss),
                DataKind::PerCpu => quote!(PerCpu),
                DataKind::Kconfig => quote!(Kconfig),
            };
            let metadata = data.has_metadata();
            let kconfig = data.vars.iter().filter_map(kconfig_desc);
            quote! {
                ::core::option::Option::Some(rt::DataDesc {
                    kind: rt::DataKind::#kind,
                    init: #init,
                    section: #name,
                    metadata: #metadata,
                    kconfig: &[#(#kconfig),*],
                })
            }
        }
    };
    quote! {
        rt::MapDesc {
            name: #name,
            map_type: #map_type,
            key_size: #key_size,
            value_size: #value_size,
            max_entries: #max_entries,
            map_flags: #map_flags,
            attrs: &[#(#attrs),*],
            fd: #fd,
            reused: #reused,
            data: #data,
            arena: #arena,
            pinning: #pinning,
            struct_ops: #struct_ops,
        }
    }
}

fn struct_ops_desc(ops: &StructOps) -> TokenStream {
    let StructOps { type_name, bytes, autocreate, members, .. } = ops;
    let init = Literal::byte_string(bytes);
    let members = members.iter().map(|member| {
        let OpsMember { name, bitfield, function, .. } = member;
        let (offset, size, kind) = (number(member.offset), number(member.size), number(member.kind.0));
        let program = match member.program {
            None => quote!(::core::option::Option::None),
            Some(ProgIdx(index)) => {
                let index = Literal::usize_unsuffixed(index);
                quote!(::core::option::Option::Some(#index))
            }
        };
        quote! {
            rt::MemberDesc {
                name: #name,
                offset: #offset,
                size: #size,
                kind: #kind,
                bitfield: #bitfield,
                function: #function,
                program: #program,
            }
        }
    });
    quote! {
        rt::StructOpsDesc {
            type_name: #type_name,
            autocreate: #autocreate,
            init: #init,
            members: &[#(#members),*],
        }
    }
}

fn kconfig_desc(var: &Var) -> Option<TokenStream> {
    let Kconfig { ty, weak } = var.kconfig?;
    let (name, offset, size) = (&var.name, number(var.offset), number(var.size));
    let ty = match ty {
        KconfigType::Bool => quote!(Bool),
        KconfigType::Char { signed } => quote!(Char { signed: #signed }),
        KconfigType::Int { signed } => quote!(Int { signed: #signed }),
        KconfigType::Tristate => quote!(Tristate),
        KconfigType::String => quote!(String),
    };
    Some(quote! {
        rt::KconfigDesc { name: #name, offset: #offset, size: #size, ty: rt::KconfigType::#ty, weak: #weak }
    })
}

fn arena_desc(arena: Option<&Arena>, slots: &MapSlots) -> TokenStream {
    let Some(arena) = arena else { return quote!(::core::option::Option::None) };
    let (size, init) = (number(arena.size), init(slots));
    let offsets = slots.offsets.iter().map(|at| number(at.0));
    quote!(::core::option::Option::Some(rt::ArenaDesc { size: #size, init: #init, offsets: &[#(#offsets),*] }))
}

/// Where the first bytes are, and how many.
fn init(slots: &MapSlots) -> TokenStream {
    match &slots.init {
        None => quote!(::core::option::Option::None),
        Some(range) => {
            let (start, len) = (number(range.start), number(range.end - range.start));
            quote!(::core::option::Option::Some((#start, #len)))
        }
    }
}

fn prog_desc(program: &PlannedProgram, slots: &ProgramSlots) -> TokenStream {
    let (name, section) = (&program.native.name, &program.section);
    let prog_type = number(program.sec.prog_type.0);
    let expected_attach_type = number(program.sec.expected_attach_type.0);
    let attrs = slots.attrs.iter().map(|attr| number(attr.0));
    let (fd, skip, autoload) = (number(slots.fd.0), number(slots.skip.0), program.autoload());
    let attach = attach(&program.sec);
    quote! {
        rt::ProgDesc {
            name: #name,
            section: #section,
            prog_type: #prog_type,
            expected_attach_type: #expected_attach_type,
            attrs: &[#(#attrs),*],
            fd: #fd,
            skip: #skip,
            autoload: #autoload,
            attach: #attach,
        }
    }
}

fn attach(sec: &SecDef) -> TokenStream {
    let borrowed = |text: &str| quote!(::std::borrow::Cow::Borrowed(#text));
    let perhaps = |text: Option<String>| match text.as_deref().map(borrowed) {
        None => quote!(::core::option::Option::None),
        Some(text) => quote!(::core::option::Option::Some(#text)),
    };
    let attach = match AttachPlan::of(sec) {
        AttachPlan::RawTracepoint { name } => {
            let name = borrowed(&name);
            quote!(RawTracepoint { name: #name })
        }
        AttachPlan::Tracing => quote!(Tracing),
        AttachPlan::Iter => quote!(Iter),
        AttachPlan::Tracepoint { category, name } => {
            let (category, name) = (borrowed(&category), borrowed(&name));
            quote!(Tracepoint { category: #category, name: #name })
        }
        AttachPlan::Kprobe { function, offset, ret } => {
            let function = borrowed(&function);
            let offset = Literal::u64_unsuffixed(offset);
            quote!(Kprobe { function: #function, offset: #offset, ret: #ret })
        }
        AttachPlan::TracingMulti { module, pattern } => {
            let (module, pattern) = (perhaps(module), perhaps(pattern));
            quote!(TracingMulti { module: #module, pattern: #pattern })
        }
        AttachPlan::Usdt { probe } => {
            let probe = perhaps(probe);
            quote!(Usdt { probe: #probe })
        }
        AttachPlan::Manual => quote!(Manual),
        AttachPlan::Unsupported { why } => {
            let why = borrowed(&why);
            quote!(Unsupported { why: #why })
        }
    };
    quote!(rt::Attach::#attach)
}

/// A number without its type's suffix.
fn number(value: u32) -> Literal {
    Literal::u32_unsuffixed(value)
}
