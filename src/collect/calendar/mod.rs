//! Calendars: start, end and kind of entries from `.ics` files and addresses. No title, place or guest is kept.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::timeout;

mod again;
mod busy;
mod decode;
mod expand;
mod fetch;
pub mod freebusy;
mod google;
mod layout;
mod microsoft;
mod parse;
mod recur;
mod rule;
mod zone;

use super::{Context, Delivery, Outcome, ScopeId, ScopeReport};
use crate::model::time::Millis;
use crate::model::{Account, Batch, Replaced};
pub use busy::{Moment, Reading, holidays, occurrences, read};
use fetch::Fetched;
pub use freebusy::{FreeBusySource, Kind, Mailbox};
pub use parse::ParseError;

/// Calendars read at the same time.
const AT_ONCE: usize = 8;
/// How long a calendar's reading is waited for. Its budget of work ends it within two seconds; this is for a machine that
/// hardly runs, and for what nobody has thought of.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where a calendar lies.
#[derive(Clone, Debug)]
pub enum Location {
    File(PathBuf),
    /// An address; it is a secret.
    Web(SecretString),
}

impl Location {
    /// Tells places apart; hashed before it goes anywhere.
    fn mark(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Web(address) => address.expose_secret().to_owned(),
        }
    }
}

/// A person's calendar.
#[derive(Clone)]
pub struct CalendarSource {
    pub account: Account,
    /// The owner's addresses, for the own answer to an invitation.
    pub owner_emails: Vec<String>,
    /// How errors name it: `undercurrent.toml:57`.
    pub place: String,
    pub location: Location,
    /// The person's zone, for floating times and days.
    pub zone: TimeZone,
}

/// Reads every calendar; one that fails does not stop the others. `window` is what is kept.
pub async fn collect(
    sources: &[CalendarSource],
    allow_private: bool,
    window: (Millis, Millis),
    context: &Context,
) -> Vec<ScopeReport> {
    let mut waiting: Vec<CalendarSource> = sources.iter().rev().cloned().collect();
    let mut running = JoinSet::new();
    let mut reports = Vec::new();
    loop {
        while running.len() < AT_ONCE
            && let Some(source) = waiting.pop()
        {
            let context = context.clone();
            running.spawn(async move { collect_one(&source, allow_private, window, &context).await });
        }
        match running.join_next().await {
            None => break,
            Some(Ok(report)) => reports.push(report),
            Some(Err(_)) => {
                let id =
                    ScopeId { source: "calendars".to_owned(), stream: "calendar".to_owned(), scope: "?".to_owned() };
                reports.push(ScopeReport::failed(id, "a calendar", "reading it was cut off by an internal error"));
            }
        }
    }
    reports.sort_by(|left, right| left.id.cmp(&right.id));
    reports
}

async fn collect_one(
    source: &CalendarSource,
    allow_private: bool,
    window: (Millis, Millis),
    context: &Context,
) -> ScopeReport {
    let id = ScopeId { source: "calendars".to_owned(), stream: "calendar".to_owned(), scope: source.place.clone() };
    let label = format!("calendar at {}", source.place);
    let marks = again::marks(context.cursor(&id, &again::question(source, &context.pseudonyms)), window);
    let meter = Arc::clone(&context.meter);
    let (bytes, marks) = match fetch::fetch(&source.location, allow_private, meter, marks.as_ref()).await {
        Ok(Fetched::Whole(bytes, marks)) => (bytes, marks),
        // Its rows stand as they are, and the cursor as well.
        Ok(Fetched::Unchanged) => {
            return ScopeReport { outcome: Outcome::Unchanged, ..ScopeReport::complete(id, label, 0, 1) };
        }
        Err(reason) => return ScopeReport::failed(id, label, reason),
    };
    let (owner, names) = (source.clone(), context.pseudonyms.clone());
    let work = move || {
        let reading = read(&bytes, &owner, window, &names)?;
        let cursor = again::cursor(&bytes, &owner, window, &names, &reading, marks);
        Ok::<_, ParseError>((reading, cursor))
    };
    let (reading, cursor) = match given_up_after(PATIENCE, work).await {
        Ok(Ok(reading)) => reading,
        Ok(Err(error)) => return ScopeReport::failed(id, label, error.to_string()),
        Err(reason) => return ScopeReport::failed(id, label, reason),
    };
    let rows = (reading.busy.len() + reading.absences.len()) as u64;
    let batch = Batch {
        busy: reading.busy,
        absences: reading.absences,
        replaced: vec![Replaced::Calendar { account: source.account, from: window.0, to: window.1 }],
        ..Batch::default()
    };
    if context.deliver(Delivery { scope: id.clone(), batch, cursor: Some(cursor) }).await.is_err() {
        return ScopeReport::failed(id, label, "the store stopped taking rows");
    }
    let mut report = ScopeReport::complete(id, label, rows, 1);
    if reading.cut > 0 {
        report.outcome = Outcome::Incomplete;
        let events = reading.cut;
        report.reason = Some(format!("{events} of its events are too much to be read; correct them in the calendar"));
    }
    report
}

/// Runs work on a thread of its own that nobody waits for longer than `patience`: one calendar never holds up a night.
async fn given_up_after<Done: Send + 'static>(
    patience: Duration,
    work: impl FnOnce() -> Done + Send + 'static,
) -> Result<Done, &'static str> {
    let (done, waiting) = oneshot::channel();
    let thread = std::thread::Builder::new().name("calendar".to_owned()).spawn(move || {
        // Nobody listens any more where it was given up.
        let _ = done.send(work());
    });
    if thread.is_err() {
        return Err("the system has no thread left to read it");
    }
    match timeout(patience, waiting).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(_)) => Err("reading it was cut off by an internal error"),
        Err(_) => Err("reading it timed out after 20 s; the machine is too busy, and the next night reads it again"),
    }
}

/// Looks at every calendar without keeping anything: how many events it has, or why it cannot be read.
pub async fn check(sources: &[CalendarSource], allow_private: bool) -> Vec<(String, Result<usize, String>)> {
    let mut answers = Vec::new();
    for source in sources {
        let fetched = fetch::fetch(&source.location, allow_private, Arc::default(), None).await;
        let read = fetched.and_then(|fetched| {
            let Fetched::Whole(bytes, _) = fetched else { return Err(fetch::UNASKED.to_owned()) };
            let mut budget = recur::Budget::of_calendar();
            let calendars = parse::calendars(&bytes, &mut budget).map_err(|error| error.to_string())?;
            Ok(calendars.iter().map(|calendar| calendar.events.len()).sum())
        });
        answers.push((source.place.clone(), read));
    }
    answers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_thread_that_does_not_end_is_given_up() {
        let (hold, held) = std::sync::mpsc::channel::<()>();
        let stuck = given_up_after(Duration::from_millis(20), move || held.recv().is_ok()).await;
        assert!(stuck.unwrap_err().starts_with("reading it timed out"));
        drop(hold);
        assert_eq!(given_up_after(Duration::from_secs(60), || 7).await, Ok(7));
    }
}
