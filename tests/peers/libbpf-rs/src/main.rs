//! Loads the object through the skeleton that libbpf-cargo generates.

use std::mem::MaybeUninit;
use std::process::ExitCode;

use libbpf_rs::skel::{OpenSkel, SkelBuilder};

#[allow(warnings, reason = "generated")]
mod skel {
    include!(concat!(env!("OUT_DIR"), "/peer.skel.rs"));
}

fn main() -> ExitCode {
    peer_common::main(|lap| {
        let mut storage = MaybeUninit::uninit();
        lap.start();
        let _skel = skel::PeerSkelBuilder::default().open(&mut storage)?.load()?;
        lap.stop();
        Ok(())
    })
}
