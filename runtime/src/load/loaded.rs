//! What a load made, to be taken one by one.

use crate::features::Features;
use crate::map::Map;
use crate::map::{BloomFilter, Queue, TypedMap};
use crate::percpu::{PerCpu, PerCpuMap};
use crate::plain::{Plain, Value};
use crate::prog::Program;
use crate::struct_ops::{Ready, StructOps};
use crate::{Arena, Error, Mapped, MappedRo, Result, Unmapped};

/// A loaded object: its maps and programs, to be taken one by one.
#[derive(Debug)]
pub struct Loaded {
    pub(super) maps: Vec<Option<Map>>,
    pub(super) programs: Vec<Option<Program>>,
    /// By map; `None` of those that are no struct_ops maps.
    pub(super) struct_ops: Vec<Option<Ready>>,
    pub(super) arena: Option<super::own::Arena>,
    pub(super) features: Features,
    /// Whether `features` says what the kernel can do, rather than nothing.
    pub(super) probed: bool,
}

impl Loaded {
    /// What the kernel can do with per-CPU data, if that had to be found out.
    #[must_use]
    pub fn features(&self) -> Option<Features> {
        self.probed.then_some(self.features)
    }

    /// Takes map number `index`.
    ///
    /// # Errors
    ///
    /// There are not that many, it was taken before, or the loader did not make it.
    pub fn map(&mut self, index: usize) -> Result<Map> {
        self.maps.get_mut(index).and_then(Option::take).ok_or_else(|| missing("map", index))
    }

    /// Takes map number `index`, with types.
    ///
    /// # Errors
    ///
    /// As for [`map`](Self::map) and [`TypedMap::new`].
    pub fn typed_map<K: Plain, V: Value>(&mut self, index: usize) -> Result<TypedMap<K, V>> {
        TypedMap::new(self.map(index)?)
    }

    /// Takes the `.data` or `.bss` section that is map number `index`.
    ///
    /// # Errors
    ///
    /// As for [`map`](Self::map) and [`Mapped::new`].
    pub fn mapped<T: Plain>(&mut self, index: usize) -> Result<Mapped<T>> {
        Mapped::new(self.map(index)?)
    }

    /// Takes the `.rodata` section that is map number `index`.
    ///
    /// # Errors
    ///
    /// As for [`map`](Self::map) and [`MappedRo::new`].
    pub fn mapped_ro<T: Plain>(&mut self, index: usize) -> Result<MappedRo<T>> {
        MappedRo::new(self.map(index)?)
    }

    /// Takes the `.data`, `.bss` or `.rodata` section that is map number `index` and is not for user space to map.
    ///
    /// # Errors
    ///
    /// As for [`map`](Self::map) and [`Unmapped::new`].
    pub fn unmapped<T: Plain>(&mut self, index: usize) -> Result<Unmapped<T>> {
        Unmapped::new(self.map(index)?)
    }

    /// Takes the `.percpu` section that is map number `index`.
    ///
    /// # Errors
    ///
    /// As for [`map`](Self::map) and [`PerCpu::new`].
    pub fn percpu<T: Value>(&mut self, index: usize) -> Result<PerCpu<T>> {
        PerCpu::new(self.map(index)?)
    }

    /// Takes the per-CPU map that is map number `index`, with types.
    ///
    /// # Errors
    ///
    /// As for [`map`](Self::map) and [`PerCpuMap::new`].
    pub fn percpu_map<K: Plain, V: Value>(&mut self, index: usize) -> Result<PerCpuMap<K, V>> {
        PerCpuMap::new(self.map(index)?)
    }

    /// Takes the queue or stack that is map number `index`, with types.
    ///
    /// # Errors
    ///
    /// As for [`map`](Self::map) and [`Queue::new`].
    pub fn queue<V: Value>(&mut self, index: usize) -> Result<Queue<V>> {
        Queue::new(self.map(index)?)
    }

    /// Takes the bloom filter that is map number `index`, with types.
    ///
    /// # Errors
    ///
    /// As for [`map`](Self::map) and [`BloomFilter::new`].
    pub fn bloom_filter<V: Value>(&mut self, index: usize) -> Result<BloomFilter<V>> {
        BloomFilter::new(self.map(index)?)
    }

    /// Takes the struct_ops map that is map number `index`, which need not have been created.
    ///
    /// # Errors
    ///
    /// There are not that many, it was taken before or is no struct_ops map, or its struct has another size than `T`.
    pub fn struct_ops<T: Plain>(&mut self, index: usize) -> Result<StructOps<T>> {
        let (map, ready) = self.take_struct_ops(index)?;
        StructOps::new(map, ready)
    }

    /// Takes the struct_ops map that is map number `index`, without a type for its struct: it can be attached, but not
    /// be read as one.
    ///
    /// # Errors
    ///
    /// There are not that many, or it was taken before or is no struct_ops map.
    pub fn untyped_struct_ops(&mut self, index: usize) -> Result<StructOps<()>> {
        let (map, ready) = self.take_struct_ops(index)?;
        Ok(StructOps::untyped(map, ready))
    }

    fn take_struct_ops(&mut self, index: usize) -> Result<(Option<Map>, Ready)> {
        let ready = self.struct_ops.get_mut(index).and_then(Option::take);
        let ready = ready.ok_or_else(|| missing("struct_ops map", index))?;
        Ok((self.maps.get_mut(index).and_then(Option::take), ready))
    }

    /// Takes the arena that is map number `index`.
    ///
    /// # Errors
    ///
    /// As for [`map`](Self::map) and [`Arena::new`].
    pub fn arena(&mut self, index: usize) -> Result<Arena> {
        Arena::new(self.map(index)?)
    }

    /// A handle of the variables that lie in the arena that is map number `index`, which is still to be taken.
    ///
    /// # Errors
    ///
    /// There is no such arena, or it was taken before; its variables are shorter than `T`; or this process cannot map it,
    /// which happens only to an arena that was handed in.
    pub fn arena_variables<T: Plain>(&mut self, index: usize) -> Result<Mapped<T>> {
        let map = self.maps.get(index).and_then(Option::as_ref).ok_or_else(|| missing("map", index))?;
        let (at, size) = self.arena.as_ref().map_or((0, 0), |arena| arena.variables);
        Mapped::in_arena(map.try_clone()?, at, size)
    }

    /// Takes all programs.
    ///
    /// # Errors
    ///
    /// There are not `N`, or one was taken before.
    pub fn programs<const N: usize>(&mut self) -> Result<[Program; N]> {
        let programs: Option<Vec<_>> = self.programs.iter_mut().map(Option::take).collect();
        programs.and_then(|all| all.try_into().ok()).ok_or_else(|| missing("program", N))
    }

    /// Takes program number `index`.
    ///
    /// # Errors
    ///
    /// There are not that many, or it was taken before.
    pub fn program(&mut self, index: usize) -> Result<Program> {
        self.programs.get_mut(index).and_then(Option::take).ok_or_else(|| missing("program", index))
    }
}

fn missing(what: &str, index: usize) -> Error {
    Error::new(format!("take {what} number {index}")).because("it is not there, or was taken before")
}
