//! aya. Its values are always those of all CPUs, whatever the flags.

use std::process::ExitCode;

use aya::maps::{MapData, PerCpuArray, PerCpuHashMap, PerCpuValues};
use aya::util::nr_cpus;
use peer_percpu::{Kind, Map, Peer, Result, create};

struct Aya;

impl Peer for Aya {
    type Map<const WORDS: usize> = AyaMap<WORDS>;
}

/// aya has a type for each.
enum AyaMap<const WORDS: usize> {
    Array(PerCpuArray<MapData, [u64; WORDS]>),
    Hash(PerCpuHashMap<MapData, u32, [u64; WORDS]>),
}

impl<const WORDS: usize> AyaMap<WORDS> {
    fn write(&mut self, values: PerCpuValues<[u64; WORDS]>) -> Result<()> {
        match self {
            AyaMap::Array(array) => Ok(array.set(0, values, 0)?),
            AyaMap::Hash(hash) => Ok(hash.insert(0, values, 0)?),
        }
    }
}

impl<const WORDS: usize> Map<WORDS> for AyaMap<WORDS> {
    type Values = PerCpuValues<[u64; WORDS]>;

    fn create(kind: Kind) -> Result<Self> {
        let map = aya::maps::Map::from_map_data(MapData::from_fd(create(kind, WORDS * 8)?)?)?;
        Ok(match kind {
            Kind::Array => AyaMap::Array(map.try_into()?),
            Kind::Hash => AyaMap::Hash(map.try_into()?),
        })
    }

    fn get(&mut self, cpu: usize) -> Result<[u64; WORDS]> {
        Ok(self.values()?[cpu])
    }

    fn set(&mut self, cpu: usize, value: &[u64; WORDS]) -> Result<()> {
        // What it gives cannot be changed, nor be taken apart.
        let mut values = self.values()?.to_vec();
        values[cpu] = *value;
        self.write(PerCpuValues::try_from(values)?)
    }

    fn set_all(&mut self, value: &[u64; WORDS]) -> Result<()> {
        let cpus = nr_cpus().map_err(|(_, error)| error)?;
        self.write(PerCpuValues::try_from(vec![*value; cpus])?)
    }

    fn values(&mut self) -> Result<Self::Values> {
        match self {
            AyaMap::Array(array) => Ok(array.get(&0, 0)?),
            AyaMap::Hash(hash) => Ok(hash.get(&0, 0)?),
        }
    }
}

fn main() -> ExitCode {
    peer_percpu::main::<Aya>()
}
