//! The one binary of the integration tests.

mod calendar_bombs;
mod calendars;
