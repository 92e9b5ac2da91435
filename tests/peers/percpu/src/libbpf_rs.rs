//! libbpf-rs. Its `MapFlags` have no `BPF_F_CPU` and no `BPF_F_ALL_CPUS`.

use std::process::ExitCode;

use libbpf_rs::libbpf_sys::bpf_map_create_opts;
use libbpf_rs::{MapCore, MapFlags, MapHandle, MapType, num_possible_cpus};
use peer_percpu::{Kind, Map, Peer, Result};

struct LibbpfRs;

impl Peer for LibbpfRs {
    type Map<const WORDS: usize> = LibbpfRsMap;
}

/// Its keys and values are bytes.
struct LibbpfRsMap(MapHandle);

const KEY: [u8; 4] = [0; 4];

impl<const WORDS: usize> Map<WORDS> for LibbpfRsMap {
    type Values = Vec<Vec<u8>>;

    fn create(kind: Kind) -> Result<Self> {
        let map_type = match kind {
            Kind::Array => MapType::PercpuArray,
            Kind::Hash => MapType::PercpuHash,
        };
        let options =
            bpf_map_create_opts { sz: size_of::<bpf_map_create_opts>() as _, ..bpf_map_create_opts::default() };
        Ok(LibbpfRsMap(MapHandle::create(map_type, Some("measured"), 4, (WORDS * 8) as u32, 1, &options)?))
    }

    fn get(&mut self, cpu: usize) -> Result<[u64; WORDS]> {
        let values = self.0.lookup_percpu(&KEY, MapFlags::ANY)?.ok_or("no element")?;
        Ok(bytemuck::pod_read_unaligned(&values[cpu]))
    }

    fn set(&mut self, cpu: usize, value: &[u64; WORDS]) -> Result<()> {
        let mut values = self.0.lookup_percpu(&KEY, MapFlags::ANY)?.ok_or("no element")?;
        values[cpu].copy_from_slice(bytemuck::bytes_of(value));
        Ok(self.0.update_percpu(&KEY, &values, MapFlags::ANY)?)
    }

    fn set_all(&mut self, value: &[u64; WORDS]) -> Result<()> {
        let values = vec![bytemuck::bytes_of(value).to_vec(); num_possible_cpus()?];
        Ok(self.0.update_percpu(&KEY, &values, MapFlags::ANY)?)
    }

    fn values(&mut self) -> Result<Self::Values> {
        Ok(self.0.lookup_percpu(&KEY, MapFlags::ANY)?.ok_or("no element")?)
    }
}

fn main() -> ExitCode {
    peer_percpu::main::<LibbpfRs>()
}
