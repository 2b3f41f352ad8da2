//! The client, its weak handle and its builder.

mod runtimes;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use tokio::runtime::EnterGuard;

fn entered() -> EnterGuard<'static> {
    runtimes::threads().enter()
}

pushest_conformance::clients!(pushest_tokio, crate::entered);

#[test]
fn a_client_outside_of_the_runtime_panics_at_its_caller() {
    static PLACE: Mutex<Option<(String, u32)>> = Mutex::new(None);
    let config = || pushest_tokio::Config::builder("key").host("127.0.0.1").port(1).build();
    let config = || config().expect("valid");
    let former = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().expect("it has one");
        *PLACE.lock().expect("nobody panics") = Some((place.file().to_string(), place.line()));
        former(panic);
    }));
    let line = line!() + 1;
    let made = catch_unwind(AssertUnwindSafe(|| Client::new(config())));
    let panic = made.expect_err("there is no runtime");
    let text = panic.downcast_ref::<String>().expect("a text");
    assert!(text.starts_with("no runtime for the connection: "), "{text}");
    let place = PLACE.lock().expect("nobody panics").take();
    assert_eq!(place, Some((file!().to_string(), line)));

    let line = line!() + 2;
    let options = pushest_tokio::Options::default();
    let made = catch_unwind(AssertUnwindSafe(|| Client::with_options(config(), options)));
    made.expect_err("there is no runtime");
    let place = PLACE.lock().expect("nobody panics").take();
    assert_eq!(place, Some((file!().to_string(), line)));
    let _ = std::panic::take_hook();
}
