//! What leaves the store on demand: what is old, everything about one person, and everything under an old key.

use std::io::{BufRead, Write};

use super::{Outside, Where, commands};
use crate::config::Config;
use crate::pipeline::retention::{self, Forgotten};
use crate::pipeline::{ExitCode, Failure};
use crate::store::{Counts, Store};

/// Who is to be forgotten.
#[derive(Clone, Debug, clap::Args)]
pub struct Asked {
    /// The person's id in the configuration.
    #[arg(value_name = "PERSON")]
    person: String,
    /// Only says what would be removed.
    #[arg(long)]
    dry_run: bool,
    /// Does not ask back.
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,
    #[command(flatten)]
    place: Where,
}

/// The store for writing; only where there is one.
fn writer(config: &Config, outside: &Outside<'_>) -> Result<Store, Failure> {
    commands::reader(config)?;
    let mut store = Store::open(&config.store, outside.random)?;
    store.leave_out(&config.marks());
    Ok(store)
}

/// Takes out what is older than `keep-days`.
///
/// # Errors
/// [`Failure`] with its exit code.
pub(super) fn purge(place: &Where, outside: &Outside<'_>) -> Result<ExitCode, Failure> {
    let config = Config::load(&place.config)?;
    let as_of = place.as_of.unwrap_or(outside.now);
    let counts = retention::purge(&config, &mut writer(&config, outside)?, as_of)?;
    let pages = retention::prune_pages(&config, as_of)?;
    let first = crate::model::time::date_of(retention::first_day(&config, as_of));
    commands::print(&rows(&counts, "removed"));
    commands::print(&format!(
        "Nothing is left that ended before {first} (`keep-days`, whole weeks); {pages} nights of old pages went.\n"
    ));
    Ok(ExitCode::Complete)
}

/// Takes out everything about one person.
///
/// # Errors
/// [`Failure`] with its exit code; without a yes nothing is changed.
pub(super) fn forget(asked: &Asked, outside: &Outside<'_>) -> Result<ExitCode, Failure> {
    let config = Config::load(&asked.place.config)?;
    let known = config.people.iter().any(|person| person.id == asked.person)
        || config.left_out.iter().any(|one| one.person == asked.person);
    if !known {
        let out = "forget takes the `id` of a [[people]] entry; where the entry was deleted already, put its id and \
                   accounts back for this one command";
        return Err(Failure::configuration(format!("{}: no person has this id; {out}", config.file.display())));
    }
    if asked.dry_run {
        let found = retention::would_forget(&config, &commands::reader(&config)?, &asked.person)?;
        commands::print(&told(&found, &config, "would change or go"));
        return Ok(ExitCode::Complete);
    }
    if !asked.yes && !confirmed(&asked.person, outside)? {
        commands::print("Nothing was changed.\n");
        return Ok(ExitCode::Complete);
    }
    let as_of = asked.place.as_of.unwrap_or(outside.now);
    let mut store = writer(&config, outside)?;
    let found = retention::forget(&config, &mut store, &asked.person, as_of)?;
    commands::print(&told(&found, &config, "changed or removed"));
    Ok(ExitCode::Complete)
}

fn confirmed(person: &str, outside: &Outside<'_>) -> Result<bool, Failure> {
    if !outside.terminal {
        let out = "forget cannot be undone and asks back: run it at a terminal, or say --yes";
        return Err(Failure::configuration(out.to_owned()));
    }
    commands::print("This cannot be undone. Type the id once more to go on: ");
    let failed = |error: std::io::Error| Failure::storage(format!("cannot read the answer: {error}"));
    std::io::stdout().flush().map_err(failed)?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(failed)?;
    Ok(line.trim() == person)
}

fn told(found: &Forgotten, config: &Config, done: &str) -> String {
    let mut text = rows(&found.rows, done);
    text.push_str(&format!("weekly rosters of {} teams, {} confirmed identities\n\n", found.rosters, found.identities));
    if done.starts_with("would") {
        text.push_str("Nothing was changed.\n");
        return text;
    }
    text.push_str(&format!(
        "Nothing of this person is read into the store again: {} says so.\n",
        config.organisation.left_out.display()
    ));
    if found.rosters > 0 {
        text.push_str(
            "The teams concerned are not shown until ten of their working days have passed: else the difference of two \
             reports would tell what was this person's.\n",
        );
    }
    if found.is_configured {
        text.push_str(&format!(
            "Delete the person's entries from {} as well; until then they count for nothing.\n",
            config.file.display()
        ));
    }
    text.push_str("Copies that others made of the store are beyond the reach of this command. Pages never held anything about a person.\n");
    text
}

fn rows(counts: &Counts, done: &str) -> String {
    if counts.is_empty() {
        return format!("no row {done}\n");
    }
    counts.iter().map(|(table, rows)| format!("{table}: {rows} rows {done}\n")).collect()
}

/// Begins the store anew under a new key.
///
/// # Errors
/// [`Failure`] with its exit code.
pub(super) fn rotate_key(place: &Where, yes: bool, outside: &Outside<'_>) -> Result<ExitCode, Failure> {
    let config = Config::load(&place.config)?;
    if !yes {
        let out = "rotate-key throws away every row, roster and open card; the next night reads all of it again, as a \
                   first night does. Say --yes";
        return Err(Failure::configuration(out.to_owned()));
    }
    let fresh = (outside.random)().map_err(|error| Failure::storage(format!("cannot make a new key: {error}")))?;
    let counts = retention::rotate_key(&config, &mut writer(&config, outside)?, fresh)?;
    commands::print(&rows(&counts, "thrown away"));
    commands::print(
        "The store has a new key; only what names nobody stayed: thresholds, weekly counts of teams. The next night reads everything again that a first night reads: \
         `undercurrent run --dry-run` says what that costs. Destroy backups of the old key where the old rows must not be \
         traced back.\n",
    );
    Ok(ExitCode::Complete)
}
