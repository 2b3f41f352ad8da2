//! The first programs of the READMEs say why they do not work.

pushest_conformance::first_programs! {
    "pushest_blocking",
    ["README.md", "../docs/runtimes.md"],
    simple in "simple.rs",
    connection in "connection.rs"
}
