//! Nothing: the tests are what this package is for.
#![forbid(unsafe_code)]
