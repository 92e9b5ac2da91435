//! Operations on a per-CPU map, and sequences of them by chance.

use std::collections::BTreeMap;
use std::fmt;

use skelgen_runtime::Update;

use skelgen_tests::random::Random;

/// One CPU's value, of at most as many bytes as the fixture's largest. Models are copied often, and in slow guests.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Value {
    bytes: [u8; 16],
    size: usize,
}

impl Value {
    pub(super) fn new(bytes: &[u8]) -> Value {
        let mut value = Value::zeroes(bytes.len());
        value.bytes[..bytes.len()].copy_from_slice(bytes);
        value
    }

    pub(super) fn zeroes(size: usize) -> Value {
        Value { bytes: [0; 16], size }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.size]
    }
}

impl fmt::Debug for Value {
    /// The bytes, as they are in memory.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// All CPUs' values.
pub(super) type Values = BTreeMap<u32, Value>;

/// An operation. Keys are given by their place among those that the sequence is about.
#[derive(Clone, Debug)]
pub(super) enum Operation {
    Get {
        key: usize,
        cpu: u32,
    },
    Values {
        key: usize,
    },
    ValuesInto {
        key: usize,
    },
    Update {
        key: usize,
        cpu: u32,
        value: Value,
        how: Update,
    },
    UpdateAll {
        key: usize,
        value: Value,
        how: Update,
    },
    UpdateValues {
        key: usize,
        values: Values,
        how: Update,
    },
    Delete {
        key: usize,
    },
    Take {
        key: usize,
    },
    Drain {
        batch: usize,
    },
    SetBatch {
        cpu: u32,
        elements: Vec<(usize, Value)>,
    },
    SetAllBatch {
        elements: Vec<(usize, Value)>,
    },
    SetValuesBatch {
        elements: Vec<(usize, Values)>,
    },
    DeleteBatch {
        keys: Vec<usize>,
    },
    Keys,
    IterCpu {
        cpu: u32,
        batch: usize,
    },
    ReadAll(Way),
    /// By a program that runs on `cpu`: adds to its value.
    Add {
        key: usize,
        cpu: u32,
        amount: u32,
    },
    /// By a program that runs on `cpu`: makes an element with this for its value.
    Make {
        key: usize,
        cpu: u32,
        value: u32,
    },
}

/// How the whole map is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// With all CPUs' values, so many elements at a time.
    Batches(usize),
    /// One CPU after the other, so many elements at a time.
    CpuBatches(usize),
    /// All CPUs' values of one key after the other.
    Keys,
    /// One value after the other.
    Singles,
    /// One key after the other, without types: the bytes that the kernel gives.
    Bytes,
}

/// What operations can be about.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) keys: usize,
    pub(super) value_size: usize,
    /// Those that have a value, and of them those that can run a program.
    pub(super) cpus: Vec<u32>,
    pub(super) online: Vec<u32>,
    /// Whether there are programs that add to values, and that make elements.
    pub(super) adds: bool,
    pub(super) makes: bool,
}

/// Elements that one batch writes or deletes, at most.
const IN_BATCH: usize = 6;

/// So many operations, or a few more: the last ones read the whole map in every way.
pub(super) fn operations(seed: u64, shape: &Shape, count: usize) -> Vec<Operation> {
    let mut chance = Chance { random: Random(seed), shape };
    let mut operations = Vec::with_capacity(count + 6);
    while operations.len() < count {
        match chance.random.below(24) {
            0 => {
                let (first, second) = chance.two_ways();
                operations.extend([Operation::ReadAll(first), Operation::ReadAll(second)]);
            }
            1..=3 if shape.adds => operations.push(chance.program()),
            _ => operations.push(chance.operation()),
        }
    }
    operations.push(Operation::Keys);
    operations.extend(chance.all_ways().map(Operation::ReadAll));
    operations
}

struct Chance<'a> {
    random: Random,
    shape: &'a Shape,
}

impl Chance<'_> {
    fn operation(&mut self) -> Operation {
        let (key, cpu) = (self.key(), self.cpu());
        match self.random.below(32) {
            0..=2 => Operation::Get { key, cpu },
            3 => Operation::Values { key },
            4 => Operation::ValuesInto { key },
            5..=11 => Operation::Update { key, cpu, value: self.value(), how: self.how() },
            12..=14 => Operation::UpdateAll { key, value: self.value(), how: self.how() },
            15..=17 => Operation::UpdateValues { key, values: self.values(), how: self.how() },
            18..=20 => Operation::Delete { key },
            21 => Operation::Take { key },
            22..=23 => Operation::SetBatch { cpu, elements: self.batch(Self::value) },
            24..=25 => Operation::SetAllBatch { elements: self.batch(Self::value) },
            26..=27 => Operation::SetValuesBatch { elements: self.batch(Self::values) },
            28 => Operation::DeleteBatch { keys: self.batch(|_| ()).into_iter().map(|(key, ())| key).collect() },
            29 => Operation::Keys,
            30 => Operation::IterCpu { cpu, batch: self.batch_size() },
            // It leaves nothing for the operations after it.
            _ if self.random.one_in(2) => Operation::Drain { batch: self.batch_size() },
            _ => Operation::Get { key, cpu },
        }
    }

    fn program(&mut self) -> Operation {
        let (key, cpu) = (self.key(), self.random.pick(&self.shape.online));
        let number = self.random.number().cast_unsigned();
        if self.shape.makes && self.random.one_in(2) {
            Operation::Make { key, cpu, value: number }
        } else {
            Operation::Add { key, cpu, amount: number }
        }
    }

    fn key(&mut self) -> usize {
        self.random.below(self.shape.keys)
    }

    /// A CPU that has a value; now and then one that has not.
    fn cpu(&mut self) -> u32 {
        let last = self.shape.cpus.last().copied().unwrap_or_default();
        if self.random.one_in(16) {
            self.random.pick(&[last + 1, u32::MAX])
        } else {
            self.random.pick(&self.shape.cpus)
        }
    }

    fn how(&mut self) -> Update {
        self.random.pick(&[Update::Any, Update::Any, Update::New, Update::Existing])
    }

    fn value(&mut self) -> Value {
        Value::new(&self.random.bytes(self.shape.value_size))
    }

    fn values(&mut self) -> Values {
        self.shape.cpus.iter().map(|&cpu| (cpu, self.value())).collect()
    }

    /// Elements of a batch, seldom none; a key can be there twice.
    fn batch<T>(&mut self, mut value: impl FnMut(&mut Self) -> T) -> Vec<(usize, T)> {
        let count = if self.random.one_in(16) { 0 } else { 1 + self.random.below(IN_BATCH) };
        (0..count).map(|_| (self.key(), value(self))).collect()
    }

    fn batch_size(&mut self) -> usize {
        1 + self.random.below(IN_BATCH)
    }

    fn all_ways(&mut self) -> [Way; 5] {
        [Way::Batches(self.batch_size()), Way::CpuBatches(self.batch_size()), Way::Keys, Way::Singles, Way::Bytes]
    }

    fn two_ways(&mut self) -> (Way, Way) {
        let ways = self.all_ways();
        let (first, further) = (self.random.below(ways.len()), 1 + self.random.below(ways.len() - 1));
        (ways[first], ways[(first + further) % ways.len()])
    }
}
