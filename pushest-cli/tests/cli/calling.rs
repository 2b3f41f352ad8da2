//! What all commands that call the HTTP API have in common.

use std::io::{Read as _, Write as _};

use pushest_testkit::{Profile, Server};
use serde_json::Value;

use crate::publishing::run;
use crate::support::{Pushest, pushest};

#[test]
fn with_v_each_call_is_told_without_its_signature() {
    let server = Server::start().unwrap();
    for (command, method, path) in [
        (&["publish", "news", "x", "1", "-v"][..], "POST", "/apps/1/events"),
        (&["channel", "news", "-v"], "GET", "/apps/1/channels/news"),
    ] {
        let ended = run(command, &server);
        assert_eq!(ended.status, Some(0), "{ended:?}");
        let line = ended.stderr.lines().find(|line| line.contains("a call was answered")).unwrap();
        for part in [method, &format!("path=\"{path}\""), "status=200", "elapsed="] {
            assert!(line.contains(part), "no {part} in {line}");
        }
        assert!(!ended.stderr.contains("auth_"), "{ended:?}");
    }
}

#[test]
fn help_has_no_options_that_do_nothing() {
    for command in ["publish", "channels", "channel", "users", "terminate"] {
        let ended = pushest(&[command, "--help"]);
        let help = ended.stdout.join("\n");
        assert!(help.contains("--app-id") && help.contains("--header"), "{command}: {help}");
        assert!(
            !help.contains("--auth-endpoint URL") && !help.contains("--auth-header <"),
            "{help}"
        );
        assert!(!help.contains("--user-auth-endpoint"), "{help}");
    }
}

#[test]
fn other_servers_take_other_names_and_more_data() {
    let server = Server::builder().profile(Profile::Sockudo).limits(|limits| limits.data = 20_000);
    let server = server.start().unwrap();
    let ended = run(&["publish", "orders:7", "x", "1", "--name-characters", ":#"], &server);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let ended = run(&["channel", "orders:7", "--name-characters", ":"], &server);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let ended = run(&["channels", "--prefix", "orders:", "--name-characters", ":"], &server);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let large = "x".repeat(10_241);
    let ended = run(&["publish", "news", "x", &large, "--max-data", "20000"], &server);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let ended = run(&["publish", "a b", "x", "1", "--name-characters", ":#"], &server);
    assert_eq!(ended.status, Some(2), "{ended:?}");
}

#[test]
fn a_port_with_the_other_kind_of_connection_is_told_and_nothing_has_arrived() {
    let plain = Server::start().unwrap();
    let url = format!("https://app-key:app-secret@127.0.0.1:{}/apps/1", plain.port());
    let ended = pushest(&["publish", "news", "x", "1", "--timeout", "2", "--url", &url]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("does it speak TLS on this port?"), "{ended:?}");
    // As servers with TLS answer what is none: with an alert.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 8192]);
        let _ = stream.write_all(b"\x15\x03\x01\x00\x02\x02F");
        // It is closed by the client.
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    });
    let url = format!("http://app-key:app-secret@127.0.0.1:{port}/apps/1");
    let failed = pushest(&["publish", "news", "x", "1", "--json", "--url", &url]);
    assert_eq!(failed.status, Some(1), "{failed:?}");
    assert!(failed.stderr.contains("it speaks TLS on this port"), "{failed:?}");
    let line: Value = serde_json::from_str(&failed.stdout[0]).unwrap();
    assert_eq!(line["may_have_arrived"], false, "{line}");
}

#[test]
fn a_url_with_the_apps_id_is_enough() {
    let server = Server::start().unwrap();
    let url = format!("http://app-key:app-secret@127.0.0.1:{}/apps/1", server.port());
    let variables = [("PUSHER_URL", &*url)];
    let ended = Pushest::start_with(&["publish", "news", "x", "1"], &variables).end();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let ended = pushest(&["channels", "--url", &url]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    // The same once more is no contradiction; another one is.
    let ended = pushest(&["channels", "--url", &url, "--app-id", "1"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let ended = pushest(&["channels", "--url", &url, "--app-id", "2"]);
    assert_eq!(ended.status, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("--app-id and --url name two apps"), "{ended:?}");
    assert!(!ended.stderr.contains("app-secret"), "{ended:?}");
    // One that has none leaves it to the option.
    let plain = format!("pusher://app-key:app-secret@127.0.0.1:{}", server.port());
    let ended = pushest(&["channels", "--url", &plain, "--app-id", "1"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let behind = url.replace("/apps/1", "/behind/apps/1");
    let ended = pushest(&["channels", "--url", &behind]);
    assert_eq!(ended.status, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("give --host, --port, --path, --app-id"), "{ended:?}");
    assert!(!ended.stderr.contains("app-secret"), "{ended:?}");
}
