//! Changes of an object before the load.

use std::fs;
use std::path::PathBuf;

use skelgen::btf::{Enumerator, Type, TypeId};
use skelgen::emit::{Spelling, Unmatched};
use skelgen::object::{DataKind, Map, Var};
use skelgen::plan::PlanOptions;
use skelgen::{Endian, Skeleton};
use skelgen_runtime::{OpenMap, Opened};

use crate::stop::Stop;
use crate::variables::{self, Variable};

/// The options.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Changes before the load")]
pub(super) struct SettingsArgs {
    /// Kernel configuration file, in the format of /boot/config-*
    #[arg(long, value_name = "FILE")]
    kconfig: Option<PathBuf>,
    /// One option of the kernel configuration, for instance CONFIG_HZ=250
    #[arg(long, value_name = "OPTION=VALUE", value_parser = pair)]
    set_kconfig: Vec<(String, String)>,
    /// Load an optional program (`SEC("?...")`)
    #[arg(long, value_name = "PROGRAM")]
    autoload: Vec<String>,
    /// Leave a program out
    #[arg(long, value_name = "PROGRAM")]
    no_autoload: Vec<String>,
    /// Do not create this map. Programs can use it only in code that the
    /// verifier does not reach
    #[arg(long, value_name = "MAP", verbatim_doc_comment)]
    no_autocreate: Vec<String>,
    /// Initial value of a variable: a number, true or false, or a name of its
    /// enum. If several variables have the name, add the section: data.count
    #[arg(long, value_name = "VARIABLE=VALUE", value_parser = pair, verbatim_doc_comment)]
    set: Vec<(String, String)>,
    /// A map's max_entries, as in events=4096; for a ring buffer in bytes
    #[arg(long, value_name = "MAP=N", value_parser = size)]
    max_entries: Vec<(String, u32)>,
    /// A map's value size in bytes, for instance stacks=1016
    #[arg(long, value_name = "MAP=N", value_parser = size)]
    value_size: Vec<(String, u32)>,
    /// A map's key size in bytes
    #[arg(long, value_name = "MAP=N", value_parser = size)]
    key_size: Vec<(String, u32)>,
    /// License of the programs, for instance GPL, if the object has none
    #[arg(long)]
    license: Option<String>,
}

/// `MAP=N`.
fn size(text: &str) -> Result<(String, u32), &'static str> {
    let (name, number) = pair(text)?;
    let number = parse(&number).and_then(|number| number.try_into().ok());
    Ok((name, number.ok_or("write a size as 4096 or 0x1000")?))
}

fn pair(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// A setter of one of a map's sizes.
type SetSize = fn(&mut OpenMap, u32) -> skelgen_runtime::Result<()>;

/// The same, with the files read.
pub(super) struct Settings<'a> {
    kconfig: Option<String>,
    /// The number of objects on the command line.
    objects: usize,
    args: &'a SettingsArgs,
}

impl SettingsArgs {
    /// Reads the files. Programs, variables and maps belong to one object, so changes of them are an error with several `objects`.
    pub(super) fn settings(&self, objects: usize) -> Result<Settings<'_>, Stop> {
        let sizes = self.max_entries.len() + self.value_size.len() + self.key_size.len();
        let of_one = self.autoload.len() + self.no_autoload.len() + self.no_autocreate.len() + self.set.len() + sizes;
        if objects > 1 && of_one > 0 {
            let what = format!(
                "--autoload, --no-autoload, --no-autocreate, --set and map sizes need a single object, not {objects}"
            );
            return Err(Stop::Usage(what));
        }
        let mut kconfig = match &self.kconfig {
            Some(path) => Some(fs::read_to_string(path).map_err(|error| Stop::Read(path.clone(), error))?),
            None => None,
        };
        for (option, value) in &self.set_kconfig {
            // The first setting of an option counts.
            let rest = kconfig.take().unwrap_or_default();
            kconfig = Some(format!("{option}={value}\n{rest}"));
        }
        Ok(Settings { kconfig, objects, args: self })
    }
}

impl Settings<'_> {
    /// Sets the autoload of programs.
    pub(super) fn choose_programs(&self, skeleton: &mut Skeleton) -> Result<(), String> {
        for (names, autoload) in [(&self.args.autoload, true), (&self.args.no_autoload, false)] {
            for name in names {
                let programs = &mut skeleton.plan.programs;
                let mut named = programs.iter_mut().filter(|program| program.native.name == *name);
                match (named.next(), named.next()) {
                    (Some(program), None) => program.sec.autoload = autoload,
                    (Some(_), Some(_)) => return Err(format!("several programs are named `{name}`")),
                    (None, _) => {
                        let names: Vec<_> = programs.iter().map(|program| program.native.name.as_str()).collect();
                        return Err(format!("no program `{name}`; the object has: {}", names.join(", ")));
                    }
                }
            }
        }
        Ok(())
    }

    /// The initial values of sections with changed variables, by the index of their map.
    pub(super) fn values(&self, skeleton: &Skeleton) -> Result<Vec<(usize, Vec<u8>)>, String> {
        let mut values: Vec<(usize, Vec<u8>)> = Vec::new();
        for (name, text) in &self.args.set {
            let Variable { map, data, var } = variables::find(skeleton, name)?;
            let bytes = bytes(skeleton, var, text).map_err(|why| format!("--set {name}={text}: {why}"))?;
            let index = values.iter().position(|(index, _)| *index == map).unwrap_or_else(|| {
                let mut first = data.bytes.clone();
                first.resize(skeleton.plan.maps[map].def.value_size as usize, 0);
                values.push((map, first));
                values.len() - 1
            });
            let start = var.offset as usize;
            let place = values[index].1.get_mut(start..start + bytes.len());
            place.ok_or_else(|| format!("`{name}` exceeds its section"))?.copy_from_slice(&bytes);
        }
        Ok(values)
    }

    /// Refuses `--set-kconfig` for an option that the object does not use, and `--license` for an object with another
    /// license, as the load would ignore them. With several objects, another one may need the option.
    pub(super) fn check_options(&self, skeleton: &Skeleton) -> Result<(), String> {
        if self.objects > 1 {
            return Ok(());
        }
        let license = self.args.license.as_deref();
        if let Some(unmatched) = Unmatched::license(skeleton, license, Spelling::Command) {
            return Err(unmatched.to_string());
        }
        let sections = skeleton.plan.maps.iter().filter_map(|map| map.data.as_ref());
        let asked = sections.filter(|data| data.kind == DataKind::Kconfig).flat_map(|data| &data.vars);
        let asked: Vec<_> = asked.map(|var| var.name.as_str()).collect();
        match self.args.set_kconfig.iter().find(|(option, _)| !asked.contains(&option.as_str())) {
            None => Ok(()),
            Some((option, _)) if asked.is_empty() => {
                Err(format!("the object uses no kernel options, so {option} has no effect"))
            }
            Some((option, _)) => Err(format!("the object does not use {option}, only: {}", asked.join(", "))),
        }
    }

    /// The plan's options.
    pub(super) fn plan_options(&self) -> PlanOptions {
        PlanOptions { license: self.args.license.clone(), ..PlanOptions::default() }
    }

    /// Whether a map is left out; optional maps (`SEC("?.struct_ops")`) are.
    pub(super) fn leaves_out(&self, map: &Map) -> bool {
        self.args.no_autocreate.contains(&map.name) || map.struct_ops.as_ref().is_some_and(|ops| !ops.autocreate)
    }

    /// Rejects changes of maps that the object does not have.
    pub(super) fn check_maps(&self, skeleton: &Skeleton) -> Result<(), String> {
        let maps = &skeleton.plan.maps;
        let sized = self.sizes().map(|(name, ..)| name);
        let mut changed = sized.chain(self.args.no_autocreate.iter().map(String::as_str));
        match changed.find(|name| maps.iter().all(|map| map.name != *name)) {
            None => Ok(()),
            Some(name) => {
                let names: Vec<_> = maps.iter().map(|map| map.name.as_str()).collect();
                Err(format!("no map `{name}`; the object has: {}", names.join(", ")))
            }
        }
    }

    /// The maps that are changed.
    pub(super) fn maps(&self, opened: &Opened<'_>) -> skelgen_runtime::Result<Vec<OpenMap>> {
        let mut changed = Vec::new();
        for (name, number, set) in self.sizes() {
            set(changed_map(&mut changed, opened, name)?, number)?;
        }
        for name in &self.args.no_autocreate {
            changed_map(&mut changed, opened, name)?.set_autocreate(false)?;
        }
        Ok(changed)
    }

    /// Each map size on the command line, with its setter.
    fn sizes(&self) -> impl Iterator<Item = (&str, u32, SetSize)> {
        let all: [(_, SetSize); 3] = [
            (&self.args.max_entries, OpenMap::set_max_entries),
            (&self.args.value_size, OpenMap::set_value_size),
            (&self.args.key_size, OpenMap::set_key_size),
        ];
        all.into_iter().flat_map(|(sizes, set)| sizes.iter().map(move |(name, size)| (name.as_str(), *size, set)))
    }

    /// Passes the kernel configuration to the runtime.
    pub(super) fn configure(&self, opened: &mut Opened<'_>) -> skelgen_runtime::Result<()> {
        self.kconfig.as_ref().map_or(Ok(()), |config| opened.set_kconfig(config))
    }
}

/// The map `name` in the list of changed maps; adds it if needed.
fn changed_map<'m>(
    changed: &'m mut Vec<OpenMap>,
    opened: &Opened<'_>,
    name: &str,
) -> skelgen_runtime::Result<&'m mut OpenMap> {
    let place = match changed.iter().position(|map| map.name() == name) {
        Some(place) => place,
        None => {
            let index = opened.maps().iter().position(|map| map.name == name).unwrap_or(usize::MAX);
            changed.push(opened.map(index)?);
            changed.len() - 1
        }
    };
    Ok(&mut changed[place])
}

/// The bytes of the value in memory.
fn bytes(skeleton: &Skeleton, var: &Var, text: &str) -> Result<Vec<u8>, String> {
    let btf = &skeleton.object.btf;
    let Some(Scalar { size, signed, kind }) = scalar(skeleton, var.type_id) else {
        return Err(format!("its type is {}; --set takes only scalars", btf.c_type(var.type_id)));
    };
    let named = match (kind, text) {
        (Kind::Bool | Kind::Number, "true") => Some(1),
        (Kind::Bool | Kind::Number, "false") => Some(0),
        (Kind::Bool, text) => {
            let number = parse(text).filter(|number| matches!(number, 0 | 1));
            Some(number.ok_or("write a bool as true, false, 1 or 0")?)
        }
        (Kind::Enum(enumerators), name) => enumerators.iter().find(|one| btf.name(one.name) == name).map(|one| {
            // Values of an unsigned enum are the bits of a u64.
            if signed { one.value.into() } else { i128::from(one.value.cast_unsigned()) }
        }),
        (Kind::Number, _) => None,
    };
    let unknown = || match kind {
        Kind::Enum(enumerators) => {
            let names: Vec<_> = enumerators.iter().map(|one| btf.name(one.name)).collect();
            format!("write a number or one of: {}", names.join(", "))
        }
        _ => "write a number as 12, -1 or 0x1f".to_owned(),
    };
    let value = named.or_else(|| parse(text)).ok_or_else(unknown)?;
    let bits = 8 * size as u32;
    let (least, most) = if signed { (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) } else { (0, (1 << bits) - 1) };
    if !(least..=most).contains(&value) {
        return Err(format!("the value must be {least} to {most}"));
    }
    Ok(match skeleton.plan.endian {
        Endian::Little => value.to_le_bytes()[..size].to_vec(),
        Endian::Big => value.to_be_bytes()[16 - size..].to_vec(),
    })
}

/// A scalar variable.
struct Scalar<'a> {
    size: usize,
    signed: bool,
    kind: Kind<'a>,
}

/// The accepted values, besides numbers.
#[derive(Clone, Copy)]
enum Kind<'a> {
    Bool,
    Enum(&'a [Enumerator]),
    Number,
}

/// The scalar of type `ty`; `None` for other types.
fn scalar(skeleton: &Skeleton, ty: TypeId) -> Option<Scalar<'_>> {
    let (size, signed, kind) = match skeleton.object.btf.get_resolved(ty) {
        Type::Int(int) if int.is_bool() => (Some(int.size).filter(|&size| size == 1)?, false, Kind::Bool),
        Type::Int(int) => (int.size, int.is_signed(), Kind::Number),
        // clang before 15 truncates the values of such an enum to 32 bits.
        Type::Enum(ty) if ty.size > 4 => (ty.size, ty.signed, Kind::Number),
        Type::Enum(ty) | Type::Enum64(ty) => (ty.size, ty.signed, Kind::Enum(&ty.values)),
        _ => return None,
    };
    Some(Scalar { size: usize::try_from(size).ok().filter(|size| matches!(size, 1..=8))?, signed, kind })
}

fn parse(text: &str) -> Option<i128> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let value = match digits.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok()?,
        None => digits.parse().ok()?,
    };
    Some(if negative { -i128::from(value) } else { value.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_and_fit_their_variables() {
        let object = include_bytes!("../../../../fixtures/counters.bpf.o");
        let skeleton = Skeleton::new("counters.bpf.o", object).expect("a good object");
        let of = |name: &str, text: &str| bytes(&skeleton, variables::find(&skeleton, name)?.var, text);
        assert_eq!(of("last_pid", "-2"), Ok(vec![0xfe, 0xff, 0xff, 0xff]));
        assert_eq!(of("hits", "0xffffffffffffffff"), Ok(vec![0xff; 8]));
        assert_eq!([of("armed", "false"), of("armed", "0")], [Ok(vec![0]), Ok(vec![0])]);
        assert_eq!([of("armed", "true"), of("armed", "1")], [Ok(vec![1]), Ok(vec![1])]);
        for wrong in ["2", "-1", "yes", ""] {
            assert_eq!(of("armed", wrong), Err("write a bool as true, false, 1 or 0".to_owned()));
        }
        assert_eq!(of("errors", "-1"), Err("the value must be 0 to 4294967295".to_owned()));
        assert_eq!(of("last_pid", "2147483648"), Err("the value must be -2147483648 to 2147483647".to_owned()));
        assert_eq!(of("hits", "1.5"), Err("write a number as 12, -1 or 0x1f".to_owned()));
        assert_eq!(of("calls", "1"), Err("its type is struct call_range; --set takes only scalars".to_owned()));
        assert!(of("his", "1").unwrap_err().starts_with("no variable `his`; the object has: "));
    }

    #[test]
    fn an_enum_takes_its_enumerators() {
        let object = include_bytes!("../../../../fixtures/data_sections.bpf.o");
        let skeleton = Skeleton::new("data_sections.bpf.o", object).expect("a good object");
        let of = |name: &str, text: &str| bytes(&skeleton, variables::find(&skeleton, name)?.var, text);
        assert_eq!([of("d_colour", "GREEN"), of("d_colour", "5")], [Ok(vec![5, 0, 0, 0]), Ok(vec![5, 0, 0, 0])]);
        assert_eq!(of("d_level", "BELOW"), Ok((-3i32).to_le_bytes().to_vec()));
        assert_eq!(of("d_wide", "0x123456789a"), Ok(0x12_3456_789au64.to_le_bytes().to_vec()));
        // The object's BTF has 32 bits of it.
        assert_eq!(of("d_wide", "WIDE_LARGE"), Err("write a number as 12, -1 or 0x1f".to_owned()));
        let names = "write a number or one of: RED, GREEN, BLUE, SAME_AS_BLUE";
        for wrong in ["PURPLE", "true", "green", ""] {
            assert_eq!(of("d_colour", wrong), Err(names.to_owned()));
        }
    }

    #[test]
    fn a_part_of_a_variable_cannot_be_set() {
        let object = include_bytes!("../../../../fixtures/counters.bpf.o");
        let skeleton = Skeleton::new("counters.bpf.o", object).expect("a good object");
        let of = |name: &str| variables::find(&skeleton, name).map(drop).unwrap_err();
        assert_eq!(of("calls.lowest"), "`calls` is a variable; --set cannot set its members or elements");
        assert_eq!(of("percpu.calls.lowest"), "`percpu.calls` is a variable; --set cannot set its members or elements");
        assert_eq!(of("by_class[9]"), "`by_class` is a variable; --set cannot set its members or elements");
        assert!(of("nope[9]").starts_with("no variable `nope[9]`; the object has: "));
    }

    #[test]
    fn a_section_begins_with_what_is_set() {
        let object = include_bytes!("../../../../fixtures/counters.bpf.o");
        let mut skeleton = Skeleton::new("counters.bpf.o", object).expect("a good object");
        let set = [("last_pid", "-2"), ("hits", "7"), ("dropped", "9")];
        let set = set.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let no_autoload = vec!["bump".to_owned()];
        let args = SettingsArgs { no_autoload, set, ..SettingsArgs::default() };
        let settings = args.settings(1).unwrap_or_else(|stop| panic!("{stop}"));
        let values = settings.values(&skeleton).expect("numbers");
        let [(percpu, bytes), (bss, dropped)] = values.as_slice() else { panic!("{values:?}") };
        let maps = &skeleton.plan.maps;
        assert_eq!((maps[*percpu].name.as_str(), maps[*bss].name.as_str()), (".percpu", ".bss"));
        let first = &maps[*percpu].data.as_ref().expect("a section").bytes;
        assert_eq!((&bytes[..8], &bytes[12..16]), (&[7, 0, 0, 0, 0, 0, 0, 0][..], &[0xfe, 0xff, 0xff, 0xff][..]));
        assert_eq!((&bytes[16..], bytes.len()), (&first[16..], 72), "the rest is as it was");
        assert_eq!(dropped.as_slice(), [9, 0, 0, 0, 0, 0, 0, 0]);
        settings.choose_programs(&mut skeleton).expect("it is one of the programs");
        let loaded = skeleton.plan.programs.iter().filter(|program| program.autoload());
        assert_eq!(loaded.map(|program| program.native.name.as_str()).collect::<Vec<_>>(), ["on_sys_enter", "on_exec"]);
    }
}
