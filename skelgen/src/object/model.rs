//! What an object holds, as owned values: the output of parsing and the input of linking.

use std::fmt;

use skelgen_abi::desc::{DataKind, KconfigType};

use super::ksym::Ksym;
use super::sec::SecDef;
use crate::btf::{Btf, StrOff, TypeId};
use crate::insn::Insn;
use crate::uapi::{
    BPF_F_MMAPABLE, BPF_MAP_TYPE_LRU_PERCPU_HASH, BPF_MAP_TYPE_PERCPU_ARRAY, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
    BPF_MAP_TYPE_PERCPU_HASH, BtfKind, MapFlags, MapType,
};
use crate::{Endian, Error};

macro_rules! index {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub usize);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

index! {
    /// Index into [`Object::maps`].
    MapIdx
}
index! {
    /// Index into [`Object::functions`].
    FuncIdx
}
index! {
    /// Index into [`Object::ksyms`].
    KsymIdx
}
index! {
    /// Index into the programs, in the order of their definition in the object.
    ProgIdx
}

/// A parsed object.
#[derive(Clone, Debug)]
pub struct Object {
    /// The object's name: the file name up to its first dot, as a C identifier.
    pub name: String,
    /// Byte order of everything in it.
    pub endian: Endian,
    /// The content of section `license`.
    pub license: String,
    /// Its types, with the sizes and offsets of data sections filled in from the symbols.
    pub btf: Btf,
    /// Maps from `.maps`, then data sections, in the order of their sections, then `.kconfig`.
    pub maps: Vec<Map>,
    /// What it refers to of the kernel, in the order of the symbols.
    pub ksyms: Vec<Ksym>,
    /// Every function of every code section.
    pub functions: Vec<Function>,
    /// The functions that are programs.
    pub programs: Vec<ProgramDef>,
}

/// A function, its instructions and what refers out of it.
#[derive(Clone, Debug)]
pub struct Function {
    /// The symbol's name.
    pub name: String,
    /// The section it stands in.
    pub section: String,
    /// Whether the verifier checks it by itself (a global symbol that is neither hidden nor internal).
    pub global: bool,
    /// Its instructions; those that a relocation fills in are listed in `relocs`.
    pub insns: Vec<Insn>,
    /// References out of the function, by rising instruction.
    pub relocs: Vec<Reloc>,
    /// Its `BTF_KIND_FUNC`.
    pub type_id: Option<TypeId>,
    /// Its source lines.
    pub lines: Vec<Line>,
    /// Its CO-RE relocations.
    pub core_relos: Vec<Core>,
    /// The tables that it jumps through.
    pub jump_tables: Vec<JumpTable>,
}

/// A jump table of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JumpTable {
    /// Bytes from the start of section `.jumptables`.
    pub offset: u64,
    /// Where its entries lead to, in slots from the function's start.
    pub targets: Vec<i64>,
}

/// A reference of one instruction to something outside its function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reloc {
    /// The slot that refers.
    pub insn: usize,
    /// What to.
    pub target: Target,
}

/// What an instruction refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// `ld_imm64` of a map.
    Map(MapIdx),
    /// `ld_imm64` of an address inside a map's only value, or among an arena's variables.
    MapValue(MapIdx, i32),
    /// A call.
    Call(FuncIdx),
    /// `ld_imm64` of a function's address, for a callback.
    FuncAddr(FuncIdx),
    /// A call or the address of something in the kernel.
    Ksym(KsymIdx),
    /// `ld_imm64` of one of the function's jump tables, by its index among them.
    JumpTable(usize),
}

/// A source line, its slot counted from the function's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// The first slot the line made.
    pub insn: usize,
    /// The source file's name.
    pub file: StrOff,
    /// The line's text.
    pub line: StrOff,
    /// Line number << 10 | column.
    pub line_col: u32,
}

/// A CO-RE relocation, its slot counted from the function's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Core {
    /// The slot to patch.
    pub insn: usize,
    /// The root type of the access.
    pub type_id: TypeId,
    /// The access, as in `0:1:2`.
    pub access: StrOff,
    /// `enum bpf_core_relo_kind`.
    pub kind: u32,
}

/// A function in a program section.
#[derive(Clone, Debug)]
pub struct ProgramDef {
    /// The entry function.
    pub entry: FuncIdx,
    /// Its name.
    pub name: String,
    /// The section's name as written, `?` included.
    pub section: String,
    /// What the section's name says of it.
    pub sec: SecDef,
    /// The function that runs when it throws, if it has one of its own.
    pub exception_callback: Option<FuncIdx>,
}

/// A map: one of `.maps`, or a data section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map {
    /// The variable's or section's name.
    pub name: String,
    /// `map_name` of `BPF_MAP_CREATE`, at most 15 bytes.
    pub kernel_name: String,
    /// What the kernel creates.
    pub def: MapDef,
    /// For maps of maps: what an inner map looks like.
    pub inner: Option<MapDef>,
    /// For maps of maps and program arrays: the slots with a value in the object.
    pub slots: Vec<(u32, Slot)>,
    /// For data sections: what stands in it.
    pub data: Option<Data>,
    /// For struct_ops maps: the struct and its programs.
    pub struct_ops: Option<StructOps>,
    /// For an arena: the object's variables that lie in it.
    pub arena: Option<Arena>,
}

/// What a slot of a map holds from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// Of a map of maps: a map.
    Map(MapIdx),
    /// Of a program array: a program to tail-call.
    Program(ProgIdx),
}

/// The scalar attributes of a map, as in `BPF_MAP_CREATE`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MapDef {
    /// `enum bpf_map_type`.
    pub map_type: MapType,
    /// Bytes of a key.
    pub key_size: u32,
    /// Bytes of a value (of one CPU's value, in a per-CPU map).
    pub value_size: u32,
    /// Entries.
    pub max_entries: u32,
    /// `BPF_F_*`.
    pub map_flags: MapFlags,
    /// NUMA node, with `BPF_F_NUMA_NODE`.
    pub numa_node: u32,
    /// Extra attribute of a few map types: the number of hash functions of a bloom filter, for instance.
    pub map_extra: u64,
    /// Pinned by name (`LIBBPF_PIN_BY_NAME`).
    pub pin_by_name: bool,
    /// The key's type.
    pub key_type: Option<TypeId>,
    /// The value's type.
    pub value_type: Option<TypeId>,
}

impl MapDef {
    /// Whether user space can map the value into its memory (`BPF_F_MMAPABLE`).
    pub fn is_mmapable(&self) -> bool {
        self.map_flags.has(BPF_F_MMAPABLE)
    }

    /// Whether each possible CPU has a value of its own.
    pub fn is_percpu(&self) -> bool {
        matches!(
            self.map_type,
            BPF_MAP_TYPE_PERCPU_ARRAY
                | BPF_MAP_TYPE_PERCPU_HASH
                | BPF_MAP_TYPE_LRU_PERCPU_HASH
                | BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE
        )
    }
}

/// A struct of the kernel's, made of values and programs: the value of a struct_ops map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StructOps {
    /// The struct in the object.
    pub type_id: TypeId,
    /// Its name in the kernel: without a flavour, `___x`.
    pub type_name: String,
    /// The first value, as the object lays it out; 0 where it has programs.
    pub bytes: Vec<u8>,
    /// Whether the map is created unless the user says otherwise: not in `?.struct_ops`.
    pub autocreate: bool,
    /// The members, in order of declaration.
    pub members: Vec<OpsMember>,
}

/// A member of such a struct.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpsMember {
    /// The C name, which the kernel's has too.
    pub name: String,
    /// Bytes from the struct's start.
    pub offset: u32,
    /// Bytes.
    pub size: u32,
    /// `BTF_KIND_*` of its type, behind typedefs and qualifiers.
    pub kind: BtfKind,
    /// Whether it is a bit-field, of which the kernel takes none.
    pub bitfield: bool,
    /// Whether it is a pointer to a function, in whose place a program can stand.
    pub function: bool,
    /// The program that the object has there.
    pub program: Option<ProgIdx>,
}

/// A data section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Data {
    /// What the section is for.
    pub kind: DataKind,
    /// The initial bytes; `.bss` is all zero and has none.
    pub bytes: Vec<u8>,
    /// The variables, by rising offset.
    pub vars: Vec<Var>,
}

impl Data {
    /// Whether variables tell something of the programs: `bpf_metadata_*`, as `bpftool prog` shows them.
    pub fn has_metadata(&self) -> bool {
        self.kind == DataKind::Rodata && self.vars.iter().any(|var| var.name.starts_with("bpf_metadata_"))
    }
}

/// The variables in an arena: section `.addr_space.1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arena {
    /// Bytes of the section.
    pub size: u32,
    /// The initial bytes; none if they are all zero.
    pub bytes: Vec<u8>,
    /// The variables, by rising offset.
    pub vars: Vec<Var>,
}

/// A variable in a data section or an arena.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Var {
    /// The C name.
    pub name: String,
    /// Its type.
    pub type_id: TypeId,
    /// Bytes from the section's start.
    pub offset: u32,
    /// Bytes.
    pub size: u32,
    /// How it differs from its source.
    pub notes: Vec<VarNote>,
    /// In `.kconfig`: how it gets its value.
    pub kconfig: Option<Kconfig>,
}

/// How a variable differs from its source. Its `Display` is a clause for documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VarNote {
    /// The compiler shrank or split a static variable; the rest has no type in BTF and is an array of bytes.
    Cut {
        /// The C declaration, with the compiler's name for the piece.
        declaration: String,
    },
    /// The variable holds an address, which no loader can fill in and no code reads.
    Address {
        /// Bytes from the variable's start.
        offset: u32,
        /// The symbol or section that it is the address of.
        of: String,
    },
}

impl fmt::Display for VarNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VarNote::Cut { declaration } => write!(f, "bytes that the compiler kept of `{declaration}`"),
            VarNote::Address { offset, of } => {
                write!(f, "the address of `{of}` at byte {offset} is not filled in")
            }
        }
    }
}

/// How a variable of `.kconfig` gets its value: from the kernel's option of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kconfig {
    /// What is taken for a value.
    pub ty: KconfigType,
    /// Whether the option may be missing, and the value then is 0.
    pub weak: bool,
}

/// The kind of a section, `None` if its name is not one of a data section. `.data.percpu` is ordinary data.
pub fn data_kind(section: &str) -> Option<DataKind> {
    let of = |kind: &str| section.strip_prefix(kind).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    match () {
        () if of(".data") => Some(DataKind::Data),
        () if of(".rodata") => Some(DataKind::Rodata),
        () if of(".bss") => Some(DataKind::Bss),
        () if of(".percpu") => Some(DataKind::PerCpu),
        () => None,
    }
}

impl Object {
    /// The map at `index`.
    pub fn map(&self, index: MapIdx) -> Option<&Map> {
        self.maps.get(index.0)
    }

    /// The function at `index`, as an error if the object is inconsistent.
    pub fn function(&self, index: FuncIdx) -> Result<&Function, Error> {
        self.functions.get(index.0).ok_or_else(|| Error::malformed(format!("no function {index}")))
    }

    /// The indexes of the `.percpu` sections' maps.
    pub fn percpu_maps(&self) -> Vec<MapIdx> {
        let percpu = |map: &Map| map.data.as_ref().is_some_and(|data| data.kind == DataKind::PerCpu);
        (0..self.maps.len()).map(MapIdx).filter(|&index| self.map(index).is_some_and(percpu)).collect()
    }
}
