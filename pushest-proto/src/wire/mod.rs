//! The protocol's messages: taken apart and put together.

pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod envelope;
