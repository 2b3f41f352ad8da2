//! What writes to standard output and standard error: a thread for each stream, behind a bounded
//! queue, so that a reader who stalls keeps no command from ending.
//!
//! Nothing else in this program writes to either stream.

mod queue;
#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use pushest_proto::Escaped;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use self::queue::Queues;
pub(crate) use self::queue::Stream;

/// Maximum number of bytes written with one system call. As many go into a pipe as a whole or not
/// at all, so that it is known which lines are in it, and no other writer's lines are among them.
const BATCH: usize = 4096;

/// The pause before a stream that another program has made non-blocking is tried again.
const RETRY: Duration = Duration::from_millis(5);

/// The queues. Clones are handles of the same.
#[derive(Clone)]
pub(crate) struct Printer {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<Queues>,
    /// Wakes the threads.
    work: Condvar,
    /// Wakes those who wait for room, or for everything to be written.
    change: Notify,
    /// Both streams lead to one place: no line overtakes another, and none is written into another.
    is_one: bool,
}

impl Printer {
    /// Starts the threads.
    pub(crate) fn start() -> io::Result<Self> {
        let (out, err) = (raw(Stream::Out), raw(Stream::Err));
        let is_one = lead_to_one_place();
        Self::over(out, err, is_one)
    }

    fn over(
        out: impl Write + Send + 'static,
        err: impl Write + Send + 'static,
        is_one: bool,
    ) -> io::Result<Self> {
        let (state, work, change) = (Mutex::default(), Condvar::new(), Notify::new());
        let shared = Arc::new(Shared { state, work, change, is_one });
        let writing = shared.clone();
        let name = |name: &str| thread::Builder::new().name(name.to_owned());
        name("stdout").spawn(move || writing.write(Stream::Out, out))?;
        let writing = shared.clone();
        name("stderr").spawn(move || writing.write(Stream::Err, err))?;
        Ok(Self { shared })
    }

    /// Queues a line, which ends with a line feed, or waits until there is room for it. Where that
    /// is waited for too long, or given up, the line is counted as missed.
    pub(crate) async fn print(&self, stream: Stream, text: String, weight: u64) -> io::Result<()> {
        let mut line = self.owe(stream, weight);
        loop {
            let changed = self.shared.change.notified();
            tokio::pin!(changed);
            // From here on no change is overlooked.
            changed.as_mut().enable();
            let deadline = {
                let mut state = self.shared.lock();
                state.of(stream).check().inspect_err(|_| line.weight = 0)?;
                if state.of(stream).has_room(text.len(), 1) {
                    line.weight = 0;
                    state.push(stream, text, weight);
                    break;
                }
                state.deadline
            };
            if !until(changed, deadline).await {
                return Ok(());
            }
        }
        self.shared.work.notify_all();
        Ok(())
    }

    /// Says that this number of lines is to be printed. Those that are still owed when this is dropped
    /// count as missed.
    pub(crate) fn owe(&self, stream: Stream, weight: u64) -> Unprinted<'_> {
        Unprinted { printer: self, stream, weight }
    }

    /// Queues a line without waiting: for lines of which there are few. Where they take twice the
    /// usual room, the line is counted as missed.
    pub(crate) fn print_now(&self, stream: Stream, text: String) -> io::Result<()> {
        self.push(stream, text, 2)
    }

    /// Queues one of the few lines that a command ends with.
    pub(crate) fn print_last(&self, stream: Stream, text: String) {
        // There is nowhere left to report that this failed.
        let _ = self.push(stream, text, 3);
    }

    fn push(&self, stream: Stream, text: String, times: usize) -> io::Result<()> {
        let mut state = self.shared.lock();
        let queue = state.of(stream);
        queue.check()?;
        if queue.has_room(text.len(), times) {
            state.push(stream, text, 1);
        } else {
            queue.missed += 1;
        }
        drop(state);
        self.shared.work.notify_all();
        Ok(())
    }

    /// Waits until a stream has room for another line.
    pub(crate) async fn ready(&self, stream: Stream) {
        self.wait_for(|state| {
            let queue = state.of(stream);
            queue.check().is_err() || queue.has_room(0, 1)
        })
        .await;
    }

    /// Waits until everything is written, or cannot be. From the [deadline](Self::hurry) on it
    /// returns at once.
    pub(crate) async fn drained(&self, stream: Stream) {
        self.wait_for(|state| state.of(stream).is_empty()).await;
    }

    /// Waits until writing fails.
    pub(crate) async fn failed(&self, stream: Stream) -> io::Error {
        loop {
            let changed = self.shared.change.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if let Err(error) = self.shared.lock().of(stream).check() {
                return error;
            }
            changed.await;
        }
    }

    /// Why writing failed, if it did.
    pub(crate) fn failure(&self, stream: Stream) -> Option<io::Error> {
        self.shared.lock().of(stream).check().err()
    }

    /// From here on nothing waits longer than until then, for any stream. The first time counts.
    pub(crate) fn hurry(&self, deadline: Instant) {
        self.shared.lock().deadline.get_or_insert(deadline);
        self.shared.change.notify_waiters();
    }

    /// Where a deadline is set, waits until this time at least.
    pub(crate) fn allow(&self, deadline: Instant) {
        let mut state = self.shared.lock();
        state.deadline = state.deadline.map(|former| former.max(deadline));
    }

    /// How many lines found no room.
    pub(crate) fn missed(&self, stream: Stream) -> u64 {
        self.shared.lock().of(stream).missed
    }

    /// How many lines are not written.
    pub(crate) fn unprinted(&self, stream: Stream) -> u64 {
        self.shared.lock().of(stream).unprinted()
    }

    async fn wait_for(&self, condition: impl Fn(&mut Queues) -> bool) {
        loop {
            let changed = self.shared.change.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let deadline = {
                let mut state = self.shared.lock();
                if condition(&mut state) {
                    return;
                }
                state.deadline
            };
            if !until(changed, deadline).await {
                return;
            }
        }
    }
}

/// Waits for a change, at most until the deadline. Returns whether there is still time.
async fn until(changed: impl Future<Output = ()>, deadline: Option<Instant>) -> bool {
    let Some(deadline) = deadline else {
        changed.await;
        return true;
    };
    tokio::select! {
        biased;
        () = sleep_until(deadline) => false,
        () = changed => true,
    }
}

/// Lines on their way into the queue. They count as missed if the command is told to end before.
pub(crate) struct Unprinted<'a> {
    printer: &'a Printer,
    stream: Stream,
    pub(super) weight: u64,
}

impl Drop for Unprinted<'_> {
    fn drop(&mut self) {
        if self.weight > 0 {
            self.printer.shared.lock().of(self.stream).missed += self.weight;
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queues> {
        // Nothing in here panics halfway through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The life of a stream's thread: it ends with the process, or when writing fails.
    fn write(&self, stream: Stream, mut writer: impl Write) {
        loop {
            let batch = self.next_batch(stream);
            if let Err(error) = self.write_batch(stream, &mut writer, &batch) {
                self.lock().of(stream).fail(error);
                self.tell();
                return;
            }
        }
    }

    /// Waits for lines. They stay in the queue until they are written.
    fn next_batch(&self, stream: Stream) -> Vec<u8> {
        let mut state = self.lock();
        loop {
            let Some(first) = state.of(stream).first() else {
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let barrier = if self.is_one { state.of(stream.other()).first() } else { None };
            if barrier.is_some_and(|earlier| earlier < first) {
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            return state.of(stream).batch(BATCH, barrier);
        }
    }

    /// Writes lines from the queue's front on, and takes each out once it is written as a whole.
    fn write_batch(&self, stream: Stream, writer: &mut impl Write, batch: &[u8]) -> io::Result<()> {
        let mut written = 0;
        while written < batch.len() {
            let end = batch.len().min(written + BATCH);
            match writer.write(&batch[written..end]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(bytes) => {
                    written += bytes;
                    self.lock().of(stream).written(bytes);
                    self.tell();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(RETRY),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn tell(&self) {
        self.work.notify_all();
        self.change.notify_waiters();
    }
}

/// The stream itself, without a buffer, which would hide what is written.
fn raw(stream: Stream) -> Box<dyn Write + Send> {
    #[cfg(unix)]
    {
        use std::fs::File;
        use std::os::fd::AsFd as _;

        let descriptor = match stream {
            Stream::Out => io::stdout().as_fd().try_clone_to_owned(),
            Stream::Err => io::stderr().as_fd().try_clone_to_owned(),
        };
        if let Ok(descriptor) = descriptor {
            return Box::new(File::from(descriptor));
        }
    }
    match stream {
        Stream::Out => Box::new(io::stdout()),
        Stream::Err => Box::new(io::stderr()),
    }
}

/// Returns whether a reader sees the lines of both streams among each other.
fn lead_to_one_place() -> bool {
    #[cfg(unix)]
    {
        use std::fs::File;
        use std::os::fd::AsFd as _;
        use std::os::unix::fs::MetadataExt as _;

        let out = io::stdout().as_fd().try_clone_to_owned();
        let err = io::stderr().as_fd().try_clone_to_owned();
        let place = |descriptor: io::Result<_>| {
            let file = File::from(descriptor.ok()?).metadata().ok()?;
            Some((file.dev(), file.ino()))
        };
        place(out).is_some_and(|out| place(err) == Some(out))
    }
    #[cfg(not(unix))]
    {
        use std::io::IsTerminal as _;

        io::stdout().is_terminal() && io::stderr().is_terminal()
    }
}

/// Writes a line to standard error where no thread can do it.
pub(crate) fn without_threads(text: &str) {
    // There is nowhere left to report that standard error is closed.
    let _ = writeln!(io::stderr(), "{}", Escaped(text));
}
