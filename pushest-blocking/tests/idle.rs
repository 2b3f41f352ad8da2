//! What a client costs while nothing happens. In a process of its own, since it counts threads.

use std::time::{Duration, Instant};

use pushest_blocking::{Client, Config, Connection, Timeouts};
use pushest_testkit::Server;

const ACTIVITY: Duration = Duration::from_millis(200);

fn config(server: &Server) -> Config {
    let timeouts = Timeouts::default().activity(ACTIVITY);
    let app = server.app();
    let builder = Config::builder(&app.key).host("127.0.0.1").port(server.port());
    builder.timeouts(timeouts).build().expect("valid")
}

fn pings(server: &Server) -> u64 {
    server.received().iter().filter(|message| message.contains("pusher:ping")).count() as u64
}

#[cfg(target_os = "linux")]
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").expect("a list of threads").count()
}

#[test]
fn an_idle_client_wakes_for_its_heartbeats_only_and_a_connection_needs_no_thread() {
    let server = Server::builder().record(true).start().expect("a server");

    #[cfg(target_os = "linux")]
    let before_it = threads();
    let client = Client::new(config(&server));
    client.flush().expect_err("not connected yet");
    client.connected().expect("connected");
    let until = |count| {
        let begun = Instant::now();
        while pings(&server) < count {
            assert!(begun.elapsed() < Duration::from_secs(20), "no heartbeat");
            std::thread::sleep(Duration::from_millis(1));
        }
    };
    until(1);
    let (wakeups, before) = (client.wakeups(), pings(&server));
    until(before + 5);
    let (woken, heartbeats) = (client.wakeups() - wakeups, pings(&server) - before);
    // One when it is time to ping, one when the pong comes; and one that may be under way.
    assert!(woken <= 2 * heartbeats + 1, "{woken} wakeups for {heartbeats} heartbeats");
    client.shutdown();
    drop(client);

    #[cfg(target_os = "linux")]
    {
        let begun = Instant::now();
        while threads() > before_it {
            assert!(begun.elapsed() < Duration::from_secs(20), "the thread of a client remains");
            std::thread::sleep(Duration::from_millis(1));
        }
        let mut connection = Connection::new(config(&server));
        connection.connected().expect("connected");
        connection.sleep(2 * ACTIVITY);
        connection.flush().expect("flushed");
        assert_eq!(threads(), before_it);
    }
}
