//! Finding out, from inside the kernel, how it can treat per-CPU data.

use skelgen_abi::attr::{MapElem, place};

use super::assemble::Assembler;
use super::attr::{self, ProgLens};
use super::image::{BlobOff, Record};
use super::wire::{feature, header, op};
use crate::Result;
use crate::insn::{build, encode_all};
use crate::object::{MapDef, SecDef};
use crate::uapi::{
    BPF_F_CPU, BPF_MAP_CREATE, BPF_MAP_TYPE_PERCPU_ARRAY, BPF_MAP_UPDATE_ELEM, BPF_PROG_LOAD, BPF_PSEUDO_MAP_IDX_VALUE,
};

/// The `ERANGE` with which a kernel that has `BPF_F_CPU` answers an impossible CPU.
const ERANGE: i32 = 34;

/// Descriptors that the questions need: a map and a program.
pub(super) const DESCRIPTORS: usize = 2;

impl Assembler<'_> {
    /// Two questions, on a little per-CPU array of their own.
    ///
    /// A kernel with the flags answers an update for an impossible CPU with `ERANGE` before it looks at the value;
    /// one without them stumbles over the missing value. Direct addressing came after the flags: without them the
    /// second question is not asked.
    pub(super) fn probe(&mut self) -> Result<()> {
        const VALUE_SIZE: u32 = 8;
        let fd = self.probes.next();
        let unknown = Record { mask: feature::KNOWN, want: 0, ..self.always() };

        let def = MapDef {
            map_type: BPF_MAP_TYPE_PERCPU_ARRAY,
            key_size: 4,
            value_size: VALUE_SIZE,
            max_entries: 1,
            ..MapDef::default()
        };
        let create = attr::map_create("skelgen_probe", &def, false);
        let (arg, size) = self.map_attr(&create)?;
        self.image.record(Record { cmd: BPF_MAP_CREATE.0, arg, size, out: fd, ..unknown });

        let impossible_cpu = BPF_F_CPU | u64::from(u32::MAX) << 32;
        let update = attr::map_update_elem(impossible_cpu).encode(self.endian);
        let update = self.image.put(&update)?;
        self.image.point(update.plus(place!(MapElem.key)), BlobOff(header::ZERO));
        self.copy(fd, update.plus(place!(MapElem.map_fd)), unknown);
        self.image.record(Record {
            op: op::PROBE,
            cmd: BPF_MAP_UPDATE_ELEM.0,
            arg: update,
            size: size_of::<MapElem>() as u32,
            expect: -ERANGE,
            feature: feature::ALL_CPUS,
            ..unknown
        });
        self.probe_direct(fd)?;
        self.image.record(Record { op: op::CLOSE, arg: fd, ..unknown });
        Ok(())
    }

    /// Loads a socket filter that reads the probe map directly.
    fn probe_direct(&mut self, map: BlobOff) -> Result<()> {
        use build::{R0, R1, Size};
        let [low, high] = build::ld_imm64(R1, BPF_PSEUDO_MAP_IDX_VALUE, 0, 0);
        let code = [low, high, build::load(Size::DW, R0, R1, 0), build::mov_imm(R0, 0), build::exit()];
        let sec = SecDef::socket_filter();
        let lens = ProgLens { insns: code.len(), func_info: 0, line_info: 0, core_relos: 0 };
        let attr = attr::prog_load("skelgen_probe", &sec, &lens).encode(self.endian);
        let size = attr.len() as u32;
        let attr = self.image.put(&attr)?;
        let fd = self.probes.next();
        let asked = Record {
            mask: feature::KNOWN | feature::FORCED | feature::ALL_CPUS,
            want: feature::ALL_CPUS,
            ..self.always()
        };
        let code = self.image.put(&encode_all(&code, self.endian))?;
        self.image.point(attr.plus(place!(ProgLoad.insns)), code);
        self.image.point(attr.plus(place!(ProgLoad.license)), self.license);
        self.image.point(attr.plus(place!(ProgLoad.fd_array)), map);
        self.image.record(Record {
            op: op::PROBE,
            cmd: BPF_PROG_LOAD.0,
            arg: attr,
            size,
            out: fd,
            feature: feature::DIRECT,
            ..asked
        });
        self.image.record(Record { op: op::CLOSE, arg: fd, ..asked });
        Ok(())
    }
}
