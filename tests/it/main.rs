//! The integration tests: one binary, one module a subject.
#![forbid(unsafe_code)]

mod calendar_bombs;
mod calendars;
mod free_busy;
