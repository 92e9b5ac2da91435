//! skelgen's runtime.

use std::process::ExitCode;

use peer_percpu::{Kind, Map, Peer, Result, create};
use skelgen_runtime::{PerCpuMap, PerCpuValues};

struct Skelgen;

impl Peer for Skelgen {
    type Map<const WORDS: usize> = SkelgenMap<WORDS>;
}

struct SkelgenMap<const WORDS: usize>(PerCpuMap<u32, [u64; WORDS]>);

impl<const WORDS: usize> Map<WORDS> for SkelgenMap<WORDS> {
    type Values = PerCpuValues<[u64; WORDS]>;

    fn create(kind: Kind) -> Result<Self> {
        Ok(SkelgenMap(PerCpuMap::from_fd(create(kind, WORDS * 8)?, kind.name())?))
    }

    fn get(&mut self, cpu: usize) -> Result<[u64; WORDS]> {
        Ok(self.0.get(&0, cpu as u32)?.ok_or("no element")?)
    }

    fn set(&mut self, cpu: usize, value: &[u64; WORDS]) -> Result<()> {
        Ok(self.0.set(&0, cpu as u32, value)?)
    }

    fn set_all(&mut self, value: &[u64; WORDS]) -> Result<()> {
        Ok(self.0.set_all(&0, value)?)
    }

    fn values(&mut self) -> Result<Self::Values> {
        Ok(self.0.values(&0)?.ok_or("no element")?)
    }
}

fn main() -> ExitCode {
    peer_percpu::main::<Skelgen>()
}
