//! What the program runs on: threads, event queues and what else the system may not give.

use std::any::Any;
use std::io;
use std::panic::{catch_unwind, set_hook, take_hook};

use pushest_driver::unstable::probe_threads;
use tokio::runtime::{Builder, Runtime};

/// The runtime that the commands run on.
///
/// # Errors
/// What the system has not given, in its words.
pub(crate) fn runtime() -> Result<Runtime, String> {
    // tokio would panic without the first, and wait for ever without the second.
    probe_threads(THREADS).map_err(|error| format!("no thread: {error}"))?;
    // tokio panics where the pipe of its signals is not given.
    let hook = take_hook();
    set_hook(Box::new(|_| {}));
    let built = catch_unwind(build);
    set_hook(hook);
    match built {
        Ok(built) => built.map_err(|error| error.to_string()),
        Err(panic) => Err(said(&*panic)),
    }
}

/// Two: what one of them waits for must not keep the client from its pings.
const THREADS: usize = 2;

fn build() -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(THREADS).enable_all().build()
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref().copied()).unwrap_or("no runtime").to_owned()
}
