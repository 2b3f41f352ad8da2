//! The first programs of the READMEs say why they do not work.

pushest_conformance::first_programs! {
    "pushest_blocking",
    ["README.md", "../README.md"],
    simple in "simple.rs",
    connection in "connection.rs"
}
