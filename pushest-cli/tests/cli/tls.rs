use std::io::Write as _;

use pushest_testkit::{Certificate, Server};
use tempfile::NamedTempFile;

use crate::support::{Pushest, WAIT, pushest, to, words};

/// The server's own authority in a file that is gone with the value.
fn authority(server: &Server) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(server.authority_pem().unwrap().as_bytes()).unwrap();
    file
}

#[test]
fn an_authority_of_ones_own_is_trusted_when_it_is_given() {
    let server = Server::start_tls().unwrap();
    let file = authority(&server);
    let path = file.path().to_str().unwrap();
    let arguments = ["listen", "private-chat", "--count", "1", "--tls", "--ca-file", path];
    let mut listener = Pushest::start(&words(&arguments, &to(&server)));
    server.wait_for_subscribers("private-chat", 1, WAIT).unwrap();
    listener.stderr.until("connecting to wss://127.0.0.1:");
    server.publish("private-chat", "headline", "rain");
    let ended = listener.end();
    assert_eq!((ended.status, &*ended.stdout[0]), (Some(0), "private-chat  headline  rain"));
}

#[test]
fn the_certificate_of_a_server_that_signed_itself_is_trusted_when_it_is_given() {
    let server = Server::builder().tls(Certificate::SelfSigned).start().unwrap();
    let file = authority(&server);
    let path = file.path().to_str().unwrap();
    let arguments = ["members", "presence-room", "--tls", "--ca-file", path];
    let ended = pushest(&words(&arguments, &to(&server)));
    assert_eq!(ended.status, Some(0), "{ended:?}");

    // Another one of the same kind is not.
    let other = authority(&Server::builder().tls(Certificate::SelfSigned).start().unwrap());
    let path = other.path().to_str().unwrap();
    let arguments = ["members", "presence-room", "--tls", "--ca-file", path];
    let ended = pushest(&words(&arguments, &to(&server)));
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("certificate was refused"), "{ended:?}");
}

#[test]
fn an_unknown_authority_is_refused_and_said() {
    let server = Server::start_tls().unwrap();
    for command in [&["listen", "news"][..], &["members", "presence-room"]] {
        let ended = pushest(&words(&[command, &["--tls"]].concat(), &to(&server)));
        assert_eq!(ended.status, Some(1), "{ended:?}");
        assert!(ended.stderr.contains("certificate was refused"), "{ended:?}");
    }
    assert_eq!(server.inspect(|view| view.upgrades), 0);
}

#[test]
fn a_certificate_that_ran_out_or_is_another_servers_is_refused_and_said() {
    for (certificate, text) in [(Certificate::Expired, "expired"), (Certificate::WrongName, "name")]
    {
        let server = Server::builder().tls(certificate).start().unwrap();
        let file = authority(&server);
        let path = file.path().to_str().unwrap();
        let ended = pushest(&words(&["listen", "a", "--tls", "--ca-file", path], &to(&server)));
        assert_eq!(ended.status, Some(1), "{ended:?}");
        assert!(ended.stderr.contains("certificate was refused"), "{ended:?}");
        assert!(ended.stderr.contains(text), "{ended:?}");
    }
}

#[test]
fn a_file_without_certificates_is_bad_input() {
    let server = Server::start_tls().unwrap();
    let file = NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let arguments = ["listen", "news", "--tls", "--ca-file", path];
    let ended = pushest(&words(&arguments, &to(&server)));
    assert_eq!(ended.status, Some(2), "{ended:?}");
    assert!(ended.stderr.contains(path), "{ended:?}");
}

#[test]
fn why_there_is_no_insecure_stands_beside_the_option_that_helps() {
    let ended = pushest(&["listen", "news", "--insecure"]);
    assert_eq!(ended.status, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("unexpected argument '--insecure'"), "{ended:?}");
    assert!(ended.stderr.contains("no --insecure") && ended.stderr.contains("--ca-file FILE"));
    for command in ["listen", "trigger", "members", "doctor"] {
        let help = pushest(&[command, "--help"]).stdout.join("\n");
        let text = help.split("--ca-file").nth(1).unwrap();
        assert!(text.contains("There is no --insecure."), "{help}");
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for reason in
            ["any machine on the way could pose as the server", "goes to production with it"]
        {
            assert!(words.contains(reason), "no {reason:?} in {help}");
        }
    }
}
