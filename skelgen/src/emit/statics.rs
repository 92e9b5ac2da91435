//! The [`ObjectDesc`] of a skeleton as constants.
//!
//! Each function prints one type of [`desc`](skelgen_abi::desc), with all of its fields.

use std::borrow::Cow;

use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens as _, quote};
use skelgen_abi::desc::{
    ArenaDesc, Attach, DataDesc, DataKind, ImageDesc, KconfigDesc, KconfigType, MapDesc, MemberDesc, ObjectDesc,
    ProgDesc, Repeat, StepDesc, StructOpsDesc,
};

use super::Options;
use crate::Skeleton;
use crate::describe::Description;

/// `IMAGE`, `LOADER` and `OBJECT`.
pub(super) fn statics(skeleton: &Skeleton, options: &Options) -> TokenStream {
    let description = Description::of(&skeleton.plan, &skeleton.loader);
    let ObjectDesc { name, min_kernel, image, loader, loader_btf, loader_func_info, maps, progs, steps } =
        description.object();
    let ImageDesc { len, bytes, repeats } = image;
    let bytes = match &options.image {
        Some(path) => quote!(::core::include_bytes!(#path)),
        None => Literal::byte_string(bytes).into_token_stream(),
    };
    let (len, loader) = (number(len), Literal::byte_string(loader));
    let (repeats, table) = repeats_table(repeats);
    let [loader_btf, loader_func_info] = [loader_btf, loader_func_info].map(Literal::byte_string);
    let min_kernel = optional(min_kernel, |(major, minor)| {
        let (major, minor) = (number(major), number(minor));
        quote!((#major, #minor))
    });
    let (maps, progs) = (maps.iter().map(map_desc), progs.iter().map(prog_desc));
    let steps = steps.iter().map(|&StepDesc { what, subject }| quote!(rt::StepDesc { what: #what, subject: #subject }));
    let version = number(skelgen_abi::VERSION);
    quote! {
        rt::skeleton_abi!(#version);
        /// Everything the kernel is given: attrs, instructions, types, initial values, and the steps to take.
        static IMAGE: &[u8] = #bytes;
        #table
        /// The loader program: it carries out the steps of `IMAGE`.
        static LOADER: &[u8] = #loader;
        /// What `OBJECT` says of `IMAGE` are offsets into it.
        static OBJECT: rt::ObjectDesc<'static> = rt::ObjectDesc {
            name: #name,
            min_kernel: #min_kernel,
            image: rt::ImageDesc { len: #len, bytes: IMAGE, repeats: #repeats },
            loader: LOADER,
            loader_btf: #loader_btf,
            loader_func_info: #loader_func_info,
            maps: &[#(#maps),*],
            progs: &[#(#progs),*],
            steps: &[#(#steps),*],
        };
    }
}

/// What `OBJECT` has for `repeats`, and the static that it refers to.
fn repeats_table(repeats: &[Repeat]) -> (TokenStream, TokenStream) {
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

fn map_desc(map: &MapDesc<'_>) -> TokenStream {
    let MapDesc { name, map_type, key_size, value_size, max_entries, map_flags, .. } = *map;
    let MapDesc { attrs, fd, reused, data, arena, pinning, struct_ops, .. } = *map;
    let [map_type, key_size, value_size] = [map_type, key_size, value_size].map(number);
    let [max_entries, map_flags, fd, reused, pinning] = [max_entries, map_flags, fd, reused, pinning].map(number);
    let attrs = numbers(attrs);
    let (data, arena) = (optional(data, data_desc), optional(arena, arena_desc));
    let struct_ops = optional(struct_ops, struct_ops_desc);
    quote! {
        rt::MapDesc {
            name: #name,
            map_type: #map_type,
            key_size: #key_size,
            value_size: #value_size,
            max_entries: #max_entries,
            map_flags: #map_flags,
            attrs: #attrs,
            fd: #fd,
            reused: #reused,
            data: #data,
            arena: #arena,
            pinning: #pinning,
            struct_ops: #struct_ops,
        }
    }
}

fn data_desc(data: DataDesc<'_>) -> TokenStream {
    let DataDesc { kind, init, section, metadata, kconfig } = data;
    let init = optional(init, range);
    let kind = match kind {
        DataKind::Data => quote!(Data),
        DataKind::Rodata => quote!(Rodata),
        DataKind::Bss => quote!(Bss),
        DataKind::PerCpu => quote!(PerCpu),
        DataKind::Kconfig => quote!(Kconfig),
    };
    let kconfig = kconfig.iter().map(kconfig_desc);
    quote! {
        rt::DataDesc {
            kind: rt::DataKind::#kind,
            init: #init,
            section: #section,
            metadata: #metadata,
            kconfig: &[#(#kconfig),*],
        }
    }
}

fn kconfig_desc(var: &KconfigDesc<'_>) -> TokenStream {
    let KconfigDesc { name, offset, size, ty, weak } = *var;
    let (offset, size) = (number(offset), number(size));
    let ty = match ty {
        KconfigType::Bool => quote!(Bool),
        KconfigType::Char { signed } => quote!(Char { signed: #signed }),
        KconfigType::Int { signed } => quote!(Int { signed: #signed }),
        KconfigType::Tristate => quote!(Tristate),
        KconfigType::String => quote!(String),
    };
    quote!(rt::KconfigDesc { name: #name, offset: #offset, size: #size, ty: rt::KconfigType::#ty, weak: #weak })
}

fn arena_desc(arena: ArenaDesc<'_>) -> TokenStream {
    let ArenaDesc { size, init, offsets } = arena;
    let (size, init, offsets) = (number(size), optional(init, range), numbers(offsets));
    quote!(rt::ArenaDesc { size: #size, init: #init, offsets: #offsets })
}

fn struct_ops_desc(ops: StructOpsDesc<'_>) -> TokenStream {
    let StructOpsDesc { type_name, autocreate, init, members } = ops;
    let (init, members) = (Literal::byte_string(init), members.iter().map(member_desc));
    quote! {
        rt::StructOpsDesc {
            type_name: #type_name,
            autocreate: #autocreate,
            init: #init,
            members: &[#(#members),*],
        }
    }
}

fn member_desc(member: &MemberDesc<'_>) -> TokenStream {
    let MemberDesc { name, offset, size, kind, bitfield, function, program } = *member;
    let [offset, size, kind] = [offset, size, kind].map(number);
    let program = optional(program, |index| Literal::usize_unsuffixed(index).into_token_stream());
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
}

fn prog_desc(program: &ProgDesc<'_>) -> TokenStream {
    let ProgDesc { name, section, prog_type, expected_attach_type, attrs, fd, skip, autoload, attach } = program;
    let [prog_type, expected_attach_type, fd, skip] = [prog_type, expected_attach_type, fd, skip].map(|&n| number(n));
    let (attrs, attach) = (numbers(attrs), attach_desc(attach));
    quote! {
        rt::ProgDesc {
            name: #name,
            section: #section,
            prog_type: #prog_type,
            expected_attach_type: #expected_attach_type,
            attrs: #attrs,
            fd: #fd,
            skip: #skip,
            autoload: #autoload,
            attach: #attach,
        }
    }
}

fn attach_desc(attach: &Attach<'_>) -> TokenStream {
    let text = |text: &Cow<'_, str>| quote!(::std::borrow::Cow::Borrowed(#text));
    let attach = match attach {
        Attach::RawTracepoint { name } => {
            let name = text(name);
            quote!(RawTracepoint { name: #name })
        }
        Attach::Tracing => quote!(Tracing),
        Attach::Iter => quote!(Iter),
        Attach::Tracepoint { category, name } => {
            let (category, name) = (text(category), text(name));
            quote!(Tracepoint { category: #category, name: #name })
        }
        Attach::Kprobe { function, offset, ret } => {
            let (function, offset) = (text(function), Literal::u64_unsuffixed(*offset));
            quote!(Kprobe { function: #function, offset: #offset, ret: #ret })
        }
        Attach::TracingMulti { module, pattern } => {
            let (module, pattern) = (optional(module.as_ref(), text), optional(pattern.as_ref(), text));
            quote!(TracingMulti { module: #module, pattern: #pattern })
        }
        Attach::Usdt { probe } => {
            let probe = optional(probe.as_ref(), text);
            quote!(Usdt { probe: #probe })
        }
        Attach::Manual => quote!(Manual),
        Attach::Unsupported { why } => {
            let why = text(why);
            quote!(Unsupported { why: #why })
        }
    };
    quote!(rt::Attach::#attach)
}

/// `Some(...)` or `None`.
fn optional<T>(value: Option<T>, print: impl FnOnce(T) -> TokenStream) -> TokenStream {
    match value.map(print) {
        Some(value) => quote!(::core::option::Option::Some(#value)),
        None => quote!(::core::option::Option::None),
    }
}

/// An offset and a length.
fn range((start, len): (u32, u32)) -> TokenStream {
    let (start, len) = (number(start), number(len));
    quote!((#start, #len))
}

/// A number without its type's suffix.
fn number(value: u32) -> Literal {
    Literal::u32_unsuffixed(value)
}

/// A slice of them.
fn numbers(values: &[u32]) -> TokenStream {
    let values = values.iter().copied().map(number);
    quote!(&[#(#values),*])
}
