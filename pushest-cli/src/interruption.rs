//! The signals that ask a program to end: SIGINT and SIGTERM, or Ctrl-C.
//!
//! From [`watch()`] on they do not end the process by themselves. The first is told to all who wait
//! for it; the second ends the process at once, whatever it is doing.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError, mpsc};
use std::thread;

use tokio::runtime::{self, Runtime};
use tokio::sync::watch;

use crate::failure::Failure;

static FIRST: LazyLock<watch::Sender<Option<u8>>> = LazyLock::new(|| watch::Sender::new(None));

static IS_WATCHED: AtomicBool = AtomicBool::new(false);

/// What a second signal removes, before it ends the process.
static FILES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Sees to it that a file is gone when a second signal ends the process, which drops no value.
pub(crate) fn remove_at_the_end(file: PathBuf) {
    FILES.lock().unwrap_or_else(PoisonError::into_inner).push(file);
}

/// Begins to watch for signals, unless that is done already.
pub(crate) fn watch() -> Result<(), Failure> {
    if IS_WATCHED.load(Ordering::Relaxed) {
        return Ok(());
    }
    start().map_err(|error| Failure::failed(format_args!("signals cannot be waited for: {error}")))
}

fn start() -> io::Result<()> {
    let (told, started) = mpsc::channel();
    // On a thread of its own: no work of the command keeps the second signal waiting.
    thread::Builder::new().name("signals".to_owned()).spawn(move || match prepared() {
        Ok((runtime, signals)) => {
            // Who waits for it is still there.
            let _ = told.send(Ok(()));
            runtime.block_on(tell(signals));
        }
        Err(error) => {
            let _ = told.send(Err(error));
        }
    })?;
    started.recv().unwrap_or_else(|_| Err(io::Error::other("their thread panicked")))?;
    IS_WATCHED.store(true, Ordering::Relaxed);
    Ok(())
}

fn prepared() -> io::Result<(Runtime, Signals)> {
    let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
    let signals = {
        let _entered = runtime.enter();
        Signals::new()?
    };
    Ok((runtime, signals))
}

async fn tell(mut signals: Signals) {
    FIRST.send_replace(Some(signals.next().await));
    let second = signals.next().await;
    for file in &*FILES.lock().unwrap_or_else(PoisonError::into_inner) {
        // It may be gone already.
        let _ = fs::remove_file(file);
    }
    std::process::exit(128 + i32::from(second));
}

/// The first signal, if it has come.
pub(crate) fn seen() -> Option<u8> {
    *FIRST.borrow()
}

/// Waits for the first signal, and returns its number: 2 for SIGINT, 15 for SIGTERM.
pub(crate) async fn first() -> u8 {
    let mut receiver = FIRST.subscribe();
    loop {
        if let Some(signal) = *receiver.borrow_and_update() {
            return signal;
        }
        receiver.changed().await.expect("the sender is static");
    }
}

struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};

            let interrupt = signal(SignalKind::interrupt())?;
            let terminate = signal(SignalKind::terminate())?;
            Ok(Self { interrupt, terminate })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    async fn next(&mut self) -> u8 {
        #[cfg(unix)]
        {
            tokio::select! {
                _ = self.interrupt.recv() => 2,
                _ = self.terminate.recv() => 15,
            }
        }
        #[cfg(not(unix))]
        {
            // Without a handler the system's own way to end the program remains.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
            2
        }
    }
}
