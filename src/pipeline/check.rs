//! `check`: what works, what is missing, and the way out, before a night is spent.

use std::sync::Arc;
use std::time::Duration;

use super::collect::{Environment, Sources};
use super::deliver::Courier;
use super::exit::{ExitCode, Failure};
use super::identities::{counted, strangers};
use super::roster::holidays;
use crate::collect::http::CollectError;
use crate::collect::{Meter, calendar, git, github, jira};
use crate::config::Config;
use crate::model::Pseudonyms;
use crate::model::time::Millis;
use crate::store::{Store, volume};

/// Bytes that have to be free at least.
const LEAST_FREE: u64 = 200 * 1024 * 1024;
/// Minutes by which clocks may differ.
const MOST_APART: i64 = 5;
/// How long a remote repository is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// One line of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub fine: bool,
    pub text: String,
}

pub(super) fn fine(text: String) -> Finding {
    Finding { fine: true, text }
}

pub(super) fn wrong(text: String) -> Finding {
    Finding { fine: false, text }
}

/// Tests credentials, scopes, visibility and files as of `now`, and passes on what is wrong with words; what is wrong does not stop the rest.
///
/// # Errors
/// [`Failure`] for a missing token.
pub fn check(
    config: &Config,
    complaints: &[String],
    now: jiff::Timestamp,
    environment: Environment<'_>,
) -> Result<(ExitCode, Vec<Finding>), Failure> {
    let sources = Sources::of(config, &Pseudonyms::new([0; 32]), environment)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| Failure::internal(&error))?;
    let mut findings = vec![fine(format!(
        "{}: {} people in {} teams",
        config.file.display(),
        config.people.len(),
        config.teams.len()
    ))];
    findings.extend(complaints.iter().cloned().map(wrong));
    findings.extend(disk(config));
    findings.extend(super::ledger::problems(config).into_iter().map(wrong));
    let mut refused = false;
    for (source, allow_write) in &sources.github {
        let answer = runtime.block_on(github::check(source, Arc::new(Meter::default())));
        refused |= matches!(answer, Err(CollectError::Refused(_)));
        findings.extend(clock(&source.host, answer.as_ref().ok().and_then(|access| access.server), now));
        findings.extend(github_findings(source, *allow_write, answer, now));
    }
    for source in &sources.jira {
        let answer = runtime.block_on(jira::check(source, Arc::new(Meter::default())));
        refused |= matches!(answer, Err(CollectError::Refused(_)));
        findings.extend(clock(&source.host, answer.as_ref().ok().and_then(|access| access.server), now));
        findings.extend(jira_findings(source, answer));
    }
    for source in &sources.git {
        if let Some(remote) = &source.remote {
            findings.push(match git::tips(remote, PATIENCE) {
                Ok(_) => fine(format!("repository at {}: it can be fetched", source.place)),
                Err(error) => wrong(format!("repository at {}: {error}", source.place)),
            });
            continue;
        }
        findings.push(match git::read(&source.path, None, &Pseudonyms::new([0; 32])) {
            Ok(reading) => fine(format!("clone at {}: {} commits", source.place, reading.commits.len())),
            Err(error) => wrong(format!("clone at {}: {error}", source.place)),
        });
    }
    let calendars = runtime.block_on(calendar::check(&sources.calendars, config.allow_private));
    for (place, result) in calendars {
        findings.push(match result {
            Ok(entries) => fine(format!("calendar at {place}: {entries} events")),
            Err(reason) => wrong(format!("calendar at {place}: {reason}")),
        });
    }
    findings.extend(service_findings(&runtime, &sources, Millis::from_timestamp(now)));
    findings.extend(Courier { config, environment, again: false }.check()?);
    findings.extend(holidays(config).1.into_iter().map(wrong));
    findings.extend(unmatched(config, now)?);
    let exit = match (refused, findings.iter().all(|finding| finding.fine)) {
        (true, _) => ExitCode::Refused,
        (false, true) => ExitCode::Complete,
        (false, false) => ExitCode::Partial,
    };
    Ok((exit, findings))
}

/// Whether the disks have room, and are such as a store may lie on.
fn disk(config: &Config) -> Vec<Finding> {
    let place = &config.store.path;
    let told = match volume(place) {
        Ok(told) => told,
        Err(error) => return vec![wrong(format!("store {}: its disk cannot be asked: {error}", place.display()))],
    };
    let held = Store::open_reader(&config.store).ok().flatten().map_or(0, |store| store.bytes());
    let wanted = LEAST_FREE.max(2 * held);
    let mebibytes = |bytes: u64| bytes / (1024 * 1024);
    let mut findings = Vec::new();
    findings.push(if told.free < wanted {
        let (free, wanted) = (mebibytes(told.free), mebibytes(wanted));
        let out = "make room, or name another place in [store] path";
        wrong(format!("store {}: {free} MiB are free, a night may want {wanted}; {out}", place.display()))
    } else {
        fine(format!("store {}: {} MiB are free", place.display(), mebibytes(told.free)))
    });
    if let Some(kind) = told.remote {
        findings.push(wrong(format!(
            "store {}: it lies on {kind}, which keeps neither locks nor the order of writes; put it on a local disk",
            place.display()
        )));
    }
    findings
}

/// Whether a service's clock and this machine's agree. Nothing that is stored rests on this machine's; days that are
/// measured do.
fn clock(host: &str, server: Option<Millis>, now: jiff::Timestamp) -> Option<Finding> {
    let apart = (server?.0 - Millis::from_timestamp(now).0) / 60_000;
    let way = if apart > 0 { "behind" } else { "ahead of" };
    (apart.abs() >= MOST_APART).then(|| {
        wrong(format!("this machine's clock is {} min {way} that of {host}; set it by the network's time", apart.abs()))
    })
}

/// Whether a date such as `2026-12-01 00:00:00 UTC` lies within two weeks.
fn is_soon(date: &str, now: jiff::Timestamp) -> bool {
    let day: Option<jiff::civil::Date> = date.get(..10).and_then(|day| day.parse().ok());
    let today = now.to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
    day.is_some_and(|day| (day - today).get_days() <= 14)
}

/// How many active accounts of the store belong to nobody. People outside the teams are no mistake, so this is only told.
fn unmatched(config: &Config, now: jiff::Timestamp) -> Result<Vec<Finding>, Failure> {
    let Some(store) = Store::open_reader(&config.store)? else { return Ok(Vec::new()) };
    let counts = counted(&strangers(config, &store, now)?);
    if counts.is_empty() {
        return Ok(vec![fine("every account of the last 90 days belongs to somebody".to_owned())]);
    }
    let all: Vec<String> = counts.iter().map(|(source, count)| format!("{count} of {source}")).collect();
    let out = "`undercurrent identities` proposes whose they are";
    Ok(vec![fine(format!("active accounts that belong to nobody in the configuration: {}; {out}", all.join(", ")))])
}

/// What the free/busy services say of yesterday.
fn service_findings(runtime: &tokio::runtime::Runtime, sources: &Sources, now: Millis) -> Vec<Finding> {
    let answers = runtime.block_on(calendar::freebusy::check(&sources.free_busy, now));
    let finding = |(place, result): (String, Result<(), String>)| match result {
        Ok(()) => fine(format!("calendar at {place}: the service shows when it is busy")),
        Err(reason) => wrong(format!("calendar at {place}: {reason}")),
    };
    answers.into_iter().map(finding).collect()
}

fn github_findings(
    source: &github::GithubSource,
    allow_write: bool,
    answer: Result<github::Access, CollectError>,
    now: jiff::Timestamp,
) -> Vec<Finding> {
    let host = &source.host;
    let access = match answer {
        Ok(access) => access,
        Err(error) => return vec![wrong(format!("GitHub {host}: {error}"))],
    };
    let mut findings = vec![fine(format!(
        "GitHub {host}: the token is taken{}{}",
        access.remaining.map_or_else(String::new, |left| format!(", {left} requests left this hour")),
        access.expires.as_ref().map_or_else(String::new, |date| format!(", it expires on {date}")),
    ))];
    if access.expires.as_deref().is_some_and(|date| is_soon(date, now)) {
        let date = access.expires.as_deref().unwrap_or_default();
        findings.push(wrong(format!("GitHub {host}: the token expires soon ({date}); make a new one in time")));
    }
    if let Some(sentence) = teams_hidden(&access.scopes) {
        findings.push(fine(format!("GitHub {host}: {sentence}")));
    }
    if access.scopes.is_empty() {
        let needed = "Metadata, Contents, Pull requests and Issues, all read-only, are all that a night needs";
        findings.push(fine(format!("GitHub {host}: the service does not tell what such a token may do; {needed}")));
    }
    let writes = access.write_scopes().join(", ");
    if !writes.is_empty() && !allow_write {
        let out = "make a read-only one, or set allow-write-scopes = true beside it";
        findings.push(wrong(format!("GitHub {host}: the token could write ({writes}); {out}")));
    }
    for (name, seen) in &access.repositories {
        let out = "give the token read access to it, or correct the name";
        findings.push(if *seen {
            fine(format!("{name}: visible"))
        } else {
            wrong(format!("{name}: not visible; {out}"))
        });
    }
    if access.unresolved > 0 {
        let count = access.unresolved;
        findings.push(wrong(format!("{count} logins of the configuration are not known to {host}; correct them")));
    }
    findings
}

/// Whether a token's scopes keep rosters from being proposed; a night needs none of it. Tokens and
/// Apps that name no scopes are found out by asking.
fn teams_hidden(scopes: &[String]) -> Option<&'static str> {
    let shown = scopes.is_empty() || scopes.iter().any(|scope| scope.ends_with(":org") || scope.ends_with(":write"));
    let hidden = "without read:org the token cannot see the organisation's teams, from which `undercurrent identities \
                  --teams` proposes rosters; nothing else needs it";
    (!shown).then_some(hidden)
}

/// What the account of a Jira may do. Jira tells of accounts, never of tokens, so a run is not stopped by it.
fn jira_rights(source: &jira::JiraSource, writes: Option<&[String]>) -> Finding {
    let host = &source.host;
    match writes {
        None => fine(format!("Jira {host}: the service does not tell what the account may do; Browse is all it needs")),
        Some([]) => fine(format!("Jira {host}: the account may read and nothing else")),
        Some(_) if source.allow_write => fine(format!("Jira {host}: the account may do more than read, as configured")),
        Some(writes) => wrong(format!(
            "Jira {host}: the account may do more than read ({}); take one with Browse on these projects alone, or set \
             allow-write-scopes = true beside it",
            writes.join(", ")
        )),
    }
}

fn jira_findings(source: &jira::JiraSource, answer: Result<jira::Access, CollectError>) -> Vec<Finding> {
    let host = &source.host;
    match answer {
        Err(error) => vec![wrong(format!("Jira {host}: {error}"))],
        Ok(access) => {
            let project = |(key, seen): &(String, bool)| {
                let out = "give the account the right to browse it, or correct the key";
                if *seen { fine(format!("{key}: visible")) } else { wrong(format!("{key}: not visible; {out}")) }
            };
            let taken = fine(format!("Jira {host}: the credentials are taken"));
            let rights = jira_rights(source, access.writes.as_deref());
            [taken, rights].into_iter().chain(access.projects.iter().map(project)).collect()
        }
    }
}
