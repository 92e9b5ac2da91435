//! `union bpf_attr`, one struct a command, and what the commands point to.
//!
//! Field names are the kernel's; pointers are `u64` as there. Every struct is whole words without implicit padding,
//! made with `Default` as all zeroes; the kernel takes a shorter or longer attr than its own, if what it does not
//! know is zero.

use super::uapi::{AttachType, BPF_OBJ_NAME_LEN, MapFlags, MapType, ProgFlags, ProgType};
use crate::image::Read as _;

/// The place of a field in its attr: `place!(MapCreate.max_entries)`.
macro_rules! place {
    ($attr:ident.$field:ident) => {
        ::std::mem::offset_of!($attr, $field) as u32
    };
}
pub(crate) use place;

macro_rules! attrs {
    ($($(#[$doc:meta])* $name:ident: $size:literal { $($field:ident: $ty:ty,)* })*) => {$(
        $(#[$doc])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug, Default)]
        pub(crate) struct $name { $(pub(crate) $field: $ty,)* }

        const _: () = {
            assert!(size_of::<$name>() == $size);
            assert!(size_of::<$name>() == 0 $(+ size_of::<$ty>())*, "no implicit padding");
        };
    )*};
}

attrs! {
    /// `BPF_MAP_CREATE`.
    MapCreate: 96 {
        map_type: MapType,
        key_size: u32,
        value_size: u32,
        max_entries: u32,
        map_flags: MapFlags,
        inner_map_fd: u32,
        numa_node: u32,
        map_name: [u8; BPF_OBJ_NAME_LEN],
        map_ifindex: u32,
        btf_fd: u32,
        btf_key_type_id: u32,
        btf_value_type_id: u32,
        btf_vmlinux_value_type_id: u32,
        map_extra: u64,
        value_type_btf_obj_fd: u32,
        map_token_fd: u32,
        excl_prog_hash: u64,
        excl_prog_hash_size: u32,
        pad: u32,
    }

    /// `BPF_MAP_*_ELEM`, `BPF_MAP_GET_NEXT_KEY` (`value` is `next_key`) and `BPF_MAP_FREEZE`.
    MapElem: 32 {
        map_fd: u32,
        pad: u32,
        key: u64,
        value: u64,
        flags: u64,
    }

    /// `BPF_MAP_*_BATCH`.
    MapBatch: 56 {
        in_batch: u64,
        out_batch: u64,
        keys: u64,
        values: u64,
        count: u32,
        map_fd: u32,
        elem_flags: u64,
        flags: u64,
    }

    /// `BPF_PROG_LOAD`, up to `fd_array_cnt`.
    ProgLoad: 152 {
        prog_type: ProgType,
        insn_cnt: u32,
        insns: u64,
        license: u64,
        log_level: u32,
        log_size: u32,
        log_buf: u64,
        kern_version: u32,
        prog_flags: ProgFlags,
        prog_name: [u8; BPF_OBJ_NAME_LEN],
        prog_ifindex: u32,
        expected_attach_type: AttachType,
        prog_btf_fd: u32,
        func_info_rec_size: u32,
        func_info: u64,
        func_info_cnt: u32,
        line_info_rec_size: u32,
        line_info: u64,
        line_info_cnt: u32,
        attach_btf_id: u32,
        attach_fd: u32,
        core_relo_cnt: u32,
        fd_array: u64,
        core_relos: u64,
        core_relo_rec_size: u32,
        log_true_size: u32,
        prog_token_fd: u32,
        fd_array_cnt: u32,
    }

    /// `BPF_BTF_LOAD`.
    BtfLoad: 40 {
        btf: u64,
        btf_log_buf: u64,
        btf_size: u32,
        btf_log_size: u32,
        btf_log_level: u32,
        btf_log_true_size: u32,
        btf_flags: u32,
        btf_token_fd: u32,
    }

    /// `BPF_OBJ_PIN` and `BPF_OBJ_GET`.
    Obj: 16 {
        pathname: u64,
        bpf_fd: u32,
        file_flags: u32,
    }

    /// `BPF_PROG_TEST_RUN`.
    TestRun: 80 {
        prog_fd: u32,
        retval: u32,
        data_size_in: u32,
        data_size_out: u32,
        data_in: u64,
        data_out: u64,
        repeat: u32,
        duration: u32,
        ctx_size_in: u32,
        ctx_size_out: u32,
        ctx_in: u64,
        ctx_out: u64,
        flags: u32,
        cpu: u32,
        batch_size: u32,
        pad: u32,
    }

    /// `BPF_OBJ_GET_INFO_BY_FD`.
    Info: 16 {
        bpf_fd: u32,
        info_len: u32,
        info: u64,
    }

    /// `struct bpf_map_info`, up to `map_extra`.
    MapInfo: 88 {
        r#type: MapType,
        id: u32,
        key_size: u32,
        value_size: u32,
        max_entries: u32,
        map_flags: MapFlags,
        name: [u8; BPF_OBJ_NAME_LEN],
        ifindex: u32,
        btf_vmlinux_value_type_id: u32,
        netns_dev: u64,
        netns_ino: u64,
        btf_id: u32,
        btf_key_type_id: u32,
        btf_value_type_id: u32,
        btf_vmlinux_id: u32,
        map_extra: u64,
    }

    /// `struct bpf_prog_info`, up to `func_info_rec_size`.
    ProgInfo: 136 {
        r#type: u32,
        id: u32,
        tag: u64,
        jited_prog_len: u32,
        xlated_prog_len: u32,
        jited_prog_insns: u64,
        xlated_prog_insns: u64,
        load_time: u64,
        created_by_uid: u32,
        nr_map_ids: u32,
        map_ids: u64,
        name: [u8; BPF_OBJ_NAME_LEN],
        ifindex: u32,
        gpl_compatible: u32,
        netns_dev: u64,
        netns_ino: u64,
        nr_jited_ksyms: u32,
        nr_jited_func_lens: u32,
        jited_ksyms: u64,
        jited_func_lens: u64,
        btf_id: u32,
        func_info_rec_size: u32,
    }

    /// `struct bpf_btf_info`.
    BtfInfo: 32 {
        btf: u64,
        btf_size: u32,
        id: u32,
        name: u64,
        name_len: u32,
        kernel_btf: u32,
    }

    /// `BPF_*_GET_FD_BY_ID`.
    GetFdById: 12 {
        id: u32,
        next_id: u32,
        open_flags: u32,
    }

    /// `BPF_RAW_TRACEPOINT_OPEN`.
    RawTracepoint: 16 {
        name: u64,
        prog_fd: u32,
        pad: u32,
    }

    /// `BPF_LINK_CREATE` for a target that is a descriptor or an interface; `target_fd` is `target_ifindex` too, and
    /// `prog_fd` a struct_ops map's `map_fd`.
    LinkCreate: 24 {
        prog_fd: u32,
        target_fd: u32,
        attach_type: AttachType,
        flags: u32,
        bpf_cookie: u64,
    }

    /// `BPF_LINK_CREATE` of many places in a binary, up to `path_fd`.
    LinkCreateUprobeMulti: 64 {
        prog_fd: u32,
        target_fd: u32,
        attach_type: AttachType,
        flags: u32,
        path: u64,
        offsets: u64,
        ref_ctr_offsets: u64,
        cookies: u64,
        cnt: u32,
        uprobe_flags: u32,
        pid: u32,
        path_fd: u32,
    }

    /// `BPF_LINK_CREATE` of many functions.
    LinkCreateTracingMulti: 40 {
        prog_fd: u32,
        target_fd: u32,
        attach_type: AttachType,
        flags: u32,
        ids: u64,
        cookies: u64,
        cnt: u32,
        pad: u32,
    }

    /// `BPF_LINK_CREATE` of an iterator.
    LinkCreateIter: 32 {
        prog_fd: u32,
        target_fd: u32,
        attach_type: AttachType,
        flags: u32,
        iter_info: u64,
        iter_info_len: u32,
        pad: u32,
    }

    /// `union bpf_iter_link_info`, of a map; as long as the whole union.
    IterMapInfo: 16 {
        map_fd: u32,
        pad: [u32; 3],
    }

    /// `union bpf_iter_link_info`, of cgroups.
    IterCgroupInfo: 16 {
        order: u32,
        cgroup_fd: u32,
        cgroup_id: u64,
    }

    /// `union bpf_iter_link_info`, of tasks.
    IterTaskInfo: 16 {
        tid: u32,
        pid: u32,
        pid_fd: u32,
        pad: u32,
    }

    /// `BPF_ITER_CREATE`.
    IterCreate: 8 {
        link_fd: u32,
        flags: u32,
    }

    /// `BPF_LINK_UPDATE` of a link to a map; of one to a program, both descriptors are programs'.
    LinkUpdate: 16 {
        link_fd: u32,
        new_map_fd: u32,
        flags: u32,
        old_map_fd: u32,
    }

    /// `BPF_PROG_BIND_MAP`.
    ProgBindMap: 12 {
        prog_fd: u32,
        map_fd: u32,
        flags: u32,
    }

    /// `BPF_TOKEN_CREATE`.
    TokenCreate: 8 {
        flags: u32,
        bpffs_fd: u32,
    }

    /// `BPF_LINK_DETACH`.
    LinkDetach: 4 {
        link_fd: u32,
    }
}

impl MapCreate {
    /// The same, its types those of the BTF with this descriptor.
    pub(crate) fn with_btf(self, btf_fd: u32) -> MapCreate {
        MapCreate { btf_fd, ..self }
    }

    /// The same without types.
    pub(crate) fn untyped(self) -> MapCreate {
        MapCreate { btf_fd: 0, btf_key_type_id: 0, btf_value_type_id: 0, ..self }
    }

    /// Whether it has types.
    pub(crate) fn is_typed(&self) -> bool {
        self.btf_key_type_id != 0 || self.btf_value_type_id != 0
    }

    /// Bytes of an attr in an image: what comes behind them are pointers of this process's.
    const AT_REST: usize = place!(MapCreate.excl_prog_hash) as usize;

    /// The attr at `at` of an image.
    pub(crate) fn read(image: &[u8], at: u32) -> Option<MapCreate> {
        let bytes = image.get(at as usize..)?.get(..MapCreate::AT_REST)?;
        let word = |place| bytes.u32(place);
        Some(MapCreate {
            map_type: MapType(word(place!(MapCreate.map_type))?),
            key_size: word(place!(MapCreate.key_size))?,
            value_size: word(place!(MapCreate.value_size))?,
            max_entries: word(place!(MapCreate.max_entries))?,
            map_flags: MapFlags(word(place!(MapCreate.map_flags))?),
            inner_map_fd: word(place!(MapCreate.inner_map_fd))?,
            numa_node: word(place!(MapCreate.numa_node))?,
            map_name: *bytes.get(place!(MapCreate.map_name) as usize..)?.first_chunk()?,
            map_ifindex: word(place!(MapCreate.map_ifindex))?,
            btf_fd: word(place!(MapCreate.btf_fd))?,
            btf_key_type_id: word(place!(MapCreate.btf_key_type_id))?,
            btf_value_type_id: word(place!(MapCreate.btf_value_type_id))?,
            btf_vmlinux_value_type_id: word(place!(MapCreate.btf_vmlinux_value_type_id))?,
            map_extra: u64::from_ne_bytes(*bytes.get(place!(MapCreate.map_extra) as usize..)?.first_chunk()?),
            value_type_btf_obj_fd: word(place!(MapCreate.value_type_btf_obj_fd))?,
            map_token_fd: word(place!(MapCreate.map_token_fd))?,
            ..MapCreate::default()
        })
    }
}
