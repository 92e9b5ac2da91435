//! Random C types, and what can be said of them in C: declarations, initial values, and the members that code uses.

use std::fmt::Write as _;

use skelgen_tests::random::Random;

/// A type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    /// An integer, `_Bool` or pointer, by its name in C.
    Scalar(&'static str),
    /// An enum, a struct or a union, by its index in [`Types`].
    Enum(usize),
    Record(usize),
    Array(Box<Type>, usize),
}

/// A struct or union.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    keyword: &'static str,
    members: Vec<Member>,
    /// `__attribute__((...))`, or nothing.
    attribute: &'static str,
}

#[derive(Clone, Debug)]
struct Member {
    name: String,
    ty: Type,
    /// The width of a bit-field.
    bits: Option<usize>,
}

/// What code reads and writes: a number in a variable.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    /// As C writes it: `v3.m1[2].m0`.
    pub(crate) path: String,
    /// What a value is cast to.
    pub(crate) cast: String,
    pub(crate) is_bit_field: bool,
}

const INTEGERS: [&str; 10] = [
    "signed char",
    "unsigned char",
    "char",
    "short",
    "unsigned short",
    "int",
    "unsigned int",
    "long",
    "unsigned long",
    "long long",
];

/// The most bytes of a type: clang copies what is longer than 128 by calling memcpy, which BPF lacks.
const MOST: usize = 96;

/// The enums, structs and unions of one program.
#[derive(Debug, Default)]
pub(crate) struct Types {
    /// The constants of each enum.
    enums: Vec<Vec<i64>>,
    records: Vec<Record>,
}

impl Types {
    pub(crate) fn random(random: &mut Random) -> Types {
        let mut types = Types::default();
        for _ in 0..random.below(3) {
            let signed = random.one_in(2);
            let edge = if signed { i64::from(i32::MIN) } else { i64::from(u32::MAX) };
            let count = 1 + random.below(4);
            let constants = (0..count).map(|_| if random.one_in(3) { edge } else { random.below(1000) as i64 });
            types.enums.push(constants.collect());
        }
        for _ in 0..1 + random.below(4) {
            let record = types.record(random);
            types.records.push(record);
        }
        types
    }

    fn record(&self, random: &mut Random) -> Record {
        let keyword = if random.one_in(4) { "union" } else { "struct" };
        let packed = ["__attribute__((packed))", "__attribute__((aligned(16)))", "", "", "", ""];
        let mut record = Record { keyword, members: Vec::new(), attribute: random.pick(&packed) };
        let mut room = MOST;
        for index in 0..1 + random.below(6) {
            let member = self.member(random, format!("m{index}"));
            // An upper bound: with what may be padding before it.
            let size = self.most_bytes(&member.ty) + 8;
            // Any other member of a union may give a `_Bool` a value that it must not have.
            if size <= room && (keyword == "struct" || !self.has_bool(&member.ty)) {
                room -= size;
                record.members.push(member);
            }
        }
        if record.members.is_empty() {
            record.members.push(Member { name: "m0".to_owned(), ty: Type::Scalar("int"), bits: None });
        }
        record
    }

    fn member(&self, random: &mut Random, name: String) -> Member {
        if random.one_in(3) {
            let (ty, width) =
                random.pick(&[("int", 32), ("unsigned int", 32), ("unsigned char", 8), ("unsigned long", 64)]);
            let (ty, width) = if random.one_in(6) { ("_Bool", 1) } else { (ty, width) };
            return Member { name, ty: Type::Scalar(ty), bits: Some(1 + random.below(width)) };
        }
        Member { name, ty: self.pick(random, 2), bits: None }
    }

    /// A type, of arrays and structs nested at most so deep.
    pub(crate) fn pick(&self, random: &mut Random, depth: usize) -> Type {
        match random.below(8) {
            0 if depth > 0 => Type::Array(Box::new(self.pick(random, depth - 1)), 1 + random.below(8)),
            1 | 2 if depth > 0 && !self.records.is_empty() => Type::Record(random.below(self.records.len())),
            3 if !self.enums.is_empty() => Type::Enum(random.below(self.enums.len())),
            4 => Type::Scalar("_Bool"),
            5 if random.one_in(4) => Type::Scalar("pointer"),
            _ => Type::Scalar(random.pick(&INTEGERS)),
        }
    }

    pub(crate) fn fits(&self, ty: &Type) -> bool {
        self.most_bytes(ty) <= MOST
    }

    fn has_bool(&self, ty: &Type) -> bool {
        match ty {
            Type::Scalar(name) => *name == "_Bool",
            Type::Enum(_) => false,
            Type::Array(elem, _) => self.has_bool(elem),
            Type::Record(index) => self.records[*index].members.iter().any(|member| self.has_bool(&member.ty)),
        }
    }

    fn most_bytes(&self, ty: &Type) -> usize {
        match ty {
            Type::Scalar(_) => 8,
            Type::Enum(_) => 4,
            Type::Array(elem, count) => self.most_bytes(elem) * count,
            Type::Record(index) => {
                let record = &self.records[*index];
                let members: usize = record.members.iter().map(|member| self.most_bytes(&member.ty) + 8).sum();
                members.next_multiple_of(16)
            }
        }
    }

    /// All of them in C.
    pub(crate) fn definitions(&self) -> String {
        let mut text = String::new();
        for (index, constants) in self.enums.iter().enumerate() {
            let constants = constants.iter().enumerate().map(|(at, value)| format!("E{index}_{at} = {value}"));
            let _ = writeln!(text, "enum e{index} {{ {} }};", constants.collect::<Vec<_>>().join(", "));
        }
        for (index, Record { keyword, members, attribute }) in self.records.iter().enumerate() {
            let _ = writeln!(text, "{keyword} r{index} {{");
            for Member { name, ty, bits } in members {
                let bits = bits.map_or_else(String::new, |bits| format!(" : {bits}"));
                let _ = writeln!(text, "\t{}{bits};", self.declared(ty, name));
            }
            let _ = writeln!(text, "}} {attribute};");
        }
        text
    }

    /// `struct r0 v[3]`
    pub(crate) fn declared(&self, ty: &Type, name: &str) -> String {
        match ty {
            Type::Scalar(scalar) => format!("{scalar} {name}"),
            Type::Enum(index) => format!("enum e{index} {name}"),
            Type::Record(index) => format!("{} r{index} {name}", self.records[*index].keyword),
            Type::Array(elem, count) => self.declared(elem, &format!("{name}[{count}]")),
        }
    }

    /// An initial value in C; many of its members are left out, and are zero.
    pub(crate) fn initial(&self, random: &mut Random, ty: &Type) -> String {
        match ty {
            Type::Scalar("_Bool") => random.below(2).to_string(),
            Type::Scalar("pointer") => "0".to_owned(),
            Type::Scalar(scalar) => format!("({scalar}){}", literal(random)),
            Type::Enum(index) => format!("E{index}_{}", random.below(self.enums[*index].len())),
            Type::Array(elem, count) => {
                let values = (0..=random.below(*count)).map(|_| self.initial(random, elem));
                format!("{{ {} }}", values.collect::<Vec<_>>().join(", "))
            }
            Type::Record(index) => {
                let Record { keyword, members, .. } = &self.records[*index];
                let mut values = Vec::new();
                for member in members {
                    if (*keyword == "struct" && random.one_in(2)) || (values.is_empty() && random.one_in(2)) {
                        let value = match member.bits {
                            // Any number of any width is cut to the bit-field's.
                            Some(bits) => (random.next() & (u64::MAX >> (64 - bits.min(31)))).to_string(),
                            None => self.initial(random, &member.ty),
                        };
                        values.push(format!(".{} = {value}", member.name));
                        if *keyword == "union" {
                            break;
                        }
                    }
                }
                format!("{{ {} }}", values.join(", "))
            }
        }
    }

    /// The numbers in a variable of type `ty` that C writes as `path`.
    pub(crate) fn leaves(&self, ty: &Type, path: &str) -> Vec<Leaf> {
        match ty {
            Type::Scalar(scalar) => {
                let cast = if *scalar == "pointer" { "pointer)(unsigned long" } else { scalar };
                vec![Leaf { path: path.to_owned(), cast: cast.to_owned(), is_bit_field: false }]
            }
            Type::Enum(index) => {
                vec![Leaf { path: path.to_owned(), cast: format!("enum e{index}"), is_bit_field: false }]
            }
            Type::Array(elem, count) => {
                (0..*count).flat_map(|at| self.leaves(elem, &format!("{path}[{at}]"))).collect()
            }
            Type::Record(index) => {
                let of_member = |member: &Member| {
                    let mut leaves = self.leaves(&member.ty, &format!("{path}.{}", member.name));
                    leaves.iter_mut().for_each(|leaf| leaf.is_bit_field |= member.bits.is_some());
                    leaves
                };
                self.records[*index].members.iter().flat_map(of_member).collect()
            }
        }
    }

    /// The parts of a variable that clang may make variables of their own, as C writes them, from the largest to the
    /// smallest. There are none where LLVM's elements may differ from C's: it gives one element to neighbouring bit-fields and
    /// to a union, and may add elements to a packed struct or to one with an alignment.
    pub(crate) fn pieces(&self, ty: &Type, path: &str) -> Vec<String> {
        if !self.is_plain(ty) {
            return Vec::new();
        }
        let parts: Vec<_> = match ty {
            Type::Scalar(_) | Type::Enum(_) => Vec::new(),
            Type::Array(elem, count) => (0..*count).map(|at| (&**elem, format!("{path}[{at}]"))).collect(),
            Type::Record(index) => {
                let members = self.records[*index].members.iter();
                members.map(|member| (&member.ty, format!("{path}.{}", member.name))).collect()
            }
        };
        let below: Vec<_> = parts.iter().flat_map(|(ty, path)| self.pieces(ty, path)).collect();
        parts.into_iter().map(|(_, path)| path).chain(below).collect()
    }

    /// Whether LLVM's elements of the type are those of C.
    fn is_plain(&self, ty: &Type) -> bool {
        match ty {
            Type::Scalar(_) | Type::Enum(_) => true,
            Type::Array(elem, _) => self.is_plain(elem),
            Type::Record(index) => {
                let Record { keyword, members, attribute } = &self.records[*index];
                *keyword == "struct"
                    && attribute.is_empty()
                    && members.iter().all(|member| member.bits.is_none() && self.is_plain(&member.ty))
            }
        }
    }
}

/// A number in C, of any of 64 bits; more often a small one.
pub(crate) fn literal(random: &mut Random) -> String {
    if random.one_in(3) { format!("{:#x}ULL", random.next()) } else { format!("{}ULL", random.below(100)) }
}
