#[derive(skelgen_runtime::Skeleton)]
#[skeleton(crate = skelgen_runtime)]
struct Counters;

// Nothing is said of what would be there.
fn main() -> skelgen_runtime::Result<()> {
    let mut open = Counters::open()?;
    open.percpu.hits = 41;
    let skel = open.load()?;
    let _links = skel.attach()?;
    for (cpu, value) in skel.percpu.iter()? {
        println!("cpu {cpu}: {} hits", value.hits);
    }
    Ok(())
}
