//! From the configuration to collectors, and from what they deliver to the store.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::mpsc;

use super::exit::Failure;
use super::freshness::place;
use super::history::WEEKS;
use super::night::elapsed;
use super::record::{RunRecord, Scope};
use super::retention;
use super::roster::calendar_account;
use super::selection::Selection;
use super::surroundings::{Interrupt, Signal, Surroundings};
use crate::collect::calendar::{self, CalendarSource, FreeBusySource, Location, Mailbox};
use crate::collect::git::{self, GitSource};
use crate::collect::github::{self, GithubSource};
use crate::collect::http::CollectError;
use crate::collect::jira::{self, JiraSource};
use crate::collect::{Context, Delivery, Meter, Outcome, ScopeReport};
use crate::config::{
    CalendarKind, CalendarService, Config, Flavour, GitHubCredential, GitPlace, TokenPlace, reader, tracker,
};
use crate::model::records::PersonAccount;
use crate::model::time::Millis;
use crate::model::{BOT, Batch, Cursor, Pseudonyms, Replaced, ScopeId};
use crate::store::{Store, StoreError};

/// Rows that are gathered before they are merged in one commit.
const COMMIT_ROWS: usize = 50_000;
const DAY: i64 = 86_400_000;
/// The signal that rests on check runs.
const CHECKS: &str = "retry_friction";
/// The signal that reads the contents of files in clones.
const REWRITES: &str = "early_rewriting";
/// The store's folder for copies of remote repositories, which are there only while they are read.
const COPIES: &str = "mirrors";
/// Calendars are kept this far ahead, so that moved and cancelled meetings of the next weeks are known.
const AHEAD: i64 = 14 * DAY;

/// Every source of a configuration, with its credentials.
pub struct Sources {
    pub github: Vec<(GithubSource, bool)>,
    pub jira: Vec<JiraSource>,
    pub git: Vec<GitSource>,
    /// Lines that were changed again soon are counted in clones.
    pub rewrites: bool,
    pub calendars: Vec<CalendarSource>,
    pub free_busy: Vec<FreeBusySource>,
}

/// How far a night's reading has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub requests: u64,
    /// Rows that the sources have shown so far; many of them are known already.
    pub rows: u64,
}

/// Somebody who watches a night's reading.
pub type Watch<'a> = &'a dyn Fn(Progress);

/// Where a token comes from in this run.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Sources {
    /// Puts the sources together.
    ///
    /// # Errors
    /// [`Failure`] for a missing token, with the line of the configuration that names it.
    pub fn of(config: &Config, names: &Pseudonyms, environment: Environment<'_>) -> Result<Self, Failure> {
        let token = |token: &TokenPlace, line: usize| -> Result<SecretString, Failure> {
            token
                .token(environment)
                .map_err(|error| Failure::configuration(format!("{}:{line}: {error}", config.file.display())))
        };
        let github = config.github.iter().enumerate().map(|(at, service)| {
            let source = GithubSource {
                url: service.url.clone(),
                host: github::host_of(&service.url),
                credential: match &service.credential {
                    GitHubCredential::Token(place) => github::Credential::Token(token(place, service.line)?),
                    GitHubCredential::App { id, installation, key } => github::Credential::App(github::App {
                        id: *id,
                        installation: *installation,
                        owners: service.owners.clone(),
                        key: token(key, service.line)?,
                    }),
                },
                repositories: own_repositories(config, at),
                logins: logins(config),
                labels: config.labels.clone(),
                check_runs: service.check_runs && !config.is_refused(CHECKS),
                projects: all(config, |team| &team.jira_projects),
                issues: github::IssueSource {
                    repositories: issue_repositories(config),
                    in_progress: config.in_progress.clone(),
                    known: BTreeMap::new(),
                    accept_gone: false,
                },
            };
            Ok((source, service.allow_write_scopes))
        });
        let jira = config.jira.iter().enumerate().map(|(at, service)| {
            Ok(JiraSource {
                url: service.url.clone(),
                host: jira::host_of(&service.url),
                flavour: match service.flavour {
                    Flavour::Cloud => jira::Flavour::Cloud,
                    Flavour::DataCenter => jira::Flavour::DataCenter,
                },
                user: service.user.clone(),
                token: token(&service.token, service.line)?,
                projects: own_projects(config, at),
                boards: boards(config, at),
                boardless: boardless(config, at),
                labels: config.labels.clone(),
                known: jira::KnownIssues::new(),
                accept_gone: false,
                allow_write: service.allow_write_scopes,
            })
        });
        let free_busy = config.calendar_services.iter().map(|service| {
            Ok(FreeBusySource {
                kind: match service.kind {
                    CalendarKind::Google => calendar::Kind::Google,
                    CalendarKind::Microsoft => calendar::Kind::Microsoft,
                },
                url: service.url.clone(),
                token: token(&service.token, service.line)?,
                mailboxes: mailboxes(config, service, names),
            })
        });
        Ok(Self {
            github: github.collect::<Result<_, Failure>>()?,
            jira: jira.collect::<Result<_, Failure>>()?,
            git: clones(config, names, &token)?,
            rewrites: config.is_on(REWRITES),
            calendars: calendars(config, names),
            free_busy: free_busy.collect::<Result<_, Failure>>()?,
        })
    }
}

/// What teams name, each once, in the order of the configuration.
pub(super) fn all(config: &Config, part: impl Fn(&crate::config::Team) -> &Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    config.read_teams().flat_map(part).filter(|name| seen.insert(name.to_lowercase())).cloned().collect()
}

/// The repositories that one of the services reads.
fn own_repositories(config: &Config, at: usize) -> Vec<String> {
    let own = |name: &String| reader(&config.github, name) == Some(at);
    all(config, |team| &team.repositories).into_iter().filter(own).collect()
}

/// The projects that one of the trackers reads.
fn own_projects(config: &Config, at: usize) -> Vec<String> {
    let own = |key: &String| tracker(&config.jira, key) == Some(at);
    all(config, |team| &team.jira_projects).into_iter().filter(own).collect()
}

/// The boards of teams with a project in a tracker: numbers mean something in one tracker only. The boards of a team
/// without a project are looked for in the first one.
fn boards(config: &Config, at: usize) -> Vec<i64> {
    let own = |team: &&crate::config::Team| match team.jira_projects.as_slice() {
        [] => at == 0,
        keys => keys.iter().any(|key| tracker(&config.jira, key) == Some(at)),
    };
    let boards = config.read_teams().filter(own).flat_map(|team| &team.jira_boards).copied();
    boards.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Projects of teams that name no board, as far as one of the trackers reads them.
fn boardless(config: &Config, at: usize) -> Vec<String> {
    let teams = config.read_teams().filter(|team| team.jira_boards.is_empty());
    let keys = teams.flat_map(|team| &team.jira_projects).filter(|key| tracker(&config.jira, key) == Some(at));
    keys.cloned().collect::<BTreeSet<_>>().into_iter().collect()
}

/// The repositories whose issues are work items, in lower case.
fn issue_repositories(config: &Config) -> BTreeSet<String> {
    let teams = config.read_teams().filter(|team| config.reads_issues_of(team));
    teams.flat_map(|team| &team.repositories).map(|name| name.to_lowercase()).collect()
}

/// What the store holds of each service's open issues, so that those which vanish are found.
fn know_open_items(sources: &mut [(GithubSource, bool)], store: &Store) -> Result<(), StoreError> {
    for open in store.open_items()? {
        for (source, _) in sources.iter_mut().filter(|(source, _)| source.host == open.host) {
            let item = github::KnownItem { number: open.number, issue_id: open.issue_id };
            source.issues.known.entry(open.repository.to_lowercase()).or_default().push(item);
        }
    }
    Ok(())
}

/// What the store holds of each tracker, as plain numbers: a collector knows nothing of the store.
fn know_issues(sources: &mut [JiraSource], store: &Store) -> Result<(), StoreError> {
    for stored in store.issues_by_project()? {
        for source in sources.iter_mut().filter(|source| source.host == stored.host) {
            let known = jira::Stored { live: stored.live.clone(), gone: stored.gone.clone() };
            source.known.insert(stored.project.clone(), known);
        }
    }
    Ok(())
}

fn logins(config: &Config) -> Vec<String> {
    config.people.iter().flat_map(|person| &person.github).chain(&config.bots.github).cloned().collect()
}

/// Clones, and remotes with the place in the store's folder where they are copied while they are read; the token of the
/// longest prefix is an address's own.
fn clones(
    config: &Config,
    names: &Pseudonyms,
    token: &dyn Fn(&TokenPlace, usize) -> Result<SecretString, Failure>,
) -> Result<Vec<GitSource>, Failure> {
    let source = |clone: &GitPlace| {
        let place = place(config, clone.line);
        let Some(url) = &clone.url else { return Ok(GitSource { path: clone.path.clone(), remote: None, place }) };
        let own = config.git.iter().filter(|access| access.covers(url));
        let access = own.max_by_key(|access| access.prefix.path().len());
        let token = access.map(|access| token(&access.token, access.line)).transpose()?;
        let path = config.store.path.join(COPIES).join(format!("{:016x}.git", names.number(url.as_str())));
        Ok(GitSource { path, remote: Some(git::Remote { url: url.clone(), token }), place })
    };
    config.read_teams().flat_map(|team| &team.git).map(source).collect()
}

fn calendars(config: &Config, names: &Pseudonyms) -> Vec<CalendarSource> {
    let present = config.people.iter().filter(|person| !person.leave && config.reads_calendar_of(&person.id));
    present
        .filter_map(|person| {
            let told = person.calendar.as_ref()?;
            let location = told.location.expose_secret();
            if CalendarKind::of(location).is_some() {
                return None;
            }
            Some(CalendarSource {
                account: calendar_account(person, names),
                owner_emails: person.emails.iter().map(|email| email.to_lowercase()).collect(),
                place: place(config, told.line),
                location: if location.contains("://") {
                    Location::Web(told.location.clone())
                } else {
                    Location::File(PathBuf::from(location))
                },
                zone: person.zone.clone(),
            })
        })
        .collect()
}

/// The people whose calendars are read through a service; of several services of a kind the first one is asked.
fn mailboxes(config: &Config, service: &CalendarService, names: &Pseudonyms) -> Vec<Mailbox> {
    let first = config.calendar_services.iter().find(|one| one.kind == service.kind);
    if first.is_some_and(|first| first.line != service.line) {
        return Vec::new();
    }
    let present = config.people.iter().filter(|person| !person.leave && config.reads_calendar_of(&person.id));
    let one = |person: &crate::config::Person| {
        let told = person.calendar.as_ref()?;
        let (_, address) = CalendarKind::of(told.location.expose_secret()).filter(|(kind, _)| *kind == service.kind)?;
        Some(Mailbox {
            account: calendar_account(person, names),
            place: place(config, told.line),
            address: address.to_owned(),
            zone: person.zone.clone(),
        })
    };
    present.filter_map(one).collect()
}

/// Reads every source into the store and fills in the run's record. A signal to end cuts it off: what has been delivered by
/// then is stored with its cursors, and every scope is as it was after the last run.
///
/// # Errors
/// [`Failure`] where the store fails; sources that fail are scopes of the record.
pub fn collect(
    config: &Config,
    store: &mut Store,
    sources: Sources,
    selection: &Selection,
    as_of: Timestamp,
    record: &mut RunRecord,
    around: &Surroundings<'_>,
) -> Result<Option<Signal>, Failure> {
    let begun = Instant::now();
    // Copies of repositories that a killed run left behind hold names.
    match std::fs::remove_dir_all(config.store.path.join(COPIES)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Failure::storage(format!("cannot remove {COPIES} from the store: {error}")));
        }
        _ => {}
    }
    let last = RunRecord::last(store.folder());
    let before = last.as_ref().map(RunRecord::freshness).unwrap_or_default();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| Failure::internal(&error))?;
    let meter = Arc::new(Meter::with(around.patience.clone()));
    let read = runtime.block_on(read_all(config, store, sources, selection, as_of, &meter, around))?;
    let now = Millis::from_timestamp(as_of).0;
    let (reports, signal) = match read {
        Ok(reports) => (reports.into_iter().map(|report| Scope::of(report, now, &before)).collect(), None),
        Err(signal) => {
            // A clone that is being read would be waited for.
            runtime.shutdown_background();
            (cut_off(last.map(|last| last.scopes).unwrap_or_default(), signal), Some(signal))
        }
    };
    record.scopes = reports;
    record.scopes.sort_by(|left, right| {
        (&left.source, &left.stream, &left.label).cmp(&(&right.source, &right.stream, &right.label))
    });
    record.count(meter.counts());
    record.seconds.insert("collect".to_owned(), elapsed(begun));
    Ok(signal)
}

/// The scopes of the last run after one that was cut off: nothing newer is known of them.
fn cut_off(scopes: Vec<Scope>, signal: Signal) -> Vec<Scope> {
    let unread =
        |scope: Scope| Scope { outcome: Outcome::Failed, reason: Some(signal.told()), refused: false, ..scope };
    scopes.into_iter().map(unread).collect()
}

async fn read_all(
    config: &Config,
    store: &mut Store,
    mut sources: Sources,
    selection: &Selection,
    as_of: Timestamp,
    meter: &Arc<Meter>,
    around: &Surroundings<'_>,
) -> Result<Result<Vec<ScopeReport>, Signal>, Failure> {
    know_issues(&mut sources.jira, store)?;
    know_open_items(&mut sources.github, store)?;
    sources.jira.iter_mut().for_each(|source| source.accept_gone = selection.accept_gone);
    sources.github.iter_mut().for_each(|(source, _)| source.issues.accept_gone = selection.accept_gone);
    let (sink, deliveries) = mpsc::channel(64);
    let now = Millis::from_timestamp(as_of);
    let context = Context {
        now,
        since: selection.floor(retention::first_read(config, as_of)),
        cursors: Arc::new(selection.cursors(store.cursors())),
        pseudonyms: store.pseudonyms().clone(),
        meter: Arc::clone(meter),
        sink,
    };
    let links = Links::of(config, store.pseudonyms());
    // In strict mode busy times of longer ago are kept for the first night alone, whose weeks stay as they are counted then.
    let is_counted = config.store.strict && store.recall(WEEKS)?.is_some();
    let begin = if is_counted { retention::begin_of_people(config, as_of) } else { context.since };
    let window = (begin, Millis(now.0 + AHEAD));
    let allow_private = config.allow_private;
    let reading = tokio::spawn(async move {
        let (github, jira, git, calendars, free_busy) = tokio::join!(
            read_github(sources.github, links, &context),
            read_jira(sources.jira, &context),
            git::collect(&sources.git, sources.rewrites, &context),
            calendar::collect(&sources.calendars, allow_private, window, &context),
            calendar::freebusy::collect(&sources.free_busy, window, &context),
        );
        [github, jira, git, calendars, free_busy].concat()
    });
    let mut rows = 0;
    let seen = |brought: usize| {
        rows += brought as u64;
        (around.watch)(Progress { requests: meter.counts().all_requests(), rows });
    };
    if let Some(signal) = keep(store, selection, deliveries, seen, around.interrupt.clone()).await? {
        reading.abort();
        return Ok(Err(signal));
    }
    // What such an error would print is the message of a panic, which may quote what was read.
    reading
        .await
        .map(Ok)
        .map_err(|_| Failure::internal(&"reading the sources stopped at a bug; its place stands above"))
}

/// Merges what is delivered, many deliveries in one commit, until the sources are read or a signal comes.
async fn keep(
    store: &mut Store,
    selection: &Selection,
    mut deliveries: mpsc::Receiver<Delivery>,
    mut seen: impl FnMut(usize),
    mut interrupt: Interrupt,
) -> Result<Option<Signal>, StoreError> {
    let mut batch = Batch::default();
    let mut cursors: Vec<(ScopeId, Cursor)> = Vec::new();
    let signal = loop {
        let delivery = tokio::select! {
            signal = interrupt.wait() => break Some(signal),
            delivery = deliveries.recv() => delivery,
        };
        let Some(delivery) = delivery else { break None };
        seen(delivery.batch.rows());
        batch.append(delivery.batch);
        if let Some(cursor) = delivery.cursor {
            let cursor = selection.kept(store.cursors().get(&delivery.scope), cursor);
            cursors.push((delivery.scope, cursor));
        }
        if batch.rows() >= COMMIT_ROWS {
            let (rows, moved) = (std::mem::take(&mut batch), std::mem::take(&mut cursors));
            tracing::info!(rows = rows.rows(), "storing");
            tokio::task::block_in_place(|| store.merge(&rows, moved))?;
        }
    };
    tokio::task::block_in_place(|| store.merge(&batch, cursors))?;
    Ok(signal)
}

async fn read_github(sources: Vec<(GithubSource, bool)>, links: Links, context: &Context) -> Vec<ScopeReport> {
    let mut reports = Vec::new();
    for (source, allow_write) in sources {
        if let Some(refused) = write_scopes(&source, allow_write, context).await {
            reports.extend(refused);
            continue;
        }
        let collected = github::collect(&source, context).await;
        if collected.unresolved > 0 {
            tracing::warn!(
                count = collected.unresolved,
                "some configured logins are not known to the service; `undercurrent check` counts them"
            );
        }
        if !collected.accounts.is_empty() {
            let batch = links.github(&source.host, &collected.accounts, &context.pseudonyms);
            let scope = ScopeId {
                source: format!("github:{}", source.host),
                stream: "accounts".to_owned(),
                scope: "all".to_owned(),
            };
            if context.deliver(Delivery { scope, batch, cursor: None }).await.is_err() {
                break;
            }
        }
        for report in &collected.reports {
            tracing::info!(scope = report.label, stream = report.id.stream, rows = report.rows, outcome = ?report.outcome, "read");
        }
        reports.extend(collected.reports);
    }
    let batch = links.fixed(&context.pseudonyms);
    let scope = ScopeId { source: "configuration".to_owned(), stream: "accounts".to_owned(), scope: "all".to_owned() };
    // A closed channel is the store's failure, which it reports itself.
    let _ = context.deliver(Delivery { scope, batch, cursor: None }).await;
    reports
}

/// A token that could write is refused unless the configuration allows it. Where a service hides its scopes, that is told;
/// where it cannot be asked at all, nothing is read with the token.
async fn write_scopes(source: &GithubSource, allow: bool, context: &Context) -> Option<Vec<ScopeReport>> {
    if allow {
        return None;
    }
    let probe = GithubSource { repositories: Vec::new(), logins: Vec::new(), ..source.clone() };
    let (refused, reason) = match github::check(&probe, Arc::clone(&context.meter)).await {
        Ok(access) if access.write_scopes().is_empty() => return None,
        Ok(access) => {
            let out = "make a read-only one, or set allow-write-scopes = true beside it";
            (true, format!("the token could write ({}); {out}", access.write_scopes().join(", ")))
        }
        Err(CollectError::NotVisible) => {
            tracing::warn!(host = source.host, "the service does not tell what the token may do");
            return None;
        }
        Err(error @ (CollectError::Refused(_) | CollectError::Unreachable)) => (error.is_refused(), error.to_string()),
        Err(error) => (false, format!("what the token may do could not be asked: {error}")),
    };
    let report = |name: &String| {
        let id =
            ScopeId { source: format!("github:{}", source.host), stream: "repository".to_owned(), scope: name.clone() };
        ScopeReport { refused, ..ScopeReport::failed(id, name, reason.clone()) }
    };
    Some(source.repositories.iter().map(report).collect())
}

async fn read_jira(sources: Vec<JiraSource>, context: &Context) -> Vec<ScopeReport> {
    let mut reports = Vec::new();
    for source in sources {
        let read = jira::collect(&source, context).await;
        for report in &read {
            tracing::info!(scope = report.label, stream = report.id.stream, rows = report.rows, outcome = ?report.outcome, "read");
        }
        reports.extend(read);
    }
    reports
}

/// Which accounts the configuration gives to whom.
#[derive(Clone)]
struct Links {
    /// Person's id (or [`BOT`]) and login in lower case.
    logins: Vec<(String, String)>,
    /// Person's id and account in the tracker, by host.
    tracker: Vec<(String, String, String)>,
    /// Person's id and e-mail in lower case.
    emails: Vec<(String, String)>,
    calendars: Vec<PersonAccount>,
}

impl Links {
    fn of(config: &Config, names: &Pseudonyms) -> Self {
        let owned = |part: fn(&crate::config::Person) -> &Vec<String>| {
            config.people.iter().flat_map(move |person| part(person).iter().map(|one| (person.id.clone(), one.clone())))
        };
        let bots = |all: &[String]| all.iter().map(|one| (BOT.to_owned(), one.clone())).collect::<Vec<_>>();
        let lower = |(person, text): (String, String)| (person, text.to_lowercase());
        let trackers = owned(|person| &person.jira).chain(bots(&config.bots.jira)).collect::<Vec<_>>();
        let tracker = config.jira.iter().flat_map(|service| {
            let host = jira::host_of(&service.url);
            trackers.iter().map(move |(person, id)| (person.clone(), host.clone(), id.clone()))
        });
        let calendars = config.people.iter().filter(|person| person.calendar.is_some()).map(|person| PersonAccount {
            person: names.person(&person.id),
            account: calendar_account(person, names),
            source: "calendar".to_owned(),
        });
        Self {
            logins: owned(|person| &person.github).chain(bots(&config.bots.github)).map(lower).collect(),
            tracker: tracker.collect(),
            emails: owned(|person| &person.emails).chain(bots(&config.bots.emails)).map(lower).collect(),
            calendars: calendars.collect(),
        }
    }

    /// Links of resolved logins. A login that no longer resolves stays linked as it was.
    fn github(&self, host: &str, numbers: &BTreeMap<String, i64>, names: &Pseudonyms) -> Batch {
        let link = |(person, login): &(String, String)| {
            let number = numbers.get(login)?;
            let account = names.account("github", host, &number.to_string());
            Some(PersonAccount { person: names.person(person), account, source: "github".to_owned() })
        };
        Batch { people_accounts: self.logins.iter().filter_map(link).collect(), ..Batch::default() }
    }

    /// Links that need no service to be resolved.
    fn fixed(&self, names: &Pseudonyms) -> Batch {
        let tracker = self.tracker.iter().map(|(person, host, id)| PersonAccount {
            person: names.person(person),
            account: names.account("jira", host, id),
            source: "jira".to_owned(),
        });
        let emails = self.emails.iter().map(|(person, email)| PersonAccount {
            person: names.person(person),
            account: names.account("git", "git", email),
            source: "git".to_owned(),
        });
        let replaced = ["jira", "git", "calendar"].map(|source| Replaced::Accounts { source: source.to_owned() });
        Batch {
            people_accounts: tracker.chain(emails).chain(self.calendars.iter().cloned()).collect(),
            replaced: replaced.to_vec(),
            ..Batch::default()
        }
    }
}
