//! The protocol's messages: taken apart and put together.

pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod envelope;
pub(crate) mod escapes;
pub(crate) mod lists;
mod masks;
pub(crate) mod number;
pub(crate) mod parts;
mod scan;
