//! Jump tables: maps that are filled entry by entry and frozen before their program is loaded.

use skelgen_abi::attr::{InsnArrayValue, MapElem, MapFreeze, place};

use super::assemble::Assembler;
use super::attr;
use super::image::{BlobOff, Record};
use crate::Result;
use crate::link::JumpTable;
use crate::object::{MapDef, ProgIdx};
use crate::plan::{Image, When};
use crate::uapi::{BPF_MAP_CREATE, BPF_MAP_FREEZE, BPF_MAP_TYPE_INSN_ARRAY, BPF_MAP_UPDATE_ELEM};

/// The map's name, which is the section's.
const NAME: &str = ".jumptables";

/// Bytes of a value, which opens with `orig_off`.
const VALUE_LEN: usize = size_of::<InsnArrayValue>();

impl Assembler<'_> {
    pub(super) fn create_jump_table(&mut self, program: ProgIdx, table: usize) -> Result<()> {
        let table = &self.plan.program(program).native.jump_tables[table];
        let def = MapDef {
            map_type: BPF_MAP_TYPE_INSN_ARRAY,
            key_size: 4,
            value_size: VALUE_LEN as u32,
            max_entries: table.targets.len() as u32,
            ..MapDef::default()
        };
        let attr = attr::map_create(NAME, &def, false);
        let when = Record { unless: self.programs[program.0].skip, ..self.always() };
        let (arg, size) = self.map_attr(&attr)?;
        self.image.record(Record { cmd: BPF_MAP_CREATE.0, arg, size, out: self.fd_of(table), ..when });
        Ok(())
    }

    /// One attr for all entries: key and value are copied where it has them.
    pub(super) fn init_jump_table(&mut self, program: ProgIdx, table: usize, image: Image, when: When) -> Result<()> {
        let table = &self.plan.program(program).image(image).jump_tables[table];
        let when = Record { unless: self.programs[program.0].skip, ..self.when(when) };
        let attr = self.image.put(&attr::map_update_elem(0).encode(self.endian))?;
        let (key, value) = (self.image.word(0)?, self.image.put(&[0; VALUE_LEN])?);
        self.image.point(attr.plus(place!(MapElem.key)), key);
        self.image.point(attr.plus(place!(MapElem.value)), value);
        self.copy(self.fd_of(table), attr.plus(place!(MapElem.map_fd)), when);
        for (index, &target) in table.targets.iter().enumerate() {
            let (index, target) = (self.image.word(index as u32)?, self.image.word(target)?);
            self.copy(index, key, when);
            self.copy(target, value, when);
            self.image.record(Record {
                cmd: BPF_MAP_UPDATE_ELEM.0,
                arg: attr,
                size: size_of::<MapElem>() as u32,
                ..when
            });
        }
        Ok(())
    }

    pub(super) fn freeze_jump_table(&mut self, program: ProgIdx, table: usize) -> Result<()> {
        let table = &self.plan.program(program).native.jump_tables[table];
        let when = Record { unless: self.programs[program.0].skip, ..self.always() };
        let attr = self.image.put(&attr::map_freeze().encode(self.endian))?;
        self.copy(self.fd_of(table), attr.plus(place!(MapFreeze.map_fd)), when);
        self.image.record(Record { cmd: BPF_MAP_FREEZE.0, arg: attr, size: size_of::<MapFreeze>() as u32, ..when });
        Ok(())
    }

    /// The place of a jump table's file descriptor.
    fn fd_of(&self, table: &JumpTable) -> BlobOff {
        self.fds.at(table.slot)
    }
}
