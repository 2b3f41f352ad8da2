//! Networks that change, in each phase of a connection.

use std::time::Duration;

use crate::harness::{Harness, PONG, established, signing};
use pushest_proto::{DialFailure, Loss, Timeouts};

/// Everything that can become of a change, up to the address that is gone.
pub(super) fn that_change() -> Harness {
    let timeouts = Timeouts::default().pong_after_change(Duration::from_secs(3));
    let mut harness = Harness::new(signing().timeouts(timeouts));
    harness.want("news");
    changed(&mut harness);
    // A dial, a handshake, and a pause are cut short.
    harness.session.connect(harness.now);
    harness.drain();
    changed(&mut harness);
    harness.pass_seconds(3);
    harness.wait_for_retry();
    harness.open();
    changed(&mut harness);
    harness.pass_seconds(3);
    harness.wait_for_retry();
    for _ in 0..3 {
        harness.lose(Loss::Dial(DialFailure::Connect("the network is unreachable".into())));
        changed(&mut harness);
        changed(&mut harness);
        harness.wait_for_retry();
    }
    harness.open();
    harness.receive(&established("1.2", 120));
    harness.succeed("news");
    // A ping that is answered; one that was sent before, and one that is not.
    changed(&mut harness);
    harness.pass_seconds(2);
    harness.receive(PONG);
    harness.pass_seconds(119);
    harness.pass_seconds(1);
    changed(&mut harness);
    harness.pass_seconds(2);
    changed(&mut harness);
    harness.pass_seconds(1);
    harness.establish();
    harness.succeed("news");
    // While nothing is read, nothing can be missed.
    harness.session.handle_reading(false, harness.now);
    changed(&mut harness);
    harness.pass_seconds(10);
    harness.session.handle_reading(true, harness.now);
    harness.drain();
    harness.pass_seconds(3);
    harness.establish();
    harness.succeed("news");
    harness.lose(Loss::AddressGone);
    harness.establish();
    harness.succeed("news");
    harness.disconnect()
}

fn changed(harness: &mut Harness) {
    harness.session.handle_network_change(harness.now);
    harness.drain();
}
