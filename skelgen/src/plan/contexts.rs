//! Arguments that are the program's context, in a form that kernels before Linux 6.8 know as well.
//!
//! In C such an argument of a global function is a `void *` with the declaration tag `arg:ctx` (`__arg_ctx`). The verifier
//! knows the tag since 6.8; before, an argument is the context if it points to a struct of the right name. So it gets a
//! type that is both: as `__sk_buff` in what a classifier calls. Every kernel takes that, tag included.
//!
//! Input: the object's BTF and its linked programs. Output: BTF with the prototypes added, and programs whose `func_info`
//! refers to it. A function keeps its BTF type if it is the same to all programs that reach it; else those with a context
//! of another name have a copy of their own.

use std::collections::{BTreeMap, BTreeSet};

use crate::Result;
use crate::btf::{Btf, Composite, DeclTag, Func, Linkage, Type, TypeId, Typedef};
use crate::link::Program;
use crate::uapi::*;

/// What `__arg_ctx` stands for.
const TAG: &str = "arg:ctx";

/// Which parameters of a function are to point to a struct of which name, if any are.
type Wanted = Option<(&'static str, Vec<usize>)>;

/// Names the contexts in the prototypes of functions that `programs`, each with its type, reach.
pub(super) fn name_contexts(mut btf: Btf, programs: &mut [(ProgType, &mut Program)]) -> Result<Btf> {
    let mut pointers = BTreeMap::new();
    let tagged = tagged(&btf);
    let tags = tags(&btf, &tagged);
    // By function: the programs and their `func_info` records that name it.
    let mut uses: BTreeMap<TypeId, Vec<(usize, usize)>> = BTreeMap::new();
    for (index, (_, program)) in programs.iter().enumerate() {
        for (at, info) in program.func_info.iter().enumerate().filter(|(_, info)| tagged.contains_key(&info.type_id)) {
            uses.entry(info.type_id).or_default().push((index, at));
        }
    }
    for (function, tagged) in tagged {
        let mut forms: BTreeMap<Wanted, Vec<(usize, usize)>> = BTreeMap::new();
        for &(index, at) in uses.get(&function).into_iter().flatten() {
            forms.entry(wanted(&btf, function, &tagged, programs[index].0)).or_default().push((index, at));
        }
        let alone = forms.len() == 1;
        for (wanted, users) in forms {
            let Some((name, params)) = wanted else { continue };
            let pointer = match pointers.get(name) {
                Some(&pointer) => pointer,
                None => *pointers.entry(name).or_insert(add_pointer(&mut btf, name)?),
            };
            let typed = if alone { function } else { add_copy(&mut btf, function, tags.get(&function)) };
            point(&mut btf, typed, &params, pointer);
            for (index, at) in users {
                programs[index].1.func_info[at].type_id = typed;
            }
        }
    }
    Ok(btf)
}

/// Global functions with the tag, and which of their parameters have it.
fn tagged(btf: &Btf) -> BTreeMap<TypeId, BTreeSet<usize>> {
    let mut found: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (_, ty) in btf.types() {
        let Type::DeclTag(tag) = ty else { continue };
        let global = btf.get(tag.ty).as_func().is_some_and(|func| func.linkage == Linkage::Global);
        if let (true, true, Ok(param)) = (global, btf.name(tag.name) == TAG, tag.component.try_into()) {
            found.entry(tag.ty).or_default().insert(param);
        }
    }
    found
}

/// Which of a function's tagged arguments a program of this type has to be told by name.
fn wanted(btf: &Btf, function: TypeId, tagged: &BTreeSet<usize>, prog_type: ProgType) -> Wanted {
    let name = context_name(prog_type)?;
    let Type::FuncProto(proto) = btf.get(btf.get(function).as_func()?.proto) else { return None };
    let is_wanted =
        |&&param: &&usize| proto.params.get(param).is_some_and(|param| stands_for(btf, param.ty, prog_type));
    let params: Vec<_> = tagged.iter().filter(is_wanted).copied().collect();
    (!params.is_empty()).then_some((name, params))
}

/// Whether an argument of this type is one that kernels take for the context by its tag alone: of any other type, either
/// the name is right already, or no kernel takes it.
fn stands_for(btf: &Btf, ty: TypeId, prog_type: ProgType) -> bool {
    let Type::Ptr(pointee) = btf.get_resolved(ty) else { return false };
    match btf.get_resolved(*pointee) {
        Type::Void => true,
        Type::Struct(registers) => match prog_type {
            // The kernel's `bpf_user_pt_regs_t` is one of these, by its architecture; by that name it is right already.
            BPF_PROG_TYPE_KPROBE | BPF_PROG_TYPE_PERF_EVENT if !is_registers_typedef(btf, *pointee) => {
                matches!(btf.name(registers.name), "pt_regs" | "user_pt_regs" | "user_regs_struct")
            }
            _ => false,
        },
        Type::Int(int) => {
            matches!(prog_type, BPF_PROG_TYPE_RAW_TRACEPOINT | BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE) && int.size == 8
        }
        _ => false,
    }
}

/// Whether the type is `bpf_user_pt_regs_t`, perhaps qualified.
fn is_registers_typedef(btf: &Btf, mut ty: TypeId) -> bool {
    while let Type::Const(to) | Type::Volatile(to) | Type::Restrict(to) = btf.get(ty) {
        ty = *to;
    }
    matches!(btf.get(ty), Type::Typedef(typedef) if btf.name(typedef.name) == REGISTERS)
}

/// The context of programs at kernel functions.
const REGISTERS: &str = "bpf_user_pt_regs_t";

/// The struct by whose name kernels know the context (`include/linux/bpf_types.h`); other types of programs have none.
fn context_name(prog_type: ProgType) -> Option<&'static str> {
    Some(match prog_type {
        BPF_PROG_TYPE_SOCKET_FILTER
        | BPF_PROG_TYPE_SCHED_CLS
        | BPF_PROG_TYPE_SCHED_ACT
        | BPF_PROG_TYPE_CGROUP_SKB
        | BPF_PROG_TYPE_LWT_IN
        | BPF_PROG_TYPE_LWT_OUT
        | BPF_PROG_TYPE_LWT_XMIT
        | BPF_PROG_TYPE_LWT_SEG6LOCAL
        | BPF_PROG_TYPE_SK_SKB
        | BPF_PROG_TYPE_FLOW_DISSECTOR => "__sk_buff",
        BPF_PROG_TYPE_XDP => "xdp_md",
        BPF_PROG_TYPE_CGROUP_DEVICE => "bpf_cgroup_dev_ctx",
        BPF_PROG_TYPE_CGROUP_SOCK => "bpf_sock",
        BPF_PROG_TYPE_CGROUP_SOCK_ADDR => "bpf_sock_addr",
        BPF_PROG_TYPE_CGROUP_SOCKOPT => "bpf_sockopt",
        BPF_PROG_TYPE_CGROUP_SYSCTL => "bpf_sysctl",
        BPF_PROG_TYPE_KPROBE => REGISTERS,
        BPF_PROG_TYPE_NETFILTER => "bpf_nf_ctx",
        BPF_PROG_TYPE_PERF_EVENT => "bpf_perf_event_data",
        BPF_PROG_TYPE_RAW_TRACEPOINT | BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE => "bpf_raw_tracepoint_args",
        BPF_PROG_TYPE_SK_LOOKUP => "bpf_sk_lookup",
        BPF_PROG_TYPE_SK_MSG => "sk_msg_md",
        BPF_PROG_TYPE_SK_REUSEPORT => "sk_reuseport_md",
        BPF_PROG_TYPE_SOCK_OPS => "bpf_sock_ops",
        _ => return None,
    })
}

/// A pointer to a struct of this name, of which nothing else is known.
fn add_pointer(btf: &mut Btf, name: &str) -> Result<TypeId> {
    let name_at = btf.add_str(name)?;
    let context = Composite { name: name_at, size: 0, has_bitfields: false, members: Vec::new() };
    let mut ty = btf.add_type(Type::Struct(context));
    if name == REGISTERS {
        // Old kernels go by the struct's name, new ones by that of the typedef.
        ty = btf.add_type(Type::Typedef(Typedef { name: name_at, ty }));
    }
    Ok(btf.add_type(Type::Ptr(ty)))
}

/// All tags of these functions.
fn tags(btf: &Btf, functions: &BTreeMap<TypeId, BTreeSet<usize>>) -> BTreeMap<TypeId, Vec<DeclTag>> {
    let mut tags: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (_, ty) in btf.types() {
        if let Type::DeclTag(tag) = ty
            && functions.contains_key(&tag.ty)
        {
            tags.entry(tag.ty).or_default().push(*tag);
        }
    }
    tags
}

/// The function once more, with its tags.
fn add_copy(btf: &mut Btf, function: TypeId, tags: Option<&Vec<DeclTag>>) -> TypeId {
    let copy = btf.add_type(btf.get(function).clone());
    for &tag in tags.into_iter().flatten() {
        btf.add_type(Type::DeclTag(DeclTag { ty: copy, ..tag }));
    }
    copy
}

/// Gives the function a prototype in which these parameters are `pointer`s.
fn point(btf: &mut Btf, function: TypeId, params: &[usize], pointer: TypeId) {
    let Some(&Func { proto, .. }) = btf.get(function).as_func() else { return };
    let Type::FuncProto(mut proto) = btf.get(proto).clone() else { return };
    for (_, param) in proto.params.iter_mut().enumerate().filter(|(index, _)| params.contains(index)) {
        param.ty = pointer;
    }
    let proto = btf.add_type(Type::FuncProto(proto));
    if let Some(func) = btf.func_mut(function) {
        func.proto = proto;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::btf::build::Builder;
    use crate::link::FuncInfo;

    /// `int tagged(void *ctx __arg_ctx, int n)`, and the function's type.
    fn btf(pointee: impl FnOnce(&mut Builder) -> TypeId) -> (Btf, TypeId) {
        let mut b = Builder::default();
        let int = b.int("int", 4, 1);
        let pointee = pointee(&mut b);
        let pointer = b.add(Type::Ptr(pointee));
        let function = b.func("tagged", Linkage::Global, int, &[("ctx", pointer), ("n", int)]);
        for (text, component) in [("arg:nonnull", 0), (TAG, 0), (TAG, -1), (TAG, 9)] {
            let name = b.str(text);
            b.add(Type::DeclTag(DeclTag { name, ty: function, component, attribute: false }));
        }
        (b.0, function)
    }

    fn program(function: TypeId) -> Program {
        Program {
            name: "main".to_owned(),
            functions: Vec::new(),
            insns: Vec::new(),
            func_info: vec![FuncInfo { insn: 0, type_id: TypeId(0) }, FuncInfo { insn: 2, type_id: function }],
            line_info: Vec::new(),
            core_relos: Vec::new(),
            ksym_refs: Vec::new(),
            jump_tables: Vec::new(),
        }
    }

    /// What the function is to each of a program of these types, as C, and how many types there are more.
    fn named(btf: &Btf, function: TypeId, types: &[ProgType]) -> (Vec<(TypeId, String)>, usize) {
        let mut programs: Vec<_> = types.iter().map(|_| program(function)).collect();
        let mut typed: Vec<_> = types.iter().zip(&mut programs).map(|(&ty, program)| (ty, program)).collect();
        let made = name_contexts(btf.clone(), &mut typed).unwrap();
        let to_each = programs.iter().map(|program| {
            let id = program.func_info[1].type_id;
            (id, made.c_declaration(made.get(id).as_func().unwrap().proto, ""))
        });
        (to_each.collect(), made.types().count() - btf.types().count())
    }

    #[test]
    fn a_function_keeps_its_type_if_all_programs_have_one_context() {
        let (btf, function) = btf(|_| TypeId(0));
        for (types, context) in [
            (&[BPF_PROG_TYPE_SCHED_CLS, BPF_PROG_TYPE_SOCKET_FILTER][..], "struct __sk_buff *"),
            (&[BPF_PROG_TYPE_XDP], "struct xdp_md *"),
            (&[BPF_PROG_TYPE_KPROBE], "bpf_user_pt_regs_t *"),
            (&[BPF_PROG_TYPE_RAW_TRACEPOINT], "struct bpf_raw_tracepoint_args *"),
        ] {
            let (made, _) = named(&btf, function, types);
            for (id, text) in made {
                assert_eq!(id, function);
                assert!(text.contains(context), "{text}");
            }
        }
    }

    #[test]
    fn programs_with_another_context_have_a_copy_with_all_tags() {
        let (btf, function) = btf(|_| TypeId(0));
        let types = [BPF_PROG_TYPE_SCHED_CLS, BPF_PROG_TYPE_TRACING, BPF_PROG_TYPE_XDP, BPF_PROG_TYPE_SCHED_ACT];
        let (made, more) = named(&btf, function, &types);
        let ids: BTreeSet<_> = made.iter().map(|(id, _)| *id).collect();
        assert_eq!(ids.len(), 3);
        assert_eq!(made[0], made[3]);
        assert_eq!(made[1].0, function);
        assert!(made[1].1.contains("void *"), "{}", made[1].1);
        // Two functions with four tags each, two prototypes, two pointers and two structs.
        assert_eq!(more, 2 * (1 + 4 + 1 + 2));
    }

    #[test]
    fn what_is_right_or_wrong_already_stays() {
        type Pointee = fn(&mut Builder) -> TypeId;
        let pointees: [(&str, Pointee); 5] = [
            ("__sk_buff", |b| b.structure("__sk_buff", 0, &[])),
            ("xdp_md", |b| b.structure("xdp_md", 0, &[])),
            ("pt_regs", |b| b.structure("pt_regs", 0, &[])),
            ("bpf_user_pt_regs_t", |b| {
                let regs = b.structure("pt_regs", 0, &[]);
                b.typedef("bpf_user_pt_regs_t", regs)
            }),
            ("u64", |b| b.int("u64", 8, 0)),
        ];
        let changed = |pointee: Pointee, prog_type| {
            let (btf, function) = btf(pointee);
            named(&btf, function, &[prog_type]).1 > 0
        };
        for (name, pointee) in pointees {
            assert!(!changed(pointee, BPF_PROG_TYPE_SCHED_CLS), "{name}");
            assert!(!changed(pointee, BPF_PROG_TYPE_TRACING), "{name}");
            assert_eq!(changed(pointee, BPF_PROG_TYPE_KPROBE), name == "pt_regs", "{name}");
            assert_eq!(changed(pointee, BPF_PROG_TYPE_RAW_TRACEPOINT), name == "u64", "{name}");
        }
    }

    #[test]
    fn other_functions_are_left_alone() {
        let (mut btf, function) = btf(|_| TypeId(0));
        // Not one that a program reaches.
        assert_eq!(named(&btf, TypeId(0), &[]).1, 0);
        let mut program = program(TypeId(0));
        let made = name_contexts(btf.clone(), &mut [(BPF_PROG_TYPE_XDP, &mut program)]).unwrap();
        assert_eq!(made, btf);
        // Not a static one.
        btf.func_mut(function).unwrap().linkage = Linkage::Static;
        assert_eq!(named(&btf, function, &[BPF_PROG_TYPE_XDP]).1, 0);
    }
}
