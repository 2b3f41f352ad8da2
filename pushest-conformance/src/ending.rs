//! A program ends when it wants to: whatever its client still waits for, `main` is over within
//! moments of a shutdown, and the process with it. Each test runs itself once more, as the program.
//! Linux only: it lists its threads.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pushest_driver::proto::AuthEndpoint;
use pushest_driver::{AuthorizationError, Config, Options, Status};
use pushest_testkit::Server;

use crate::Features;

/// Says to the second process that it is the program, and which.
const VARIABLE: &str = "PUSHEST_ENDING";

/// What the program says before it shuts its client down.
const ENDS: &str = "it shuts down";

/// From there to the end of the process; what hangs would take a minute and more.
const MOMENTS: Duration = Duration::from_secs(2);

const LONG: Duration = Duration::from_secs(60);

/// What the client waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hang {
    Name,
    Endpoint,
    Authorizer,
}

/// The program's client is to be made with these, and shut down once it hangs.
#[derive(Debug)]
pub struct Setting {
    /// For a server of this setting's own.
    pub config: Config,
    /// What makes it hang.
    pub options: Options,
    thread: &'static str,
    _held: (Server, TcpListener),
}

impl Setting {
    fn new<F: Features>(hang: Hang) -> Self {
        let server = Server::start().expect("a server");
        // It accepts, and never answers.
        let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/", silent.local_addr().expect("bound"));
        let host = if hang == Hang::Name { "hangs" } else { "127.0.0.1" };
        let config = Config::builder(&server.app().key).host(host).port(server.port());
        let (thread, options) = match hang {
            Hang::Name => ("pushest-names", Options::default()),
            Hang::Endpoint => {
                ("pushest-http", F::auth_endpoint(Options::default(), AuthEndpoint::new(&url)))
            }
            Hang::Authorizer => {
                let options = Options::default().blocking_authorizer(|_| {
                    std::thread::sleep(LONG);
                    Err(AuthorizationError::unavailable(None, "too late"))
                });
                ("pushest-authori", options)
            }
        };
        let config = config.build().expect("valid");
        Self { config, options, thread, _held: (server, silent) }
    }

    /// Returns what waits until the client waits, and then says that it is shut down.
    pub fn hang(&self) -> impl FnOnce() + Send + 'static {
        let thread = self.thread;
        move || {
            let begun = Instant::now();
            while !has_thread(thread) {
                assert!(begun.elapsed() < LONG, "nothing hangs");
                std::thread::sleep(Duration::from_millis(5));
            }
            std::thread::sleep(Duration::from_millis(50));
            assert!(has_thread(thread), "it does not hang");
            println!("{ENDS}");
        }
    }
}

/// Checks that the client still hangs. A thread stays for a while without work: what hangs has
/// brought no loss either.
///
/// # Panics
/// If it does not hang.
pub fn check(status: &Status) {
    assert!(status.last_loss.is_none(), "{status:?}");
}

fn has_thread(name: &str) -> bool {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux has it");
    // One may end while they are listed.
    let names = tasks.flatten().map(|task| std::fs::read_to_string(task.path().join("comm")));
    names.flatten().any(|found| found.trim_end() == name)
}

#[doc(hidden)]
pub fn a_program_ends_though_a_name_is_still_being_resolved<F: Features>(
    path: &str,
    program: Program,
) {
    ends::<F>(path, Hang::Name, program);
}

#[doc(hidden)]
pub fn a_program_ends_though_an_endpoint_is_silent<F: Features>(path: &str, program: Program) {
    ends::<F>(path, Hang::Endpoint, program);
}

#[doc(hidden)]
pub fn a_program_ends_though_a_blocking_authorizer_sleeps<F: Features>(
    path: &str,
    program: Program,
) {
    ends::<F>(path, Hang::Authorizer, program);
}

/// Makes a client, shuts it down, and returns.
pub type Program = fn(Setting);

/// Runs the program in a process of its own, and waits for its end.
fn ends<F: Features>(path: &str, hang: Hang, program: Program) {
    if std::env::var(VARIABLE).is_ok_and(|name| name == path) {
        return program(Setting::new::<F>(hang));
    }
    let (_, name) = path.split_once("::").expect("a path begins with the crate");
    let mut command = Command::new(std::env::current_exe().expect("a test is a program"));
    command.args([name, "--exact", "--nocapture", "--test-threads=1"]).env(VARIABLE, path);
    // Where the resolver looks for other names of a name without dots: it waits there for a writer.
    let aliases = Pipe::new();
    let child = command.env("HOSTALIASES", &aliases.0).stdout(Stdio::piped()).spawn();
    let mut child = child.expect("it can be started again");
    let mut lines =
        BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
    let said = lines.any(|line| line.ends_with(ENDS));
    let begun = Instant::now();
    let ended = waited(&mut child);
    assert!(said, "it never came so far");
    assert_eq!(ended, Some(true), "{hang:?}: after {:?}", begun.elapsed());
}

/// Waits for the program, and returns whether it ended well; `None` if it does not end.
fn waited(child: &mut Child) -> Option<bool> {
    let until = Instant::now() + MOMENTS;
    loop {
        if let Some(status) = child.try_wait().expect("it can be asked for") {
            return Some(status.success());
        }
        if Instant::now() >= until {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A named pipe, gone with this.
struct Pipe(std::path::PathBuf);

impl Pipe {
    fn new() -> Self {
        static LAST: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = LAST.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("pushest-aliases-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
        Self(path)
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Makes a test of each hang, for a [`Program`](crate::ending::Program) of the crate that this is
/// expanded in. The tests need its feature `http`.
#[macro_export]
macro_rules! programs_end {
    ($program:path: $($test:ident)*) => {
        struct ThisBuild;

        $crate::impl_features!(ThisBuild);

        $(
            #[test]
            fn $test() {
                let path = concat!(module_path!(), "::", stringify!($test));
                $crate::ending::$test::<ThisBuild>(path, $program);
            }
        )*
    };
    ($program:path) => {
        $crate::programs_end! { $program:
            a_program_ends_though_a_name_is_still_being_resolved
            a_program_ends_though_an_endpoint_is_silent
            a_program_ends_though_a_blocking_authorizer_sleeps
        }
    };
}
