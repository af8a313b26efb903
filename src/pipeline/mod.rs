//! The night: collect, store, measure, notice, report. The only module that knows their order.

#[cfg(test)]
mod attack;
pub mod changes;
pub mod check;
pub mod chosen;
pub mod collect;
mod context;
pub mod deliver;
pub mod edition;
pub mod estimate;
mod exit;
pub mod freshness;
pub mod held;
pub mod history;
pub mod identities;
pub mod ledger;
pub mod night;
pub mod record;
pub mod replay;
pub mod retention;
pub mod roster;
mod sample;
pub mod selection;
pub mod shown;
pub mod single;
mod store_place;
pub mod surroundings;
pub mod teams;
pub mod wording;

pub use exit::{ExitCode, Failure};
pub use night::Finished;
pub use sample::sample;
pub use single::single;
