//! The steps of a load.

use crate::object::{KsymIdx, MapIdx, ProgIdx, Slot};
use crate::uapi::BtfKind;

/// One step of a load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// `BPF_BTF_LOAD`: the object's types.
    LoadBtf,
    /// `bpf_btf_find_by_name_kind` or `bpf_kallsyms_lookup_name`: where the kernel has what programs refer to. Not done
    /// if none of those that do is loaded.
    FindKsym {
        /// Which.
        ksym: KsymIdx,
    },
    /// Finds out whether the kernel has `BPF_F_ALL_CPUS`, and whether programs can address `.percpu` directly.
    Probe,
    /// `BPF_MAP_CREATE`.
    CreateMap {
        /// Which.
        map: MapIdx,
        /// On which kernels: a `.percpu` map keeps its types only where the kernel takes them.
        when: When,
    },
    /// `BPF_MAP_CREATE` of an ordinary array that stands in for a `.percpu` section, on kernels where programs look
    /// their `.percpu` variables up.
    CreateStandIn {
        /// Its index in [`LoadPlan::stand_ins`](super::LoadPlan::stand_ins).
        stand_in: usize,
    },
    /// `BPF_MAP_UPDATE_ELEM` of key 0: the initial content of a data section.
    InitMap {
        /// Which.
        map: MapIdx,
    },
    /// The arena's variables get their first values. The runtime does it, which has the arena made and mapped before all
    /// this: where its pages are and how many bytes they have is up to the target.
    InitArena {
        /// Which.
        map: MapIdx,
    },
    /// `BPF_MAP_UPDATE_ELEM` of key 0 with `BPF_F_ALL_CPUS`: one value for every CPU. Where the kernel lacks the flag,
    /// the runtime does it instead.
    InitPerCpu {
        /// Which.
        map: MapIdx,
    },
    /// `BPF_MAP_FREEZE`: a `.rodata` section, or `.kconfig`, becomes constant.
    FreezeMap {
        /// Which.
        map: MapIdx,
    },
    /// `BPF_MAP_UPDATE_ELEM` of a map of maps or a program array: one of its slots.
    Populate {
        /// The map.
        outer: MapIdx,
        /// Its key.
        slot: u32,
        /// What it is to hold.
        value: Slot,
    },
    /// `BPF_MAP_CREATE` of a program's jump table.
    CreateJumpTable {
        /// The program.
        program: ProgIdx,
        /// Its index among the program's.
        table: usize,
    },
    /// `BPF_MAP_UPDATE_ELEM` of each of a jump table's entries.
    InitJumpTable {
        /// The program.
        program: ProgIdx,
        /// Its index among the program's.
        table: usize,
        /// In which form of the program it leads where.
        image: Image,
        /// On which kernels.
        when: When,
    },
    /// `BPF_MAP_FREEZE` of a jump table, which the verifier wants.
    FreezeJumpTable {
        /// The program.
        program: ProgIdx,
        /// Its index among the program's.
        table: usize,
    },
    /// `bpf_btf_find_by_name_kind`: what a program is to be attached to.
    FindTarget {
        /// The program.
        program: ProgIdx,
        /// The type's name in the kernel's BTF.
        name: String,
        /// Its kind.
        kind: BtfKind,
    },
    /// `BPF_PROG_LOAD`.
    LoadProgram {
        /// Which.
        program: ProgIdx,
        /// In which form.
        image: Image,
        /// On which kernels.
        when: When,
    },
}

/// The form of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Image {
    /// As linked.
    Native,
    /// With a look-up in each function that touches `.percpu`.
    Lowered,
}

/// The kernels on which a step is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// All.
    Always,
    /// Those where programs address `.percpu` variables directly.
    Direct,
    /// The others.
    NotDirect,
}
