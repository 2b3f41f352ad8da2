//! The authorities that the system trusts, as `SSL_CERT_FILE` and `SSL_CERT_DIR` name them. Those are the
//! process's, so that each case is a process of its own: this program, started again.
#![cfg(any(feature = "native-roots", feature = "native-tls"))]

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use pushest_testkit::Server;
use pushest_tokio::{BuildError, Client, ClientBuilder, OptionsError, Roots};

/// The variables for the process that is started again: the port to dial, and the case.
const PORT: &str = "PUSHEST_TEST_PORT";
const CASE: &str = "PUSHEST_TEST_CASE";

/// The name of a case, and what it chooses about trust.
type Case = (&'static str, fn(ClientBuilder) -> ClientBuilder);

const CASES: &[Case] = &[
    #[cfg(feature = "native-roots")]
    ("the default", |builder| builder),
    #[cfg(feature = "tls")]
    ("the system's alone", |builder| builder.roots(Roots::System)),
    #[cfg(feature = "native-tls")]
    ("native-tls", |builder| builder.tls_backend(pushest_tokio::TlsBackend::NativeTls)),
];

/// Runs the test of this name again, with these authorities as the system's; returns what it printed.
fn again(test: &str, case: &str, server: &Server, file: &Path, folder: &Path) -> String {
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.args(["--exact", test, "--nocapture"]);
    command.env(CASE, case).env(PORT, server.port().to_string());
    command.env("SSL_CERT_FILE", file).env("SSL_CERT_DIR", folder);
    let output = command.output().expect("it runs");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{printed} {}", String::from_utf8_lossy(&output.stderr));
    let outcome = printed.split_once("outcome: ").and_then(|(_, rest)| rest.lines().next());
    outcome.expect("it says what has come of it").to_owned()
}

/// Returns whether this process was started again, in which case it has dialled and said what came of it.
fn has_dialled() -> bool {
    let (Ok(case), Ok(port)) = (env::var(CASE), env::var(PORT)) else { return false };
    let (_, choose) = CASES.iter().find(|(name, _)| *name == case).expect("a case");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = runtime.expect("a runtime").block_on(async {
        let builder = Client::builder("app-key").secret("app-secret").host("localhost").tls(true);
        let builder = builder.port(port.parse().expect("a port")).stop_on_refusal(true);
        let client = choose(builder).build().expect("a good configuration");
        client.attempted().await.map_err(|error| error.to_string())
    });
    println!("outcome: {}", outcome.map_or_else(|error| error, |_| "connected".to_owned()));
    true
}

/// A folder that is gone with the value, and in it the server's authority and an empty folder.
struct Store(std::path::PathBuf);

impl Store {
    fn new(server: &Server, name: &str) -> Self {
        let path = env::temp_dir().join(format!("pushest-{name}-{}", std::process::id()));
        fs::create_dir_all(path.join("empty")).expect("folders");
        let authority = server.authority_pem().expect("a TLS server");
        fs::write(path.join("ca.pem"), authority).expect("written");
        fs::write(path.join("none.pem"), "no certificate\n").expect("written");
        Self(path)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn an_authority_of_the_systems_is_trusted() {
    if has_dialled() {
        return;
    }
    let server = Server::start_tls().expect("a server");
    let store = Store::new(&server, "trusted");
    let (file, folder) = (store.0.join("ca.pem"), store.0.join("empty"));
    for (case, _) in CASES {
        let outcome =
            again("an_authority_of_the_systems_is_trusted", case, &server, &file, &folder);
        assert_eq!(outcome, "connected", "{case}");
    }
}

#[test]
fn a_store_of_the_systems_without_authorities_is_an_error_that_says_so() {
    if has_dialled() {
        return;
    }
    let test = "a_store_of_the_systems_without_authorities_is_an_error_that_says_so";
    let server = Server::start_tls().expect("a server");
    let store = Store::new(&server, "empty");
    let folder = store.0.join("empty");
    for file in ["none.pem", "missing.pem"] {
        for (case, _) in CASES {
            let outcome = again(test, case, &server, &store.0.join(file), &folder);
            let words = match *case {
                // Mozilla's list is there.
                "the default" => "UnknownIssuer",
                _ => "no certificate authority is trusted: the system's store is empty",
            };
            assert!(outcome.contains(words), "{case}: {outcome}");
            let is_named = file == "none.pem" || *case == "the default" || outcome.contains(file);
            assert!(is_named, "{case}: {outcome}");
        }
    }
    assert_eq!(server.inspect(|view| view.upgrades), 0);
}

#[tokio::test]
async fn none_but_given_authorities_means_none_of_the_systems() {
    let error = Client::builder("app-key").roots(Roots::Given).build().expect_err("there is none");
    let BuildError::Options(OptionsError::Tls { option, .. }) = &error else { panic!("{error:?}") };
    assert_eq!(*option, "roots");
    let server = Server::start_tls().expect("a server");
    let builder = Client::builder("app-key").secret("app-secret").host("localhost").tls(true);
    let builder = builder.port(server.port()).roots(Roots::Given);
    let client = builder.ca_pem(server.authority_pem().expect("a TLS server")).build();
    client.expect("a good configuration").attempted().await.expect("connected");
}
