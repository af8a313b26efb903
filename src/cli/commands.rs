//! What each command asks of the pipeline, and what it prints.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;

use jiff::Timestamp;

use super::progress::ProgressLine;
use super::{Choice, Outside, Where};
use crate::config::Config;
use crate::demo;
use crate::model::time::Millis;
use crate::notice::file;
use crate::pipeline::chosen::Chosen;
use crate::pipeline::estimate::{Estimate, estimate};
use crate::pipeline::history::History;
use crate::pipeline::night::Stages;
use crate::pipeline::record::RunRecord;
use crate::pipeline::selection::Selection;
use crate::pipeline::single::Tried;
use crate::pipeline::surroundings::Surroundings;
use crate::pipeline::{ExitCode, Failure, Finished, check, night, sample, single};
use crate::reliability;
use crate::store::{Store, table};

/// Below this many people nothing about hours is shown.
const FEWEST_CLOCKS: usize = 5;

/// Prints to standard output; a reader that went away is no failure of the run.
pub(super) fn print(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

pub(super) fn demo(out: &Path, as_of: Timestamp) -> Result<ExitCode, Failure> {
    let finished = sample(out, as_of)?;
    if let Some(latest) = &finished.report {
        print(&format!("The sample report is at {}\n", latest.join("index.html").display()));
        let own = out.join(demo::LEDGER).join(format!("{}.html", demo::LED[0]));
        print(&format!("What the leader of a team sees beside it, and nobody else: {}\n", own.display()));
    }
    Ok(finished.exit)
}

pub(super) fn run(place: &Where, stages: Stages, choice: &Choice, outside: &Outside<'_>) -> Result<ExitCode, Failure> {
    let config = Config::load(&place.config)?;
    let as_of = place.as_of.unwrap_or(outside.now);
    let selection = selection(choice, &config)?;
    if choice.dry_run {
        let estimate = estimate(&config, &selection, as_of, outside.environment)?;
        print(&costs(&estimate));
        return Ok(estimate.exit);
    }
    let line = ProgressLine::new(outside.watched);
    let watch = |progress| line.show(progress);
    let around = Surroundings {
        environment: outside.environment,
        random: outside.random,
        watch: &watch,
        patience: outside.patience.clone(),
        interrupt: outside.interrupt.clone(),
    };
    let finished = night::run(&config, as_of, stages, &selection, &around)?;
    drop(line);
    for gap in &finished.record.gaps {
        (outside.complain)(&format!("incomplete: {gap}"));
    }
    if outside.terminal {
        print(&format!("{}\n", summary(&finished)));
    }
    Ok(finished.exit)
}

fn selection(choice: &Choice, config: &Config) -> Result<Selection, Failure> {
    let begin = |date: jiff::civil::Date| {
        let zoned = date.to_zoned_datetime(config.organisation.zone.clone());
        let zoned = zoned.map_err(|_| Failure::configuration(format!("--since {date}: no such day in this zone")))?;
        Ok::<_, Failure>(Millis::from_timestamp(zoned.timestamp()))
    };
    let since = choice.since.map(begin).transpose()?;
    Ok(Selection {
        only: choice.only.clone(),
        since,
        full: choice.full,
        reread_roster: choice.reread_roster,
        accept_gone: choice.accept_gone,
        deliver_again: choice.deliver_again,
    })
}

/// What a night would cost, a line per scope and the sums.
fn costs(estimate: &Estimate) -> String {
    let mut text = format!("{:>9} {:>7}  scope\n", "requests", "points");
    for line in &estimate.lines {
        let requests = line.requests.map_or_else(|| "?".to_owned(), |requests| requests.to_string());
        text.push_str(&format!("{requests:>9} {:>7}  {}: {}\n", line.points, line.scope, line.note));
    }
    let (requests, points, time) = estimate.sums();
    let minutes = time.as_secs().div_ceil(60);
    text.push_str(&format!("{requests:>9} {points:>7}  in all, about {minutes} min\n"));
    text.push_str(&format!("Asking took {} requests; nothing was written.\n", estimate.spent));
    text
}

/// The one line about a run.
fn summary(finished: &Finished) -> String {
    let record = &finished.record;
    let complete = record.scopes.iter().filter(|scope| scope.is_complete()).count();
    let word = match finished.exit {
        ExitCode::Complete => "COMPLETE",
        ExitCode::Refused => "REFUSED",
        ExitCode::Interrupted | ExitCode::Terminated => "INTERRUPTED",
        _ => "PARTIAL",
    };
    let report = finished
        .report
        .as_ref()
        .map_or_else(String::new, |latest| format!(" report={}", latest.join("index.html").display()));
    format!(
        "undercurrent: {word} run={:06} scopes={complete}/{} requests={} gaps={}{report}",
        record.seq,
        record.scopes.len(),
        record.requests.values().sum::<u64>(),
        record.gaps.len(),
    )
}

pub(super) fn try_clone(
    path: &Path,
    out: &Path,
    as_of: Option<Timestamp>,
    outside: &Outside<'_>,
) -> Result<ExitCode, Failure> {
    let tried = single(path, out, as_of, outside.now, outside.random)?;
    let page = tried
        .finished
        .report
        .as_ref()
        .map_or_else(String::new, |latest| latest.join("clone.html").display().to_string());
    print(&told(&tried, &page));
    Ok(tried.finished.exit)
}

/// What `try` says: what was read, as of when, about how many people, and what a full configuration would add.
fn told(tried: &Tried, page: &str) -> String {
    let mut text =
        format!("{} commits read: all of HEAD, as `git log` lists them. Other branches are not read.\n", tried.commits);
    if tried.old {
        let date = tried.as_of.strftime("%Y-%m-%d");
        text.push_str(&format!(
            "The newest commit is long past, so the report is as of {date}; --as-of chooses another moment.\n"
        ));
    }
    let (members, without) = (tried.members, tried.without_zone);
    text.push_str(&format!("{members} people committed six times or more in the half year before.\n"));
    if without > 0 {
        text.push_str(&format!(
            "{without} of them write no time zone (95 % or more at +0000): their hours are not looked at.\n"
        ));
    }
    if members < without + FEWEST_CLOCKS {
        text.push_str("Hours are shown for five people or more, so this page stays empty. `undercurrent demo` makes a full one.\n");
    }
    text.push_str("A clone tells of hours alone. Connecting GitHub, Jira and calendars adds waiting, stalled work, moving dates and meetings.\n");
    text.push_str(&format!("The report is at {page}\n"));
    text
}

pub(super) fn check(place: &Where, json: bool, outside: &Outside<'_>) -> Result<ExitCode, Failure> {
    let config = Config::load(&place.config)?;
    let chosen = Chosen::on(&config)?;
    let now = place.as_of.unwrap_or(outside.now);
    let (exit, findings) = check::check(&config, &chosen.complaints, now, outside.environment)?;
    for finding in findings {
        if json {
            print(&format!("{}\n", serde_json::json!({ "fine": finding.fine, "text": finding.text })));
        } else {
            print(&format!("{} {}\n", if finding.fine { "fine " } else { "WRONG" }, finding.text));
        }
    }
    Ok(exit)
}

/// The store of a configuration, for reading.
pub(super) fn reader(config: &Config) -> Result<Store, Failure> {
    Store::open_reader(&config.store)?.ok_or_else(|| {
        let place = config.store.path.display();
        Failure::configuration(format!("there is no store at {place} yet; `undercurrent run` makes it"))
    })
}

/// The moment taken for now: the flag, else that of the last run, else the clock.
pub(super) fn moment(place: &Where, last: Option<&RunRecord>, outside: &Outside<'_>) -> Timestamp {
    place.as_of.or_else(|| last.and_then(|record| record.as_of.parse().ok())).unwrap_or(outside.now)
}

pub(super) fn report(place: &Where, outside: &Outside<'_>) -> Result<ExitCode, Failure> {
    let config = Config::load(&place.config)?;
    let store = reader(&config)?;
    let last = RunRecord::last(store.folder());
    let as_of = moment(place, last.as_ref(), outside);
    let scopes = last.map(|record| record.scopes).unwrap_or_default();
    let latest = night::report(&config, &store, &scopes, as_of, &mut BTreeMap::new())?;
    if outside.terminal {
        print(&format!("The report is at {}\n", latest.join("index.html").display()));
    }
    Ok(ExitCode::Complete)
}

pub(super) fn replay(place: &Where, json: bool, outside: &Outside<'_>) -> Result<ExitCode, Failure> {
    let config = Config::load(&place.config)?;
    let store = reader(&config)?;
    let last = RunRecord::last(store.folder());
    let as_of = moment(place, last.as_ref(), outside);
    let scopes = last.map(|record| record.scopes).unwrap_or_default();
    let replayed = crate::pipeline::replay::replay(&config, &store, &scopes, as_of)?;
    if json {
        let json = serde_json::to_string_pretty(&replayed).map_err(|error| Failure::internal(&error))?;
        print(&format!("{json}\n"));
    } else {
        print(&replayed.table());
    }
    Ok(ExitCode::Complete)
}

pub(super) fn store_files(name: &str, file: &Path) -> Result<ExitCode, Failure> {
    let config = Config::load(file)?;
    if table(name).is_none() {
        let known: Vec<&str> = crate::store::TABLES.iter().map(|table| table.name).collect();
        return Err(Failure::configuration(format!("there is no table {name}; known: {}", known.join(", "))));
    }
    let store = reader(&config)?;
    let folder = file.parent().unwrap_or(Path::new(""));
    for path in store.files(name) {
        print(&format!("{}\n", path.strip_prefix(folder).unwrap_or(&path).display()));
    }
    Ok(ExitCode::Complete)
}

pub(super) fn export(out: &Path, place: &Where, outside: &Outside<'_>) -> Result<ExitCode, Failure> {
    let config = Config::load(&place.config)?;
    let store = reader(&config)?;
    let last = RunRecord::last(store.folder());
    let as_of = moment(place, last.as_ref(), outside);
    let scopes = last.map(|record| record.scopes).unwrap_or_default();
    // All signals, switched on or not: the check is about the queries.
    let queries = Chosen::all(&config)?.queries;
    let (measured, _) = night::measured(&config, &store, &scopes, as_of, &queries, &mut History::recall(&store)?)?;
    crate::measure::export(&measured, out)?;
    Ok(ExitCode::Complete)
}

/// Completions of all commands and flags.
pub(super) fn completions(shell: clap_complete::Shell, command: &mut clap::Command) -> ExitCode {
    let mut text = Vec::new();
    clap_complete::generate(shell, command, "undercurrent", &mut text);
    print(&String::from_utf8_lossy(&text));
    ExitCode::Complete
}

/// The manual page, with every command on it.
pub(super) fn manual(command: clap::Command) -> Result<ExitCode, Failure> {
    let mut text = Vec::new();
    let mut page = |command: clap::Command| clap_mangen::Man::new(command).render(&mut text);
    page(command.clone()).map_err(|error| Failure::internal(&error))?;
    for own in command.get_subcommands() {
        page(own.clone().display_name(format!("undercurrent {}", own.get_name())))
            .map_err(|error| Failure::internal(&error))?;
    }
    print(&String::from_utf8_lossy(&text));
    Ok(ExitCode::Complete)
}

pub(super) fn usual_range(file: &Path) -> Result<ExitCode, Failure> {
    let named = |error: &dyn std::fmt::Display| Failure::configuration(format!("{}: {error}", file.display()));
    let text = if file.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(|error| named(&error))?;
        text
    } else {
        std::fs::read_to_string(file).map_err(|error| named(&error))?
    };
    let answers = file::answer(&text).map_err(|error| named(&error))?;
    let json = serde_json::to_string_pretty(&answers).map_err(|error| Failure::internal(&error))?;
    print(&format!("{json}\n"));
    Ok(ExitCode::Complete)
}

pub(super) fn reliability(teams: usize) -> Result<ExitCode, Failure> {
    let measured = reliability::measure(teams).map_err(|error| Failure::internal(&error))?;
    print(&measured.page());
    Ok(ExitCode::Complete)
}
