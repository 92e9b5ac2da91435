//! The loader program in Rust, with a kernel that answers whatever it likes. It checks what safe code relies on.

use std::borrow::Cow;
use std::collections::BTreeMap;

use skelgen_abi::{place, uapi};
use skelgen_runtime::image::{
    AT_NR_STEPS, FEATURE_ALL_CPUS, FEATURE_DIRECT, FEATURE_KNOWN, Header, OP_CLOSE, OP_COPY, OP_FIND_BTF, OP_FIND_KSYM,
    OP_POINT, OP_PROBE, SLACK, STEP_SIZE,
};
use skelgen_runtime::{MapDesc, ObjectDesc};
use skelgen_tests::random::Random;

pub(crate) const MAP_CREATE: u32 = uapi::BPF_MAP_CREATE.0;
pub(crate) const MAP_UPDATE_ELEM: u32 = uapi::BPF_MAP_UPDATE_ELEM.0;
pub(crate) const PROG_LOAD: u32 = uapi::BPF_PROG_LOAD.0;
pub(crate) const BTF_LOAD: u32 = uapi::BPF_BTF_LOAD.0;
pub(crate) const MAP_FREEZE: u32 = uapi::BPF_MAP_FREEZE.0;

/// Places of a map's sizes in its attr.
const SHAPE: [u32; 5] = [
    place!(MapCreate.map_type),
    place!(MapCreate.key_size),
    place!(MapCreate.value_size),
    place!(MapCreate.max_entries),
    place!(MapCreate.map_flags),
];
/// Places of the words that have the kernel write a log.
const PROG_LOG: [u32; 4] =
    [place!(ProgLoad.log_level), place!(ProgLoad.log_size), place!(ProgLoad.log_buf), place!(ProgLoad.log_buf) + 4];
const BTF_LOG: [u32; 4] = [
    place!(BtfLoad.btf_log_buf),
    place!(BtfLoad.btf_log_buf) + 4,
    place!(BtfLoad.btf_log_size),
    place!(BtfLoad.btf_log_level),
];

/// Map types.
const PERCPU_HASH: u32 = 5;
const PERCPU_ARRAY: u32 = 6;
const LRU_PERCPU_HASH: u32 = 10;
/// `BPF_F_ALL_CPUS`.
const ALL_CPUS: u32 = 16;

/// Where the kernel has the image.
const IMAGE: u64 = 0xffff_c900_0000_0000;

/// What the kernel was asked to make: its command, and a map's sizes.
type Made = (u32, [u32; 5]);

pub(crate) struct Model<'a> {
    desc: &'a ObjectDesc<'a>,
    /// Before the run.
    image: Cow<'a, [u8]>,
    header: Header,
    memory: Vec<u8>,
    /// By number, what is open that the loader made.
    made: BTreeMap<u32, Made>,
    next_fd: u32,
    random: Random,
}

/// The five numbers of a map that its handle goes by.
fn shape(map: &MapDesc<'_>) -> [u32; 5] {
    [map.map_type, map.key_size, map.value_size, map.max_entries, map.map_flags]
}

/// Carries out the image of `desc`; why safe code could be harmed, if it could.
pub(crate) fn run(desc: &ObjectDesc<'_>, random: Random) -> Result<(), String> {
    let image = desc.image.expand().map_err(|error| error.to_string())?;
    let header = Header::of(&image).map_err(|error| error.to_string())?;
    let mut memory = image.to_vec();
    memory.resize(header.size as usize, 0);
    let mut model = Model { desc, image, header, memory, made: BTreeMap::new(), next_fd: 100, random };
    let known = model.random.pick(&[
        0,
        FEATURE_KNOWN,
        FEATURE_KNOWN | FEATURE_ALL_CPUS,
        FEATURE_KNOWN | FEATURE_ALL_CPUS | FEATURE_DIRECT,
    ]);
    model.put(skelgen_runtime::image::AT_FEATURES, known);
    for index in 0..header.nr_steps {
        if !model.step(index)? {
            break;
        }
    }
    model.finish()
}

impl Model<'_> {
    fn mask(&self, at: u32, align: u32) -> usize {
        (at & (self.header.size - SLACK - 1) & !(align - 1)) as usize
    }

    fn word(&self, at: u32) -> u32 {
        let at = self.mask(at, 4);
        u32::from_ne_bytes(*self.memory[at..].first_chunk().unwrap())
    }

    fn put(&mut self, at: u32, word: u32) {
        let at = self.mask(at, 4);
        self.memory[at..at + 4].copy_from_slice(&word.to_ne_bytes());
    }

    fn put_long(&mut self, at: u32, long: u64) {
        let at = self.mask(at, 8);
        self.memory[at..at + 8].copy_from_slice(&long.to_ne_bytes());
    }

    /// A new descriptor of what `command` makes.
    fn make(&mut self, made: Made) -> u32 {
        self.next_fd += 1;
        self.made.insert(self.next_fd, made);
        self.next_fd
    }

    /// Whether to go on.
    fn step(&mut self, index: u32) -> Result<bool, String> {
        if index >= self.word(AT_NR_STEPS) {
            return Ok(false);
        }
        let at = self.mask(self.word(24).wrapping_add(index.wrapping_mul(STEP_SIZE)), 8) as u32;
        let field = |place: u32| self.word(at + place);
        let [low, high, mask, want] = field(0).to_ne_bytes();
        let op = u16::from_ne_bytes([low, high]);
        let features = self.word(8);
        let (unless, cmd, arg, size, out, out2) = (field(4), field(8), field(12), field(16), field(20), field(24));
        let (expect, feature) = (field(32), field(36));
        if features & u32::from(mask) != u32::from(want) || self.word(unless) != 0 {
            return Ok(true);
        }
        match op {
            OP_COPY => {
                let word = self.word(arg);
                self.put(out, word);
            }
            OP_POINT => self.put_long(out, IMAGE + u64::from(arg)),
            OP_FIND_KSYM => {
                let address = self.random.next();
                self.put_long(out, address);
            }
            OP_FIND_BTF => {
                if self.random.one_in(8) {
                    return Ok(expect != 0);
                }
                let id = self.random.next() as u32 & 0xffff;
                let module = if self.random.one_in(2) { self.make((BTF_LOAD, [0; 5])) } else { 0 };
                self.put(out, id);
                self.put(out2, module);
            }
            OP_CLOSE => {
                let fd = self.word(arg);
                if fd.cast_signed() >= 0 {
                    self.made
                        .remove(&fd)
                        .ok_or_else(|| format!("step {index} closes {fd}, which the loader did not make"))?;
                    self.put(arg, u32::MAX);
                }
            }
            _ if size == 0 || size > 512 => return Ok(false),
            op => {
                let result = self.command(index, cmd, arg, size)?;
                if op == OP_PROBE && self.random.one_in(2) {
                    self.put(8, features | feature);
                }
                match result {
                    Some(result) => self.put(out, result),
                    None => return Ok(op == OP_PROBE),
                }
            }
        }
        Ok(true)
    }

    /// bpf(2), which may fail.
    fn command(&mut self, index: u32, cmd: u32, arg: u32, size: u32) -> Result<Option<u32>, String> {
        let field = |place: u32| if place + 4 <= size { self.word(arg + place) } else { 0 };
        let made = match cmd {
            MAP_CREATE => Some((cmd, SHAPE.map(field))),
            PROG_LOAD if PROG_LOG.map(field) != [0; 4] => return Err(format!("step {index} writes a log")),
            BTF_LOAD if BTF_LOG.map(field) != [0; 4] => return Err(format!("step {index} writes a log")),
            PROG_LOAD | BTF_LOAD => Some((cmd, [0; 5])),
            MAP_UPDATE_ELEM | MAP_FREEZE => {
                let fd = field(place!(MapElem.map_fd));
                if fd != u32::MAX && !self.made.contains_key(&fd) {
                    return Err(format!("step {index} changes map {fd}, which the loader did not make"));
                }
                if let Some(&(MAP_CREATE, [map_type, key_size, value_size, ..])) = self.made.get(&fd)
                    && cmd == MAP_UPDATE_ELEM
                {
                    let value_size = match (map_type, [24, 28].map(field)) {
                        (PERCPU_HASH | PERCPU_ARRAY | LRU_PERCPU_HASH, flags) if flags != [ALL_CPUS, 0] => 1 << 30,
                        _ => value_size,
                    };
                    for (place, size) in [(8, key_size), (16, value_size)] {
                        let address = u64::from(field(place)) | u64::from(field(place + 4)) << 32;
                        let end = address.wrapping_sub(IMAGE).saturating_add(u64::from(size));
                        if address != 0 && end > self.image.len() as u64 {
                            return Err(format!("step {index} reads {size} bytes at {address:#x}"));
                        }
                    }
                }
                None
            }
            _ => return Err(format!("step {index} is command {cmd}")),
        };
        // The kernel may write to the attr that it is given.
        for place in (0..size.saturating_sub(3)).step_by(4) {
            if matches!(cmd, PROG_LOAD | BTF_LOAD) && self.random.one_in(8) {
                let word = self.random.next() as u32;
                self.put(arg + place, word);
            }
        }
        if self.random.one_in(16) {
            return Ok(None);
        }
        Ok(Some(made.map_or(0, |made| self.make(made))))
    }

    /// What the runtime takes over, and what it believes of it.
    fn finish(self) -> Result<(), String> {
        let Header { steps, nr_steps, fds, nr_fds, .. } = self.header;
        let same = |start: u32, len: u32| {
            let range = start as usize..(start + len) as usize;
            self.memory[range.clone()] == self.image[range]
        };
        if !same(12, 36) || !same(56, 8) || !same(0, 8) || !same(steps, nr_steps * STEP_SIZE) {
            return Err("the header or the records have changed".to_owned());
        }
        for at in (fds..fds + nr_fds * 4).step_by(4).filter(|&at| !same(at, 4)) {
            let fd = self.word(at);
            let Some((_, sizes)) = self.made.get(&fd) else { return Err(format!("{fd} at {at} is not the loader's")) };
            if let Some(map) = self.desc.maps.iter().find(|map| map.fd == at)
                && shape(map) != *sizes
            {
                return Err(format!("{} is {:?}, not {sizes:?}", map.name, shape(map)));
            }
        }
        Ok(())
    }
}
