//! Report: pages and the JSON beside them, made from one value. Same input, same bytes. Knows no store and no network.

pub mod chart;
pub mod digest;
pub mod document;
pub(crate) mod escape;
mod figure;
mod files;
mod html;
pub mod input;
pub mod leader;
#[cfg(test)]
mod leader_tests;
mod link;
mod page;
mod rounding;
mod view;
pub mod words;

pub use files::{prune, put_notice, write};
pub use html::{File, ReportError, render};
pub use leader::render_leader;

#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;
