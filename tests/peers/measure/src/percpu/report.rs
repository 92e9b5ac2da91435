//! Prints what was measured.

use std::fmt::Write;

use peer_percpu::{Kind, Operation, SIZES};
use serde_json::{Value, json};

use super::cell::{Cell, Key, Machine, PEERS, Programs};
use super::computed::{self, Way, bytes};
use crate::table::{grouped, table};

const COLUMNS: usize = 4;

pub fn name(machine: &Machine) -> String {
    match machine {
        Machine::Native { .. } => "this machine".to_owned(),
        Machine::Guest { series, cpus: count } => format!("Linux {series} with {}", cpus(*count)),
    }
}

pub fn text(cells: &[Cell], programs: &Programs) -> String {
    let mut text = format!("## Computed\n\n{}", computed::text());
    let (guests, native): (Vec<_>, Vec<_>) =
        cells.iter().partition(|cell| matches!(cell.machine, Machine::Guest { .. }));
    for group in guests.chunk_by(|one, next| one.version == next.version) {
        let (major, minor) = group[0].version;
        let _ = write!(text, "\n## Linux {major}.{minor} in QEMU: instructions an operation (ratio to skelgen's)\n");
        // Wider tables could not be read; nobody asks for more than a few.
        for group in group.chunks(COLUMNS) {
            for (kind, size) in Kind::ALL.into_iter().flat_map(|kind| SIZES.map(|size| (kind, size))) {
                let columns: Vec<_> = group.iter().map(|cell| (cpus(cell.cpus), *cell, kind, size)).collect();
                let _ = write!(text, "\n### {} of {size} bytes\n\n{}", kind.name(), operations(&columns));
            }
        }
    }
    for cell in native {
        let ((major, minor), columns) = (cell.version, SIZES.map(|size| (format!("{size} bytes"), cell)));
        let cpus = cpus(cell.cpus);
        let _ =
            write!(text, "\n## Linux {major}.{minor}, this machine, {cpus}: ns an operation (ratio to skelgen's)\n");
        for kind in Kind::ALL {
            let columns: Vec<_> =
                columns.iter().zip(SIZES).map(|((name, cell), size)| (name.clone(), *cell, kind, size)).collect();
            let _ = write!(text, "\n### {}\n\n{}", kind.name(), operations(&columns));
        }
    }
    text.push('\n');
    for note in notes(cells, programs) {
        let _ = writeln!(text, "- {note}");
    }
    text
}

fn cpus(count: usize) -> String {
    if count == 1 { "1 CPU".to_owned() } else { format!("{count} CPUs") }
}

/// A table of up to [`COLUMNS`] columns: heading, where it is from, the type of map and the value's size.
fn operations(columns: &[(String, &Cell, Kind, usize)]) -> String {
    let mut headings = vec!["operation".to_owned(), "who".to_owned()];
    headings.extend(columns.iter().map(|(heading, ..)| heading.clone()));
    let mut rows = Vec::new();
    for (operation, peer) in Operation::ALL.into_iter().flat_map(|operation| PEERS.map(|peer| (operation, peer))) {
        let mut row = vec![operation.name().to_owned(), peer.to_owned()];
        row.extend(columns.iter().map(|&(_, cell, kind, size)| {
            let of = |peer| time(cell, &key(peer, kind, size, operation));
            match (of(peer), of(PEERS[0])) {
                (None, _) => "-".to_owned(),
                (Some(time), Some(ours)) if peer != PEERS[0] && ours > 0 => {
                    format!("{} ({:.2})", grouped(time), time as f64 / ours as f64)
                }
                (Some(time), _) => grouped(time),
            }
        }));
        rows.push(row);
    }
    table(&headings, &rows)
}

fn key(peer: &str, kind: Kind, size: usize, operation: Operation) -> Key {
    (peer.to_owned(), kind.name().to_owned(), size, operation.name().to_owned())
}

fn time(cell: &Cell, key: &Key) -> Option<u64> {
    cell.outcome.as_ref().ok()?.times.get(key).copied()
}

/// What could not be measured and why, and whether what was counted is what was computed.
fn notes(cells: &[Cell], programs: &Programs) -> Vec<String> {
    let not_built = programs.not_built.iter().map(|(peer, why)| format!("{peer}: not built: {why}"));
    let mut notes: Vec<_> = not_built.collect();
    let (mut counted, mut others) = (0, Vec::new());
    for cell in cells {
        let outcome = match &cell.outcome {
            Ok(outcome) => outcome,
            Err(why) => {
                notes.push(format!("{}: {why}", name(&cell.machine)));
                continue;
            }
        };
        notes.extend(outcome.failed.iter().map(|(peer, why)| format!("{}: {peer}: {why}", name(&cell.machine))));
        for (kind, size) in Kind::ALL.into_iter().flat_map(|kind| SIZES.map(|size| (kind, size))) {
            for (operation, peer) in
                Operation::ALL.into_iter().flat_map(|operation| PEERS.map(|peer| (operation, peer)))
            {
                let Some(&(_, copied)) = outcome.copied.get(&key(peer, kind, size, operation)) else { continue };
                let way = if peer == PEERS[0] { Way::of(cell.version, kind, cell.cpus) } else { Way::AllCpus };
                let computed = bytes(way, operation, size, cell.cpus) as u64;
                counted += 1;
                if copied != computed {
                    let what = format!("{} {size} {} by {peer}", kind.name(), operation.name());
                    others
                        .push(format!("{}: {what}: counted {copied} bytes, computed {computed}", name(&cell.machine)));
                }
            }
        }
    }
    let equal = counted - others.len();
    notes.push(format!("bytes counted in {counted} operations, by tracing their commands; as computed: {equal}"));
    notes.extend(others);
    notes
}

pub fn json(cells: &[Cell], programs: &Programs) -> Value {
    let notes = notes(cells, programs);
    json!({ "computed": computed::json(), "cells": cells.iter().map(json_cell).collect::<Vec<_>>(), "notes": notes })
}

fn json_cell(cell: &Cell) -> Value {
    let (major, minor) = cell.version;
    let unit = if matches!(cell.machine, Machine::Guest { .. }) { "instructions" } else { "ns" };
    let mut value = json!({ "kernel": format!("{major}.{minor}"), "cpus": cell.cpus, "unit": unit });
    match &cell.outcome {
        Err(why) => value["error"] = json!(why),
        Ok(outcome) => {
            let operations = outcome.copied.iter().map(|(key, (commands, bytes))| {
                let (peer, map, size, operation) = key;
                json!({
                    "peer": peer,
                    "map": map,
                    "value_size": size,
                    "operation": operation,
                    "commands": commands,
                    "bytes": bytes,
                    unit: outcome.times.get(key),
                })
            });
            value["operations"] = operations.collect();
            value["failed"] = json!(outcome.failed);
        }
    }
    value
}
