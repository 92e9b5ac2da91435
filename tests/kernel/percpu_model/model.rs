//! What a per-CPU map does, in memory.

use std::collections::BTreeMap;

use skelgen_runtime::{Errno, Update};

use super::operations::{Operation, Shape, Value, Values};

/// A type of map. An LRU hash is one that never is full: what it forgets when it runs short is the business of
/// [`lru`](super::lru).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Array,
    Hash,
    LruHash,
    CgroupStorage,
}

/// What an operation gives.
pub(super) type Outcome = Result<Answer, Refusal>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Done,
    WasThere(bool),
    Value(Option<Value>),
    Values(Option<Values>),
    Keys(Vec<usize>),
    /// By key, as those below.
    Elements(Vec<(usize, Values)>),
    OfCpu(Vec<(usize, Value)>),
    /// By a program.
    Returned(u32),
}

/// An error: the kernel's number, unless the runtime did not ask the kernel, and the key that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) errno: Option<Errno>,
    pub(super) key: Option<usize>,
}

/// Refused before the kernel is asked, for no key's sake.
const NOT_ASKED: Refusal = Refusal { errno: None, key: None };

fn refused(errno: Errno, key: usize) -> Refusal {
    Refusal { errno: Some(errno), key: Some(key) }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Model {
    kind: Kind,
    /// The most elements.
    capacity: usize,
    cpus: Vec<u32>,
    value_size: usize,
    pub(super) elements: BTreeMap<usize, Values>,
}

impl Model {
    /// A new map. An array and a cgroup storage have their elements, the first `capacity` keys, from the beginning.
    pub(super) fn new(kind: Kind, capacity: usize, shape: &Shape) -> Model {
        let cpus = shape.cpus.clone();
        let mut model = Model { kind, capacity, cpus, value_size: shape.value_size, elements: BTreeMap::new() };
        if model.keeps_elements() {
            model.elements = (0..capacity).map(|key| (key, model.zeroes())).collect();
        }
        model
    }

    /// The same with no other element than this, if it is there.
    pub(super) fn with_only(&self, key: usize) -> Model {
        let elements = self.elements.get(&key).map(|values| (key, values.clone())).into_iter().collect();
        Model { cpus: self.cpus.clone(), elements, ..*self }
    }

    fn keeps_elements(&self) -> bool {
        matches!(self.kind, Kind::Array | Kind::CgroupStorage)
    }

    /// Whether no element can be made.
    pub(super) fn is_full(&self) -> bool {
        self.kind != Kind::LruHash && self.elements.len() >= self.capacity
    }

    fn zeroes(&self) -> Values {
        self.cpus.iter().map(|&cpu| (cpu, Value::zeroes(self.value_size))).collect()
    }

    pub(super) fn apply(&mut self, operation: &Operation) -> Outcome {
        match operation {
            Operation::Get { key, cpu } => {
                self.check_cpu(*cpu, Some(*key))?;
                Ok(Answer::Value(self.elements.get(key).map(|values| values[cpu])))
            }
            Operation::Values { key } | Operation::ValuesInto { key } => {
                Ok(Answer::Values(self.elements.get(key).cloned()))
            }
            Operation::Update { key, cpu, value, how } => {
                self.check_cpu(*cpu, Some(*key))?;
                self.write_one(*key, *cpu, *value, *how)
            }
            Operation::UpdateAll { key, value, how } => self.write_same(*key, *value, *how),
            Operation::UpdateValues { key, values, how } => self.write_values(*key, values, *how),
            Operation::SetBatch { cpu, elements } => {
                self.check_cpu(*cpu, None)?;
                self.each(elements, |model, key, value| model.write_one(key, *cpu, *value, Update::Any))
            }
            Operation::SetAllBatch { elements } => {
                self.each(elements, |model, key, value| model.write_same(key, *value, Update::Any))
            }
            Operation::SetValuesBatch { elements } => {
                self.each(elements, |model, key, values| model.write_values(key, values, Update::Any))
            }
            Operation::Delete { .. }
            | Operation::DeleteBatch { .. }
            | Operation::Take { .. }
            | Operation::Drain { .. }
                if self.keeps_elements() =>
            {
                Err(NOT_ASKED)
            }
            Operation::Delete { key } => Ok(Answer::WasThere(self.elements.remove(key).is_some())),
            Operation::Take { key } => Ok(Answer::Values(self.elements.remove(key))),
            Operation::Drain { .. } => Ok(Answer::Elements(std::mem::take(&mut self.elements).into_iter().collect())),
            Operation::DeleteBatch { keys } => self.delete_batch(keys),
            Operation::Keys => Ok(Answer::Keys(self.elements.keys().copied().collect())),
            Operation::IterCpu { cpu, .. } => {
                self.check_cpu(*cpu, None)?;
                let own = |(key, values): (&usize, &Values)| (*key, values[cpu]);
                Ok(Answer::OfCpu(self.elements.iter().map(own).collect()))
            }
            Operation::ReadAll(_) => Ok(Answer::Elements(self.elements.clone().into_iter().collect())),
            Operation::Add { key, cpu, amount } => Ok(Answer::Returned(self.add(*key, *cpu, *amount))),
            Operation::Make { key, cpu, value } => {
                let made = self.write_one(*key, *cpu, Value::new(&value.to_ne_bytes()), Update::New);
                let errno = made.err().and_then(|refusal| refusal.errno).map_or(0, Errno::number);
                Ok(Answer::Returned((-errno).cast_unsigned()))
            }
        }
    }

    fn check_cpu(&self, cpu: u32, key: Option<usize>) -> Result<(), Refusal> {
        if self.cpus.contains(&cpu) { Ok(()) } else { Err(Refusal { errno: None, key }) }
    }

    fn write_one(&mut self, key: usize, cpu: u32, value: Value, how: Update) -> Outcome {
        // All others keep what they have, which is zeroes in a new element.
        self.element(key, how)?.insert(cpu, value);
        Ok(Answer::Done)
    }

    fn write_same(&mut self, key: usize, value: Value, how: Update) -> Outcome {
        self.element(key, how)?.values_mut().for_each(|own| *own = value);
        Ok(Answer::Done)
    }

    fn write_values(&mut self, key: usize, values: &Values, how: Update) -> Outcome {
        self.element(key, how)?.clone_from(values);
        Ok(Answer::Done)
    }

    /// The element to write to, made if need be.
    fn element(&mut self, key: usize, how: Update) -> Result<&mut Values, Refusal> {
        let errno = match (self.kind, self.elements.contains_key(&key), how) {
            (Kind::CgroupStorage, _, Update::New) => return Err(Refusal { errno: None, key: Some(key) }),
            (Kind::CgroupStorage, false, _) => Some(Errno::ENOENT),
            (Kind::Array, false, _) => Some(Errno::E2BIG),
            (_, true, Update::New) => Some(Errno::EEXIST),
            (_, false, Update::Existing) => Some(Errno::ENOENT),
            (_, false, _) if self.is_full() => Some(Errno::E2BIG),
            _ => None,
        };
        if let Some(errno) = errno {
            return Err(refused(errno, key));
        }
        let zeroes = self.zeroes();
        Ok(self.elements.entry(key).or_insert(zeroes))
    }

    /// A batch ends where one of its elements is refused; those before it stay written.
    fn each<T>(&mut self, elements: &[(usize, T)], mut write: impl FnMut(&mut Self, usize, &T) -> Outcome) -> Outcome {
        elements.iter().try_for_each(|(key, value)| write(self, *key, value).map(drop))?;
        Ok(Answer::Done)
    }

    fn delete_batch(&mut self, keys: &[usize]) -> Outcome {
        for &key in keys {
            self.elements.remove(&key).ok_or(refused(Errno::ENOENT, key))?;
        }
        Ok(Answer::Done)
    }

    /// As `add_to_*` of the fixture.
    fn add(&mut self, key: usize, cpu: u32, amount: u32) -> u32 {
        let Some(value) = self.elements.get_mut(&key).and_then(|values| values.get_mut(&cpu)) else {
            return u32::MAX;
        };
        let sum = u32::from_ne_bytes(value.bytes().try_into().unwrap()).wrapping_add(amount);
        *value = Value::new(&sum.to_ne_bytes());
        sum
    }
}
