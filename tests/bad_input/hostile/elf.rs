//! Objects made byte by byte, with any number of sections, symbols, types and relocations.

use skelgen::Endian;
use skelgen::btf::{
    Array, Btf, Datasec, DatasecVar, Func, FuncProto, Int, Linkage, Member, Param, Type, TypeId, Typedef, Var,
};

/// `STT_OBJECT`, `STT_FUNC`.
pub(super) const OBJECT: u8 = 1;
pub(super) const FUNC: u8 = 2;
/// `STB_GLOBAL`.
const GLOBAL: u8 = 1 << 4;
/// `R_BPF_64_64`, `R_BPF_64_ABS64`, `R_BPF_64_32`.
pub(super) const IMM64: u32 = 1;
pub(super) const ABS64: u32 = 2;
pub(super) const CALL: u32 = 10;

const PROGBITS: u32 = 1;
const SYMTAB: u32 = 2;
const STRTAB: u32 = 3;
const REL: u32 = 9;
const ALLOC: u64 = 2;
const EXECINSTR: u64 = 4;

/// `r0 = 0; exit`
pub(super) const RETURN_0: [u8; 16] = [0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0];
/// `call` of a relocated function.
pub(super) const CALL_INSN: [u8; 8] = [0x85, 0x10, 0, 0, 0xff, 0xff, 0xff, 0xff];

/// A section's index.
pub(super) type Section = u16;
/// A symbol's index.
pub(super) type Symbol = u32;

/// An object under construction.
#[derive(Default)]
pub(super) struct ObjectWriter {
    names: Vec<u8>,
    headers: Vec<Header>,
    symbols: Vec<u8>,
    symbol_names: Vec<u8>,
    /// By section, `Elf64_Rel`s.
    relocations: Vec<(Section, Vec<u8>)>,
    pub(super) btf: Btf,
    /// Records of `func_info`, by section.
    func_info: Vec<(String, Vec<u8>)>,
    /// The table `line_info`, without its first word.
    line_info: Vec<u8>,
}

struct Header {
    name: u32,
    kind: u32,
    flags: u64,
    link: u32,
    info: u32,
    entry: u64,
    data: Vec<u8>,
}

impl ObjectWriter {
    pub(super) fn new() -> Self {
        let mut object = ObjectWriter { names: vec![0], symbol_names: vec![0], ..Self::default() };
        object.symbols.resize(24, 0);
        object.put("", 0, 0, Vec::new());
        object.section("license", b"GPL\0".to_vec());
        object
    }

    /// A section of data.
    pub(super) fn section(&mut self, name: &str, data: Vec<u8>) -> Section {
        self.put(name, PROGBITS, ALLOC, data)
    }

    /// A section of instructions.
    pub(super) fn code(&mut self, name: &str, insns: Vec<u8>) -> Section {
        self.put(name, PROGBITS, ALLOC | EXECINSTR, insns)
    }

    /// Sets a section's bytes.
    pub(super) fn fill(&mut self, section: Section, data: Vec<u8>) {
        self.headers[usize::from(section)].data = data;
    }

    fn put(&mut self, name: &str, kind: u32, flags: u64, data: Vec<u8>) -> Section {
        let at = self.names.len() as u32;
        self.names.extend(name.bytes().chain([0]));
        self.headers.push(Header { name: at, kind, flags, link: 0, info: 0, entry: 0, data });
        Section::try_from(self.headers.len() - 1).unwrap()
    }

    /// A global symbol.
    pub(super) fn symbol(&mut self, name: &str, kind: u8, section: Section, value: u64, size: u64) -> Symbol {
        let at = self.symbol_names.len() as u32;
        self.symbol_names.extend(name.bytes().chain([0]));
        self.symbols.extend(at.to_le_bytes());
        self.symbols.extend([GLOBAL | kind, 0]);
        self.symbols.extend(section.to_le_bytes());
        self.symbols.extend(value.to_le_bytes());
        self.symbols.extend(size.to_le_bytes());
        (self.symbols.len() / 24 - 1) as Symbol
    }

    /// A global symbol with a name that is already in the string table.
    pub(super) fn symbol_named(&mut self, name: u32, kind: u8, section: Section) {
        self.symbols.extend(name.to_le_bytes());
        self.symbols.extend([GLOBAL | kind, 0]);
        self.symbols.extend(section.to_le_bytes());
        self.symbols.extend([0; 16]);
    }

    /// A program of `insns` in a section of its own, or several.
    pub(super) fn program(&mut self, section: &str, name: &str, insns: Vec<u8>) -> Section {
        let size = insns.len() as u64;
        let code = self.code(section, insns);
        self.symbol(name, FUNC, code, 0, size);
        code
    }

    pub(super) fn relocate(&mut self, section: Section, offset: u64, symbol: Symbol, kind: u32) {
        let info = u64::from(symbol) << 32 | u64::from(kind);
        let words = [offset, info].map(u64::to_le_bytes).concat();
        match self.relocations.last_mut().filter(|(of, _)| *of == section) {
            Some((_, all)) => all.extend(words),
            None => self.relocations.push((section, words)),
        }
    }

    /// A record of `func_info`.
    pub(super) fn func_info(&mut self, section: &str, ty: TypeId, offset: u32) {
        let record = [offset, ty.0].map(u32::to_le_bytes).concat();
        match self.func_info.last_mut().filter(|(of, _)| of == section) {
            Some((_, records)) => records.extend(record),
            None => self.func_info.push((section.to_owned(), record)),
        }
    }

    /// Records of `line_info`, one for each instruction.
    pub(super) fn line_info(&mut self, section: &str, text: &str, count: u32) {
        let (name, text) = (self.btf.add_str(section).unwrap(), self.btf.add_str(text).unwrap());
        self.line_info.extend([name.0, count].map(u32::to_le_bytes).concat());
        for index in 0..count {
            self.line_info.extend([8 * index, text.0, text.0, index << 10].map(u32::to_le_bytes).concat());
        }
    }

    pub(super) fn int(&mut self) -> TypeId {
        let name = self.btf.add_str("int").unwrap();
        self.btf.add_type(Type::Int(Int { name, size: 4, encoding: Int::SIGNED, offset: 0, bits: 32 }))
    }

    pub(super) fn add(&mut self, ty: Type) -> TypeId {
        self.btf.add_type(ty)
    }

    pub(super) fn datasec(&mut self, name: &str, vars: &[(String, TypeId, u32)]) -> TypeId {
        let vars = vars.iter().map(|(name, ty, size)| {
            let name = self.btf.add_str(name).unwrap();
            let var = self.btf.add_type(Type::Var(Var { name, ty: *ty, linkage: Linkage::Global }));
            DatasecVar { ty: var, offset: 0, size: *size }
        });
        let vars = vars.collect();
        let name = self.btf.add_str(name).unwrap();
        self.btf.add_type(Type::Datasec(Datasec { name, size: 0, vars }))
    }

    pub(super) fn func(&mut self, name: &str, params: usize) -> TypeId {
        let int = self.int();
        let params = vec![Param { name: Default::default(), ty: int }; params];
        let proto = self.btf.add_type(Type::FuncProto(FuncProto { ret: int, params }));
        let name = self.btf.add_str(name).unwrap();
        self.btf.add_type(Type::Func(Func { name, proto, linkage: Linkage::Global }))
    }

    /// `__uint(name, number)`, as a member's type.
    pub(super) fn uint(&mut self, int: TypeId, number: u32) -> TypeId {
        let array = self.btf.add_type(Type::Array(Array { elem: int, index: int, len: number }));
        self.btf.add_type(Type::Ptr(array))
    }

    pub(super) fn structure(&mut self, name: &str, members: &[(&str, TypeId)], each: u32) -> TypeId {
        let of = |(index, (name, ty)): (usize, &(&str, TypeId))| Member {
            name: self.btf.add_str(name).unwrap(),
            ty: *ty,
            bit_offset: 8 * each * index as u32,
            bitfield_size: 0,
        };
        let members: Vec<_> = members.iter().enumerate().map(of).collect();
        let name = self.btf.add_str(name).unwrap();
        let size = each * members.len() as u32;
        self.btf.add_type(Type::Struct(skelgen::btf::Composite { name, size, has_bitfields: false, members }))
    }

    pub(super) fn typedef(&mut self, name: &str, ty: TypeId) -> TypeId {
        let name = self.btf.add_str(name).unwrap();
        self.btf.add_type(Type::Typedef(Typedef { name, ty }))
    }

    /// The file.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let mut func_info = Vec::new();
        for (section, records) in std::mem::take(&mut self.func_info) {
            let name = self.btf.add_str(&section).unwrap();
            func_info.extend([name.0, records.len() as u32 / 8].map(u32::to_le_bytes).concat());
            func_info.extend(records);
        }
        if !self.btf.is_empty() {
            let btf = self.btf.encode(Endian::Little);
            self.put(".BTF", PROGBITS, 0, btf);
        }
        let tables = [(8u32, func_info), (16, std::mem::take(&mut self.line_info))];
        if tables.iter().any(|(_, records)| !records.is_empty()) {
            let mut ext = [0xeb9f_u16.to_le_bytes(), [1, 0]].concat();
            let lens =
                tables.each_ref().map(|(_, records)| if records.is_empty() { 0 } else { 4 + records.len() as u32 });
            ext.extend([32, 0, lens[0], lens[0], lens[1], lens[0] + lens[1], 0].map(u32::to_le_bytes).concat());
            for (size, records) in tables.into_iter().filter(|(_, records)| !records.is_empty()) {
                ext.extend(size.to_le_bytes());
                ext.extend(records);
            }
            self.put(".BTF.ext", PROGBITS, 0, ext);
        }
        let (symbols, names) = (std::mem::take(&mut self.symbols), std::mem::take(&mut self.symbol_names));
        let table = self.headers.len() as u32;
        for (section, relocations) in std::mem::take(&mut self.relocations) {
            self.put(".rel", REL, 0, relocations);
            let header = self.headers.last_mut().unwrap();
            (header.info, header.entry) = (section.into(), 16);
        }
        let symtab = self.put(".symtab", SYMTAB, 0, symbols);
        let strtab = self.put(".strtab", STRTAB, 0, names);
        let header = &mut self.headers[usize::from(symtab)];
        (header.link, header.info, header.entry) = (strtab.into(), 1, 24);
        for header in &mut self.headers[table as usize..usize::from(symtab)] {
            header.link = symtab.into();
        }
        self.put(".shstrtab", STRTAB, 0, Vec::new());
        self.headers.last_mut().unwrap().data = std::mem::take(&mut self.names);
        encode(&self.headers)
    }
}

fn encode(sections: &[Header]) -> Vec<u8> {
    let mut file = vec![0; 64];
    let mut table = Vec::new();
    for (index, section) in sections.iter().enumerate() {
        file.resize(file.len().next_multiple_of(8), 0);
        let at = if index == 0 { 0 } else { file.len() as u64 };
        table.extend([section.name, section.kind].map(u32::to_le_bytes).concat());
        table.extend([section.flags, 0, at, section.data.len() as u64].map(u64::to_le_bytes).concat());
        table.extend([section.link, section.info].map(u32::to_le_bytes).concat());
        table.extend([8, section.entry].map(u64::to_le_bytes).concat());
        file.extend_from_slice(&section.data);
    }
    file.resize(file.len().next_multiple_of(8), 0);
    let start = file.len() as u64;
    file.extend(table);
    let count = u16::try_from(sections.len()).unwrap();
    file[..16].copy_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    // ET_REL, EM_BPF, version 1
    file[16..24].copy_from_slice(&[1, 0, 247, 0, 1, 0, 0, 0]);
    file[40..48].copy_from_slice(&start.to_le_bytes());
    for (at, value) in [(52, 64), (58, 64), (60, count), (62, count - 1)] {
        file[at..at + 2].copy_from_slice(&u16::to_le_bytes(value));
    }
    file
}
