//! The integration tests: one binary, one module a subject.
#![forbid(unsafe_code)]

mod graphql;
mod recorded;
mod support;
mod tidy;
