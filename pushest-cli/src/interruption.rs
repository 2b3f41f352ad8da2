//! The signals that ask a program to end: SIGINT and SIGTERM, or Ctrl-C.
//!
//! From [`watch()`] on they do not end the process by themselves. The first is told to all who wait
//! for it; the second ends the process at once, whatever it is doing.

use std::io;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tokio::runtime;
use tokio::sync::watch;

static FIRST: LazyLock<watch::Sender<Option<u8>>> = LazyLock::new(|| watch::Sender::new(None));

static IS_WATCHED: AtomicBool = AtomicBool::new(false);

/// Begins to watch for signals, unless that is done already.
pub(crate) fn watch() -> io::Result<()> {
    if IS_WATCHED.load(Ordering::Relaxed) {
        return Ok(());
    }
    // On a thread of its own: no work of the command keeps the second signal waiting.
    let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
    let mut signals = {
        let _entered = runtime.enter();
        Signals::new()?
    };
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(async {
            FIRST.send_replace(Some(signals.next().await));
            let second = signals.next().await;
            std::process::exit(128 + i32::from(second));
        })
    })?;
    IS_WATCHED.store(true, Ordering::Relaxed);
    Ok(())
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
