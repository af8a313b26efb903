//! Microsoft Graph's getSchedule. Subjects and places that it sends are dropped while reading.

use std::collections::BTreeMap;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::json;

use super::freebusy::{FreeBusySource, Mailbox, Taken, Told, send};
use crate::collect::http::{CollectError, Gate};
use crate::model::time::Millis;

/// Mailboxes of one question.
pub(super) const MOST: usize = 20;

#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    value: Vec<Schedule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Schedule {
    schedule_id: String,
    /// Its words may name a person: that it is there is enough.
    error: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    schedule_items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    status: String,
    start: Moment,
    end: Moment,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Moment {
    date_time: DateTime,
    time_zone: String,
}

/// What the service says of each mailbox, by address in lower case.
pub(super) async fn ask(
    source: &FreeBusySource,
    gate: &Gate,
    batch: &[Mailbox],
    (from, to): (Millis, Millis),
) -> Result<BTreeMap<String, Told>, CollectError> {
    let utc = |at: Millis| {
        let local = TimeZone::UTC.to_datetime(at.to_timestamp());
        json!({ "dateTime": local.strftime("%Y-%m-%dT%H:%M:%S").to_string(), "timeZone": "UTC" })
    };
    let schedules: Vec<&str> = batch.iter().map(|mailbox| mailbox.address.as_str()).collect();
    let body = json!({
        "schedules": schedules,
        "startTime": utc(from),
        "endTime": utc(to),
        "availabilityViewInterval": 60,
    });
    let mut last = CollectError::NotVisible;
    // The question is asked in the name of one mailbox; where that one is gone, the next can ask for all.
    for asking in batch {
        let mut url = source.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["users", &asking.address, "calendar", "getSchedule"]);
        }
        match send(source, gate, "POST /users/{id}/calendar/getSchedule", &url, &body).await {
            Ok(answer) => {
                let reply: Reply = serde_json::from_slice(&answer.body)
                    .map_err(|_| CollectError::Scope("the service's answer is not understood".to_owned()))?;
                return Ok(reply.value.iter().map(|one| (one.schedule_id.to_lowercase(), told(one))).collect());
            }
            Err(CollectError::NotVisible) => last = CollectError::NotVisible,
            Err(other) => return Err(other),
        }
    }
    Err(last)
}

fn told(schedule: &Schedule) -> Told {
    if schedule.error.is_some() {
        return Err("the service does not show this calendar; correct the address, or give the token access".to_owned());
    }
    let read = |item: &Item| match item.status.as_str() {
        "free" | "workingElsewhere" => Some(None),
        status => Some(Some(Taken {
            from: instant(&item.start)?,
            to: instant(&item.end)?,
            tentative: status == "tentative",
            out_of_office: status == "oof",
        })),
    };
    let items: Option<Vec<_>> = schedule.schedule_items.iter().map(read).collect();
    let items = items.ok_or_else(|| "the service's answer is not understood".to_owned())?;
    Ok(items.into_iter().flatten().collect())
}

fn instant(moment: &Moment) -> Option<Millis> {
    let zone = super::zone::named(&moment.time_zone)?;
    zone.to_timestamp(moment.date_time).ok().map(Millis::from_timestamp)
}
