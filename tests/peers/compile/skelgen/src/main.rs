//! An agent over skelgen's skeleton, from a build script.

use agent_thirty::AgentThirty;

include!(concat!(env!("OUT_DIR"), "/agent_thirty.skel.rs"));

fn main() -> skelgen_runtime::Result<()> {
    let mut open = AgentThirty::open()?;
    open.rodata.slow_ns = 5_000_000;
    open.data.limits.events_per_second = 1000;
    open.maps.events.set_max_entries(1 << 21)?;
    open.progs.on_mmap.set_autoload(false);
    let skel = open.load()?;
    let _links = skel.attach()?;
    let totals = skel.bss.get().totals;
    println!("{} events, {} lost", totals.sent, totals.lost);
    Ok(())
}
