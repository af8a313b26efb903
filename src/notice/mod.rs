//! Notice: evidence becomes cards, quiet lines, or silence. A pure function that cannot fail; it knows no files, no
//! clock and no polars.

pub mod file;
#[cfg(test)]
mod guarantee_tests;
pub mod joint;
pub mod memory;
pub mod nights;
pub mod people;
pub mod periods;
pub mod replay;
mod rounds;
#[cfg(test)]
mod rounds_tests;
pub mod series;
pub mod since;
#[cfg(test)]
mod tests;
pub mod usual_range;
mod window;

pub use memory::{Memory, START, Thresholds};
pub use nights::{Card, Notices, Observation, SignalState, State, notice};
pub use periods::Periods;
pub use series::{Coverage, EvidenceRow, Form, Kept, Point, Settings, SignalSpec, TeamDay, TeamInput, exact, weeks};
