//! What is held on the person who asks, shown to this person alone.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde_json::{Map, Value, json};

use super::{Outside, Where, commands};
use crate::config::{Config, TokenPlace};
use crate::pipeline::held::{Asker, Counted, Everything, everything};
use crate::pipeline::record::RunRecord;
use crate::pipeline::{ExitCode, Failure};

/// What a person asks about themselves. Nobody can be named: the service says whose the token is.
#[derive(Clone, Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("token").required(true)))]
pub struct Asked {
    #[command(flatten)]
    place: Where,
    /// The environment variable with your own token for GitHub or Jira; reading who you are is all it needs.
    #[arg(long, value_name = "NAME", group = "token")]
    token_env: Option<String>,
    /// The file with your own token.
    #[arg(long, value_name = "FILE", group = "token")]
    token_file: Option<PathBuf>,
    /// The host of the service that your token is for, such as github.com; default: the first of the configuration.
    #[arg(long, value_name = "HOST")]
    at: Option<String>,
    /// The user name that your Jira wants beside the token; Jira Cloud wants your e-mail address.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Shows every row, not only how many there are.
    #[arg(long)]
    rows: bool,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    /// Writes a copy of your own into a new file (mode 0600) instead of showing it at the terminal.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Shows or writes what is held on the owner of the token.
///
/// # Errors
/// [`Failure`]; without a terminal and without a file nothing is shown.
pub(super) fn mirror(asked: &Asked, outside: &Outside<'_>) -> Result<ExitCode, Failure> {
    if !outside.terminal && asked.out.is_none() {
        let message = "mirror shows what is held on you: run it at a terminal, or name a file of your own with --out";
        return Err(Failure::configuration(message.to_owned()));
    }
    let config = Config::load(&asked.place.config)?;
    let asker = Asker { token: token(asked, outside)?, host: asked.at.clone(), user: asked.user.clone() };
    let store = commands::reader(&config)?;
    let as_of = commands::moment(&asked.place, RunRecord::last(store.folder()).as_ref(), outside);
    let all = everything(&config, &store, &asker, as_of)?;
    let text = if asked.json { as_json(&all, asked.rows)? } else { told(&all, asked.rows)? };
    match &asked.out {
        None => commands::print(&text),
        Some(file) => write(file, &text)
            .map_err(|error| Failure::storage(format!("cannot write the file of --out ({error}); name a new one")))?,
    }
    Ok(ExitCode::Complete)
}

/// The asker's own token; what stands in the place of a name is not repeated, since it may be the token itself.
fn token(asked: &Asked, outside: &Outside<'_>) -> Result<SecretString, Failure> {
    let place = match (&asked.token_env, &asked.token_file) {
        (Some(name), _) => TokenPlace::Environment(name.clone()),
        (None, Some(file)) => TokenPlace::File(file.clone()),
        (None, None) => return Err(Failure::configuration("a token of your own is needed".to_owned())),
    };
    let out =
        "there is no token there; --token-env takes the name of a variable, --token-file a file with the token alone";
    place.token(outside.environment).map_err(|_| Failure::configuration(out.to_owned()))
}

fn write(file: &Path, text: &str) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    file.write_all(text.as_bytes())
}

fn told(all: &Everything, rows: bool) -> Result<String, Failure> {
    let mut text = "What is held on you, and on nobody else:\n\n".to_owned();
    if all.held.is_empty() {
        text.push_str("Nothing: no row of the store names an account of yours.\n");
    }
    for held in &all.held {
        let days = held.days.map_or_else(String::new, |(first, last)| format!(", {first} to {last}"));
        text.push_str(&format!("{}: {} rows{days}\n", held.table.name, held.count()));
        let columns: Vec<&str> = held.table.columns.iter().map(|(name, _)| *name).collect();
        text.push_str(&format!("  columns: {}\n", columns.join(", ")));
        for row in if rows { held.rows()? } else { Vec::new() } {
            let cells: Vec<String> = row.iter().map(|(name, value)| format!("{name} {value}")).collect();
            text.push_str(&format!("  - {}\n", cells.join("; ")));
        }
    }
    text.push_str("\nWhere you count (your own part alone):\n");
    if all.counted.is_empty() {
        text.push_str("  nowhere\n");
    }
    for (team, from, to) in &all.teams {
        text.push_str(&format!("  in the team {team}, {from} to {to}\n"));
    }
    for one in &all.counted {
        let Counted { team, signal, window: (from, to), in_window, in_all } = one;
        let part = |(n, x): &(i64, i64)| format!("{x} of {n}");
        text.push_str(&format!(
            "  {team}, {signal}: {} in the window from {from} to {to}; {} on all days measured\n",
            part(in_window),
            part(in_all)
        ));
    }
    text.push_str(
        "\nWhat each column is for, and how long rows stay: docs/privacy.md.\n\
         To leave: ask the operator to set `leave = true` for you; from that day on nothing of yours counts, and no page \
         says who left.\n",
    );
    Ok(text)
}

fn as_json(all: &Everything, rows: bool) -> Result<String, Failure> {
    let mut tables = Map::new();
    for held in &all.held {
        let mut table = json!({
            "rows": held.count(),
            "first": held.days.map(|(first, _)| first.to_string()),
            "last": held.days.map(|(_, last)| last.to_string()),
            "columns": held.table.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        });
        if rows {
            table["records"] = json!(held.rows()?);
        }
        tables.insert(held.table.name.to_owned(), table);
    }
    let pair = |(n, x): (i64, i64)| json!({ "opportunities": n, "counted": x });
    let counted = |one: &Counted| {
        json!({
            "team": one.team,
            "signal": one.signal,
            "from": one.window.0.to_string(),
            "to": one.window.1.to_string(),
            "in_window": pair(one.in_window),
            "in_all": pair(one.in_all),
        })
    };
    let teams = all
        .teams
        .iter()
        .map(|(team, from, to)| json!({ "team": team, "from": from.to_string(), "to": to.to_string() }));
    let value = json!({
        "tables": Value::Object(tables),
        "teams": teams.collect::<Vec<_>>(),
        "counted": all.counted.iter().map(counted).collect::<Vec<_>>(),
    });
    serde_json::to_string_pretty(&value).map(|text| text + "\n").map_err(|error| Failure::internal(&error))
}
