//! What a load has put into the kernel, in words that two loads can be compared by.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::{fs, io};

use skelgen::Endian;
use skelgen::btf::{Btf, TypeId};
use skelgen_runtime::cpus;

use crate::arena;
use crate::kernel::{self, MapInfo, ProgInfo};
use crate::xlated;

/// A map or a program, and what is known of it: `map events`, `max_entries`, `64`. In lines of such three, it goes
/// from the process that loaded to the one that compares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Snapshot {
    facts: BTreeMap<String, BTreeMap<String, String>>,
    /// Names of maps in the object, by their ids in the kernel.
    maps: BTreeMap<u32, String>,
    /// Where this process has arenas.
    arenas: Vec<Range<u64>>,
}

/// Enum `bpf_map_type`: what is in these comes from the object, if anything is.
const ARRAY: u32 = 2;
const PROG_ARRAY: u32 = 3;
const PERCPU_ARRAY: u32 = 6;
const ARRAY_OF_MAPS: u32 = 12;
const HASH_OF_MAPS: u32 = 13;
pub(crate) const STRUCT_OPS: u32 = 26;
const ARENA: u32 = 33;

/// The struct that is not registered: the machine's scheduler would be what the object makes of it, for this process as
/// well.
pub(crate) const SCHEDULER: &str = "sched_ext_ops";

/// What came of registering a struct_ops map.
pub(crate) enum Registered {
    Yes,
    Refused(io::Error),
    NotTried,
}

/// Of a program: the maps that it keeps alive.
const MAPS: &str = "its maps";

/// Of a map or program: whether it has types.
const BTF: &str = "btf";

/// Of a program: whether it calls functions of modules.
const CALLS_MODULE: &str = "calls a module";

/// The most elements of a map that are looked at.
const ELEMENTS: usize = 1024;

impl Snapshot {
    /// Of maps and programs as the object names them. A program that is not there was not to be loaded.
    pub(crate) fn take(
        maps: &[(String, BorrowedFd<'_>)],
        programs: &[(String, Option<BorrowedFd<'_>>)],
    ) -> io::Result<Snapshot> {
        let mut snapshot = Snapshot::default();
        let mut infos = Vec::new();
        for (name, fd) in maps {
            let info = kernel::info(*fd, MapInfo::default())?;
            let name = snapshot.unique(&format!("map {name}"));
            snapshot.facts.insert(name.clone(), BTreeMap::new());
            snapshot.maps.insert(info.id, name.clone());
            if info.map_type == ARENA {
                snapshot.arenas.extend(arena::mapped(u64::from(info.max_entries) * 4096));
            }
            infos.push((name, *fd, info));
        }
        let mut ids = BTreeMap::new();
        for (name, fd) in programs {
            let name = snapshot.unique(&format!("prog {name}"));
            let is = if fd.is_some() { "loaded" } else { "left out" };
            snapshot.say(&name, "is", is);
            if let Some(fd) = fd {
                ids.insert(snapshot.program(&name, *fd)?, name);
            }
        }
        for (name, fd, info) in infos {
            snapshot.map(&name, fd, &info)?;
            snapshot.elements(&name, fd, &info, &ids);
        }
        Ok(snapshot)
    }

    /// `name`, or the name of the second that is so named.
    fn unique(&self, name: &str) -> String {
        let more = (2..).map(|nth| format!("{name} #{nth}"));
        let mut names = std::iter::once(name.to_owned()).chain(more);
        names.find(|name| !self.facts.contains_key(name)).expect("there is always one more")
    }

    fn say(&mut self, subject: &str, property: &str, value: impl ToString) {
        let facts = self.facts.entry(subject.to_owned()).or_default();
        facts.insert(property.to_owned(), value.to_string());
    }

    /// Notes what came of registering the struct_ops map that the object names so.
    pub(crate) fn registered(&mut self, name: &str, how: &Registered) {
        let how = match how {
            Registered::Yes => "yes".to_owned(),
            Registered::Refused(error) => error.to_string(),
            Registered::NotTried => format!("not tried: {SCHEDULER} changes who runs"),
        };
        self.say(&format!("map {name}"), "registered", how);
    }

    fn map(&mut self, name: &str, fd: BorrowedFd<'_>, info: &MapInfo) -> io::Result<()> {
        self.say(name, "map_type", info.map_type);
        self.say(name, "key_size", info.key_size);
        self.say(name, "value_size", info.value_size);
        self.say(name, "max_entries", info.max_entries);
        self.say(name, "map_flags", format!("{:#x}", info.map_flags));
        self.say(name, "map_extra", format!("{:#x}", info.map_extra));
        self.say(name, "name", text(&info.name));
        self.say(name, "ifindex", info.ifindex);
        self.say(name, "btf_vmlinux_value_type_id", info.btf_vmlinux_value_type_id);
        let btf = if info.btf_id == 0 { None } else { btf(info.btf_id) };
        self.say(name, BTF, btf.is_some());
        for (property, id) in [("btf_key_type_id", info.btf_key_type_id), ("btf_value_type_id", info.btf_value_type_id)]
        {
            self.say(name, property, type_name(btf.as_ref(), id));
        }
        self.say(name, "frozen", fdinfo(fd, "frozen")?.unwrap_or_else(|| "0".to_owned()));
        Ok(())
    }

    /// What a map holds that the object can have put there: variables, and slots.
    fn elements(&mut self, name: &str, fd: BorrowedFd<'_>, info: &MapInfo, programs: &BTreeMap<u32, String>) {
        let few = info.max_entries as usize <= ELEMENTS;
        let cpus = cpus::possible().map_or(1, |cpus| cpus.count());
        let size = match info.map_type {
            ARRAY if few => info.value_size as usize,
            PERCPU_ARRAY if few => info.value_size.next_multiple_of(8) as usize * cpus,
            PROG_ARRAY | ARRAY_OF_MAPS | HASH_OF_MAPS => 4,
            ARENA => {
                let pages: Vec<_> = self.arenas.iter().flat_map(arena::pages).collect();
                return pages.iter().for_each(|(at, bytes)| self.say(name, &format!("page at {at:#x}"), hex(bytes)));
            }
            _ => return,
        };
        let mut key = None;
        for _ in 0..ELEMENTS {
            key = match kernel::next_key(fd, key.as_deref_mut(), info.key_size as usize) {
                Ok(next) => next,
                Err(error) => return self.say(name, "elements", error),
            };
            let Some(key) = &mut key else { return };
            let value = match kernel::lookup(fd, key, size) {
                Ok(Some(value)) if value.iter().any(|&byte| byte != 0) => value,
                Ok(_) => continue,
                Err(error) => return self.say(name, "elements", error),
            };
            let id = value.first_chunk().map_or(0, |id| u32::from_ne_bytes(*id));
            let value = match info.map_type {
                PROG_ARRAY => programs.get(&id).cloned().unwrap_or_else(|| "a program of no name".to_owned()),
                ARRAY_OF_MAPS | HASH_OF_MAPS => self.map_name(id),
                _ => hex(&xlated::without_addresses(value)),
            };
            self.say(name, &format!("element {}", hex(key)), value);
        }
    }

    /// What a map is called in the object, or in the kernel if it is not one of the object's.
    pub(crate) fn map_name(&self, id: u32) -> String {
        if let Some(name) = self.maps.get(&id) {
            return name.clone();
        }
        let info = kernel::map_by_id(id).and_then(|fd| kernel::info(fd.as_fd(), MapInfo::default()));
        info.map_or_else(
            |error| format!("map of id {id}: {error}"),
            |info| format!("map {} of the kernel's", text(&info.name)),
        )
    }

    fn program(&mut self, name: &str, fd: BorrowedFd<'_>) -> io::Result<u32> {
        let sizes = kernel::info(fd, ProgInfo::default())?;
        let mut insns = vec![0u64; sizes.xlated_prog_len as usize / 8];
        let mut maps = vec![0u32; sizes.nr_map_ids as usize];
        let mut funcs = vec![[0u32; 2]; sizes.nr_func_info as usize];
        let mut lines = vec![[0u32; 4]; sizes.nr_line_info as usize];
        let mut tags = vec![[0u8; 8]; sizes.nr_prog_tags as usize];
        let info = kernel::info(
            fd,
            ProgInfo {
                xlated_prog_len: sizes.xlated_prog_len,
                xlated_prog_insns: kernel::address(&mut insns),
                nr_map_ids: sizes.nr_map_ids,
                map_ids: kernel::address(&mut maps),
                func_info_rec_size: 8,
                nr_func_info: sizes.nr_func_info,
                func_info: kernel::address(&mut funcs),
                line_info_rec_size: 16,
                nr_line_info: sizes.nr_line_info,
                line_info: kernel::address(&mut lines),
                nr_prog_tags: sizes.nr_prog_tags,
                prog_tags: kernel::address(&mut tags),
                ..ProgInfo::default()
            },
        )?;
        let mut maps: Vec<_> = maps.iter().map(|&id| self.map_name(id)).collect();
        maps.sort();
        self.say(name, "prog_type", info.prog_type);
        self.say(name, "name", text(&info.name));
        self.say(name, "tag", hex(&info.tag));
        self.say(name, "tags of its functions", tags.iter().map(|tag| hex(tag)).collect::<Vec<_>>().join(" "));
        self.say(name, "gpl_compatible", info.gpl_compatible & 1);
        self.say(name, "ifindex", info.ifindex);
        self.say(name, "attach_btf_id", info.attach_btf_id);
        self.say(name, "attached to BTF", info.attach_btf_obj_id != 0);
        self.say(name, MAPS, maps.join(", "));
        let calls_module = insns.iter().any(|&insn| xlated::calls_module(insn));
        self.say(name, CALLS_MODULE, if calls_module { "yes" } else { "" });
        let insns = xlated::normalised(&insns, |id| self.map_name(id), &self.arenas);
        self.say(name, "instructions", insns.join("; "));

        let btf = if info.btf_id == 0 { None } else { btf(info.btf_id) };
        self.say(name, BTF, btf.is_some());
        let name_at = |at: u32| btf.as_ref().map_or("", |btf| btf.name(skelgen::btf::StrOff(at)));
        let funcs = funcs.iter().map(|[at, id]| format!("{at} {}", type_name(btf.as_ref(), *id)));
        self.say(name, "func_info", funcs.collect::<Vec<_>>().join("; "));
        let lines = lines.iter().map(|[at, file, line, col]| {
            format!("{at} {}:{}:{} {}", name_at(*file), col >> 10, col & 0x3ff, name_at(*line).trim())
        });
        // What stands between them must not stand in a line of C.
        self.say(name, "line_info", lines.map(|line| line.replace(';', ",")).collect::<Vec<_>>().join("; "));
        Ok(info.id)
    }

    /// What is not the same in `other`, a line each, in which `self` is libbpf's.
    pub(crate) fn differences(&self, other: &Snapshot) -> Vec<String> {
        let mut differences = Vec::new();
        for (subject, facts) in &self.facts {
            let Some(others) = other.facts.get(subject) else {
                differences.push(format!("{subject}: only with libbpf"));
                continue;
            };
            let none = String::new();
            let mut properties: Vec<_> = facts.keys().chain(others.keys()).collect();
            properties.sort();
            properties.dedup();
            for property in properties {
                let [a, b] = [facts, others].map(|facts| facts.get(property).unwrap_or(&none));
                let same = match &**property {
                    // A map's descriptor is left out of a tag, but not its index in `fd_array`, by which a light skeleton
                    // refers to it; nor that of a module's BTF, by which its functions are called.
                    "tag" | "tags of its functions" => {
                        let has = |fact: &str| others.get(fact).is_some_and(|fact| !fact.is_empty());
                        a == b || has(MAPS) || has(CALLS_MODULE)
                    }
                    // What is not of types that both have is another line's difference.
                    "func_info" | "line_info" if facts.get(BTF) != others.get(BTF) => true,
                    // Besides, libbpf binds each `.rodata` to each program (`BPF_PROG_BIND_MAP`).
                    MAPS => without_bound(a, b) == b.split(", ").collect::<Vec<_>>(),
                    _ => a == b,
                };
                if !same {
                    differences.push(format!("{subject}: {property}: {}", difference(a, b)));
                }
            }
        }
        let more = other.facts.keys().filter(|subject| !self.facts.contains_key(*subject));
        differences.extend(more.map(|subject| format!("{subject}: only with skelgen")));
        differences
    }

    pub(crate) fn programs(&self) -> usize {
        let loaded = |facts: &BTreeMap<String, String>| facts.get("is").is_some_and(|is| is == "loaded");
        self.facts.values().filter(|facts| loaded(facts)).count()
    }

    pub(crate) fn to_text(&self) -> String {
        let mut text = String::new();
        for (subject, facts) in &self.facts {
            for (property, value) in facts {
                let value = value.replace(['\n', '\t'], " ");
                writeln!(text, "{subject}\t{property}\t{value}").expect("a string can be written");
            }
        }
        text
    }

    pub(crate) fn from_text(text: &str) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for line in text.lines() {
            let mut fields = line.splitn(3, '\t');
            if let (Some(subject), Some(property), Some(value)) = (fields.next(), fields.next(), fields.next()) {
                snapshot.say(subject, property, value);
            }
        }
        snapshot
    }
}

/// The maps of `all` but for those that libbpf binds, if `others` have them not.
fn without_bound<'a>(all: &'a str, others: &str) -> Vec<&'a str> {
    let bound = |map: &&str| map.starts_with("map .rodata") && !others.split(", ").any(|other| other == *map);
    let left: Vec<_> = all.split(", ").filter(|map| !bound(map)).collect();
    if left.is_empty() { vec![""] } else { left }
}

/// Where two values differ: of lists, the first element that does.
fn difference(a: &str, b: &str) -> String {
    let [a_list, b_list] = [a, b].map(|text| text.split("; ").collect::<Vec<_>>());
    if a_list.len() < 2 && b_list.len() < 2 {
        return format!("libbpf {}, skelgen {}", shortened(a), shortened(b));
    }
    let at = a_list.iter().zip(&b_list).position(|(a, b)| a != b);
    let counts = format!("{} and {}", a_list.len(), b_list.len());
    match at {
        Some(at) => format!("of {counts}, number {at}: libbpf {}, skelgen {}", a_list[at], b_list[at]),
        None => format!("{counts}, the others the same"),
    }
}

fn shortened(value: &str) -> String {
    if value.len() <= 100 { value.to_owned() } else { format!("{}… ({} characters)", &value[..100], value.len()) }
}

/// A line of `/proc/self/fdinfo`.
fn fdinfo(fd: BorrowedFd<'_>, key: &str) -> io::Result<Option<String>> {
    let text = fs::read_to_string(format!("/proc/self/fdinfo/{}", fd.as_raw_fd()))?;
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    Ok(lines.find(|(name, _)| *name == key).map(|(_, value)| value.trim().to_owned()))
}

fn btf(id: u32) -> Option<Btf> {
    Btf::parse(&kernel::btf_by_id(id).ok()?, Endian::Little).ok()
}

/// A type as C would name it; ids differ by what else a loader gives the kernel.
fn type_name(btf: Option<&Btf>, id: u32) -> String {
    match btf {
        Some(btf) if id != 0 && btf.contains(TypeId(id)) => {
            let name = btf.name_of(TypeId(id));
            if name.is_empty() { btf.c_type(TypeId(id)) } else { name.to_owned() }
        }
        _ if id == 0 => "none".to_owned(),
        _ => format!("type {id}, without BTF"),
    }
}

fn text(name: &[u8]) -> String {
    let end = name.iter().position(|&byte| byte == 0).unwrap_or(name.len());
    String::from_utf8_lossy(&name[..end]).into_owned()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
