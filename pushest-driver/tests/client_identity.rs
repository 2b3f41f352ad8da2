//! A client's certificate and key: what is wrong with them is said by part and rule, before there is a client,
//! and nothing of the key with it.
#![cfg(feature = "tls-ring")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pushest_driver::face::Settings;
use pushest_driver::{BuildError, Options, OptionsError, Roots, rustls};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};

/// A certificate of today, and its key, in PEM.
fn identity() -> (String, String) {
    dated(|_| {})
}

fn dated(change: impl FnOnce(&mut CertificateParams)) -> (String, String) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::default();
    change(&mut params);
    (params.self_signed(&key).expect("signed").pem(), key.serialize_pem())
}

/// What stands between the lines of a section.
fn body(pem: &str) -> String {
    pem.lines().filter(|line| !line.starts_with("-----")).collect::<Vec<_>>().join("\n")
}

fn section(label: &str, body: &str) -> String {
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

/// Returns the error's text, in which there is nothing of the key.
fn refused(pem: &str, key: &str) -> String {
    let error = Options::default().client_identity(pem).expect_err("it must be refused");
    assert!(matches!(error, OptionsError::ClientIdentity { .. }), "{error:?}");
    shows_nothing_of(key, &format!("{error} {error:?}"));
    error.to_string()
}

fn shows_nothing_of(key: &str, text: &str) {
    let body: String = body(key).split_whitespace().collect();
    for start in 0..body.len().saturating_sub(12) {
        let part = &body[start..start + 12];
        assert!(!text.contains(part), "{text} shows {part}");
        // As a list of bytes, too.
        let bytes = format!("{:?}", &part.as_bytes()[..6]);
        assert!(!text.contains(bytes.trim_matches(['[', ']'])), "{text} shows {part}");
    }
}

#[test]
fn an_identity_is_taken_in_any_order_and_with_other_text_around() {
    let (certificate, key) = identity();
    for pem in [
        format!("{certificate}{key}"),
        format!("{key}{certificate}"),
        format!("Bag Attributes\n  friendlyName: x\n{certificate}\nmore\n{key}")
            .replace('\n', "\r\n"),
        format!("{certificate}{}{key}", section("EC PARAMETERS", "BggqhkjOPQMBBw==")),
    ] {
        let options = Options::default().client_identity(&pem).expect("an identity");
        let shown = format!("{options:?}");
        assert!(shown.contains("identity: Some(Identity { chain: 1"), "{shown}");
        shows_nothing_of(&key, &shown);
    }
}

#[test]
fn what_is_no_identity_is_refused_by_part_and_rule_and_shows_nothing_of_the_key() {
    let (certificate, key) = identity();
    let (_, other) = identity();
    let ed25519 = include_str!("keys/ed25519-pkcs8.pem");
    let line = format!("-----BEGIN PRIVATE KEY-----{}-----END PRIVATE KEY-----", body(&key));
    for (pem, words) in [
        (
            format!("{}{ed25519}", include_str!("keys/certificate-v1.pem")),
            "the first certificate is one of X.509 version 1, and must be one of version 3",
        ),
        (String::new(), "it is empty"),
        (" \n\t".to_string(), "it is empty"),
        ("junk".to_string(), "there is no certificate in it"),
        (certificate.clone(), "there is no private key in it"),
        (key.clone(), "there is no certificate in it, but a PRIVATE KEY"),
        (format!("{certificate}{other}"), "does not fit the first certificate"),
        (format!("{certificate}{ed25519}"), "does not fit the first certificate"),
        (format!("{certificate}{key}{other}"), "there are 2 private keys in it, and must be one"),
        (format!("{certificate}{key}{key}"), "there are 2 private keys in it, and must be one"),
        (
            format!("{certificate}{}", section("ENCRYPTED PRIVATE KEY", &body(&key))),
            "the private key is encrypted",
        ),
        (
            format!(
                "{certificate}{}",
                section(
                    "RSA PRIVATE KEY",
                    &format!("Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n{}", body(&key))
                )
            ),
            "the private key is encrypted",
        ),
        (
            format!("{certificate}{}", section("OPENSSH PRIVATE KEY", &body(&key))),
            "the private key is a OPENSSH PRIVATE KEY, and must be in PKCS #8, PKCS #1 or SEC 1",
        ),
        (format!("{certificate}{}", section("PRIVATE KEY", "AAAA")), "is none that can be used"),
        (format!("{certificate}{}", section("PRIVATE KEY", "")), "is none that can be used"),
        (
            format!("{certificate}{}", section("EC PRIVATE KEY", &body(&key))),
            "none that can be used",
        ),
        (format!("{certificate}{}", section("PRIVATE KEY", "%%%%")), "is not base64"),
        (format!("{certificate}{line}"), "need a line of their own"),
        (format!("{certificate}{}", key.replace("-----END", "")), "has no line -----END"),
        (certificate.clone() + &key.replace("END PRIVATE", "END EC PRIVATE"), "ends nothing"),
        (
            format!("{}{key}", section("CERTIFICATE", "AAAA")),
            "certificate 1 in it is not a certificate",
        ),
        (
            format!("{certificate}{}{key}", section("CERTIFICATE", &body(&key))),
            "certificate 2 in it is not a certificate",
        ),
        (format!("{}{key}", section("CERTIFICATE", "%")), "certificate 1 in it is not base64"),
    ] {
        let error = refused(&pem, &key);
        assert!(error.contains("the client identity cannot be used: "), "{error}");
        assert!(error.contains(words), "{words:?} is not in {error:?}");
    }
    let error = Options::default().client_identity([0x30, 0x82, 0xff]).expect_err("DER");
    assert!(error.to_string().contains("it is not text"), "{error}");
}

#[test]
fn a_certificate_that_has_expired_or_is_not_valid_yet_is_refused_with_its_date() {
    let (certificate, key) = dated(|params| {
        params.not_before = date_time_ymd(2019, 1, 1);
        params.not_after = date_time_ymd(2020, 1, 1);
    });
    let error = refused(&format!("{certificate}{key}"), &key);
    assert!(error.contains("certificate 1 in it expired at 2020-01-01T00:00:00Z"), "{error}");
    let (fresh, own_key) = identity();
    let error = refused(&format!("{fresh}{certificate}{own_key}"), &own_key);
    assert!(error.contains("certificate 2 in it expired at 2020-01-01"), "{error}");
    let (certificate, key) = dated(|params| {
        params.not_before = date_time_ymd(2900, 1, 1);
        params.not_after = date_time_ymd(3000, 1, 1);
    });
    let error = refused(&format!("{certificate}{key}"), &key);
    assert!(error.contains("certificate 1 in it is not valid before 2900-01-01"), "{error}");
}

/// A folder that is gone with the value.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("pushest-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).expect("written");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn of_two_files_the_one_that_is_wrong_is_named() {
    let folder = Folder::new("identity-files");
    let (certificate, key) = identity();
    let (_, other) = identity();
    let certificate_file = folder.file("client.pem", &certificate);
    let key_file = folder.file("client-key.pem", &key);
    let both = folder.file("both.pem", &format!("{key}{certificate}"));
    let open = |certificates: &Path, key: &Path| {
        Options::default().client_identity_files(certificates, key)
    };
    open(&certificate_file, &key_file).expect("an identity");
    open(&both, &both).expect("an identity in one file");

    let (missing, empty) = (folder.0.join("missing.pem"), folder.file("empty.pem", ""));
    let stranger = folder.file("other-key.pem", &other);
    for (certificates, private, named, words) in [
        (&missing, &key_file, &missing, "No such file"),
        (&certificate_file, &missing, &missing, "No such file"),
        (&folder.0, &key_file, &folder.0, "directory"),
        (&certificate_file, &folder.0, &folder.0, "directory"),
        (&empty, &key_file, &empty, "it is empty"),
        (&certificate_file, &empty, &empty, "it is empty"),
        (&key_file, &key_file, &key_file, "there is no certificate in it, but a PRIVATE KEY"),
        (&certificate_file, &certificate_file, &certificate_file, "there is no private key in it"),
        (&certificate_file, &stranger, &stranger, "does not fit the first certificate"),
    ] {
        let error = open(certificates, private).expect_err("it must be refused");
        let OptionsError::ClientIdentityFile { path, problem } = &error else {
            panic!("{error:?}")
        };
        assert_eq!((path, problem.contains(words)), (named, true), "{error}");
        shows_nothing_of(&key, &format!("{error:?}"));
        shows_nothing_of(&other, &format!("{error:?}"));
    }
    // The authorities of servers are read as carefully.
    let line = format!("-----BEGIN PRIVATE KEY-----{}-----END PRIVATE KEY-----", body(&key));
    for pem in [line, section("PRIVATE KEY", &body(&key)), key.replace("-----END", "")] {
        let error = Options::default().ca_pem(&pem).expect_err("no certificate");
        shows_nothing_of(&key, &format!("{error} {error:?}"));
        let error = Options::default().ca_file(folder.file("ca.pem", &pem)).expect_err("none");
        shows_nothing_of(&key, &format!("{error} {error:?}"));
    }
}

fn finished(change: impl FnOnce(Options) -> Options) -> String {
    let settings = Settings::default().config(|config| config.key("app-key")).option(change);
    match settings.finish() {
        Err(BuildError::Options(error)) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_does_not_go_together_is_refused_without_a_builder_too() {
    use pushest_driver::{Config, StartError, unstable};

    let config = Config::builder("app-key").host("h").build().expect("valid");
    let options = Options::default().roots(Roots::Given);
    let error = unstable::ready(&config, options).expect_err("there are none");
    assert!(matches!(error, StartError::Options(OptionsError::Tls { .. })), "{error:?}");

    let twice = ["bücher.example", "xn--bcher-kva.example"];
    let config = Config::builder("app-key").endpoints(twice).build().expect("valid to the core");
    let error = unstable::ready(&config, Options::default()).expect_err("they are the same");
    assert!(matches!(error, StartError::Config(_)), "{error:?}");
    assert!(twice.iter().all(|name| error.to_string().contains(name)), "{error}");
}

#[test]
fn options_about_tls_that_exclude_each_other_are_refused_by_name() {
    let (certificate, key) = identity();
    let pem = format!("{certificate}{key}");
    let text = finished(|it| it.tls_config(own()).client_identity(&pem).expect("an identity"));
    assert_eq!(text, "client_identity: `tls_config` stands for it: set it there");
    let text = finished(|it| it.client_identity(&pem).expect("an identity").tls_config(own()));
    assert_eq!(text, "client_identity: `tls_config` stands for it: set it there");
    let text = finished(|it| it.roots(Roots::BuiltIn).tls_config(own()));
    assert_eq!(text, "roots: `tls_config` stands for it: set them there");
    let text = finished(|it| it.roots(Roots::Given));
    assert_eq!(text, "roots: none but given authorities are trusted, and none is given");
}

/// A configuration of the user's own.
fn own() -> Arc<rustls::ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().expect("versions");
    let roots = rustls::RootCertStore::empty();
    Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Identities that rustls does not take with ring, and what it says.
#[cfg(not(feature = "tls-aws-lc"))]
const NOT_FOR_RUSTLS: [(&str, &str); 2] = [
    (
        include_str!("keys/p256-version-1.pem"),
        "is one of X.509 version 1, and must be one of version 3",
    ),
    (include_str!("keys/p521.pem"), "the curves P-256 and P-384, with aws-lc also P-521"),
];

#[cfg(not(any(feature = "native-tls", feature = "tls-aws-lc")))]
#[test]
fn what_rustls_does_not_take_is_refused_by_what_it_takes() {
    for (pem, words) in NOT_FOR_RUSTLS {
        let text = refused(pem, pem.split("-----BEGIN CERT").next().expect("the key"));
        assert!(text.contains(words), "{text}");
    }
}

#[cfg(all(feature = "native-tls", not(feature = "tls-aws-lc")))]
#[test]
fn an_identity_is_asked_about_of_the_library_that_speaks_in_whatever_order_it_is_chosen() {
    use pushest_driver::TlsBackend::{NativeTls, Rustls};

    for (pem, words) in NOT_FOR_RUSTLS {
        for change in [
            |it: Options, pem: &str| it.tls_backend(NativeTls).client_identity(pem),
            |it: Options, pem: &str| Ok(it.client_identity(pem)?.tls_backend(NativeTls)),
        ] {
            let settings = Settings::default().config(|config| config.key("app-key"));
            settings.try_option(|it| change(it, pem)).finish().expect("OpenSSL takes it");
        }
        for change in [
            |it: Options, pem: &str| it.client_identity(pem),
            |it: Options, pem: &str| {
                Ok(it.tls_backend(NativeTls).client_identity(pem)?.tls_backend(Rustls))
            },
        ] {
            let text = finished(|it| change(it, pem).expect("for another library"));
            assert!(text.starts_with("client_identity: ") && text.contains(words), "{text}");
            shows_nothing_of(pem.split("-----BEGIN CERT").next().expect("the key"), &text);
        }
    }
    // What none takes is refused at once.
    let (certificate, _) = identity();
    let (_, other) = identity();
    refused(&format!("{certificate}{other}"), &other);
}

#[cfg(feature = "native-tls")]
#[test]
fn what_native_tls_cannot_do_is_refused_by_name() {
    use pushest_driver::TlsBackend::NativeTls;

    let text = finished(|it| it.tls_config(own()).tls_backend(NativeTls));
    assert_eq!(text, "tls_config: it is for rustls, and `tls_backend` names another library");
    let text = finished(|it| it.roots(Roots::BuiltIn).tls_backend(NativeTls));
    assert_eq!(text, "roots: native-tls has no built-in authorities, but the system's");

    for (sealed, form) in [
        (include_str!("keys/p256-sec1.pem"), "SEC 1 (EC PRIVATE KEY)"),
        (include_str!("keys/rsa-pkcs1.pem"), "PKCS #1 (RSA PRIVATE KEY)"),
    ] {
        let known = match form.starts_with("SEC") {
            true => include_str!("keys/p256-pkcs8.pem"),
            false => include_str!("keys/rsa-pkcs8.pem"),
        };
        let known_key = KeyPair::from_pem(known).expect("a key");
        let certificate =
            CertificateParams::default().self_signed(&known_key).expect("signed").pem();
        let pem = format!("{certificate}{sealed}");
        let text =
            finished(|it| it.tls_backend(NativeTls).client_identity(&pem).expect("for rustls"));
        assert!(
            text.starts_with("client_identity: native-tls takes private keys in PKCS #8"),
            "{text}"
        );
        assert!(text.contains(form), "{text}");
        shows_nothing_of(sealed, &text);
        // The same key in the form that it takes.
        let pem = format!("{certificate}{known}");
        let settings = Settings::default().config(|config| config.key("app-key"));
        let settings = settings
            .option(|it| it.tls_backend(NativeTls).client_identity(&pem).expect("an identity"));
        settings.finish().expect("an identity");
    }
}
