//! The integration tests, in one binary.
#![forbid(unsafe_code)]

mod git;
mod mirror;
