//! Writes an image: places things in it, points at them, and lists what is to be done with them.

use super::wire::{self, MAGIC, SLACK, header, op, step};
use crate::{Endian, Error, Result};

/// Offset of something in the image, in bytes from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobOff(pub u32);

impl BlobOff {
    /// The place `bytes` further on.
    pub(crate) fn plus(self, bytes: u32) -> Self {
        BlobOff(self.0 + bytes)
    }
}

const MAX_IMAGE: usize = wire::MAX_IMAGE as usize;

/// A step record, before it has a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// [`wire::op`].
    pub op: u16,
    /// Carried out only if `features & mask == want`.
    pub mask: u32,
    /// See `mask`.
    pub want: u32,
    /// Carried out only if this word is zero.
    pub unless: BlobOff,
    /// The `bpf(2)` command or BTF kind.
    pub cmd: u32,
    /// The attr, name or source word.
    pub arg: BlobOff,
    /// Bytes at `arg`.
    pub size: u32,
    /// The word that takes the result.
    pub out: BlobOff,
    /// The word that takes a module BTF's fd.
    pub out2: BlobOff,
    /// The step of the plan.
    pub plan: u32,
    /// Of a probe: the errno that says yes; of a look-up: the one that says no.
    pub expect: i32,
    /// Of a probe: the features to set on a yes; of a look-up: the place of a shape.
    pub feature: u32,
}

impl Record {
    /// A record that is carried out whatever the kernel and the user say, for no step of the plan, and whose result
    /// nobody wants.
    pub(crate) const ALWAYS: Record = Record {
        op: op::BPF,
        mask: 0,
        want: 0,
        unless: BlobOff(header::ZERO),
        cmd: 0,
        arg: BlobOff(header::NOWHERE),
        size: 1,
        out: BlobOff(header::NOWHERE),
        out2: BlobOff(header::NOWHERE),
        plan: 0,
        expect: 0,
        feature: 0,
    };
}

/// An image under construction.
pub(crate) struct ImageWriter {
    endian: Endian,
    bytes: Vec<u8>,
    /// Where an address is wanted, and of what.
    points: Vec<(BlobOff, BlobOff)>,
    records: Vec<Record>,
}

impl ImageWriter {
    /// An image with an empty header.
    pub(crate) fn new(endian: Endian) -> Self {
        ImageWriter { endian, bytes: vec![0; header::LEN as usize], points: Vec::new(), records: Vec::new() }
    }

    /// The byte order.
    pub(crate) fn endian(&self) -> Endian {
        self.endian
    }

    /// Places `bytes` at a multiple of eight.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<BlobOff> {
        let at = self.bytes.len().next_multiple_of(8);
        let end = at + bytes.len();
        if end > MAX_IMAGE {
            return Err(Error::too_large(format!("the loader's image passes {MAX_IMAGE} bytes")));
        }
        self.bytes.resize(at, 0);
        self.bytes.extend_from_slice(bytes);
        Ok(BlobOff(at as u32))
    }

    /// All that is placed so far.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Places a word of eight bytes that holds `value` in its first four.
    pub(crate) fn word(&mut self, value: u32) -> Result<BlobOff> {
        let mut bytes = Vec::with_capacity(8);
        self.endian.put_u32(&mut bytes, value);
        bytes.resize(8, 0);
        self.put(&bytes)
    }

    /// Has the loader write the address of `to` to `at`.
    pub(crate) fn point(&mut self, at: BlobOff, to: BlobOff) {
        self.points.push((at, to));
    }

    /// Appends a step record.
    pub(crate) fn record(&mut self, record: Record) {
        self.records.push(record);
    }

    /// The image, with records and header in place; what points comes first. `fds` are the table's place and its length.
    pub(crate) fn finish(mut self, fds: BlobOff, nr_fds: u32) -> Result<(Vec<u8>, Vec<Record>)> {
        let points = self.points.iter().map(|&(at, to)| Record { op: op::POINT, arg: to, out: at, ..Record::ALWAYS });
        self.records = points.chain(self.records.iter().copied()).collect();
        let records = self.encode_records();
        let steps = self.put(&records)?;

        let fields = [
            (header::MAGIC, MAGIC),
            (header::SIZE, self.bytes.len().next_power_of_two() as u32 + SLACK),
            (header::NR_STEPS, self.records.len() as u32),
            (header::STEPS, steps.0),
            (header::NR_FDS, nr_fds),
            (header::FDS, fds.0),
        ];
        for (at, value) in fields {
            let mut word = Vec::with_capacity(4);
            self.endian.put_u32(&mut word, value);
            self.bytes[at as usize..at as usize + 4].copy_from_slice(&word);
        }
        Ok((self.bytes, self.records))
    }

    fn encode_records(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.records.len() * step::LEN as usize);
        for record in &self.records {
            let start = out.len();
            self.endian.put_u16(&mut out, record.op);
            out.extend([record.mask as u8, record.want as u8]);
            for word in [
                record.unless.0,
                record.cmd,
                record.arg.0,
                record.size,
                record.out.0,
                record.out2.0,
                record.plan,
                record.expect as u32,
                record.feature,
            ] {
                self.endian.put_u32(&mut out, word);
            }
            out.resize(start + step::LEN as usize, 0);
        }
        out
    }
}

/// Bounds what a record reads or writes at one place.
pub(crate) fn within_slack(len: usize, what: &str) -> Result<u32> {
    match u32::try_from(len) {
        Ok(len) if len <= wire::SLACK => Ok(len),
        _ => Err(Error::too_large(format!("{what} has {len} bytes; the loader takes {}", wire::SLACK))),
    }
}
