//! The program against a server that is not ours, which `PUSHEST_TEST_URL` names.

// For rustfmt, which looks for no file of a macro.
#[cfg(false)]
mod tests;

pushest_conformance::on_real_server! {
    mod tests;
}
