//! A map in the kernel that operations are done to.

use std::thread;
use std::time::Duration;

use skelgen_runtime::{Errno, Error, PerCpuMap, PerCpuValues, Plain, Program, Result, Update};

use super::model::{Answer, Outcome, Refusal};
use super::operations::{Operation, Shape, Value, Values, Way};
use crate::cpus::{online, run_on};

/// How often an operation is done again for which the kernel has no memory just now.
const PATIENCE: u32 = 1000;

/// In place of a key's number: one that no operation was about.
const STRANGE: usize = usize::MAX;

/// The programs that change a map.
#[derive(Clone, Copy, Default)]
pub(super) struct Programs<'a> {
    pub(super) add: Option<&'a Program>,
    pub(super) make: Option<&'a Program>,
}

pub(super) struct Subject<'a, K: Plain, V: Plain> {
    map: &'a PerCpuMap<K, V>,
    keys: &'a [K],
    programs: Programs<'a>,
    /// For `values_into`: whatever was read last.
    values: PerCpuValues<V>,
}

impl<'a, K: Plain + PartialEq, V: Plain> Subject<'a, K, V> {
    pub(super) fn new(map: &'a PerCpuMap<K, V>, keys: &'a [K], programs: Programs<'a>) -> Self {
        let garbage = |_| V::from_bytes(&vec![0xa5; size_of::<V>()]).unwrap();
        Subject { map, keys, programs, values: PerCpuValues::from_fn(map.cpus(), garbage) }
    }

    pub(super) fn name(&self) -> &'a str {
        self.map.map().name()
    }

    pub(super) fn shape(&self) -> Shape {
        Shape {
            keys: self.keys.len(),
            value_size: size_of::<V>(),
            cpus: self.map.cpus().iter().collect(),
            online: online().iter().collect(),
            adds: self.programs.add.is_some(),
            makes: self.programs.make.is_some(),
        }
    }

    pub(super) fn apply(&mut self, operation: &Operation) -> Outcome {
        for _ in 0..PATIENCE {
            match self.answer(operation) {
                // A hash that is not preallocated takes memory from short lists, which the kernel fills again when it gets
                // to it. A batch begins again with what it has written.
                Err(error) if error.errno() == Some(Errno::ENOMEM) => thread::sleep(Duration::from_millis(1)),
                answer => return answer.map_err(|error| self.refusal(&error)),
            }
        }
        self.answer(operation).map_err(|error| self.refusal(&error))
    }

    fn answer(&mut self, operation: &Operation) -> Result<Answer> {
        let (map, keys) = (self.map, self.keys);
        Ok(match operation {
            Operation::Get { key, cpu } => Answer::Value(map.get(&keys[*key], *cpu)?.map(bytes)),
            Operation::Values { key } => Answer::Values(map.values(&keys[*key])?.map(values)),
            Operation::ValuesInto { key } => {
                let is_there = map.values_into(&keys[*key], &mut self.values)?;
                Answer::Values(is_there.then(|| values(self.values.clone())))
            }
            Operation::Update { key, cpu, value, how } => match how {
                Update::Any => done(map.set(&keys[*key], *cpu, &typed(value))?),
                _ => done(map.update(&keys[*key], *cpu, &typed(value), *how)?),
            },
            Operation::UpdateAll { key, value, how } => match how {
                Update::Any => done(map.set_all(&keys[*key], &typed(value))?),
                _ => done(map.update_all(&keys[*key], &typed(value), *how)?),
            },
            Operation::UpdateValues { key, values, how } => match how {
                Update::Any => done(map.set_values(&keys[*key], &self.typed_values(values))?),
                _ => done(map.update_values(&keys[*key], &self.typed_values(values), *how)?),
            },
            Operation::Delete { key } => Answer::WasThere(map.delete(&keys[*key])?),
            Operation::Take { key } => Answer::Values(map.take(&keys[*key])?.map(values)),
            Operation::Drain { batch } => self.elements(map.drain()?.batch_size(*batch))?,
            Operation::SetBatch { cpu, elements } => done(map.set_batch(*cpu, &self.batch(elements, typed))?),
            Operation::SetAllBatch { elements } => done(map.set_all_batch(&self.batch(elements, typed))?),
            Operation::SetValuesBatch { elements } => {
                done(map.set_values_batch(&self.batch(elements, |values| self.typed_values(values)))?)
            }
            Operation::DeleteBatch { keys: which } => {
                done(map.delete_batch(&which.iter().map(|&key| keys[key]).collect::<Vec<_>>())?)
            }
            Operation::Keys => {
                let mut found = map.keys().map(|key| Ok(self.number(key?))).collect::<Result<Vec<_>>>()?;
                found.sort_unstable();
                Answer::Keys(found)
            }
            Operation::IterCpu { cpu, batch } => Answer::OfCpu(self.of_cpu(*cpu, *batch)?),
            Operation::ReadAll(way) => self.read_all(*way)?,
            Operation::Add { key, cpu, amount } => self.run(self.programs.add, *cpu, *key, *amount),
            Operation::Make { key, cpu, value } => self.run(self.programs.make, *cpu, *key, *value),
        })
    }

    fn read_all(&self, way: Way) -> Result<Answer> {
        let cpus = || self.map.cpus().iter();
        match way {
            Way::Batches(batch) => self.elements(self.map.iter().batch_size(batch)),
            Way::CpuBatches(batch) => {
                let mut found = Vec::<(usize, Values)>::new();
                for cpu in cpus() {
                    for (key, value) in self.of_cpu(cpu, batch)? {
                        let of_key =
                            found.iter_mut().find(|(known, values)| *known == key && !values.contains_key(&cpu));
                        match of_key {
                            Some((_, values)) => drop(values.insert(cpu, value)),
                            None => found.push((key, Values::from([(cpu, value)]))),
                        }
                    }
                }
                Ok(sorted(found))
            }
            Way::Keys => self.by_key(|key| Ok(self.map.values(key)?.map(values))),
            Way::Singles => self.by_key(|key| {
                let mut found = Values::new();
                for cpu in cpus() {
                    if let Some(value) = self.map.get(key, cpu)? {
                        found.insert(cpu, bytes(value));
                    }
                }
                Ok((!found.is_empty()).then_some(found))
            }),
            Way::Bytes => self.by_key(|key| {
                let slot = |bytes: &[u8]| Value::new(&bytes[..size_of::<V>()]);
                let all = self.map.map().lookup(key.as_bytes())?;
                let slots = |all: Vec<u8>| all.chunks(size_of::<V>().next_multiple_of(8)).map(slot).collect::<Vec<_>>();
                Ok(all.map(|all| cpus().zip(slots(all)).collect()))
            }),
        }
    }

    fn by_key(&self, read: impl Fn(&K) -> Result<Option<Values>>) -> Result<Answer> {
        let mut found = Vec::new();
        for (number, key) in self.keys.iter().enumerate() {
            found.extend(read(key)?.map(|values| (number, values)));
        }
        Ok(Answer::Elements(found))
    }

    fn elements(&self, elements: impl Iterator<Item = Result<(K, PerCpuValues<V>)>>) -> Result<Answer> {
        let numbered = elements.map(|element| element.map(|(key, found)| (self.number(key), values(found))));
        Ok(sorted(numbered.collect::<Result<_>>()?))
    }

    fn of_cpu(&self, cpu: u32, batch: usize) -> Result<Vec<(usize, Value)>> {
        let elements = self.map.iter_cpu(cpu)?.batch_size(batch);
        let numbered = elements.map(|element| element.map(|(key, value)| (self.number(key), bytes(value))));
        let mut found = numbered.collect::<Result<Vec<_>>>()?;
        found.sort_by_key(|(key, _)| *key);
        Ok(found)
    }

    fn run(&self, program: Option<&Program>, cpu: u32, key: usize, number: u32) -> Answer {
        let key = u32::from_ne_bytes(self.keys[key].as_bytes().try_into().unwrap());
        Answer::Returned(run_on(cpu, program.unwrap(), [key.into(), number.into()]))
    }

    fn typed_values(&self, values: &Values) -> PerCpuValues<V> {
        PerCpuValues::from_fn(self.map.cpus(), |cpu| typed(&values[&cpu]))
    }

    fn batch<T, U>(&self, elements: &[(usize, T)], value: impl Fn(&T) -> U) -> Vec<(K, U)> {
        elements.iter().map(|(key, own)| (self.keys[*key], value(own))).collect()
    }

    fn number(&self, key: K) -> usize {
        self.keys.iter().position(|known| *known == key).unwrap_or(STRANGE)
    }

    fn refusal(&self, error: &Error) -> Refusal {
        let number = |name| self.keys.iter().position(|key| format!("{key:?}") == name).unwrap_or(STRANGE);
        Refusal { errno: error.errno(), key: error.key().map(number) }
    }
}

fn done((): ()) -> Answer {
    Answer::Done
}

fn sorted(mut elements: Vec<(usize, Values)>) -> Answer {
    elements.sort_by_key(|(key, _)| *key);
    Answer::Elements(elements)
}

fn bytes<V: Plain>(value: V) -> Value {
    Value::new(value.as_bytes())
}

fn typed<V: Plain>(value: &Value) -> V {
    V::from_bytes(value.bytes()).unwrap()
}

fn values<V: Plain>(values: PerCpuValues<V>) -> Values {
    values.into_iter().map(|(cpu, value)| (cpu, bytes(value))).collect()
}
