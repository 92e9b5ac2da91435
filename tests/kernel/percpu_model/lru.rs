//! What an LRU hash promises when it is full: it forgets elements when it pleases, each as a whole, and what it has not
//! forgotten is right.

use std::collections::{BTreeMap, BTreeSet};

use skelgen_runtime::{PerCpuMap, Plain, Update};

use super::model::{Answer, Kind, Model, Outcome};
use super::operations::{Operation, Values, Way, operations};
use super::subject::{Programs, Subject};
use super::{OPERATIONS, fail};

/// Does the operations of `seed` to a map and to its model, and says how many elements were forgotten.
pub(super) fn check<K: Plain + PartialEq, V: Plain>(
    seed: u64,
    map: &PerCpuMap<K, V>,
    keys: &[K],
    programs: Programs<'_>,
) -> usize {
    let mut subject = Subject::new(map, keys, programs);
    let shape = subject.shape();
    let mut model = Model::new(Kind::LruHash, keys.len(), &shape);
    let operations = operations(seed, &shape, OPERATIONS);
    let mut forgotten = 0;
    for (step, operation) in operations.iter().enumerate() {
        let outcome = subject.apply(operation);
        let Ok(Answer::Elements(found)) = subject.apply(&Operation::ReadAll(Way::Batches(keys.len()))) else {
            fail(seed, &mut subject, &operations[..=step], &["cannot be read".to_owned()], &model);
        };
        let found: BTreeMap<_, _> = found.into_iter().collect();
        if let Err(words) = follow(&mut model, operation, &outcome, &found) {
            fail(seed, &mut subject, &operations[..=step], &words, &model);
        }
        forgotten += model.elements.len() - found.len();
        model.elements = found;
    }
    forgotten
}

/// Does the operation to the model as what was found in the map tells how: then nothing in the map is not in the model.
/// Else returns words about what is wrong.
fn follow(
    model: &mut Model,
    operation: &Operation,
    outcome: &Outcome,
    found: &BTreeMap<usize, Values>,
) -> Result<(), Vec<String>> {
    // What is refused before the kernel is asked writes nothing.
    let is_asked = !matches!(outcome, Err(refusal) if refusal.errno.is_none());
    let writes = if is_asked { operation.writes() } else { Vec::new() };
    if writes.is_empty() {
        let expected = model.apply(operation);
        if expected != *outcome {
            return Err(vec![format!("gives    {outcome:?}"), format!("should   {expected:?}")]);
        }
    }
    for key in writes.iter().filter_map(Operation::written).collect::<BTreeSet<_>>() {
        let possible = possible(model.with_only(key), key, &writes);
        let agrees = |(expected, value): &&(Outcome, Option<Values>)| {
            expected == outcome && found.get(&key).is_none_or(|found| value.as_ref() == Some(found))
        };
        let Some((_, value)) = possible.iter().find(agrees) else {
            let mut words = vec![format!("gives    {outcome:?}, and key {key} is {:?}", found.get(&key))];
            words.extend(possible.iter().map(|(expected, value)| format!("could    {expected:?}, {value:?}")));
            return Err(words);
        };
        match value {
            Some(value) => drop(model.elements.insert(key, value.clone())),
            None => drop(model.elements.remove(&key)),
        }
    }
    if let Some((key, value)) = found.iter().find(|(key, value)| model.elements.get(key) != Some(value)) {
        return Err(vec![format!("key {key} is {value:?}, and should be {:?}", model.elements.get(key))]);
    }
    let last = writes.last().and_then(Operation::written).filter(|_| outcome.is_ok());
    match last.filter(|last| !found.contains_key(last)) {
        Some(last) => Err(vec![format!("key {last} was written just now, and is not there")]),
        None => Ok(()),
    }
}

/// What the writes to `key` can come to: each finds the element, or finds it forgotten for the place that itself needs.
fn possible(start: Model, key: usize, writes: &[Operation]) -> Vec<(Outcome, Option<Values>)> {
    let mut all = vec![(Ok(Answer::Done), start)];
    for write in writes.iter().filter(|write| write.written() == Some(key)) {
        let mut next = Vec::new();
        for (_, model) in &all {
            next.push(applied(model, write));
            let mut without = model.clone();
            if without.elements.remove(&key).is_some() {
                next.push(applied(&without, write));
                // It was found, and was gone when it was written: the runtime says so of a write for one CPU.
                if let Operation::Update { key, cpu, value, how: Update::Existing } = *write {
                    next.push(applied(&without, &Operation::Update { key, cpu, value, how: Update::Any }));
                }
            }
        }
        all = next;
    }
    all.into_iter().map(|(outcome, mut model)| (outcome, model.elements.remove(&key))).collect()
}

fn applied(model: &Model, operation: &Operation) -> (Outcome, Model) {
    let mut after = model.clone();
    (after.apply(operation), after)
}

impl Operation {
    /// The writes of this operation, one element each; none if it is no write.
    fn writes(&self) -> Vec<Operation> {
        let how = Update::Any;
        match self.clone() {
            Operation::Update { .. } | Operation::UpdateAll { .. } | Operation::UpdateValues { .. } => {
                vec![self.clone()]
            }
            Operation::SetBatch { cpu, elements } => {
                elements.into_iter().map(|(key, value)| Operation::Update { key, cpu, value, how }).collect()
            }
            Operation::SetAllBatch { elements } => {
                elements.into_iter().map(|(key, value)| Operation::UpdateAll { key, value, how }).collect()
            }
            Operation::SetValuesBatch { elements } => {
                elements.into_iter().map(|(key, values)| Operation::UpdateValues { key, values, how }).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The key of one of these.
    fn written(&self) -> Option<usize> {
        match self {
            Operation::Update { key, .. } | Operation::UpdateAll { key, .. } | Operation::UpdateValues { key, .. } => {
                Some(*key)
            }
            _ => None,
        }
    }
}
