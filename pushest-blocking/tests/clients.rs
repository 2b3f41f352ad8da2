//! The client, its weak handle and its builder.

fn entered() {}

pushest_conformance::clients!(pushest_blocking, crate::entered);
