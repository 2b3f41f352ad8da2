//! The first programs of the READMEs, run as programs: what does not work with a wrong key, a wrong
//! secret or a wrong port they say by themselves, within a second, without a subscriber for the log.
//! Each test runs itself once more, as the program.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use pushest_testkit::Server;

/// Says to the second process that it is the program, and which.
const VARIABLE: &str = "PUSHEST_FIRST_PROGRAM";

/// From the start of the process to its end.
const SOON: Duration = Duration::from_secs(1);

/// A busy machine may need more than that for the process alone: one run of several counts.
const RUNS: usize = 5;

const LONG: Duration = Duration::from_secs(20);

/// A program's `main`, which ends the process where it fails.
pub type Main = fn();

/// What is wrong with what the program is configured with.
#[derive(Debug, Clone, Copy)]
enum Wrong {
    Key,
    Secret,
    Port,
}

#[doc(hidden)]
pub fn with_a_wrong_key_it_says_why_within_a_second(path: &str, main: Main) {
    says_why(path, main, Wrong::Key, &["4001", "app-kee"]);
}

#[doc(hidden)]
pub fn with_a_wrong_secret_it_says_why_within_a_second(path: &str, main: Main) {
    says_why(path, main, Wrong::Secret, &["ignature"]);
}

#[doc(hidden)]
pub fn with_a_wrong_port_it_says_why_within_a_second(path: &str, main: Main) {
    says_why(path, main, Wrong::Port, &["127.0.0.1:", "refused"]);
}

#[doc(hidden)]
pub fn with_everything_right_it_prints_what_comes(path: &str, main: Main) {
    if is_program(path) {
        be(main);
    }
    let server = Server::start().expect("a server");
    let mut program = Program::start(path, &url(&server, "app-key", "app-secret", server.port()));
    let begun = Instant::now();
    loop {
        // It comes once the program has subscribed.
        for channel in ["private-orders", "orders"] {
            server.publish(channel, "shipped", r#"{"number":7}"#);
        }
        match program.stdout.recv_timeout(Duration::from_millis(20)) {
            Ok(line) if line.contains("shipped") && line.contains("number") => break,
            Ok(_) | Err(mpsc::RecvTimeoutError::Timeout) if begun.elapsed() < LONG => {}
            other => panic!("it prints nothing: {other:?}, {:?}", program.errors()),
        }
    }
}

fn says_why(path: &str, main: Main, wrong: Wrong, words: &[&str]) {
    if is_program(path) {
        be(main);
    }
    let server = Server::start().expect("a server");
    let port = match wrong {
        // One that was free a moment ago.
        Wrong::Port => {
            let free = TcpListener::bind("127.0.0.1:0").expect("a port");
            free.local_addr().expect("bound").port()
        }
        Wrong::Key | Wrong::Secret => server.port(),
    };
    let (key, secret) = match wrong {
        Wrong::Key => ("app-kee", "app-secret"),
        Wrong::Secret => ("app-key", "wrong-sentinel"),
        Wrong::Port => ("app-key", "app-secret"),
    };
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let begun = Instant::now();
        let mut program = Program::start(path, &url(&server, key, secret, port));
        let has_succeeded = program.wait();
        times.push(begun.elapsed());
        let said = program.errors();
        assert!(!has_succeeded, "{wrong:?}: it fails: {said}");
        for word in words {
            assert!(said.contains(word), "{wrong:?}: no {word} in {said}");
        }
        // What was refused: the channel, or where nothing needs the secret but publishing, that.
        let named = said.contains("private-orders") || said.contains("answered 401");
        assert!(named || !matches!(wrong, Wrong::Secret), "{wrong:?}: not what, in {said}");
        assert!(!said.contains(secret), "{wrong:?}: the secret in {said}");
        // In words, and not as `Debug` shows it.
        let is_debug = said.contains("Error: ") || said.contains(" { ");
        assert!(!is_debug, "{wrong:?}: no words in {said}");
        if times.last().is_some_and(|time| *time < SOON) {
            return;
        }
    }
    panic!("{wrong:?}: it says so after {times:?}");
}

fn url(server: &Server, key: &str, secret: &str, port: u16) -> String {
    let id = &server.app().id;
    format!("http://{key}:{secret}@127.0.0.1:{port}/apps/{id}")
}

fn is_program(path: &str) -> bool {
    std::env::var(VARIABLE).is_ok_and(|program| program == path)
}

/// Does what comes around a `main`, and ends the process.
fn be(main: Main) -> ! {
    main();
    std::process::exit(0)
}

/// A running program, ended when dropped.
struct Program {
    child: Child,
    stdout: mpsc::Receiver<String>,
    stderr: mpsc::Receiver<String>,
}

impl Program {
    fn start(path: &str, url: &str) -> Self {
        let (_, name) = path.split_once("::").expect("a path begins with the crate");
        let mut command = Command::new(std::env::current_exe().expect("a test is a program"));
        let ours = |name: &str| name.starts_with("PUSHER_") || name.starts_with("REVERB_");
        for (name, _) in std::env::vars().filter(|(name, _)| ours(name)) {
            command.env_remove(name);
        }
        command.args([name, "--exact", "--nocapture", "--test-threads=1"]);
        command.env(VARIABLE, path).env("PUSHER_URL", url);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.expect("it can be started again");
        let stdout = lines(child.stdout.take().expect("piped"));
        let stderr = lines(child.stderr.take().expect("piped"));
        Self { child, stdout, stderr }
    }

    /// Waits for its end; returns whether it ended well.
    fn wait(&mut self) -> bool {
        let until = Instant::now() + LONG;
        loop {
            if let Some(status) = self.child.try_wait().expect("it can be asked for") {
                return status.success();
            }
            if Instant::now() >= until {
                let _ = self.child.kill();
                panic!("it does not end: {:?}", self.errors());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// What it has written to standard error, up to its end; or so far, where it has not ended.
    fn errors(&mut self) -> String {
        let mut text = String::new();
        while let Ok(line) = self.stderr.recv_timeout(SOON) {
            text.push_str(&line);
            text.push('\n');
        }
        text
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(stream: impl std::io::Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// Checks that the crate's programs of the READMEs are these programs, but for imports, the lines that
/// make the configuration and the client and the one that starts a runtime; and that each of these stands
/// in one.
///
/// # Panics
/// If they are not.
pub fn stand_in_the_readmes(name: &str, programs: &[&str], readmes: &[&str]) {
    let programs: Vec<_> = programs.iter().map(|text| common(text)).collect();
    let mut found = vec![false; programs.len()];
    for readme in readmes {
        let text = std::fs::read_to_string(readme).unwrap_or_else(|why| panic!("{readme}: {why}"));
        for block in text.split("```rust").skip(1) {
            let block = block.split_once("\n```").expect("a block has an end").0;
            let block = block.split_once('\n').expect("a block has lines").1;
            if !block.contains(&format!("use {name}::")) || !block.contains("fn main()") {
                continue;
            }
            let place = programs.iter().position(|program| *program == common(block));
            let place = place.unwrap_or_else(|| panic!("{readme}: none of the tests is\n{block}"));
            found[place] = true;
        }
    }
    assert!(found.iter().all(|found| *found), "in no README: {found:?}");
}

fn common(program: &str) -> Vec<&str> {
    let lines = program.lines().map(str::trim_end).filter(|line| {
        !line.is_empty() && !["use ", "#[", "//"].iter().any(|start| line.starts_with(start))
    });
    let made = ["    let config = ", "    let client = Client"];
    let is_made = |line: &str| made.into_iter().find(|made| line.starts_with(made));
    lines.map(|line| is_made(line).unwrap_or(line)).collect()
}

/// Makes the tests of a crate's first programs, which stand beside the test in files that are
/// included, and in these READMEs.
#[macro_export]
macro_rules! first_programs {
    ($crate_name:literal, [$($readme:literal),*], $($name:ident in $file:literal),*) => {
        $(
            mod $name {
                mod program {
                    include!($file);

                    pub(super) fn start() {
                        main();
                    }
                }

                $crate::first_programs! { @tests program::start:
                    with_a_wrong_key_it_says_why_within_a_second
                    with_a_wrong_secret_it_says_why_within_a_second
                    with_a_wrong_port_it_says_why_within_a_second
                    with_everything_right_it_prints_what_comes
                }
            }
        )*

        #[test]
        fn the_programs_that_are_tested_are_those_of_the_readmes() {
            let readmes = [$(concat!(env!("CARGO_MANIFEST_DIR"), "/", $readme)),*];
            let programs = [$(include_str!($file)),*];
            $crate::first_programs::stand_in_the_readmes($crate_name, &programs, &readmes);
        }
    };
    (@tests $main:path: $($test:ident)*) => {
        $(
            #[test]
            fn $test() {
                let path = concat!(module_path!(), "::", stringify!($test));
                $crate::first_programs::$test(path, $main);
            }
        )*
    };
}
