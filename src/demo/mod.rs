//! The sample organisation behind `undercurrent demo`: plain records of a year, made by repeatable chance, for the
//! same store, measuring, noticing and report as a real night.

mod aside;
pub(crate) mod chance;
mod people;
mod talk;
mod work;

pub use people::{LED, LEDGER};

use jiff::Timestamp;

use crate::model::records::{PersonAccount, Status, Tracker};
use crate::model::time::{Millis, day_number};
use crate::model::{Batch, Pseudonyms, Replaced};

/// The sample's own now: early on a Monday.
pub const UNTIL: &str = "2026-11-23T04:10:00Z";
/// Days of history.
const DAYS: i64 = 56 * 7;

/// The sample: what the configuration would say, and what the collectors would have brought.
pub struct Organisation {
    pub config_toml: String,
    pub batch: Batch,
}

/// Makes the sample as it stands at an instant.
#[must_use]
pub fn organisation(until: Timestamp, names: &Pseudonyms) -> Organisation {
    let last = day_number(until.to_zoned_datetime(jiff::tz::TimeZone::UTC).date());
    let first = last - DAYS;
    let people = people::people(first, last);
    let mut batch = Batch::default();
    for position in 0..people::TEAMS.len() {
        let team = work::TeamWork::new(position, &people, names, (first, last), Millis::from_timestamp(until));
        batch.append(team.play());
    }
    for (status_id, category) in work::STATUSES {
        let (host, status_id, category) =
            ("harbor.atlassian.net".to_owned(), status_id.to_owned(), category.to_owned());
        batch.statuses.push(Status { tracker: Tracker::Jira, host, status_id, category });
    }
    for person in &people {
        let accounts = [
            ("github", names.account("github", "github.com", &person.number.to_string())),
            ("jira", names.account("jira", "harbor.atlassian.net", &person.tracker_account())),
            ("calendar", names.account("calendar", "calendar", &person.email())),
        ];
        for (source, account) in accounts {
            let person = names.person(&person.id);
            batch.people_accounts.push(PersonAccount { person, account, source: source.to_owned() });
        }
        let calendar = names.account("calendar", "calendar", &person.email());
        batch.absences.extend(person.away.iter().map(|day| crate::model::records::Absence {
            account: calendar,
            day: crate::model::time::date_of(*day),
            half: false,
            kind: "out_of_office".to_owned(),
        }));
    }
    batch
        .replaced
        .extend(["github", "jira", "calendar"].map(|source| Replaced::Accounts { source: source.to_owned() }));
    Organisation { config_toml: people::config_toml(&people), batch }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn sample() -> Organisation {
        organisation(UNTIL.parse().unwrap(), &Pseudonyms::new([7; 32]))
    }

    #[test]
    fn the_sample_is_the_same_every_time_and_hangs_together() {
        let (one, two) = (sample(), sample());
        assert_eq!(format!("{:?}", one.batch), format!("{:?}", two.batch));
        let pulls: BTreeSet<i64> = one.batch.pull_requests.iter().map(|pull| pull.number).collect();
        assert!(one.batch.pull_request_events.iter().all(|event| pulls.contains(&event.number)));
        assert!(one.batch.reviews.iter().all(|review| pulls.contains(&review.number)));
        let tickets: BTreeSet<i64> = one.batch.issues.iter().map(|issue| issue.issue_id).collect();
        assert!(one.batch.issue_changes.iter().all(|change| tickets.contains(&change.issue_id)));
    }

    #[test]
    fn its_configuration_is_taken_by_the_same_loader() {
        let config = crate::config::Config::parse(&sample().config_toml, std::path::Path::new("u.toml")).unwrap();
        assert_eq!(config.teams.len(), 6);
        assert_eq!(config.people.len(), 43);
    }
}
