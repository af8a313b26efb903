//! `signals`: the list, what one signal is, and what a team's figures are computed from.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::commands::{moment, print, reader};
use super::{Outside, Where};
use crate::catalogue::{Card, Catalogue, Data};
use crate::config::Config;
use crate::follow_ups::DUE_DEFINITION;
use crate::measure::signals::Query;
use crate::notice::START;
use crate::notice::file::SeriesForm;
use crate::pipeline::chosen::Chosen;
use crate::pipeline::edition::Night;
use crate::pipeline::history::History;
use crate::pipeline::record::RunRecord;
use crate::pipeline::{ExitCode, Failure, night};

/// The configuration that is read where none is named.
const CONFIG: &str = "undercurrent.toml";

/// What is asked about signals.
#[derive(Clone, Debug, clap::Args)]
pub struct Asked {
    /// The signal to explain.
    name: Option<String>,
    /// Prints the exact series of this team, from which `usual-range` computes the figures of a card again.
    #[arg(long, value_name = "ID", requires = "name")]
    team: Option<String>,
    /// Prints JSON; with a team in the form that `usual-range` reads.
    #[arg(long)]
    json: bool,
    /// The configuration file, for own signals and for a team [default: undercurrent.toml, where there is one].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) fn signals(asked: &Asked, outside: &Outside<'_>) -> Result<ExitCode, Failure> {
    let file = asked.config.clone().or_else(|| Some(PathBuf::from(CONFIG)).filter(|file| file.exists()));
    if let Some(team) = &asked.team {
        let file = file.unwrap_or_else(|| PathBuf::from(CONFIG));
        return series(&file, asked.name.as_deref().unwrap_or_default(), team, asked.json, outside);
    }
    let chosen = match file {
        Some(file) => Chosen::all(&Config::load(&file)?)?,
        None => Chosen::shipped()?,
    };
    let text = match &asked.name {
        Some(name) => {
            let (card, query) = found(&chosen, name)?;
            if asked.json { pretty(&described(card, query))? } else { explained(card, query) }
        }
        None if asked.json => {
            let listed = all(&chosen.catalogue);
            let listed = listed.map(|card| json!({"name": card.slug, "title": card.title, "core": card.core}));
            pretty(&listed.collect())?
        }
        None => all(&chosen.catalogue).map(|card| format!("{:<22} {}\n", card.slug, card.title)).collect(),
    };
    print(&text);
    Ok(ExitCode::Complete)
}

/// Every signal: those of the pages, then the reminders of the leader's edition.
fn all(catalogue: &Catalogue) -> impl Iterator<Item = &Card> {
    catalogue.signals().iter().chain(catalogue.reminders())
}

/// A signal's card, and its query where it has one.
fn found<'a>(chosen: &'a Chosen, name: &str) -> Result<(&'a Card, Option<&'a Query>), Failure> {
    let query = chosen.queries.iter().find(|query| query.slug == name);
    let card = all(&chosen.catalogue).find(|card| card.slug == name);
    card.map(|card| (card, query)).ok_or_else(|| {
        let known: Vec<&str> = all(&chosen.catalogue).map(|card| card.slug.as_str()).collect();
        Failure::configuration(format!("there is no signal {name}; known: {}", known.join(", ")))
    })
}

fn unsaid(card: &Card) -> &str {
    if card.data == Data::Leader {
        return "the leader's own promise to come back";
    }
    if card.unsaid.is_empty() { "overload" } else { &card.unsaid }
}

fn definition(query: Option<&Query>) -> String {
    query.map_or_else(|| DUE_DEFINITION.to_owned(), Query::definition)
}

fn explained(card: &Card, query: Option<&Query>) -> String {
    format!(
        "{} ({})\n\n{}\n\nIt may stand for: {}\nCannot see: {}\n\nIt may also be:\n- {}\n\n{}\n",
        card.title,
        card.slug,
        definition(query),
        unsaid(card),
        card.cannot_see,
        card.may_also_be.join("\n- "),
        query.map_or("", |query| query.sql.as_str()),
    )
}

fn described(card: &Card, query: Option<&Query>) -> serde_json::Value {
    json!({
        "name": card.slug,
        "title": card.title,
        "core": card.core,
        "definition": definition(query),
        "may_stand_for": unsaid(card),
        "may_also_be": card.may_also_be,
        "cannot_see": card.cannot_see,
        "sql": query.map(|query| &query.sql),
    })
}

fn pretty(value: &serde_json::Value) -> Result<String, Failure> {
    serde_json::to_string_pretty(value).map(|text| text + "\n").map_err(|error| Failure::internal(&error))
}

/// The exact series of a team: the periods of its baseline, oldest first, and its windows.
fn series(file: &Path, name: &str, team: &str, as_json: bool, outside: &Outside<'_>) -> Result<ExitCode, Failure> {
    let config = Config::load(file)?;
    let mut chosen = Chosen::all(&config)?;
    if found(&chosen, name)?.0.data == Data::Leader {
        let message = format!("{name} is a reminder of the leader's edition: it has no series");
        return Err(Failure::configuration(message));
    }
    chosen.catalogue.retain(|card| card.slug == name);
    chosen.queries.retain(|query| query.slug == name);
    let Some(at) = config.teams.iter().position(|own| own.id == team) else {
        let known: Vec<&str> = config.teams.iter().map(|team| team.id.as_str()).collect();
        return Err(Failure::configuration(format!("there is no team {team}; known: {}", known.join(", "))));
    };
    let store = reader(&config)?;
    let last = RunRecord::last(store.folder());
    let as_of = moment(&Where { config: file.to_path_buf(), as_of: None }, last.as_ref(), outside);
    let scopes = last.map(|record| record.scopes).unwrap_or_default();
    let mut history = History::recall(&store)?;
    // The threshold of the newest month that was calibrated is the one that cards of now are opened by.
    let threshold = history.calibrations.values().next_back().map_or(START.signal, |newest| newest.thresholds.signal);
    let (measured, roster) = night::measured(&config, &store, &scopes, as_of, &chosen.queries, &mut history)?;
    let (measured, roster) = (&measured, &roster);
    let night = Night {
        config: &config,
        catalogue: &chosen.catalogue,
        words: &chosen.words,
        measured,
        roster,
        scopes: &scopes,
        as_of,
    };
    let (card, _) = found(&chosen, name)?;
    let Some(form) = night.exact(at, &config.teams[at], card, &history) else {
        return Err(Failure::configuration(format!("there is no evaluated night of the team {team} yet")));
    };
    let json = json!({"signal_threshold": threshold, "series": [form]});
    print(&if as_json { pretty(&json)? } else { listed(&form) });
    Ok(ExitCode::Complete)
}

/// A series for reading.
fn listed(form: &SeriesForm) -> String {
    let mut text = format!("{} ({}, {})\n\n{:<22} {:>6} {:>6}\n", form.id, form.kind, form.side, "", "x", "n");
    let count = form.weeks.len();
    let nightly = form.periods == "weeks" || form.periods == "fortnights";
    for (at, week) in form.weeks.iter().enumerate() {
        // The baseline of weeks ends three weeks before the week of the last night, that of longer periods one before.
        let ago = if form.periods == "weeks" { count - at + 2 } else { count - at };
        let line = week.map_or_else(|| "     –      –".to_owned(), |(x, n)| format!("{x:>6} {n:>6}"));
        text.push_str(&format!("{:<22} {line}\n", format!("{ago} {} before", form.periods)));
    }
    let windows: &[(&str, (i64, i64))] = if nightly {
        &[("last 10 working days", form.w10), ("last 5 working days", form.w5)]
    } else {
        &[("now", form.w10)]
    };
    for (name, (x, n)) in windows {
        text.push_str(&format!("{name:<22} {x:>6} {n:>6}\n"));
    }
    text
}
