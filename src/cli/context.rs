//! `context`: what a team itself says about its days.

use std::path::PathBuf;

use jiff::civil::Date;

use super::commands::print;
use crate::config::context::{self, Judge, OTHER};
use crate::config::{Config, Event, Team};
use crate::pipeline::{ExitCode, Failure};

/// What is asked of a team's context.
#[derive(Debug, clap::Args)]
pub struct Asked {
    /// The team's id.
    team: String,
    /// The first day.
    #[arg(long, value_name = "DATE", requires_all = ["to", "label"])]
    from: Option<Date>,
    /// The last day.
    #[arg(long, value_name = "DATE", requires = "from")]
    to: Option<Date>,
    /// What it is, in at most 80 characters, without anybody's name; it stands on the page.
    #[arg(long, value_name = "TEXT", requires = "from")]
    label: Option<String>,
    /// release or planning, whose days are left out of what they would distort; or any other word.
    #[arg(long, value_name = "WORD", default_value = OTHER, requires = "from")]
    kind: String,
    /// Removes an entry by its number in the list.
    #[arg(long, value_name = "N", conflicts_with = "from")]
    remove: Option<usize>,
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = "undercurrent.toml")]
    config: PathBuf,
}

/// Adds, removes or lists.
pub(super) fn run(asked: Asked) -> Result<ExitCode, Failure> {
    let config = Config::load(&asked.config)?;
    let Some(team) = config.teams.iter().find(|team| team.id == asked.team) else {
        let known: Vec<&str> = config.teams.iter().map(|team| team.id.as_str()).collect();
        let message = format!("there is no team {}; known: {}", asked.team, known.join(", "));
        return Err(Failure::configuration(message));
    };
    let failed = |error: context::ContextError| match error {
        context::ContextError::Io { .. } => Failure::storage(error.to_string()),
        other => Failure::configuration(other.to_string()),
    };
    if let Some(number) = asked.remove {
        context::remove(&team.context, number).map_err(failed)?;
    } else if let (Some(from), Some(to), Some(label)) = (asked.from, asked.to, asked.label) {
        let event = Event { from, to, kind: asked.kind, label: label.trim().to_owned(), line: 0 };
        let faults = Judge::new(&config).faults(&event);
        if !faults.is_empty() {
            return Err(Failure::configuration(faults.join("\n")));
        }
        context::add(&team.context, &event).map_err(failed)?;
    }
    print(&listed(&config, team, &context::read(&team.context).map_err(failed)?));
    Ok(ExitCode::Complete)
}

/// The entries of a team's file by their numbers, those that cannot be used with the reason.
fn listed(config: &Config, team: &Team, file: &context::File) -> String {
    let judge = Judge::new(config);
    let mut text = format!("{}\n", team.context.display());
    for (line, message) in &file.faults {
        text.push_str(&format!("WRONG line {line}: {message}\n"));
    }
    for (number, entry) in (1..).zip(&file.entries) {
        let line = entry.line;
        match &entry.event {
            Ok(event) => {
                let faults = judge.faults(event);
                let kind = if judge.can_be_kind(&event.kind) { &event.kind } else { "?" };
                let said = format!("{} to {}  {kind}", event.from, event.to);
                text.push_str(&if faults.is_empty() {
                    format!("{number:>3}  {said}  {}\n", event.label)
                } else {
                    format!("{number:>3}  {said}  WRONG line {line}: {}\n", faults.join("; "))
                });
            }
            Err(message) => text.push_str(&format!("{number:>3}  WRONG line {line}: {message}\n")),
        }
    }
    if file.entries.is_empty() && file.faults.is_empty() {
        text.push_str("nothing yet; --from, --to and --label add an entry\n");
    }
    text
}
