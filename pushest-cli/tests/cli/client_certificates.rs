//! Servers that demand a certificate of their clients.

use std::path::PathBuf;

use pushest_testkit::{Certificate, Server};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};

use crate::support::{pushest, to, words};

/// A folder with what a client needs, and a server that demands it.
struct Demanding {
    server: Server,
    folder: tempfile::TempDir,
    authority: (CertificateParams, KeyPair),
}

impl Demanding {
    fn new(authority: &str) -> Self {
        let (mut params, key) = (CertificateParams::default(), KeyPair::generate().unwrap());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, authority);
        let pem = params.self_signed(&key).unwrap().pem();
        let builder = Server::builder().tls(Certificate::Valid);
        let server = builder.client_authority(pem.as_bytes()).unwrap().start().unwrap();
        let demanding =
            Self { server, folder: tempfile::tempdir().unwrap(), authority: (params, key) };
        demanding.file("ca.pem", demanding.server.authority_pem().unwrap());
        let (certificate, key) = demanding.signed(|_| {});
        demanding.file("client.pem", &certificate);
        demanding.file("client-key.pem", &key);
        demanding.file("both.pem", &format!("{key}{certificate}"));
        demanding
    }

    /// A certificate of the authority's, and its key.
    fn signed(&self, change: impl FnOnce(&mut CertificateParams)) -> (String, String) {
        let (params, key) = &self.authority;
        let (mut client, own) = (CertificateParams::default(), KeyPair::generate().unwrap());
        change(&mut client);
        let signed = client.signed_by(&own, &Issuer::from_params(params, key)).unwrap();
        (signed.pem(), own.serialize_pem())
    }

    fn path(&self, name: &str) -> String {
        let path: PathBuf = self.folder.path().join(name);
        path.to_str().unwrap().to_owned()
    }

    fn file(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    /// The command with the server's address and authority, and these options.
    fn run(&self, command: &[&str], options: &[&str]) -> crate::support::Ended {
        let ca_file = self.path("ca.pem");
        let tls = ["--tls", "--ca-file", &ca_file];
        pushest(&words(&[command, &tls, options].concat(), &to(&self.server)))
    }
}

#[test]
fn a_certificate_is_shown_by_every_client_and_by_what_publishes() {
    let demanding = Demanding::new("clients");
    let [certificate, key, both] =
        ["client.pem", "client-key.pem", "both.pem"].map(|name| demanding.path(name));
    for runtime in ["tokio", "async-std", "blocking"] {
        let command = ["members", "presence-room", "--runtime", runtime];
        let ended = demanding.run(&command, &["--client-cert", &certificate, "--client-key", &key]);
        assert_eq!(ended.status, Some(0), "{ended:?}");
        let ended = demanding.run(&command, &["--client-cert", &both]);
        assert_eq!(ended.status, Some(0), "{ended:?}");
    }
    let command = ["publish", "orders", "shipped", "--app-id", "1"];
    let ended = demanding.run(&command, &["--client-cert", &certificate, "--client-key", &key]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
}

#[test]
fn a_server_that_demands_one_says_so_where_there_is_none_or_a_strangers() {
    let (demanding, strangers) = (Demanding::new("clients"), Demanding::new("strangers"));
    let members = ["members", "presence-room", "--timeout", "2"];
    let ended = demanding.run(&members, &[]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("demands a certificate of its clients"), "{ended:?}");
    let other = strangers.path("both.pem");
    let ended = demanding.run(&members, &["--client-cert", &other]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("refuses this client's certificate"), "{ended:?}");
    let ended = demanding.run(&["doctor", "--timeout", "2"], &[]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stdout.join("\n").contains("--client-cert FILE"), "{ended:?}");
    let ended = demanding.run(&["publish", "orders", "shipped", "--app-id", "1"], &[]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("demands a certificate of its clients"), "{ended:?}");
    assert!(!ended.stderr.contains("may have"), "{ended:?}");
    assert_eq!(demanding.server.inspect(|view| view.upgrades), 0);
}

#[test]
fn what_is_no_certificate_or_no_key_is_bad_input_by_file_and_rule() {
    let demanding = Demanding::new("clients");
    let [certificate, key] = ["client.pem", "client-key.pem"].map(|name| demanding.path(name));
    let (expired, expired_key) =
        demanding.signed(|params| params.not_after = date_time_ymd(2020, 1, 1));
    let expired = demanding.file("expired.pem", &format!("{expired}{expired_key}"));
    let (_, other) = demanding.signed(|_| {});
    let other = demanding.file("other-key.pem", &other);
    let missing = demanding.path("missing.pem");
    let folder = demanding.folder.path().to_str().unwrap();
    let junk = demanding.file("junk.pem", "junk");
    let secret = std::fs::read_to_string(&key).unwrap();
    for (options, named, text) in [
        (&["--client-cert", &certificate][..], &*certificate, "there is no private key in it"),
        (&["--client-cert", &key], &key, "there is no certificate in it, but a PRIVATE KEY"),
        (&["--client-cert", &certificate, "--client-key", &other], &other, "does not fit"),
        (&["--client-cert", &expired], &expired, "expired at 2020-01-01"),
        (&["--client-cert", &missing], &missing, "No such file"),
        (&["--client-cert", folder], folder, "directory"),
        (&["--client-cert", &junk], &junk, "there is no certificate in it"),
        (&["--client-cert", &certificate, "--client-key", &junk], &junk, "no private key in it"),
        (&["--client-key", &key], "--client-cert", "required"),
    ] {
        let ended = demanding.run(&["listen", "news"], options);
        assert_eq!(ended.status, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(named) && ended.stderr.contains(text), "{text}: {ended:?}");
        for line in secret.lines().filter(|line| !line.starts_with("-----")) {
            assert!(!ended.stderr.contains(&line[..line.len().min(16)]), "{ended:?}");
        }
    }
    let options = ["listen", "news", "--client-cert", &*certificate, "--client-key", &key];
    let ended = pushest(&words(&options, &to(&demanding.server)));
    assert_eq!(ended.status, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("--client-cert is for TLS"), "{ended:?}");
}
