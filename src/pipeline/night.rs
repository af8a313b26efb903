//! The stages in order, for a night, a report made again, and the sample organisation.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use jiff::Timestamp;

use super::chosen::Chosen;
use super::collect::{Sources, all, collect};
use super::deliver::{Courier, outcome};
use super::edition::{Night, Noticed};
use super::exit::{ExitCode, Failure};
use super::freshness::place;
use super::history::History;
use super::ledger;
use super::record::{RunRecord, Scope};
use super::retention;
use super::roster::{holidays, roster};
use super::selection::Selection;
use super::surroundings::{Interrupt, Signal, Surroundings};
use crate::catalogue::Catalogue;
use crate::collect::Outcome;
use crate::config::Config;
use crate::measure::calendar::Span;
use crate::measure::roster::Roster;
use crate::measure::signals::Query;
use crate::measure::{self, Measured};
use crate::model::time::{Millis, day_number};
use crate::report;
use crate::report::digest::Digest;
use crate::report::input::{Organisation, Team};
use crate::report::words::Words;
use crate::store::Store;

/// How many days are measured: two half years of baseline and what lies between.
const MEASURED_DAYS: i64 = 420;
/// What the record of a run says until its pages are written.
const UNFINISHED: &str = "the run ended before its pages were written; run it again";

/// What a night came to.
#[derive(Debug)]
pub struct Finished {
    pub exit: ExitCode,
    /// The folder of the latest pages, where they were written.
    pub report: Option<PathBuf>,
    pub record: RunRecord,
}

/// What a night measured and noticed, before anything is written.
pub struct Prepared {
    catalogue: Catalogue,
    words: Words,
    measured: Measured,
    roster: Roster,
    noticed: Noticed,
    /// What is to be remembered.
    pub history: History,
}

/// Measures the store and notices what is worth a conversation. Nothing is written.
///
/// # Errors
/// [`Failure`] with its exit code.
pub fn prepare(
    config: &Config,
    store: &Store,
    scopes: &[Scope],
    as_of: Timestamp,
    mut history: History,
    seconds: &mut BTreeMap<String, f64>,
) -> Result<Prepared, Failure> {
    let Chosen { catalogue, words, queries, complaints } = Chosen::on(config)?;
    for complaint in &complaints {
        tracing::warn!("{complaint}");
    }
    let begun = Instant::now();
    let (measured, roster) = measured(config, store, scopes, as_of, &queries, &mut history)?;
    seconds.insert("measure".to_owned(), elapsed(begun));
    let begun = Instant::now();
    let night =
        Night { config, catalogue: &catalogue, words: &words, measured: &measured, roster: &roster, scopes, as_of };
    let noticed = night.notice(&mut history);
    seconds.insert("notice".to_owned(), elapsed(begun));
    Ok(Prepared { catalogue, words, measured, roster, noticed, history })
}

impl Prepared {
    /// Writes the report, then the editions of the leaders. Returns the folder of the latest pages, and what was wrong
    /// with leaders' editions.
    ///
    /// # Errors
    /// [`Failure`] with its exit code; the pages that were there before stay.
    pub fn write(
        &self,
        config: &Config,
        scopes: &[Scope],
        as_of: Timestamp,
        seconds: &mut BTreeMap<String, f64>,
    ) -> Result<(PathBuf, Vec<String>), Failure> {
        let begun = Instant::now();
        let Self { catalogue, words, measured, roster, noticed, .. } = self;
        let night = Night { config, catalogue, words, measured, roster, scopes, as_of };
        let organisation = night.organisation(noticed);
        let teams = night.teams(noticed);
        let date = as_of.to_zoned_datetime(config.organisation.zone.clone()).date();
        let put = |folder: &Path, organisation: &Organisation, teams: &[Team]| {
            let files =
                report::render(organisation, teams, catalogue, words).map_err(|error| Failure::internal(&error))?;
            report::write(folder, date, &files, config.report.readers.modes())
                .map_err(|error| Failure::storage(format!("cannot write the report to {}: {error}", folder.display())))
        };
        let mut own: BTreeMap<&Path, Vec<Team>> = BTreeMap::new();
        let mut common = Vec::new();
        for team in &teams {
            own_folder(config, team).map_or(&mut common, |folder| own.entry(folder).or_default()).push(team.clone());
        }
        let latest = put(&config.report.path, &organisation, &common)?;
        // A page of its own stands on no index.
        let alone = Organisation { index: false, ..organisation };
        own.iter().try_for_each(|(folder, teams)| put(folder, &alone, teams).map(drop))?;
        let gaps = ledger::write(&night, noticed, &teams);
        seconds.insert("report".to_owned(), elapsed(begun));
        Ok((latest, gaps))
    }

    /// What the pages are made of.
    #[must_use]
    pub fn pages(&self, config: &Config, scopes: &[Scope], as_of: Timestamp) -> (Organisation, Vec<Team>) {
        let Self { catalogue, words, measured, roster, noticed, .. } = self;
        let night = Night { config, catalogue, words, measured, roster, scopes, as_of };
        (night.organisation(noticed), night.teams(noticed))
    }

    /// What is sent about every team, in a few lines.
    #[must_use]
    pub fn digests(&self, config: &Config, scopes: &[Scope], as_of: Timestamp) -> Vec<Digest> {
        let base = config.delivery.base.as_ref().map(url::Url::as_str);
        let (organisation, teams) = self.pages(config, scopes, as_of);
        let (own, common): (Vec<Team>, Vec<Team>) =
            teams.into_iter().partition(|team| own_folder(config, team).is_some());
        let of =
            |teams: &[Team], base| report::digest::digests(&organisation, teams, &self.catalogue, &self.words, base);
        // The address is that of the common folder.
        [of(&common, base), of(&own, None)].concat()
    }

    /// What was noticed.
    #[must_use]
    pub fn noticed(&self) -> &Noticed {
        &self.noticed
    }
}

/// The folder of a team whose page is not among those of the others.
fn own_folder<'a>(config: &'a Config, team: &Team) -> Option<&'a Path> {
    config.teams.iter().find(|one| one.id == team.id)?.pages.as_deref()
}

/// Measures, notices and writes the report from a store that is only read, with what it remembers.
///
/// # Errors
/// [`Failure`] with its exit code; the pages that were there before stay.
pub fn report(
    config: &Config,
    store: &Store,
    scopes: &[Scope],
    as_of: Timestamp,
    seconds: &mut BTreeMap<String, f64>,
) -> Result<PathBuf, Failure> {
    let prepared = prepare(config, store, scopes, as_of, History::recall(store)?, seconds)?;
    let (latest, gaps) = prepared.write(config, scopes, as_of, seconds)?;
    for gap in &gaps {
        tracing::warn!("{gap}");
    }
    Ok(latest)
}

/// What a run is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stages {
    /// All five stages.
    Night,
    /// All but collecting.
    Offline,
    /// Collecting and storing alone.
    Collect,
}

/// The night: collect, store, measure, notice, report, deliver. A healthcheck is told when it begins and how it ended.
///
/// # Errors
/// [`Failure`] with its exit code. Sources and deliveries that fail are no failure of the run: they are named in its
/// record.
pub fn run(
    config: &Config,
    as_of: Timestamp,
    stages: Stages,
    selection: &Selection,
    around: &Surroundings<'_>,
) -> Result<Finished, Failure> {
    let courier = Courier { config, environment: around.environment, again: selection.deliver_again };
    // Runs without network tell nobody anything, and collecting alone is not the night.
    let number =
        (around.random)().ok().and_then(|bytes| bytes[..16].try_into().ok()).filter(|_| stages == Stages::Night);
    courier.ping("start", number, String::new());
    let ended = carried_out(&courier, as_of, stages, selection, around);
    let (exit, record) = match &ended {
        Ok(finished) => (finished.exit, Some(&finished.record)),
        Err(failure) => (failure.exit, None),
    };
    courier.ping(&(exit as u8).to_string(), number, outcome(exit, record));
    ended
}

fn carried_out(
    courier: &Courier<'_>,
    as_of: Timestamp,
    stages: Stages,
    selection: &Selection,
    around: &Surroundings<'_>,
) -> Result<Finished, Failure> {
    let Courier { config, environment, .. } = *courier;
    // A signal of the installation's own that cannot be used is told before a night is spent.
    let chosen = Chosen::on(config)?;
    let mut store = Store::open(&config.store, around.random)?;
    store.leave_out(&config.marks());
    let last = RunRecord::last(store.folder());
    let mut record = RunRecord {
        seq: last.as_ref().map_or(0, |last| last.seq) + 1,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        as_of: as_of.to_string(),
        deliveries: last.as_ref().map(|last| last.deliveries.clone()).unwrap_or_default(),
        ..RunRecord::default()
    };
    let mut signal = None;
    if stages == Stages::Offline {
        record.scopes = last.as_ref().map(|last| last.scopes.clone()).unwrap_or_default();
    } else {
        let mut sources = Sources::of(&selection.narrowed(config)?, store.pseudonyms(), environment)?;
        for (source, _) in &mut sources.github {
            // A repository may link tickets of projects that this run does not read.
            source.projects = all(config, |team| &team.jira_projects);
        }
        signal = collect(config, &mut store, sources, selection, as_of, &mut record, around)?;
    }
    if let Some(signal) = signal.or(around.interrupt.raised()) {
        return interrupted(signal, record, &store);
    }
    retention::purge(config, &mut store, as_of)?;
    let unread = holidays(config).1;
    record.gaps = gaps(&record.scopes);
    record.tables = store.rows();
    let (exit, readable) = verdict(&record.scopes);
    let exit = if exit == ExitCode::Complete && !unread.is_empty() { ExitCode::Partial } else { exit };
    record.gaps.extend(unread);
    selection.keep_others(&mut record.scopes, last.map(|last| last.scopes).unwrap_or_default());
    let known = record.gaps.len();
    if stages != Stages::Collect {
        // A run that is killed while it measures leaves a record of what was read, and that there is no page of it.
        let mut unfinished = RunRecord { exit_code: ExitCode::Internal as u8, ..record.clone() };
        unfinished.gaps.push(UNFINISHED.to_owned());
        write_record(&unfinished, &store)?;
    }
    let report = match (stages, readable) {
        (Stages::Collect, _) => None,
        (_, true) => match publish(courier, &mut store, (stages, selection), as_of, &mut record, &around.interrupt)? {
            Ok(latest) => Some(latest),
            Err(signal) => return interrupted(signal, record, &store),
        },
        (_, false) => {
            put_notices(config, &chosen.words, as_of, &mut record)?;
            None
        }
    };
    let exit = if exit == ExitCode::Complete && record.gaps.len() > known { ExitCode::Partial } else { exit };
    record.exit_code = exit as u8;
    write_record(&record, &store)?;
    Ok(Finished { exit, report, record })
}

/// Measures, notices, writes the pages and delivers. What is remembered is committed before a page is written, so that no page
/// shows what would be forgotten. A signal that came meanwhile leaves the pages as they were.
fn publish(
    courier: &Courier<'_>,
    store: &mut Store,
    (stages, selection): (Stages, &Selection),
    as_of: Timestamp,
    record: &mut RunRecord,
    interrupt: &Interrupt,
) -> Result<Result<PathBuf, Signal>, Failure> {
    let config = courier.config;
    retention::prune_pages(config, as_of)?;
    let mut history = History::recall(store)?;
    if selection.reread_roster {
        history.read_again();
    }
    let mut prepared = prepare(config, store, &record.scopes, as_of, history, &mut record.seconds)?;
    if let Some(signal) = interrupt.raised() {
        return Ok(Err(signal));
    }
    // A first night reads the rosters of more weeks than may be kept.
    prepared.history.prune(retention::first_day(config, as_of), retention::first_day_of_people(config, as_of));
    prepared.history.remember(store)?;
    let (latest, gaps) = prepared.write(config, &record.scopes, as_of, &mut record.seconds)?;
    record.gaps.extend(gaps);
    retention::fade(config, store, as_of)?;
    if stages == Stages::Night && config.delivers() {
        let digests = prepared.digests(config, &record.scopes, as_of);
        courier.deliver(as_of, &digests, record, &|record: &RunRecord| write_record(record, store))?;
    }
    Ok(Ok(latest))
}

/// Says on the pages of the last night that this one could read nothing.
fn put_notices(config: &Config, words: &Words, as_of: Timestamp, record: &mut RunRecord) -> Result<(), Failure> {
    let time = words.moment(as_of, &config.organisation.zone);
    let notice = words.fill("notice-unread", &[("time", &time)]);
    let failed = |error: std::io::Error| Failure::storage(format!("cannot put a notice on the report: {error}"));
    let folders = config.teams.iter().map(|team| config.pages(team));
    for folder in folders.chain([config.report.path.as_path()]).collect::<BTreeSet<_>>() {
        report::put_notice(&folder.join("latest"), &notice).map_err(failed)?;
    }
    record.gaps.extend(ledger::notice(config, &notice));
    Ok(())
}

/// The end of a run that was asked to end: the record says so, pages stay as they were.
fn interrupted(signal: Signal, mut record: RunRecord, store: &Store) -> Result<Finished, Failure> {
    let exit = signal.exit();
    record.exit_code = exit as u8;
    record.gaps = vec![signal.told()];
    record.tables = store.rows();
    write_record(&record, store)?;
    Ok(Finished { exit, report: None, record })
}

fn write_record(record: &RunRecord, store: &Store) -> Result<(), Failure> {
    record.write(store.folder()).map_err(|error| Failure::storage(format!("cannot write the run record: {error}")))
}

/// Measures these signals in the store as of a moment: everything up to yesterday in the organisation's zone. Weeks
/// whose roster has not been read in its own time are read into `history`.
///
/// # Errors
/// [`Failure`] with its exit code.
pub fn measured(
    config: &Config,
    store: &Store,
    scopes: &[Scope],
    as_of: Timestamp,
    queries: &[Query],
    history: &mut History,
) -> Result<(Measured, Roster), Failure> {
    let today = day_number(as_of.to_zoned_datetime(config.organisation.zone.clone()).date());
    let span = Span { first: today - MEASURED_DAYS, last: today - 1 };
    let mut roster = roster(config, store, &calendars_read(config, scopes), &holidays(config).0)?;
    history.freeze(&mut roster, config, store.pseudonyms(), span, today);
    roster.strict = config.store.strict.then(|| history.limits.clone());
    let measured = measure::measure(store, &roster, span, queries)?;
    Ok((measured, roster))
}

/// Up to which day each calendar has been read, by its line in the configuration.
fn calendars_read(config: &Config, scopes: &[Scope]) -> BTreeMap<usize, i64> {
    let mut read = BTreeMap::new();
    for person in &config.people {
        let Some(calendar) = &person.calendar else { continue };
        let name = place(config, calendar.line);
        let own =
            scopes.iter().find(|scope| scope.source == "calendars" && (scope.scope == name || scope.scope == "*"));
        if let Some(complete_to) = own.and_then(|scope| scope.complete_to) {
            let zone = config.organisation.zone.clone();
            let day = day_number(Millis(complete_to).to_timestamp().to_zoned_datetime(zone).date());
            read.insert(calendar.line, day - 1);
        }
    }
    read
}

/// The exit code of a night by its scopes, and whether a page may be written at all.
#[must_use]
pub fn verdict(scopes: &[Scope]) -> (ExitCode, bool) {
    let mut by_source: BTreeMap<&str, Vec<&Scope>> = BTreeMap::new();
    for scope in scopes {
        by_source.entry(&scope.source).or_default().push(scope);
    }
    let refused = |scopes: &Vec<&Scope>| scopes.iter().all(|scope| scope.outcome == Outcome::Failed && scope.refused);
    let failed = |scopes: &Vec<&Scope>| scopes.iter().all(|scope| scope.outcome == Outcome::Failed);
    let any_readable = by_source.is_empty() || by_source.values().any(|scopes| !failed(scopes));
    let exit = if by_source.values().any(refused) {
        ExitCode::Refused
    } else if scopes.iter().all(Scope::is_complete) {
        ExitCode::Complete
    } else {
        ExitCode::Partial
    };
    (exit, any_readable)
}

/// What is missing, one line each, without doubles.
#[must_use]
pub fn gaps(scopes: &[Scope]) -> Vec<String> {
    let broken = scopes.iter().filter(|scope| !scope.is_complete());
    let mut gaps: Vec<String> = broken
        .map(|scope| {
            let reason = scope.reason.as_deref().unwrap_or("could not be read");
            format!("{} {}: {reason}", scope.source, scope.label)
        })
        .collect();
    gaps.sort();
    gaps.dedup();
    gaps
}

/// Seconds since a moment, to milliseconds.
#[must_use]
pub fn elapsed(begun: Instant) -> f64 {
    (begun.elapsed().as_secs_f64() * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(source: &str, outcome: Outcome, refused: bool) -> Scope {
        Scope {
            source: source.to_owned(),
            stream: "s".to_owned(),
            scope: "1".to_owned(),
            label: "one".to_owned(),
            outcome,
            reason: None,
            refused,
            rows: 0,
            requests: 0,
            points: 0,
            bytes: 0,
            waited_seconds: 0,
            complete_to: None,
        }
    }

    #[test]
    fn the_exit_code_follows_from_what_was_read() {
        use Outcome::{Complete, Failed, Incomplete, Unchanged};
        let check = |scopes: &[Scope], exit, writes| assert_eq!(verdict(scopes), (exit, writes));
        check(&[scope("a", Complete, false), scope("b", Unchanged, false)], ExitCode::Complete, true);
        check(&[scope("a", Complete, false), scope("a", Incomplete, false)], ExitCode::Partial, true);
        check(&[scope("a", Failed, true), scope("b", Complete, false)], ExitCode::Refused, true);
        check(&[scope("a", Failed, true), scope("a", Complete, false)], ExitCode::Partial, true);
        check(&[scope("a", Failed, false), scope("b", Failed, false)], ExitCode::Partial, false);
    }
}
