//! Looks for threads before code starts them that panics, or hangs, without.

use std::io;
use std::sync::mpsc;
use std::thread;

/// Looks whether the system gives `count` threads, all at a time: starts them, and waits for their
/// end. Another process may still take them afterwards.
///
/// # Errors
/// Why the system refused one.
pub fn probe_threads(count: usize) -> io::Result<()> {
    let mut found = Vec::new();
    let result = (0..count).try_for_each(|_| {
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
