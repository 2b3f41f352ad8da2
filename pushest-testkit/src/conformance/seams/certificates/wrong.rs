//! Certificates that must not be trusted: what is wrong with them, and how that is said.

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, GeneralSubtree,
    IsCa, NameConstraints, SanType, date_time_ymd,
};

use super::identity::{Identity, Signs, authority, key, leaf, openssl, params};
use super::{OPENSSL, OPENSSL_KEY};

/// A certificate that must not be trusted.
pub(super) struct Wrong {
    pub(super) what: &'static str,
    /// What the user trusts (PEM).
    pub(super) given: String,
    pub(super) shown: Identity,
    /// Stands in what is said about it.
    pub(super) words: &'static str,
}

/// What is said of an authority in a server's place that was not given.
const AUTHORITY: &str = "CaUsedAsEndEntity";

/// What is said of one that is for something else.
const USAGE: &str = "does not allow extended key usage";

/// Of a self-signed certificate that is marked as an authority and that the user gave, something
/// else is wrong.
pub(super) fn given() -> Vec<Wrong> {
    let mut all = Vec::new();
    let mut add = |what, words, change: &dyn Fn(&mut CertificateParams)| {
        let mut params = openssl();
        change(&mut params);
        let signs = Signs::root(params);
        let shown = Identity::new(&[&signs.certificate], signs.key());
        all.push(Wrong { what, given: signs.certificate.pem(), shown, words });
    };
    // webpki looks at the dates before it looks whether it is an authority's: if that order changes,
    // these two are trusted.
    add("expired", "expired", &|params| {
        params.not_before = date_time_ymd(2019, 1, 1);
        params.not_after = date_time_ymd(2020, 1, 1);
    });
    add("not yet valid", "not valid yet", &|params| {
        params.not_before = date_time_ymd(3000, 1, 1);
        params.not_after = date_time_ymd(3001, 1, 1);
    });
    add("of another name", "not valid for", &|params| {
        params.subject_alt_names = vec![dns("wrong.example")];
    });
    add("of an address where a name is meant", "not valid for", &|params| {
        params.subject_alt_names = vec![SanType::IpAddress([127, 0, 0, 1].into())];
    });
    add("of no name but the subject's", "not valid for", &|params| {
        params.subject_alt_names = Vec::new();
    });
    add("for clients only", USAGE, &|params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    add("for signing code only", USAGE, &|params| {
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::CodeSigning, ExtendedKeyUsagePurpose::ClientAuth];
    });
    add("for any purpose, which is not a server's", USAGE, &|params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Any];
    });
    add("for no purpose", USAGE, &|params| {
        params.custom_extensions =
            vec![CustomExtension::from_oid_content(&[2, 5, 29, 37], vec![0x30, 0])];
    });
    add("with a purpose that cannot be read", "BadEncoding", &|params| {
        params.custom_extensions =
            vec![CustomExtension::from_oid_content(&[2, 5, 29, 37], vec![0x30, 2, 2, 0])];
    });
    add("with a critical extension that nobody knows", "UnsupportedCriticalExtension", &|params| {
        let mut unknown = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 7], vec![5, 0]);
        unknown.set_criticality(true);
        params.custom_extensions = vec![unknown];
    });

    let signs = Signs::root(openssl());
    all.push(Wrong {
        what: "shown by a server without its key",
        given: signs.certificate.pem(),
        shown: Identity::new(&[&signs.certificate], &key()),
        words: "BadSignature",
    });
    all.push(Wrong {
        what: "shown by a server without its key, over TLS 1.2",
        given: signs.certificate.pem(),
        shown: Identity::new(&[&signs.certificate], &key()).of_tls12(),
        words: "BadSignature",
    });
    let again = openssl().self_signed(signs.key()).expect("signed");
    all.push(Wrong {
        what: "another certificate by the same key",
        given: signs.certificate.pem(),
        shown: Identity::new(&[&again], signs.key()),
        words: AUTHORITY,
    });
    let mut changed = Identity::new(&[&signs.certificate], signs.key());
    change_last_byte(&mut changed);
    all.push(Wrong {
        what: "the same but for one bit of its signature",
        given: signs.certificate.pem(),
        shown: changed,
        words: AUTHORITY,
    });
    for (what, pem, words) in [
        ("of version 1", include_str!("version1.pem"), "UnsupportedCertVersion"),
        ("signed with SHA-1", include_str!("sha1.pem"), "nsupportedSignatureAlgorithm"),
    ] {
        let shown = Identity::from_pem(pem, OPENSSL_KEY);
        all.push(Wrong { what, given: pem.to_owned(), shown, words });
    }
    all
}

/// Returns certificates to refuse where the user gave an authority that signs servers, and the
/// self-signed certificate of one server: what is shown is neither that one nor a good one that the
/// authority signed.
pub(super) fn others() -> Vec<Wrong> {
    let root = Signs::root(authority(params("root", &[])));
    let given = [&root.certificate.pem(), OPENSSL].concat();
    let mut all = Vec::new();
    let mut add = |what, words, shown| {
        all.push(Wrong { what, given: given.clone(), shown, words });
    };
    let signed = |change: &dyn Fn(&mut CertificateParams)| {
        let (mut params, key) = (leaf(), key());
        change(&mut params);
        Identity::new(&[&root.sign(&params, &key)], &key)
    };

    add("an expired one", "expired", signed(&|it| it.not_after = date_time_ymd(2020, 1, 1)));
    add(
        "one of the future",
        "not valid yet",
        signed(&|it| it.not_before = date_time_ymd(3000, 1, 1)),
    );
    let names = |names: Vec<SanType>| signed(&move |it| it.subject_alt_names.clone_from(&names));
    add("one of another name", "not valid for", names(vec![dns("wrong.example")]));
    add("one of a name below", "not valid for", names(vec![dns("a.localhost")]));
    add("one of all names below", "not valid for", names(vec![dns("*.localhost")]));
    add(
        "one of the address",
        "not valid for",
        names(vec![SanType::IpAddress([127, 0, 0, 1].into())]),
    );
    add("one of no name but the subject's", "not valid for", names(Vec::new()));
    let client = ExtendedKeyUsagePurpose::ClientAuth;
    add("one for clients", USAGE, signed(&|it| it.extended_key_usages = vec![client.clone()]));
    add(
        "an authority under the given one",
        AUTHORITY,
        signed(&|it| {
            it.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }),
    );
    let mut changed = signed(&|_| {});
    change_last_byte(&mut changed);
    add("one whose signature was changed", "BadSignature", changed);

    let server = key();
    let own = |signs: &Signs| Identity::new(&[&signs.certificate], signs.key());
    add("the authority itself, which has no name", "not valid for", own(&root));
    add("a stranger that looks like the given one", AUTHORITY, own(&Signs::root(openssl())));
    add("a stranger that is no authority", "UnknownIssuer", own(&Signs::root(leaf())));
    let bundled = authority(params("ISRG Root X1", &["localhost"]));
    add("a stranger by the name of a bundled root", AUTHORITY, own(&Signs::root(bundled)));
    let stranger = Signs::root(authority(params("stranger", &[])));
    let by_stranger = stranger.sign(&leaf(), &server);
    add("one that a stranger signed", "UnknownIssuer", Identity::new(&[&by_stranger], &server));
    let shown = Identity::new(&[&by_stranger, &stranger.certificate], &server);
    add("one with the stranger that signed it", "UnknownIssuer", shown);
    let namesake = Signs::root(authority(params("root", &[])));
    let shown = Identity::new(&[&namesake.sign(&leaf(), &server)], &server);
    add("one that a namesake of the authority signed", "BadSignature", shown);

    let mut below = |what, words, change: &dyn Fn(&mut CertificateParams)| {
        let mut params = authority(params("below", &[]));
        change(&mut params);
        let between = Signs::under(params, &root);
        let certificate = between.sign(&leaf(), &server);
        add(what, words, Identity::new(&[&certificate, &between.certificate], &server));
    };
    below("one under an expired authority", "expired", &|params| {
        params.not_after = date_time_ymd(2020, 1, 1);
    });
    below("one under a certificate that is no authority", "EndEntityUsedAsCa", &|params| {
        params.is_ca = IsCa::ExplicitNoCa;
    });
    below("one under an authority for clients", USAGE, &|params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    below("one under an authority for other names", "NameConstraintViolation", &|params| {
        let permitted_subtrees = vec![GeneralSubtree::DnsName("example.org".to_owned())];
        let excluded_subtrees = Vec::new();
        params.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees });
    });
    let between = Signs::under(authority(params("between", &[])), &root);
    let certificate = between.sign(&leaf(), &server);
    let shown = Identity::new(&[&certificate], &server);
    add("one without the authority between", "UnknownIssuer", shown);
    let mut params = authority(self::params("short", &[]));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let short = Signs::under(params, &root);
    let deep = Signs::under(authority(self::params("deep", &[])), &short);
    let certificate = deep.sign(&leaf(), &server);
    let chain = [&certificate, &deep.certificate, &short.certificate];
    add("one too deep", "PathLenConstraintViolated", Identity::new(&chain, &server));
    all
}

fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().expect("ASCII"))
}

/// The last byte is the signature's.
fn change_last_byte(shown: &mut Identity) {
    let mut bytes = shown.chain[0].to_vec();
    *bytes.last_mut().expect("a certificate has bytes") ^= 1;
    shown.chain[0] = bytes.into();
}
