//! The sample organisation through the same store, measuring, noticing and report as a real night.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::civil::{Date, Weekday};
use jiff::{Timestamp, ToSpan};

use super::exit::{ExitCode, Failure};
use super::history::History;
use super::ledger;
use super::night::{Finished, prepare};
use super::record::{RunRecord, Scope};
use crate::collect::Outcome;
use crate::config::Config;
use crate::demo;
use crate::follow_ups::{About, Did, Entry};
use crate::model::time::{Millis, date_of};
use crate::store::Store;

/// A secret for the sample alone, so that its pages are the same everywhere.
const KEY: [u8; 32] = [7; 32];

/// Makes the sample in a folder and writes its report.
///
/// # Errors
/// [`Failure`] with its exit code.
pub fn sample(folder: &Path, as_of: Timestamp) -> Result<Finished, Failure> {
    let failed = |error: std::io::Error| Failure::storage(format!("cannot write to {}: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(failed)?;
    let mut store = Store::open(&folder.join("store"), || Ok(KEY))?;
    let made = demo::organisation(as_of, store.pseudonyms());
    let file = folder.join("undercurrent.toml");
    std::fs::write(&file, &made.config_toml).map_err(failed)?;
    let config = Config::parse(&made.config_toml, &file)?;
    store.merge(&made.batch, Vec::new())?;
    let scopes = scopes(&config, as_of);
    let mut seconds = BTreeMap::new();
    let prepared = prepare(&config, &store, &scopes, as_of, History::recall(&store)?, &mut seconds)?;
    // As in a real night, so that what is noted of a card finds it.
    prepared.history.remember(&mut store)?;
    note(&config, &prepared.history, as_of)?;
    let (latest, gaps) = prepared.write(&config, &scopes, as_of, &mut seconds)?;
    let record = RunRecord {
        seq: store.seq(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        as_of: as_of.to_string(),
        scopes,
        seconds,
        tables: store.rows(),
        gaps,
        ..RunRecord::default()
    };
    record.write(store.folder()).map_err(failed)?;
    Ok(Finished { exit: ExitCode::Complete, report: Some(latest), record })
}

/// What the sample's leader noted: a talk about the newest card of each team, a day or two after it opened. One of the
/// follow-ups is due; the other was asked about once already. A record that is there stays as it is.
fn note(config: &Config, history: &History, as_of: Timestamp) -> Result<(), Failure> {
    let today = as_of.to_zoned_datetime(config.organisation.zone.clone()).date();
    for (at, team) in demo::LED.into_iter().enumerate() {
        let Some(card) = history.cards.get(team).and_then(|memory| memory.cards.last()) else { continue };
        let mut record = ledger::change(config, team)?;
        let talked_on = on_a_working_day(date_of(card.opened_on));
        if record.standing().follow_ups.iter().any(|one| one.about.team == team) || talked_on >= today {
            continue;
        }
        let about = About { team: team.to_owned(), card: card.id.clone(), signals: card.signals.clone() };
        let id = record.next_id();
        let again = (talked_on + 14.days()).min(today);
        let [agreed, mine] = NOTES[at].map(|text| Some(text.to_owned()));
        record.add(Entry { on: talked_on, did: Did::Talked { about, id, agreed, mine, again: Some(again) } })?;
        if at > 0 {
            record.add(Entry { on: again, did: Did::Asked { of: id, again: today.max(again) + 14.days() } })?;
        }
    }
    Ok(())
}

/// What was agreed, and what the leader said to do, for each team of the sample's leader.
const NOTES: [[&str; 2]; 2] = [
    [
        "Two of the oldest tickets rest until the gateway question is settled",
        "I get a decision on the gateway by Friday",
    ],
    ["Urgent requests go through one short list, looked at on Mondays", "I tell the other teams about the list"],
];

fn on_a_working_day(date: Date) -> Date {
    match date.weekday() {
        Weekday::Saturday => date + 2.days(),
        Weekday::Sunday => date + 1.day(),
        _ => date,
    }
}

/// The sample's sources, all read to the sample's own now.
fn scopes(config: &Config, as_of: Timestamp) -> Vec<Scope> {
    let scope = |source: &str, stream: &str, label: &str, name: &str| Scope {
        source: source.to_owned(),
        stream: stream.to_owned(),
        scope: name.to_owned(),
        label: label.to_owned(),
        outcome: Outcome::Complete,
        reason: None,
        refused: false,
        rows: 0,
        requests: 0,
        points: 0,
        bytes: 0,
        waited_seconds: 0,
        complete_to: Some(Millis::from_timestamp(as_of).0),
    };
    let mut scopes = vec![scope("calendars", "calendar", "calendars", "*")];
    for team in &config.teams {
        scopes.extend(team.repositories.iter().map(|name| scope("github:github.com", "pull_requests", name, name)));
        scopes.extend(team.jira_projects.iter().map(|key| scope("jira:harbor.atlassian.net", "issues", key, key)));
    }
    scopes
}
