//! Nobody reads what the program prints, or reads it slowly.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::io::{PipeReader, PipeWriter};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pushest_testkit::Server;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::ioctl_fionbio;
use serde_json::Value;

use crate::crowd::Crowd;
use crate::runtime::RUNTIMES;
use crate::support::{Ended, Pushest, WAIT, pushest, to, words};

/// A second for what is not printed, and what a busy machine takes.
const SOON: Duration = Duration::from_secs(5);

/// More than a pipe and all queues hold.
const FLOOD: u64 = 6_000;

fn wait_for(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + WAIT;
    while !condition() {
        assert!(Instant::now() < deadline, "waited for {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A pipe that a program writes into, seen from outside.
struct Pipe {
    reader: PipeReader,
    writer: PipeWriter,
}

impl Pipe {
    fn new() -> Self {
        let (reader, writer) = std::io::pipe().unwrap();
        Self { reader, writer }
    }

    /// A pipe without room for another byte.
    fn full() -> Self {
        let mut pipe = Self::new();
        ioctl_fionbio(&pipe.writer, true).unwrap();
        while let Ok(1..) = pipe.writer.write(&[b'-'; 4096]) {}
        ioctl_fionbio(&pipe.writer, false).unwrap();
        pipe
    }

    fn writer(&self) -> Stdio {
        OwnedFd::from(self.writer.try_clone().unwrap()).into()
    }

    fn wait_until_full(&self) {
        let is_full = || {
            let mut writers = [PollFd::new(&self.writer, PollFlags::OUT)];
            poll(&mut writers, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap() == 0
        };
        wait_for("a full pipe", is_full);
    }

    /// What comes from now on, until the program ends.
    fn lines(self) -> impl Iterator<Item = String> {
        drop(self.writer);
        BufReader::new(self.reader).lines().map(Result::unwrap)
    }
}

fn event(number: u64) -> String {
    format!("{number:06}{}", "x".repeat(200))
}

fn publish(server: &Server, numbers: std::ops::Range<u64>) {
    for number in numbers {
        server.publish("news", "e", &event(number));
    }
}

/// Waits until the client has received this event.
fn wait_until_recorded(file: &Path, number: u64) {
    let text = event(number);
    let has_it = || {
        let mut file = File::open(file).unwrap();
        let start = file.metadata().unwrap().len().saturating_sub(16 * 1024);
        file.seek(SeekFrom::Start(start)).unwrap();
        let mut end = Vec::new();
        file.read_to_end(&mut end).unwrap();
        String::from_utf8_lossy(&end).contains(&text)
    };
    wait_for("the recording", has_it);
}

/// What a program that was told to end said about what it did not print.
fn unprinted(ended: &Ended) -> u64 {
    let line = ended.stderr.lines().find(|line| line.contains("not printed"));
    let line = line.unwrap_or_else(|| panic!("nothing about what is missing: {ended:?}"));
    line.split_whitespace().find_map(|word| word.parse().ok()).unwrap()
}

/// Its end, and that it came soon.
fn ends_soon(program: Pushest, told: Instant) -> Ended {
    let ended = program.end();
    assert!(told.elapsed() < SOON, "after {:?}: {ended:?}", told.elapsed());
    ended
}

#[test]
fn a_listener_that_nobody_reads_ends_when_it_is_told_to_and_counts_what_is_missing() {
    thread::scope(|scope| {
        for runtime in RUNTIMES {
            for options in [&[][..], &["--json"], &["--count", "100000"]] {
                scope.spawn(move || {
                    for (signal, status) in [("TERM", 143), ("INT", 130)] {
                        let is_own_end = !options.contains(&"--count");
                        let status = if is_own_end { 0 } else { status };
                        listener_ends(&[&["--runtime", runtime], options].concat(), signal, status);
                    }
                });
            }
        }
    });
}

fn listener_ends(options: &[&str], signal: &str, status: i32) {
    let server = Server::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("recording.jsonl");
    let pipe = Pipe::new();
    let arguments = ["listen", "news", "--record", file.to_str().unwrap()];
    let arguments = [&arguments[..], options].concat();
    let program = Pushest::start_into(&words(&arguments, &to(&server)), pipe.writer(), None);
    server.wait_for_subscribers("news", 1, WAIT).unwrap();
    publish(&server, 0..FLOOD);
    pipe.wait_until_full();
    wait_until_recorded(&file, FLOOD - 1);

    let told = Instant::now();
    program.signal(signal);
    let ended = ends_soon(program, told);
    assert_eq!(ended.status, Some(status), "{options:?} {signal}: {ended:?}");
    // The last line may have got through in part.
    let (mut printed, mut others) = (0, 0);
    for line in pipe.lines() {
        match line.starts_with("{\"type\":") && !line.starts_with("{\"type\":\"event\"") {
            true => others += u64::from(line.ends_with('}')),
            false if line.ends_with('}') || line.ends_with('x') && line.len() > 200 => printed += 1,
            false => {}
        }
    }
    // Those about the connection count, too: as many as came before the events, and one at the end.
    let about = if options.contains(&"--json") { 0..=2 } else { 0..=0 };
    let counted = printed + unprinted(&ended);
    assert!(about.contains(&(counted - FLOOD)), "{options:?} {signal}: {counted}, {others} others");
    assert!(others == 0 || options.contains(&"--json"), "{options:?}");
    // Nothing of the recording is lost.
    let recording = fs::read_to_string(&file).unwrap();
    assert!(
        recording.ends_with('\n') && recording.contains(r#""to":"disconnected""#),
        "{options:?}"
    );
    assert_eq!(pushest(&["replay", file.to_str().unwrap(), "--json"]).status, Some(0));
}

#[test]
fn a_second_signal_ends_it_at_once_whatever_is_not_printed() {
    let server = Server::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("recording.jsonl");
    let pipe = Pipe::new();
    let arguments = ["listen", "news", "--record", file.to_str().unwrap()];
    let program = Pushest::start_into(&words(&arguments, &to(&server)), pipe.writer(), None);
    server.wait_for_subscribers("news", 1, WAIT).unwrap();
    publish(&server, 0..FLOOD);
    pipe.wait_until_full();
    program.signal("INT");
    // It says goodbye to the server at once, and to us in a second.
    server.wait_for_subscribers("news", 0, WAIT).unwrap();
    program.signal("TERM");
    let ended = program.end();
    assert_eq!(ended.status, Some(143), "{ended:?}");
    let recording = fs::read_to_string(&file).unwrap();
    assert!(recording.ends_with('\n') && recording.contains("\"disconnect\""));
}

#[test]
fn a_timeout_ends_a_listener_that_nobody_reads() {
    thread::scope(|scope| {
        for runtime in RUNTIMES {
            scope.spawn(move || timeout_ends(runtime));
        }
    });
}

fn timeout_ends(runtime: &str) {
    let server = Server::start().unwrap();
    let pipe = Pipe::new();
    let options = to(&server);
    let arguments = words(&["listen", "news", "--timeout", "3", "--runtime", runtime], &options);
    let begun = Instant::now();
    let program = Pushest::start_into(&arguments, pipe.writer(), None);
    server.wait_for_subscribers("news", 1, WAIT).unwrap();
    publish(&server, 0..FLOOD);
    pipe.wait_until_full();
    let ended = ends_soon(program, begun + Duration::from_secs(3));
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("timed out after 3 s"), "{ended:?}");
    assert!(unprinted(&ended) > FLOOD / 2, "{ended:?}");
}

#[test]
fn a_listener_that_has_all_it_wanted_prints_it_however_slowly_it_is_read() {
    let server = Server::start().unwrap();
    let pipe = Pipe::new();
    // Much more than a pipe holds.
    let arguments = ["listen", "news", "--count", "1000", "--runtime", "blocking"];
    let program = Pushest::start_into(&words(&arguments, &to(&server)), pipe.writer(), None);
    server.wait_for_subscribers("news", 1, WAIT).unwrap();
    publish(&server, 0..1_000);
    pipe.wait_until_full();
    // The client has ended; the command has not.
    server.wait_for_connections(0, WAIT).unwrap();
    let lines: Vec<String> = pipe.lines().collect();
    let wanted: Vec<String> = (0..1_000).map(|it| format!("news  e  {}", event(it))).collect();
    assert!(lines == wanted);
    let ended = program.end();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(!ended.stderr.contains("not printed"), "{ended:?}");
}

#[test]
fn while_nobody_reads_events_wait_and_then_lag_and_each_is_printed_or_counted() {
    let server = Server::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("recording.jsonl");
    let pipe = Pipe::new();
    let arguments = ["listen", "news", "--json", "--record", file.to_str().unwrap()];
    let program = Pushest::start_into(&words(&arguments, &to(&server)), pipe.writer(), None);
    server.wait_for_subscribers("news", 1, WAIT).unwrap();
    publish(&server, 0..FLOOD);
    pipe.wait_until_full();
    wait_until_recorded(&file, FLOOD - 1);
    let (mut printed, mut lagged, mut next) = (0, 0, 0);
    for line in pipe.lines() {
        let line: Value = serde_json::from_str(&line).unwrap();
        match line["type"].as_str() {
            Some("event") => {
                let number = line["data"].as_str().unwrap()[..6].parse::<u64>().unwrap();
                assert_eq!(number, next, "{line}");
                (printed, next) = (printed + 1, next + 1);
            }
            Some("lagged") => {
                let dropped = line["dropped"].as_u64().unwrap();
                (lagged, next) = (lagged + dropped, next + dropped);
            }
            Some("state" | "subscribed") => assert_eq!(next, 0, "{line}"),
            _ => panic!("{line}"),
        }
        if next == FLOOD {
            break;
        }
    }
    assert!(lagged > 0 && printed > 2_000, "{printed} printed and {lagged} lagged");
    assert_eq!(printed + lagged, FLOOD);
    program.signal("TERM");
    assert_eq!(program.end().status, Some(0));
}

#[test]
fn a_listener_ends_though_nobody_reads_standard_error_either() {
    for options in [&[][..], &["-vv"]] {
        let server = Server::start().unwrap();
        let pipe = Pipe::new();
        let arguments = [&["listen", "news"], options].concat();
        let server_options = to(&server);
        let arguments = words(&arguments, &server_options);
        let program = Pushest::start_into(&arguments, pipe.writer(), Some(pipe.writer()));
        server.wait_for_subscribers("news", 1, WAIT).unwrap();
        publish(&server, 0..FLOOD);
        pipe.wait_until_full();
        let told = Instant::now();
        program.signal("TERM");
        assert_eq!(ends_soon(program, told).status, Some(0), "{options:?}");
    }
}

#[test]
fn lines_of_both_streams_in_one_pipe_keep_their_order_and_stay_whole() {
    let server = Server::start().unwrap();
    let pipe = Pipe::new();
    let options = to(&server);
    let arguments = words(&["listen", "news", "--count", "200"], &options);
    let program = Pushest::start_into(&arguments, pipe.writer(), Some(pipe.writer()));
    server.wait_for_subscribers("news", 1, WAIT).unwrap();
    for number in 0..200 {
        server.publish("news", "e", &"x".repeat(1_000));
        server.send_error(pushest_testkit::Target::All, None, &format!("error {number}"));
    }
    let lines: Vec<String> = pipe.lines().collect();
    assert_eq!(program.end().status, Some(0));
    let begin = lines.iter().position(|line| line.starts_with("news  e")).unwrap();
    for (number, pair) in lines[begin..].chunks(2).take(199).enumerate() {
        assert_eq!(pair[0], format!("news  e  {}", "x".repeat(1_000)));
        assert_eq!(pair[1], format!("warning: the server reports: error {number}"));
    }
}

#[test]
fn a_log_that_nobody_reads_holds_up_no_event() {
    let server = Server::start().unwrap();
    let unread = Pipe::full();
    let pipe = Pipe::new();
    let options = to(&server);
    let arguments = words(&["listen", "news", "-v", "--count", "5000"], &options);
    let read = AtomicU64::new(0);
    thread::scope(|scope| {
        let program = Pushest::start_into(&arguments, pipe.writer(), Some(unread.writer()));
        scope.spawn(|| {
            for _ in pipe.lines() {
                read.fetch_add(1, Ordering::Relaxed);
            }
        });
        server.wait_for_subscribers("news", 1, WAIT).unwrap();
        for begin in (0..5_000).step_by(250) {
            for number in begin..begin + 250 {
                server.publish("news", "e", &event(number));
                server.send_error(pushest_testkit::Target::All, None, "hello");
            }
            let end = begin + 250;
            wait_for("the events", || read.load(Ordering::Relaxed) == end);
        }
        // What is left of standard error is still to be read: until then it lives.
        server.wait_for_connections(0, WAIT).unwrap();
        let told = Instant::now();
        program.signal("TERM");
        assert_eq!(ends_soon(program, told).status, Some(143));
    });
}

/// A command whose output finds a full pipe: it ends by a signal, and says what is missing; or it
/// is read in the end, and has printed everything.
#[cfg(target_os = "linux")]
fn finds_a_full_pipe(arguments: &[&str], lines: std::ops::RangeInclusive<u64>) {
    let pipe = Pipe::full();
    let program = Pushest::start_into(arguments, pipe.writer(), None);
    wait_for("its handlers", || program.handles_signals());
    let told = Instant::now();
    program.signal("TERM");
    let ended = ends_soon(program, told);
    assert_eq!(ended.status, Some(143), "{arguments:?}: {ended:?}");
    if *lines.start() > 0 {
        assert!(lines.contains(&unprinted(&ended)), "{arguments:?}: {ended:?}");
    }

    let pipe = Pipe::full();
    let program = Pushest::start_into(arguments, pipe.writer(), None);
    wait_for("its handlers", || program.handles_signals());
    let printed: Vec<String> = pipe.lines().collect();
    let ended = program.end();
    assert_eq!(ended.status, Some(0), "{arguments:?}: {ended:?}");
    assert!(printed.len() as u64 >= *lines.end(), "{arguments:?}: {printed:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn every_command_ends_when_nobody_reads_it() {
    let server = Server::start().unwrap();
    let options = to(&server);
    let key = ["--key", "k", "--secret", "s"];
    // Some are told to end before they have anything to print.
    let commands = [
        (words(&["members", "presence-room"], &options), 0..=1),
        (words(&["trigger", "private-a", "client-x", "1"], &options), 0..=1),
        (words(&["doctor"], &options), 0..=10),
        (vec!["demo"], 0..=20),
        (vec!["demo", "--json"], 0..=20),
        ([&["sign", "1.2", "private-a"], &key[..]].concat(), 1..=1),
    ];
    thread::scope(|scope| {
        for (arguments, lines) in commands {
            scope.spawn(move || finds_a_full_pipe(&arguments, lines));
        }
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_server_ends_well_though_nobody_reads_where_it_listens() {
    let pipe = Pipe::full();
    let program = Pushest::start_into(&["serve", "--port", "0"], pipe.writer(), None);
    wait_for("its handlers", || program.handles_signals());
    let told = Instant::now();
    program.signal("INT");
    let ended = ends_soon(program, told);
    assert_eq!((ended.status, unprinted(&ended)), (Some(0), 1), "{ended:?}");
}

#[test]
fn a_long_list_of_members_ends_when_it_is_told_to_and_else_is_printed_as_a_whole() {
    let room = Crowd::start(5_000);
    let options = room.options();
    // Shorter than it takes to read the list: it is about the server.
    let arguments = words(&["members", "presence-room", "--timeout", "2"], &options);
    let pipe = Pipe::new();
    let program = Pushest::start_into(&arguments, pipe.writer(), None);
    pipe.wait_until_full();
    let told = Instant::now();
    program.signal("TERM");
    let ended = ends_soon(program, told);
    assert_eq!(ended.status, Some(143), "{ended:?}");
    let printed = pipe.lines().filter(|line| line.ends_with('}')).count() as u64;
    assert_eq!(printed + unprinted(&ended), 5_000, "{ended:?}");

    let pipe = Pipe::new();
    let program = Pushest::start_into(&arguments, pipe.writer(), None);
    pipe.wait_until_full();
    thread::sleep(Duration::from_secs(3));
    assert_eq!(pipe.lines().count(), 5_000);
    assert_eq!(program.end().status, Some(0));
}

#[test]
fn a_replay_ends_when_it_is_told_to_and_else_prints_everything() {
    let server = Server::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("recording.jsonl");
    let file = file.to_str().unwrap();
    let options = to(&server);
    let program = Pushest::start(&words(&["listen", "news", "--record", file], &options));
    server.wait_for_subscribers("news", 1, WAIT).unwrap();
    publish(&server, 0..3_000);
    wait_until_recorded(Path::new(file), 2_999);
    program.signal("INT");
    assert_eq!(program.end().status, Some(0));
    let read = pushest(&["replay", file]);
    assert!(read.stdout.len() > 3_000 && read.status == Some(0));

    let pipe = Pipe::new();
    let program = Pushest::start_into(&["replay", file], pipe.writer(), None);
    pipe.wait_until_full();
    let told = Instant::now();
    program.signal("TERM");
    let ended = ends_soon(program, told);
    assert_eq!(ended.status, Some(143), "{ended:?}");
    assert!(unprinted(&ended) > 0, "{ended:?}");

    let pipe = Pipe::new();
    let program = Pushest::start_into(&["replay", file], pipe.writer(), None);
    pipe.wait_until_full();
    let lines: Vec<String> = pipe.lines().collect();
    assert_eq!(program.end().status, Some(0));
    assert!(lines == read.stdout);
}

#[test]
fn a_full_disk_is_an_error_and_not_the_end_of_a_pipe() {
    let key = ["--key", "k", "--secret", "s"];
    let arguments = [&["sign", "1.2", "private-a"], &key[..]].concat();
    let Ok(full) = fs::OpenOptions::new().write(true).open("/dev/full") else { return };
    let ended = Pushest::start_into(&arguments, full.into(), None).end();
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("standard output cannot be written"), "{ended:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_pipe_that_another_program_made_non_blocking_loses_nothing() {
    let pipe = Pipe::full();
    ioctl_fionbio(&pipe.writer, true).unwrap();
    let key = ["--key", "k", "--secret", "s"];
    let arguments = [&["sign", "1.2", "private-a"], &key[..]].concat();
    let program = Pushest::start_into(&arguments, pipe.writer(), None);
    wait_for("its end", || program.handles_signals());
    let printed: Vec<String> = pipe.lines().collect();
    assert_eq!(program.end().status, Some(0));
    assert!(printed[0].contains("-k:"), "{printed:?}");
}
