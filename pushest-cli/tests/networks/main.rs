//! The program where networks change, each test in a namespace of its own: `.ci/networks`.

// For rustfmt, which looks for no file of a macro.
#[cfg(false)]
mod in_networks;

pushest_conformance::in_networks! {
    mod in_networks;
}
