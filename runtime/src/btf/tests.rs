//! The reader on types put together by hand, and on bytes that are none.

use skelgen_tests::random::Random;

use super::blob::Blob;
use super::build::{Builder, STRUCT, WITH_BITFIELDS};
use super::{Member, TypeId, Types, find_func, kind};

/// What the tests look for, in the order of the ids.
fn vmlinux() -> Builder {
    let mut b = Builder::vmlinux();
    let int = b.add("int", kind::INT << 24, 4, &[32]);
    let typedef = b.add("number", kind::TYPEDEF << 24, int, &[]);
    let constant = b.add("", kind::CONST << 24, typedef, &[]);
    let array = b.add("", kind::ARRAY << 24, 0, &[constant, int, 3]);
    let proto = b.add("", kind::FUNC_PROTO << 24 | 1, int, &[0, int]);
    let pointer = b.add("", kind::PTR << 24, proto, &[]);
    b.composite("ops", STRUCT, 32, &[("call", pointer, 0), ("numbers", array, 64), ("", int, 160)]);
    b.composite("bits", STRUCT | WITH_BITFIELDS, 4, &[("low", int, 3 << 24), ("high", int, 5 << 24 | 3)]);
    // Sections, variables and the rest are passed over.
    let variable = b.add("variable", kind::VAR << 24, int, &[1]);
    b.add(".data", kind::DATASEC << 24 | 1, 4, &[variable, 0, 4]);
    b.add("long_enum", kind::ENUM64 << 24 | 1, 8, &[0, 1, 2]);
    b.add("tag", kind::DECL_TAG << 24, int, &[u32::MAX]);
    b.add("ops", kind::TYPEDEF << 24, int, &[]);
    b
}

fn parse(builder: &Builder) -> Blob<'static> {
    Blob::parse(builder.bytes(), None).unwrap()
}

#[test]
fn types_are_found_by_kind_and_name() {
    let blob = parse(&vmlinux());
    let types = Types::new(&blob, None);
    assert_eq!(types.find(kind::STRUCT, "ops"), Some(TypeId(7)));
    assert_eq!(types.find(kind::TYPEDEF, "ops"), Some(TypeId(13)));
    assert_eq!(types.find(kind::INT, "int"), Some(TypeId(1)));
    assert_eq!([types.find(kind::STRUCT, "op"), types.find(kind::STRUCT, "opss"), types.find(1, "ops")], [None; 3]);
    assert!(types.get(TypeId(0)).is_none() && types.get(TypeId(14)).is_none() && types.get(TypeId(u32::MAX)).is_none());
    assert!(types.resolve(TypeId(3)).is_some_and(|ty| ty.kind() == kind::INT));
    let sizes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12].map(|id| types.size_of(TypeId(id)));
    let pointer = Some(size_of::<usize>() as u32);
    let expected = [Some(4), Some(4), Some(4), Some(12), None, pointer, Some(32), Some(4), None, Some(8), None];
    assert_eq!(sizes, expected);
}

#[test]
fn functions_of_a_program_are_found() {
    let mut b = vmlinux();
    let runner = b.add("runner", kind::FUNC << 24 | 1, 5, &[]);
    b.add("run", kind::VAR << 24, 1, &[0]);
    let run = b.add("run", kind::FUNC << 24 | 1, 5, &[]);
    let find = |name| find_func(b.bytes(), name).unwrap();
    assert_eq!(["run", "runner"].map(find), [Some(TypeId(run)), Some(TypeId(runner))]);
    assert_eq!(["ru", "", "number", "nobody"].map(find), [None; 4]);
    assert_eq!(find_func(Vec::new(), "run").unwrap_err(), "it is shorter than its header");
}

#[test]
fn members_are_listed() {
    let blob = parse(&vmlinux());
    let types = Types::new(&blob, None);
    let members = |id| {
        let members = types.members(types.get(TypeId(id)).unwrap());
        let short = |it: Member<'_>| {
            let name = String::from_utf8(it.name.to_vec()).unwrap();
            (it.index, name, it.ty.0, it.bit_offset, it.bitfield_size)
        };
        members.map(short).collect::<Vec<_>>()
    };
    let row = |index, name: &str, ty, at, bits| (index, name.to_owned(), ty, at, bits);
    assert_eq!(members(7), [row(0, "call", 6, 0, 0), row(1, "numbers", 4, 64, 0), row(2, "", 1, 160, 0)]);
    assert_eq!(members(8), [row(0, "low", 1, 0, 3), row(1, "high", 1, 3, 5)]);
    assert_eq!(members(1), []);
}

#[test]
fn a_module_stands_on_vmlinux() {
    let base = vmlinux();
    let mut module = Builder::module(&base);
    let alias = module.add("alias", kind::TYPEDEF << 24, 2, &[]);
    module.composite("ops", STRUCT, 64, &[("numbers", alias, 0)]);
    module.composite("own", STRUCT, 8, &[("alias", alias, 32)]);
    let base = parse(&base);
    let module = Blob::parse(module.bytes(), Some(&base)).unwrap();
    let types = Types::new(&base, Some(&module));
    assert_eq!(
        (types.find(kind::STRUCT, "ops"), types.find_own(kind::STRUCT, "ops")),
        (Some(TypeId(7)), Some(TypeId(15)))
    );
    assert_eq!((types.find(kind::STRUCT, "own"), types.find_own(kind::INT, "int")), (Some(TypeId(16)), None));
    assert_eq!(types.size_of(TypeId(alias)), Some(4));
    let own = types.members(types.get(TypeId(16)).unwrap()).next().unwrap();
    assert_eq!((own.name, own.bit_offset), (b"alias".as_slice(), 32));
    // Without it they are not there.
    let types = Types::new(&base, None);
    assert!(types.get(TypeId(14)).is_none() && types.find(kind::STRUCT, "own").is_none());
}

#[test]
fn functions_and_variables_have_shapes() {
    let mut b = vmlinux();
    let func = |b: &mut Builder, name: &str, ret, params: &[u32]| {
        let nr_params = params.len() as u32;
        let params: Vec<u32> = params.iter().flat_map(|&ty| [0, ty]).collect();
        let proto = b.add("", kind::FUNC_PROTO << 24 | nr_params, ret, &params);
        b.add(name, kind::FUNC << 24, proto, &[])
    };
    let fwd = b.add("later", kind::FWD << 24, 0, &[]);
    let pointer = b.add("", kind::PTR << 24, fwd, &[]);
    let own = b.add("", kind::PTR << 24, 7, &[]);
    let float = b.add("double", kind::FLOAT << 24, 8, &[]);
    // A constant typedef of an integer, a pointer to a function, an array, a struct, a pointer to it, an enum.
    let all = func(&mut b, "all", pointer, &[3, 6, 4, 7, own, 11]);
    let none = func(&mut b, "none", 0, &[]);
    let unknown = func(&mut b, "unknown", float, &[]);
    let circle = func(&mut b, "circle", unknown + 3, &[]);
    let last = b.add("", kind::PTR << 24, circle + 1, &[]);
    assert_eq!(last, circle + 1);
    let blob = parse(&b);
    let shape = |id| Types::new(&blob, None).shape_of(TypeId(id));
    assert_eq!(shape(all).as_deref(), Some("(i*(i)i[is*se)*f"));
    assert_eq!(shape(none).as_deref(), Some("()v"));
    assert_eq!(shape(9).as_deref(), Some("i"));
    assert_eq!([unknown, circle, last, 0, u32::MAX].map(shape), [const { None }; 5]);
}

#[test]
fn circles_have_an_end() {
    let mut b = Builder::vmlinux();
    let typedef = b.add("self", kind::TYPEDEF << 24, 1, &[]);
    let array = b.add("", kind::ARRAY << 24, 0, &[2, 2, 1]);
    let blob = parse(&b);
    let types = Types::new(&blob, None);
    assert!(types.resolve(TypeId(typedef)).is_none());
    assert_eq!(types.size_of(TypeId(array)), None);
}

#[test]
fn kinds_of_later_kernels_are_passed_over() {
    let mut b = vmlinux();
    b.add("later", 20 << 24 | 2, 0, &[1, 2, 3, 4, 5]);
    b.composite("behind", STRUCT, 4, &[]);
    let error = Blob::parse(b.bytes(), None).err().unwrap();
    assert_eq!(error, "type 14 is of kind 20, which is unknown");
    // Four bytes, and eight for each of two.
    b.layout = vec![0; 21 * 4];
    b.layout[80..82].copy_from_slice(&[4, 8]);
    let blob = parse(&b);
    assert_eq!(Types::new(&blob, None).find(kind::STRUCT, "behind"), Some(TypeId(15)));
}

#[test]
fn what_is_no_btf_is_refused() {
    type Change = fn(&mut Vec<u8>);
    let changed = |change: Change| {
        let mut bytes = vmlinux().bytes();
        change(&mut bytes);
        Blob::parse(bytes, None).err().unwrap_or_default()
    };
    let cases: [(Change, &str); 6] = [
        (|bytes| bytes.clear(), "it is shorter than its header"),
        (|bytes| bytes.swap(0, 1), "it is of the other byte order"),
        (|bytes| bytes[2] = 2, "it does not begin as BTF of version 1"),
        (|bytes| bytes[4..8].copy_from_slice(&u32::MAX.to_ne_bytes()), "its header is shorter or longer than can be"),
        (|bytes| bytes[12..16].copy_from_slice(&u32::MAX.to_ne_bytes()), "its types or strings are not inside"),
        (|bytes| bytes[12..16].copy_from_slice(&20u32.to_ne_bytes()), "type 2 ends past the end"),
    ];
    for (change, expected) in cases {
        assert_eq!(changed(change), expected);
    }
}

/// Looks at all there is.
fn walk(types: Types<'_>) {
    for id in (0..40).chain([u32::MAX - 1, u32::MAX]).map(TypeId) {
        let _ = (types.resolve(id).is_some(), types.size_of(id), types.shape_of(id), types.declaration(id));
        if let Some(ty) = types.get(id) {
            let names = types.members(ty).map(|member| member.name.len()).sum::<usize>();
            assert!(names < 1 << 20);
        }
    }
    let _ = (types.find(kind::STRUCT, "ops"), types.find_own(kind::TYPEDEF, "own"), types.find(0, ""));
    let wanted = [(kind::STRUCT, "ops"), (kind::VAR, "variable"), (kind::TYPEDEF, "own"), (0, ""), (u32::MAX, "ops")];
    // Of the kinds that a type can have, the first is the one that is found alone.
    for (&(kind, name), found) in wanted.iter().zip(types.find_all(&wanted)) {
        assert_eq!(found, types.find_own(kind, name));
    }
}

#[test]
fn damaged_bytes_do_no_harm() {
    let base_builder = vmlinux();
    let mut module_builder = Builder::module(&base_builder);
    module_builder.composite("own", STRUCT, 8, &[("number", 2, 32), ("ops", 7, 0)]);
    let (base, module) = (base_builder.bytes(), module_builder.bytes());
    let look = |base: Vec<u8>, module: Vec<u8>| {
        let Ok(base) = Blob::parse(base, None) else { return };
        walk(Types::new(&base, None));
        if let Ok(module) = Blob::parse(module, Some(&base)) {
            walk(Types::new(&base, Some(&module)));
        }
    };
    for len in 0..base.len() {
        look(base[..len].to_vec(), module.clone());
    }
    for len in 0..module.len() {
        look(base.clone(), module[..len].to_vec());
    }
    let mut random = Random::new();
    for _ in 0..20_000 {
        let mut changed = [base.clone(), module.clone()];
        for _ in 0..1 + random.below(4) {
            let bytes = &mut changed[random.below(2)];
            let at = random.below(bytes.len());
            bytes[at] = if random.one_in(3) { 0xff } else { random.below(256) as u8 };
        }
        let [base, module] = changed;
        look(base, module);
    }
}

#[test]
fn functions_that_can_be_traced_are_told_by_their_prototype() {
    let mut b = Builder::vmlinux();
    let int = b.add("int", kind::INT << 24, 4, &[32]);
    let pair = b.composite("pair", STRUCT, 16, &[("a", int, 0)]);
    let large = b.composite("large", STRUCT, 17, &[("a", int, 0)]);
    let pointer = b.add("", kind::PTR << 24, large, &[]);
    let declared = b.add("declared", kind::FWD << 24, 0, &[]);
    let mut function = |name: &str, returns, params: &[u32]| {
        let rest: Vec<_> = params.iter().flat_map(|&ty| [0, ty]).collect();
        let proto = b.add("", kind::FUNC_PROTO << 24 | params.len() as u32, returns, &rest);
        b.add(name, kind::FUNC << 24, proto, &[])
    };
    let traceable = [
        function("none", 0, &[]),
        function("some", int, &[int, pair, pointer]),
        function("returns_pointer", pointer, &[int; 12]),
    ];
    function("returns_struct", pair, &[]);
    function("takes_much", int, &[large]);
    function("takes_many", int, &[int; 13]);
    function("takes_any", int, &[int, 0]);
    function("takes_what_is_declared_only", int, &[declared]);
    function("returns_nothing_that_exists", 9999, &[]);
    let not_a_prototype = b.add("not_a_function", kind::FUNC << 24, int, &[]);
    let blob = parse(&b);
    let types = Types::new(&blob, None);
    assert_eq!(types.traceable(|_| true), traceable.map(TypeId));
    assert_eq!(types.traceable(|name| name.starts_with(b"so")), [TypeId(traceable[1])]);
    assert!(types.get(TypeId(not_a_prototype)).is_some());

    // A module's are its own only.
    let mut module = Builder::module(&b);
    let proto = module.add("", kind::FUNC_PROTO << 24, int, &[]);
    let own = module.add("own", kind::FUNC << 24, proto, &[]);
    let module = Blob::parse(module.bytes(), Some(&blob)).unwrap();
    assert_eq!(Types::new(&blob, Some(&module)).traceable(|_| true), [TypeId(own)]);
}
