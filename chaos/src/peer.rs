//! A client under test, as the runner has it: a child process and its books.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::bookkeeping::Book;
use crate::client::Start;
use crate::process::Process;

/// A running client.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) start: Start,
    process: Process,
    input: ChildStdin,
    book: Arc<Mutex<Book>>,
}

impl Peer {
    pub(crate) fn start(start: Start, book: Book) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("{} does not start: {error}", start.name);
        let program = std::env::current_exe().map_err(failed)?;
        let mut command = Command::new(program);
        command.arg("client").args(start.arguments());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Process::start(&mut command).map_err(failed)?;
        let input = process.child().stdin.take().expect("it was asked for");
        let output = process.child().stdout.take().expect("it was asked for");
        let book = Arc::new(Mutex::new(book));
        let shared = book.clone();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let mut book = lock(&shared);
                match line.parse() {
                    Ok(line) => book.enter(line),
                    Err(problem) => book.wrong(problem),
                }
            }
        });
        Ok(Self { start, process, input, book })
    }

    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        lock(&self.book)
    }

    /// Tells its receivers to `pause`, to `block` or to `resume`, or asks for its `status`.
    pub(crate) fn tell(&mut self, command: &str) {
        // One that has ended is found out by its books.
        let _ = writeln!(self.input, "{command}");
    }

    pub(crate) fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Waits until its books are like that.
    pub(crate) fn wait(
        &mut self,
        deadline: Instant,
        is_met: impl Fn(&Book) -> bool,
    ) -> Result<(), String> {
        while !is_met(&self.book()) {
            let name = self.start.name.clone();
            if let Some(status) = self.process.ended() {
                return Err(format!("{name} ended with {status}"));
            }
            if Instant::now() > deadline {
                self.ask()?;
                return Err(format!("{name} is not back: {}", self.book().standing()));
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Asks how things stand, and waits for the answer.
    pub(crate) fn ask(&mut self) -> Result<(), String> {
        let before = self.book().answers;
        self.tell("status");
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.book().answers == before {
            if Instant::now() > deadline {
                return Err(format!("{} does not say how things stand", self.start.name));
            }
            thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// Ends it in order. Returns what is wrong, if it does not.
    pub(crate) fn quit(mut self) -> Result<(), String> {
        self.tell("quit");
        match self.process.wait(Duration::from_secs(10)) {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(format!("{} ended with {status}", self.start.name)),
            None => Err(format!("{} did not end within 10 s", self.start.name)),
        }
    }
}

fn lock(book: &Mutex<Book>) -> MutexGuard<'_, Book> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}
