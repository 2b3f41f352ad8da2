//! A driver for a device: a tick every 10 ms, buffers of a fixed size, no std but for the socket.
//!
//! Two devices, a sensor and a display, meet on a presence channel. A server's event asks for a
//! measurement; the sensor answers with a client event, which the display receives. Then the server
//! drops both, and both come back with a `Gap` and do it again. The exit status is 1 if anything is
//! missing. A socket of the system stands in for the device's network stack, the testkit's server
//! for the real one, and `main` for the hardware and for the app's own server.
//!
//! `cargo run -p pushest-proto --example fixed_tick`

#![forbid(unsafe_code)]

extern crate alloc;

mod device;
mod network;
mod websocket;

use std::error::Error;
use std::hash::{BuildHasher, RandomState};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use device::{Device, NEWS};
use pushest_proto::{
    Authorization, AuthorizationError, AuthorizationRequest, Config, Instant, Signer,
};
use pushest_testkit::{Server, Target};

const TICK: Duration = Duration::from_millis(10);

/// How many ticks anything may take.
const PATIENCE: u32 = 2_000;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let server = Server::start()?;
    let mut hardware = Hardware::new(&server)?;
    println!(
        "each device: {} bytes, its buffers in it; and what its session allocates, up to its limits",
        size_of::<Device>()
    );

    hardware.run_until("subscribed, and both present", |device| {
        device.seen.subscribed == 2 && device.seen.joined == 2 && device.members() == 2
    })?;
    println!("both subscribed and present");

    server.publish(NEWS, "measure", "{}");
    hardware.run_until("told to measure", |device| device.seen.requests == 1)?;
    hardware.run_until_display("has the reading", |display| display.seen.readings == 1)?;
    println!("the sensor was asked, and the display has its reading");

    server.send_bytes(Target::All, &in_two_frames());
    hardware.run_until("told to measure", |device| device.seen.requests == 2)?;
    hardware.run_until_display("has the next reading", |display| display.seen.readings == 2)?;
    println!("the same with a message in two frames, and a ping between them");

    server.drop_connections(Target::All);
    hardware.run_until("back with two gaps", |device| {
        device.seen.gaps == 2 && device.seen.losses == 1 && device.members() == 2
    })?;
    server.publish(NEWS, "measure", "{}");
    hardware.run_until_display("has the last reading", |display| display.seen.readings == 3)?;
    println!("both were dropped and came back; the display has the last reading");
    println!("the sensor's session: {:?}", hardware.devices[0].session().memory());

    let now = hardware.now;
    hardware.devices.iter_mut().for_each(|device| device.disconnect(now));
    hardware.run_until("closed", Device::is_closed)?;
    server.wait_for_connections(0, Duration::from_secs(5))?;
    println!("both closed in order, after {:?}", now.saturating_duration_since(Instant::ORIGIN));
    Ok(())
}

/// An event as servers may send it, too (RFC 6455, section 5.4).
fn in_two_frames() -> Vec<u8> {
    let text = format!(r#"{{"event":"measure","channel":"{NEWS}"}}"#);
    let (first, second) = text.as_bytes().split_at(10);
    let length = |part: &[u8]| u8::try_from(part.len()).expect("it is short");
    let begin = [&[0x01, length(first)], first].concat();
    let end = [&[0x80, length(second)], second].concat();
    [begin.as_slice(), &[0x89, 0x00], &end].concat()
}

/// The tick, the clock, and the app's own server.
struct Hardware {
    devices: [Device; 2],
    /// Ticks make the time: the session has no other.
    now: Instant,
    signer: Signer,
    /// What the app's server was asked in the last tick; it answers in this one.
    asked: Vec<(usize, AuthorizationRequest)>,
}

impl Hardware {
    fn new(server: &Server) -> Result<Self, Box<dyn Error>> {
        let now = Instant::ORIGIN;
        let app = server.app();
        // Devices are handed out: the secret is not theirs.
        let config = Config::builder(&app.key)
            .host(&server.addr().ip().to_string())
            .port(server.port())
            .limits(device::limits())
            .build()?;
        let random = RandomState::new();
        let sensor = Device::new("sensor", config.clone(), random.hash_one(0), now)?;
        let display = Device::new("display", config, random.hash_one(1), now)?;
        let signer = Signer::new(&app.key, app.secret());
        Ok(Self { devices: [sensor, display], now, signer, asked: Vec::new() })
    }

    fn tick(&mut self) {
        thread::sleep(TICK);
        self.now += TICK;
        for (index, request) in self.asked.drain(..) {
            let answer = grant(&self.signer, &request);
            self.devices[index].answer(request.ticket, answer, self.now);
        }
        for (index, device) in self.devices.iter_mut().enumerate() {
            device.tick(self.now);
            while let Some(request) = device.next_request() {
                self.asked.push((index, request));
            }
        }
    }

    fn run_until(
        &mut self,
        what: &str,
        is_so: impl Fn(&Device) -> bool,
    ) -> Result<(), Box<dyn Error>> {
        self.run(what, |devices| devices.iter().all(&is_so))
    }

    fn run_until_display(
        &mut self,
        what: &str,
        is_so: impl Fn(&Device) -> bool,
    ) -> Result<(), Box<dyn Error>> {
        self.run(what, |[_, display]| is_so(display))
    }

    fn run(
        &mut self,
        what: &str,
        is_so: impl Fn(&[Device; 2]) -> bool,
    ) -> Result<(), Box<dyn Error>> {
        for _ in 0..PATIENCE {
            self.tick();
            for device in &mut self.devices {
                if let Some(failure) = device.seen.failure.take() {
                    return Err(failure.into());
                }
            }
            if is_so(&self.devices) {
                return Ok(());
            }
        }
        let seen = self.devices.each_ref().map(|device| &device.seen);
        Err(format!("waited {:?} for: {what}; {seen:?}", PATIENCE * TICK).into())
    }
}

/// The app's server knows who asks, and whether they may; this one lets every user in.
fn grant(
    signer: &Signer,
    request: &AuthorizationRequest,
) -> Result<Authorization, AuthorizationError> {
    let (Some(channel), Some(data)) = (request.subject.channel(), request.subject.data()) else {
        return Err(AuthorizationError::refused(Some(403), "only members of a presence channel"));
    };
    let auth = signer.channel(&request.socket_id, channel.as_str(), Some(data));
    Ok(Authorization::new(auth).channel_data(data))
}
