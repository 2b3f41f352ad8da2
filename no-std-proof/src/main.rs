//! Proves that the protocol core needs no `std`, by driving it where there is none: a C `main`
//! with an allocator and a panic handler of its own, linked against libc alone.
//!
//! Each feature of the core proves itself in a file of its own; without them the core is as small as
//! it gets.
//!
//! It plays driver, server and clock for one session: connecting, a private channel with its
//! signature, an event, both kinds of ping, a lost connection and the recovery. The exit status is
//! 0 if the session did all of it as the protocol asks, 1 if not, 101 after a panic.
//!
//! A dependency that brings std in does not get this far: std has a panic handler, and two of them
//! do not compile.
//!
//! ```text
//! cargo run --manifest-path no-std-proof/Cargo.toml --release
//! cargo run --manifest-path no-std-proof/Cargo.toml --release --no-default-features
//! ```
#![no_std]
#![no_main]

extern crate alloc;

#[cfg(feature = "encrypted")]
mod encrypted;
#[cfg(feature = "endpoint")]
mod endpoint;
#[cfg(feature = "recording")]
mod recording;
#[cfg(not(feature = "encrypted"))]
mod unencrypted;

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use pushest_proto::{
    Action, AuthorizationRequest, ChannelState, Config, ConnectionId, ConnectionState, Event,
    Instant, Loss, Session, SubscribeOptions,
};

/// The official libraries' test vector for a private channel.
const KEY: &str = "278d425bdf160c739803";
const SECRET: &str = "7ad3773142a6692b25b8";
const ESTABLISHED: &str = r#"{"event":"pusher:connection_established","data":"{\"socket_id\":\"1234.1234\",\"activity_timeout\":120}"}"#;
const SUBSCRIBE: &str = r#"{"event":"pusher:subscribe","data":{"channel":"private-foobar","auth":"278d425bdf160c739803:58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"}}"#;
const SUBSCRIBED: &str =
    r#"{"event":"pusher_internal:subscription_succeeded","channel":"private-foobar","data":"{}"}"#;
const SHIPPED: &str =
    r#"{"event":"App\\Events\\OrderShipped","channel":"private-foobar","data":"{\"order\":7}"}"#;
const PING: &str = r#"{"event":"pusher:ping","data":{}}"#;
const PONG: &str = r#"{"event":"pusher:pong","data":{}}"#;

/// What was expected and did not happen.
struct Mismatch(String);

impl Mismatch {
    fn boxed<E: ToString>(error: E) -> Self {
        Self(error.to_string())
    }
}

fn prove() -> Result<(), Mismatch> {
    prove_the_core()?;
    #[cfg(feature = "encrypted")]
    encrypted::prove()?;
    #[cfg(not(feature = "encrypted"))]
    unencrypted::prove()?;
    #[cfg(feature = "endpoint")]
    endpoint::prove()?;
    #[cfg(feature = "recording")]
    recording::prove()?;
    Ok(())
}

fn prove_the_core() -> Result<(), Mismatch> {
    let config = Config::builder(KEY)
        .secret(SECRET)
        .host("127.0.0.1")
        .port(6001)
        .build()
        .map_err(Mismatch::boxed)?;
    let mut driver = Driver::new(Session::new(config, 1, Instant::ORIGIN));

    let first = driver.dial()?;
    driver.open(first)?;
    println!("connected");

    let now = driver.now;
    driver
        .session
        .subscribe("private-foobar", &SubscribeOptions::default(), now)
        .map_err(Mismatch::boxed)?;
    driver.expect_frames("the signed subscribe", &[SUBSCRIBE])?;
    driver.receive(first, SUBSCRIBED);
    driver.expect("the subscription", |event| matches!(event, Event::Subscribed { .. }))?;
    println!("subscribed to a private channel");

    driver.receive(first, SHIPPED);
    driver.expect("the event", |event| match event {
        Event::Channel(event) => {
            event.name() == "App\\Events\\OrderShipped" && event.text() == "{\"order\":7}"
        }
        _ => false,
    })?;
    println!("received an event");

    driver.receive(first, PING);
    driver.expect_frames("the pong", &[PONG])?;
    driver.sleep()?;
    driver.expect_frames("the ping after the activity timeout", &[PING])?;
    driver.receive(first, PONG);
    println!("answered a ping and sent one");

    driver.session.handle_close(first, Loss::reset("the cable was pulled"), driver.now);
    driver.expect_state(ConnectionState::Waiting)?;
    driver.sleep()?;
    let second = driver.dial_due()?;
    ensure(second != first, "a connection id of its own")?;
    driver.open(second)?;
    driver.expect_frames("the same subscribe again", &[SUBSCRIBE])?;
    driver.receive(second, SUBSCRIBED);
    driver.expect("the gap", |event| matches!(event, Event::Gap { .. }))?;
    let subscribed = driver
        .session
        .channel("private-foobar")
        .is_some_and(|channel| channel.state() == ChannelState::Subscribed);
    ensure(subscribed, "a subscribed channel after the recovery")?;
    println!("recovered from a lost connection");

    driver.session.disconnect(driver.now);
    driver.drain();
    ensure(driver.closed == Some(second), "the close")?;
    driver.expect_state(ConnectionState::Disconnected)?;
    ensure(driver.session.poll_timeout().is_none(), "no timeout after the end")?;
    println!("disconnected");
    Ok(())
}

/// A driver without a socket: it only remembers what the session asked for.
struct Driver {
    session: Session,
    now: Instant,
    connect: Option<ConnectionId>,
    closed: Option<ConnectionId>,
    frames: Vec<String>,
    events: Vec<Event>,
    requests: Vec<AuthorizationRequest>,
}

impl Driver {
    fn new(session: Session) -> Self {
        Self {
            session,
            now: Instant::ORIGIN,
            connect: None,
            closed: None,
            frames: Vec::new(),
            events: Vec::new(),
            requests: Vec::new(),
        }
    }

    fn dial(&mut self) -> Result<ConnectionId, Mismatch> {
        self.session.connect(self.now);
        self.dial_due()
    }

    fn dial_due(&mut self) -> Result<ConnectionId, Mismatch> {
        self.drain();
        self.connect.take().ok_or_else(|| missing("a dial"))
    }

    /// Returns a session without the secret, connected.
    #[cfg(any(feature = "encrypted", feature = "endpoint"))]
    fn asking() -> Result<(Self, ConnectionId), Mismatch> {
        let config = Config::builder(KEY).host("127.0.0.1").build().map_err(Mismatch::boxed)?;
        let mut driver = Self::new(Session::new(config, 1, Instant::ORIGIN));
        let connection = driver.dial()?;
        driver.open(connection)?;
        Ok((driver, connection))
    }

    /// The WebSocket is open, and the server establishes the connection.
    fn open(&mut self, connection: ConnectionId) -> Result<(), Mismatch> {
        self.session.handle_open(connection, self.now);
        self.receive(connection, ESTABLISHED);
        self.expect_state(ConnectionState::Connected)
    }

    /// Subscribes to a channel that an endpoint authorizes, and takes the request.
    #[cfg(any(feature = "encrypted", feature = "endpoint"))]
    fn ask(&mut self, channel: &str) -> Result<AuthorizationRequest, Mismatch> {
        let options = SubscribeOptions::default();
        self.session.subscribe(channel, &options, self.now).map_err(Mismatch::boxed)?;
        self.drain();
        self.requests.pop().ok_or_else(|| missing("a request for an authorization"))
    }

    fn receive(&mut self, connection: ConnectionId, message: &str) {
        self.session.handle_slice(connection, message.as_bytes(), self.now);
        self.drain();
    }

    /// Until the session has something to do.
    fn sleep(&mut self) -> Result<(), Mismatch> {
        self.drain();
        while self.frames.is_empty() && self.connect.is_none() {
            let next = self.session.poll_timeout();
            let next = next.ok_or_else(|| missing("a timeout"))?;
            ensure(next > self.now, "a timeout in the future")?;
            self.now = next;
            self.session.handle_timeout(next);
            self.drain();
        }
        Ok(())
    }

    fn drain(&mut self) {
        while let Some(action) = self.session.poll_action() {
            match action {
                Action::Connect { connection, .. } => self.connect = Some(connection),
                Action::Send(frame) => self.frames.push(frame.text),
                Action::Close { connection, .. } => self.closed = Some(connection),
                Action::Emit(event) => self.events.push(event),
                Action::Authorize(request) => self.requests.push(request),
                // No request is given up, and there is no presence channel.
                Action::Abandon(_) | Action::UpdatePresence(_) => {}
            }
        }
    }

    fn expect(&mut self, what: &str, is_expected: impl Fn(&Event) -> bool) -> Result<(), Mismatch> {
        self.drain();
        let found = self.events.iter().any(is_expected);
        self.events.clear();
        ensure(found, what)
    }

    fn expect_state(&mut self, state: ConnectionState) -> Result<(), Mismatch> {
        ensure(self.session.state() == state, "the state")?;
        self.expect(
            "the change of the state",
            |event| matches!(event, Event::State(change) if change.to == state),
        )
    }

    fn expect_frames(&mut self, what: &str, wanted: &[&str]) -> Result<(), Mismatch> {
        self.drain();
        let sent = core::mem::take(&mut self.frames);
        ensure(sent == wanted, what)
    }
}

fn ensure(condition: bool, what: &str) -> Result<(), Mismatch> {
    if condition { Ok(()) } else { Err(missing(what)) }
}

fn missing(what: &str) -> Mismatch {
    Mismatch(what.to_string())
}

/// `std`'s macro, over libc.
macro_rules! println {
    ($($argument:tt)*) => {{
        use core::fmt::Write as _;
        let _ = writeln!(crate::platform::Stdout, $($argument)*);
    }};
}
use println;

/// What std would bring. Each piece needs `unsafe`: the functions are C's, their names are fixed,
/// and `GlobalAlloc` is an unsafe trait.
#[allow(unsafe_code)]
mod platform {
    use core::alloc::{GlobalAlloc, Layout};
    use core::ffi::{c_char, c_int, c_void};
    use core::fmt;
    use core::panic::PanicInfo;
    use core::ptr;

    use super::{Mismatch, prove};

    #[unsafe(no_mangle)]
    extern "C" fn main(_argc: c_int, _argv: *const *const c_char) -> c_int {
        match prove() {
            Ok(()) => 0,
            Err(Mismatch(what)) => {
                println!("missing or different: {what}");
                1
            }
        }
    }

    // `write`, `posix_memalign`, `free` and `_exit` as POSIX declares them.
    #[link(name = "c")]
    unsafe extern "C" {
        fn write(file: c_int, bytes: *const c_void, count: usize) -> isize;
        fn posix_memalign(memory: *mut *mut c_void, alignment: usize, size: usize) -> c_int;
        fn free(memory: *mut c_void);
        fn _exit(status: c_int) -> !;
    }

    pub(crate) struct Stdout;

    impl fmt::Write for Stdout {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            let mut rest = text.as_bytes();
            while !rest.is_empty() {
                // SAFETY: the pointer and the length are those of a live slice.
                let written = unsafe { write(1, rest.as_ptr().cast(), rest.len()) };
                let written = usize::try_from(written).map_err(|_| fmt::Error)?;
                rest = rest.get(written..).ok_or(fmt::Error)?;
            }
            Ok(())
        }
    }

    struct Libc;

    #[global_allocator]
    static ALLOCATOR: Libc = Libc;

    // SAFETY: `posix_memalign` gives memory of the size and alignment asked for, or none, and does
    // not unwind; `free` takes what it gave.
    unsafe impl GlobalAlloc for Libc {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            let mut memory = ptr::null_mut();
            // It asks for a multiple of a pointer's size.
            let alignment = layout.align().max(align_of::<*mut c_void>());
            // SAFETY: `memory` is a live variable; a `Layout`'s alignment is a power of two.
            let status = unsafe { posix_memalign(&raw mut memory, alignment, layout.size()) };
            if status == 0 { memory.cast() } else { ptr::null_mut() }
        }

        unsafe fn dealloc(&self, memory: *mut u8, _layout: Layout) {
            // SAFETY: the caller promises that `memory` came from `alloc`.
            unsafe { free(memory.cast()) }
        }
    }

    #[panic_handler]
    fn panic(info: &PanicInfo<'_>) -> ! {
        println!("{info}");
        // SAFETY: it takes any status and does not return.
        unsafe { _exit(101) }
    }

    // The `core` and `alloc` that come with the compiler were built to unwind and name these two.
    // With `panic = "abort"` nothing calls them.
    #[unsafe(no_mangle)]
    extern "C" fn rust_eh_personality() {}

    #[unsafe(no_mangle)]
    extern "C" fn _Unwind_Resume() -> ! {
        // SAFETY: it takes any status and does not return.
        unsafe { _exit(102) }
    }
}
