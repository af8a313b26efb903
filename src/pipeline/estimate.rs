//! `--dry-run`: what a night would cost, by a handful of cheap questions; nothing is written.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::collect::{Environment, Sources};
use super::exit::{ExitCode, Failure};
use super::retention;
use super::selection::Selection;
use crate::collect::calendar::Location;
use crate::collect::http::CollectError;
use crate::collect::{Meter, github, jira};
use crate::config::Config;
use crate::model::{Cursors, Pseudonyms};
use crate::store::Store;

/// What a request takes, measured from asking to having stored.
const SECONDS: f64 = 0.8;
/// GraphQL points that GitHub gives in an hour.
const POINTS_AN_HOUR: u64 = 5_000;

/// One scope's cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub scope: String,
    /// `None` where it could not be asked.
    pub requests: Option<u64>,
    pub points: u64,
    /// Whether this is a first reading, and what else is to be known.
    pub note: String,
}

/// The cost of a night.
#[derive(Debug)]
pub struct Estimate {
    pub lines: Vec<Line>,
    /// Requests that were spent on asking.
    pub spent: u64,
    pub exit: ExitCode,
}

impl Estimate {
    /// Requests, points, and about how long they take.
    #[must_use]
    pub fn sums(&self) -> (u64, u64, Duration) {
        let requests: u64 = self.lines.iter().filter_map(|line| line.requests).sum();
        let points: u64 = self.lines.iter().map(|line| line.points).sum();
        let hours = points.saturating_sub(1) / POINTS_AN_HOUR;
        // The product of counts that a night can hold fits a float without loss.
        #[expect(clippy::cast_precision_loss, reason = "a night has far fewer than 2^52 requests")]
        let seconds = requests as f64 * SECONDS + hours as f64 * 3600.0;
        (requests, points, Duration::from_secs_f64(seconds))
    }
}

/// Asks each chosen source how much there is to read.
///
/// # Errors
/// [`Failure`] for a missing token, a name that `--only` does not know, or a store that cannot be read.
pub fn estimate(
    config: &Config,
    selection: &Selection,
    as_of: Timestamp,
    environment: Environment<'_>,
) -> Result<Estimate, Failure> {
    let sources = Sources::of(&selection.narrowed(config)?, &Pseudonyms::new([0; 32]), environment)?;
    let stored = Store::open_reader(&config.store)?.map(|store| store.cursors().clone()).unwrap_or_default();
    let cursors = selection.cursors(&stored);
    let since = selection.floor(retention::first_read(config, as_of));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| Failure::internal(&error))?;
    let meter = Arc::new(Meter::default());
    let mut asked = Asked { lines: Vec::new(), refused: false, failed: false };
    for (source, _) in &sources.github {
        let answer = runtime.block_on(github::estimate(source, &cursors, since, Arc::clone(&meter)));
        asked.github(source, answer);
    }
    for source in &sources.jira {
        let answer = runtime.block_on(jira::estimate(source, &cursors, since, Arc::clone(&meter)));
        asked.jira(source, &cursors, answer);
    }
    for source in &sources.git {
        let (requests, note) = match source.remote {
            Some(_) => (2, "a mirror; fetched by git itself"),
            None => (0, "a local clone, read from disk"),
        };
        asked.add(&format!("git {}", source.place), Some(requests), 0, note);
    }
    let web = sources.calendars.iter().filter(|calendar| matches!(calendar.location, Location::Web(_))).count() as u64;
    if !sources.calendars.is_empty() {
        let files = sources.calendars.len() as u64 - web;
        asked.add("calendars", Some(web), 0, &format!("{web} from the web, {files} from files"));
    }
    let exit = match (asked.refused, asked.failed) {
        (true, _) => ExitCode::Refused,
        (false, true) => ExitCode::Partial,
        (false, false) => ExitCode::Complete,
    };
    Ok(Estimate { lines: asked.lines, spent: meter.counts().requests.values().sum(), exit })
}

struct Asked {
    lines: Vec<Line>,
    refused: bool,
    failed: bool,
}

impl Asked {
    fn add(&mut self, scope: &str, requests: Option<u64>, points: u64, note: &str) {
        self.failed |= requests.is_none();
        self.lines.push(Line { scope: scope.to_owned(), requests, points, note: note.to_owned() });
    }

    fn failure(&mut self, scope: &str, error: &CollectError) {
        self.refused |= error.is_refused();
        self.add(scope, None, 0, &error.to_string());
    }

    fn github(&mut self, source: &github::GithubSource, answer: Result<Vec<github::Cost>, CollectError>) {
        let name = format!("github {}", source.host);
        match answer {
            Err(error) => self.failure(&name, &error),
            Ok(costs) => {
                let glances = 1 + (source.repositories.len() as u64).div_ceil(50);
                self.add(&name, Some(glances + 1), glances, "token, accounts and all repositories at a glance");
                for cost in costs {
                    let note = match (cost.requests, cost.continues) {
                        (None, _) => "not visible; give the token read access to it, or correct the name",
                        (Some(0), true) => "nothing changed",
                        (Some(_), true) => "changed; a page of each stream",
                        (Some(_), false) => "first reading; at most, since old pull requests are left out",
                    };
                    self.add(&cost.repository, cost.requests, cost.points, note);
                }
            }
        }
    }

    fn jira(&mut self, source: &jira::JiraSource, cursors: &Cursors, answer: Result<Vec<jira::Cost>, CollectError>) {
        let name = format!("jira {}", source.host);
        match answer {
            Err(error) => self.failure(&name, &error),
            Ok(costs) => {
                let site = jira::OF_A_SITE + source.boards.len() as u64;
                self.add(&name, Some(site), 0, "account, fields, statuses and boards");
                for cost in costs {
                    let read = cursors.iter().any(|(id, _)| id.stream == "issues" && id.scope == cost.project);
                    let kind = if read { "changed issues" } else { "issues; first reading" };
                    self.add(&cost.project, Some(cost.requests), 0, &format!("{} {kind}", cost.issues));
                }
            }
        }
    }
}
