//! The nouns: plain records, accounts, spans of time and working days. No input, no output, no clock.

pub mod account;
pub mod batch;
pub mod cursor;
pub mod evidence;
pub mod records;
pub mod time;

pub use account::{Account, AccountKind, BOT, Pseudonyms};
pub use batch::{Batch, Gone, Replaced};
pub use cursor::{Cursor, Cursors, Resume, ScopeId};
pub use evidence::EvidenceRow;
