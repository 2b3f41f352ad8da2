//! The first programs of the READMEs say why they do not work.

pushest_conformance::first_programs! {
    "pushest_tokio",
    ["README.md", "../README.md", "../docs/runtimes.md"],
    first in "first.rs",
    publishing in "publishing.rs",
    simple in "simple.rs"
}
