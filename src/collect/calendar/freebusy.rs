//! Free/busy services: expanded busy times of many people in few requests, and nothing else about them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use secrecy::SecretString;
use url::Url;

use super::busy::{add_days_away, days_away};
use super::zone::Zone;
use super::{google, microsoft};
use crate::collect::http::{Answer, CollectError, Gate, LARGEST_BODY, Service, client, policy};
use crate::collect::{Context, Delivery, Meter, ScopeId, ScopeReport};
use crate::model::records::{Absence, Busy};
use crate::model::time::Millis;
use crate::model::{Account, Batch, Cursor, Pseudonyms, Replaced};

/// The longest stretch of time that both services answer for.
const LONGEST: i64 = 62 * 86_400_000;
/// The sum of all waits for one service.
const BUDGET: Duration = Duration::from_secs(20 * 60);

/// Which service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Google,
    Microsoft,
}

/// A person whose calendar is read through a service.
#[derive(Clone)]
pub struct Mailbox {
    pub account: Account,
    /// How errors name it: `undercurrent.toml:57`.
    pub place: String,
    /// The address that the service knows it by.
    pub address: String,
    /// The person's zone, in which days begin.
    pub zone: TimeZone,
}

/// A free/busy service and whom to ask it for.
#[derive(Clone)]
pub struct FreeBusySource {
    pub kind: Kind,
    pub url: Url,
    pub token: SecretString,
    pub mailboxes: Vec<Mailbox>,
}

/// A stretch of time that a service calls taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    pub from: Millis,
    pub to: Millis,
    pub tentative: bool,
    pub out_of_office: bool,
}

/// What a service says of one mailbox: the taken stretches, or why it does not say.
pub(super) type Told = Result<Vec<Taken>, String>;

/// Asks every service for its mailboxes; a mailbox that fails takes out nobody else. `window` is what is kept.
pub async fn collect(sources: &[FreeBusySource], window: (Millis, Millis), context: &Context) -> Vec<ScopeReport> {
    let mut reports = Vec::new();
    for source in sources {
        let told = ask(source, window, Arc::clone(&context.meter)).await;
        for mailbox in &source.mailboxes {
            reports.push(keep(mailbox, told.get(&mailbox.address.to_lowercase()), window, context).await);
        }
    }
    reports
}

/// Asks for one day, to see what works: place and reason of each mailbox.
pub async fn check(sources: &[FreeBusySource], now: Millis) -> Vec<(String, Result<(), String>)> {
    let mut answers = Vec::new();
    for source in sources {
        let told = ask(source, (Millis(now.0 - 86_400_000), now), Arc::default()).await;
        answers.extend(source.mailboxes.iter().map(|mailbox| {
            let result = match told.get(&mailbox.address.to_lowercase()) {
                Some(Ok(_)) => Ok(()),
                Some(Err((reason, _))) => Err(reason.clone()),
                None => Err(UNTOLD.to_owned()),
            };
            (mailbox.place.clone(), result)
        }));
    }
    answers
}

const UNTOLD: &str = "the service does not answer for this address; correct it";

/// By address in lower case; a reason comes with whether the credentials were refused.
type All = BTreeMap<String, Result<Vec<Taken>, (String, bool)>>;

async fn ask(source: &FreeBusySource, window: (Millis, Millis), meter: Arc<Meter>) -> All {
    let gate = Gate::new(Service::Calendar, meter, BUDGET);
    let mut all = All::new();
    for batch in source.mailboxes.chunks(match source.kind {
        Kind::Google => google::MOST,
        Kind::Microsoft => microsoft::MOST,
    }) {
        let mut from = window.0;
        while from < window.1 {
            let to = Millis((from.0 + LONGEST).min(window.1.0));
            let told = match source.kind {
                Kind::Google => google::ask(source, &gate, batch, (from, to)).await,
                Kind::Microsoft => microsoft::ask(source, &gate, batch, (from, to)).await,
            };
            add(&mut all, batch, told);
            from = to;
        }
    }
    all
}

/// Adds an answer; what failed once stays failed, since a part of a calendar is not a calendar.
fn add(all: &mut All, batch: &[Mailbox], told: Result<BTreeMap<String, Told>, CollectError>) {
    let told = told.map_err(|error| match error {
        CollectError::Refused(_) => {
            ("the service refuses the token; make a new one that may read free/busy times".to_owned(), true)
        }
        other => (other.to_string(), false),
    });
    for mailbox in batch {
        let address = mailbox.address.to_lowercase();
        let one = match &told {
            Ok(told) => match told.get(&address) {
                Some(Ok(taken)) => Ok(taken.clone()),
                Some(Err(reason)) => Err((reason.clone(), false)),
                None => Err((UNTOLD.to_owned(), false)),
            },
            Err(reason) => Err(reason.clone()),
        };
        match (all.get_mut(&address), one) {
            (Some(Ok(known)), Ok(more)) => known.extend(more),
            (Some(Err(_)), _) => {}
            (_, one) => drop(all.insert(address, one)),
        }
    }
}

async fn keep(
    mailbox: &Mailbox,
    told: Option<&Result<Vec<Taken>, (String, bool)>>,
    window: (Millis, Millis),
    context: &Context,
) -> ScopeReport {
    let id = ScopeId { source: "calendars".to_owned(), stream: "calendar".to_owned(), scope: mailbox.place.clone() };
    let label = format!("calendar at {}", mailbox.place);
    let taken = match told {
        Some(Ok(taken)) => taken,
        Some(Err((reason, refused))) => {
            return ScopeReport { refused: *refused, ..ScopeReport::failed(id, label, reason.clone()) };
        }
        None => return ScopeReport::failed(id, label, UNTOLD),
    };
    let (busy, absences) = rows(mailbox, taken, window, &context.pseudonyms);
    let rows = (busy.len() + absences.len()) as u64;
    let replaced = vec![Replaced::Calendar { account: mailbox.account, from: window.0, to: window.1 }];
    let batch = Batch { busy, absences, replaced, ..Batch::default() };
    let cursor = Cursor { scope_hash: "1".to_owned(), ..Cursor::default() };
    if context.deliver(Delivery { scope: id.clone(), batch, cursor: Some(cursor) }).await.is_err() {
        return ScopeReport::failed(id, label, "the store stopped taking rows");
    }
    ScopeReport::complete(id, label, rows, 1)
}

/// Meetings and absences. Whole days in the person's zone are absences: a service does not say more.
fn rows(mailbox: &Mailbox, taken: &[Taken], window: (Millis, Millis), names: &Pseudonyms) -> (Vec<Busy>, Vec<Absence>) {
    let zone = Zone::Named(mailbox.zone.clone());
    let mut united: Vec<Taken> = Vec::new();
    let mut sorted = taken.to_vec();
    sorted.sort_by_key(|one| (one.from, one.to));
    for one in sorted {
        match united.last_mut() {
            // What a boundary between two questions cut comes back in two parts.
            Some(last) if one.from <= last.to && is_alike(last, &one) && (one.from.0 - window.0.0) % LONGEST == 0 => {
                last.to = last.to.max(one.to);
            }
            _ => united.push(one),
        }
    }
    let (mut busy, mut away) = (Vec::new(), BTreeMap::new());
    for one in united.iter().filter(|one| one.from < one.to) {
        let midnight = |at: Millis| zone.local(at).time() == Time::midnight();
        let whole = midnight(one.from) && midnight(one.to);
        if whole || one.out_of_office {
            add_days_away(&mut away, days_away(mailbox.account, (one.from, one.to), whole, &zone, window));
        } else if one.from >= window.0 && one.from < window.1 {
            busy.push(Busy {
                account: mailbox.account,
                occurrence: names.number(&format!("free-busy:{}:{}", mailbox.account.to_stored(), one.from.0)),
                starts_at: one.from,
                ends_at: one.to,
                kind: "meeting".to_owned(),
                attendees: None,
                recurring: false,
                own: false,
                cancelled: false,
                moved_from: None,
                response: if one.tentative { "tentative" } else { "none" }.to_owned(),
            });
        }
    }
    (busy, away.into_values().collect())
}

fn is_alike(one: &Taken, other: &Taken) -> bool {
    (one.tentative, one.out_of_office) == (other.tentative, other.out_of_office)
}

/// Sends a question; the token goes to the configured address alone, since no redirect is followed.
pub(super) async fn send(
    source: &FreeBusySource,
    gate: &Gate,
    endpoint: &str,
    url: &Url,
    body: &serde_json::Value,
) -> Result<Answer, CollectError> {
    use secrecy::ExposeSecret;
    let http = client::client(gate.meter().patience())?;
    let judge = |answer: &Answer| policy::classify(Service::Calendar, answer.status, &answer.headers, &answer.body);
    let attempt = || {
        let request = http
            .post(url.clone())
            .bearer_auth(source.token.expose_secret())
            .header("Prefer", "outlook.timezone=\"UTC\"")
            .json(body);
        async { client::fetch(request, LARGEST_BODY).await }
    };
    let answer = gate.send(endpoint, judge, attempt).await?;
    if answer.status == 200 {
        return Ok(answer);
    }
    Err(CollectError::Scope("the service redirects; set its final address as url".to_owned()))
}
