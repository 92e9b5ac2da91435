//! An agent over libbpf-cargo's skeleton.

use std::mem::MaybeUninit;

use libbpf_rs::skel::{OpenSkel, Skel, SkelBuilder};
use skel::AgentThirtySkelBuilder;

#[allow(warnings, reason = "generated")]
mod skel {
    include!(concat!(env!("OUT_DIR"), "/agent_thirty.skel.rs"));
}

fn main() -> libbpf_rs::Result<()> {
    let mut storage = MaybeUninit::uninit();
    let mut open = AgentThirtySkelBuilder::default().open(&mut storage)?;
    if let Some(rodata) = &mut open.maps.rodata_data {
        rodata.slow_ns = 5_000_000;
    }
    if let Some(data) = &mut open.maps.data_data {
        data.limits.events_per_second = 1000;
    }
    open.maps.events.set_max_entries(1 << 21)?;
    open.progs.on_mmap.set_autoload(false);
    let mut skel = open.load()?;
    skel.attach()?;
    if let Some(bss) = &skel.maps.bss_data {
        println!("{} events, {} lost", bss.totals.sent, bss.totals.lost);
    }
    Ok(())
}
