//! What not every server has, against the one that `PUSHEST_TEST_URL` names.

// For rustfmt, which looks for no file of a macro.
#[cfg(false)]
mod tests;

pushest_conformance::on_real_server! {
    mod tests;
}
