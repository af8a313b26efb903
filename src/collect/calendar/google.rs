//! Google Calendar's free/busy question.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::freebusy::{FreeBusySource, Mailbox, Taken, Told, send};
use crate::collect::http::{CollectError, Gate};
use crate::model::time::Millis;

/// Calendars of one question.
pub(super) const MOST: usize = 50;

#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    calendars: BTreeMap<String, Calendar>,
}

#[derive(Deserialize)]
struct Calendar {
    #[serde(default)]
    errors: Vec<Problem>,
    #[serde(default)]
    busy: Vec<Stretch>,
}

#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    reason: String,
}

#[derive(Deserialize)]
struct Stretch {
    start: jiff::Timestamp,
    end: jiff::Timestamp,
}

/// What the service says of each mailbox, by address in lower case.
pub(super) async fn ask(
    source: &FreeBusySource,
    gate: &Gate,
    batch: &[Mailbox],
    (from, to): (Millis, Millis),
) -> Result<BTreeMap<String, Told>, CollectError> {
    let unusable = || CollectError::Scope("its address cannot be used".to_owned());
    let url = format!("{}/calendar/v3/freeBusy", source.url.as_str().trim_end_matches('/'));
    let url = url.parse().map_err(|_| unusable())?;
    let items: Vec<_> = batch.iter().map(|mailbox| json!({ "id": mailbox.address })).collect();
    let body = json!({
        "timeMin": from.to_timestamp().to_string(),
        "timeMax": to.to_timestamp().to_string(),
        "timeZone": "UTC",
        "items": items,
    });
    let answer = send(source, gate, "POST /calendar/v3/freeBusy", &url, &body).await?;
    let reply: Reply = serde_json::from_slice(&answer.body)
        .map_err(|_| CollectError::Scope("the service's answer is not understood".to_owned()))?;
    Ok(reply.calendars.into_iter().map(|(address, calendar)| (address.to_lowercase(), told(&calendar))).collect())
}

fn told(calendar: &Calendar) -> Told {
    match calendar.errors.first().map(|problem| problem.reason.as_str()) {
        None => Ok(calendar.busy.iter().map(taken).collect()),
        Some("notFound" | "forbidden") => {
            Err("the service does not show this calendar; share its free/busy times with the token's account"
                .to_owned())
        }
        Some(_) => Err("the service could not answer for this calendar".to_owned()),
    }
}

fn taken(stretch: &Stretch) -> Taken {
    let (from, to) = (Millis::from_timestamp(stretch.start), Millis::from_timestamp(stretch.end));
    Taken { from, to, tentative: false, out_of_office: false }
}
