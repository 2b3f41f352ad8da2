//! The first programs of the READMEs say why they do not work.

pushest_conformance::first_programs! {
    "pushest_async_std",
    ["README.md", "../docs/runtimes.md"],
    simple in "simple.rs"
}
