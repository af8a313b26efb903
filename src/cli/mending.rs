//! Whether the store is whole, and what to do where it is not.

use super::commands;
use crate::config::Config;
use crate::pipeline::{ExitCode, Failure};
use crate::store::{self, Place, Repaired, Verified};

fn none(config: &Config) -> Failure {
    let place = config.store.path.display();
    Failure::configuration(format!("there is no store at {place} yet; `undercurrent run` makes it"))
}

/// Reads every file of the store.
///
/// # Errors
/// [`Failure`] with its exit code; with faults the exit code is 7.
pub(super) fn verify(file: &std::path::Path) -> Result<ExitCode, Failure> {
    let config = Config::load(file)?;
    let Verified { files, rows, faults } = store::verify(&Place::from(&config.store))?.ok_or_else(|| none(&config))?;
    for fault in &faults {
        commands::print(&format!("DAMAGED {}: {}\n", fault.path.display(), fault.reason));
    }
    commands::print(&format!("{files} files with {rows} rows were read; {} are damaged.\n", faults.len()));
    if faults.is_empty() {
        return Ok(ExitCode::Complete);
    }
    commands::print("`undercurrent repair` lays them aside; the next night reads their sources again.\n");
    Ok(ExitCode::Unreadable)
}

/// Lays damaged files aside.
///
/// # Errors
/// [`Failure`] with its exit code.
pub(super) fn repair(file: &std::path::Path) -> Result<ExitCode, Failure> {
    let config = Config::load(file)?;
    let repaired = store::repair(&Place::from(&config.store))?.ok_or_else(|| none(&config))?;
    commands::print(&told(&repaired));
    Ok(ExitCode::Complete)
}

fn told(repaired: &Repaired) -> String {
    let Repaired { manifest_of, faults, read_again, recalled, lost } = repaired;
    if faults.is_empty() && manifest_of.is_none() {
        return "Nothing is damaged, and nothing was changed.\n".to_owned();
    }
    let mut text = String::new();
    if let Some(number) = manifest_of {
        text.push_str(&format!(
            "The manifest could not be read: that of version {number} took its place; what came since is read again.\n"
        ));
    }
    for fault in faults {
        text.push_str(&format!("laid aside: {} ({})\n", fault.path.display(), fault.reason));
    }
    let list = |names: &std::collections::BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(", ");
    if !read_again.is_empty() {
        text.push_str(&format!(
            "The next night reads these sources again from their beginning: {}.\n",
            list(read_again)
        ));
    }
    if !recalled.is_empty() {
        text.push_str(&format!("Came back from an older version: {}.\n", list(recalled)));
    }
    if !lost.is_empty() {
        text.push_str(&format!(
            "Lost, since no older version has it whole: {}. Rosters of past weeks are read anew from the configuration.\n",
            list(lost)
        ));
    }
    text
}

/// Lists older versions, or goes back to one.
///
/// # Errors
/// [`Failure`] with its exit code.
pub(super) fn rollback(file: &std::path::Path, to: Option<u64>) -> Result<ExitCode, Failure> {
    let config = Config::load(file)?;
    let place = Place::from(&config.store);
    let all = store::versions(&place)?;
    let Some(number) = to else {
        if all.is_empty() {
            return Err(none(&config));
        }
        for (number, rows) in &all {
            commands::print(&format!("{number}: {rows} rows\n"));
        }
        commands::print("The last one is the present. `undercurrent rollback --to NUMBER` goes back to another.\n");
        return Ok(ExitCode::Complete);
    };
    if !store::rollback(&place, number)? {
        let known: Vec<String> = all.iter().map(|(number, _)| number.to_string()).collect();
        return Err(Failure::configuration(format!("there is no version {number}; there are: {}", known.join(", "))));
    }
    commands::print(&format!(
        "Version {number} is the present one again; what came since is read again by the next night.\n"
    ));
    Ok(ExitCode::Complete)
}
