//! **undercurrent**: a nightly report that prompts engineering leaders to open a conversation instead of judging.
//!
//! The modules stand in the order in which the data flows.
#![forbid(unsafe_code)]

pub mod catalogue;
pub mod cli;
pub mod collect;
pub mod config;
pub mod deliver;
pub mod demo;
pub mod follow_ups;
pub mod language;
pub mod measure;
pub mod model;
pub mod notice;
pub mod pipeline;
pub mod reliability;
pub mod report;
pub mod store;
