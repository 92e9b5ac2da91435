//! Loads the object through the skeleton that skelgen generates.

use std::process::ExitCode;

include!(concat!(env!("OUT_DIR"), "/peer.skel.rs"));

fn main() -> ExitCode {
    peer_common::main(|lap| {
        lap.start();
        let _skel = peer::Peer::open()?.load()?;
        lap.stop();
        Ok(())
    })
}
