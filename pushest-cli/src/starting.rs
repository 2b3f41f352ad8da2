//! What the program runs on: threads, event queues and what else the system may not give.

use std::any::Any;
use std::io;
use std::panic::{catch_unwind, set_hook, take_hook};
use std::sync::mpsc;
use std::thread;

use tokio::runtime::{Builder, Runtime};

/// The runtime that the commands run on.
///
/// # Errors
/// What the system has not given, in its words.
pub(crate) fn runtime() -> Result<Runtime, String> {
    find_threads().map_err(|error| format!("no thread: {error}"))?;
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

/// Looks whether the system gives these threads, all at a time: tokio would panic without the first,
/// and wait for ever without the second.
fn find_threads() -> io::Result<()> {
    let mut found = Vec::new();
    let result = (0..THREADS).try_for_each(|_| {
        let (release, released) = mpsc::channel::<()>();
        let thread = thread::Builder::new().spawn(move || released.recv().is_ok())?;
        found.push((release, thread));
        Ok(())
    });
    for (release, thread) in found {
        drop(release);
        // What it returns says nothing.
        let _ = thread.join();
    }
    result
}

fn build() -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(THREADS).enable_all().build()
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref().copied()).unwrap_or("no runtime").to_owned()
}
