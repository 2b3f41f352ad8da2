//! What async-std starts by itself with its first task and its first timer, once for the process: an
//! event queue, its thread, and a thread for each processor. Where the system does not give them it
//! panics, in whichever thread that happens to be, so that it is looked for before.

use std::future::Future;
use std::io;
use std::panic::catch_unwind;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

use pushest_driver::StartError;
use pushest_driver::unstable::probe_threads;

/// Everything has started, and stays for as long as the process does.
static IS_STARTED: AtomicBool = AtomicBool::new(false);

pub(crate) fn ready() -> Result<(), StartError> {
    if IS_STARTED.load(Ordering::Relaxed) {
        return Ok(());
    }
    // A thread for each processor, and that of the event queue.
    let threads = 1 + thread::available_parallelism().map_or(1, usize::from);
    probe_threads(threads).map_err(|error| StartError::Thread(Arc::new(error)))?;
    find_descriptors().map_err(|error| StartError::EventQueue(Arc::new(error)))?;
    // The first timer starts the event queue. Others may have been faster to take what was found.
    let started = catch_unwind(|| {
        let sleep = pin!(async_std::task::sleep(Duration::from_millis(1)));
        let _ = sleep.poll(&mut Context::from_waker(Waker::noop()));
    });
    started.map_err(|_| {
        StartError::EventQueue(Arc::new(io::Error::other("async-std could not start")))
    })?;
    IS_STARTED.store(true, Ordering::Relaxed);
    Ok(())
}

/// Looks whether there are file descriptors for an event queue, what wakes it, and its timer.
#[cfg(unix)]
fn find_descriptors() -> io::Result<()> {
    const NEEDED: usize = 3;
    /// `ENFILE` and `EMFILE` on every Unix: the system, or the process, has no more of them.
    const NONE_LEFT: [i32; 2] = [23, 24];

    let opened: Vec<_> = (0..NEEDED).map(|_| std::fs::File::open("/dev/null")).collect();
    let failed = opened.into_iter().filter_map(Result::err);
    let is_meant =
        |error: &io::Error| error.raw_os_error().is_some_and(|number| NONE_LEFT.contains(&number));
    failed.into_iter().find(is_meant).map_or(Ok(()), Err)
}

#[cfg(not(unix))]
fn find_descriptors() -> io::Result<()> {
    Ok(())
}
