//! Who is in the sample organisation, and the configuration that says so. Every name is invented.

use std::collections::BTreeSet;
use std::fmt::Write;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;

use super::chance::Chance;
use crate::model::time::{Millis, date_of, day_number};

/// What happens in a team in its last weeks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    None,
    /// Work stops moving and review requests wait.
    Stuck,
    /// Meetings fill the days and work moves into the evening.
    Overload,
    /// Dates move later.
    Dates,
}

/// A team of the sample.
#[derive(Clone, Debug)]
pub struct TeamPlan {
    pub id: &'static str,
    pub name: &'static str,
    pub project: &'static str,
    pub size: usize,
    pub trouble: Trouble,
    /// Working days that the trouble lasts, up to the end.
    pub lasts: i64,
    /// Share of tickets with a due date.
    pub dated: f64,
}

/// The teams, in the order of the configuration.
pub const TEAMS: [TeamPlan; 6] = [
    TeamPlan {
        id: "payments",
        name: "Payments",
        project: "PAY",
        size: 8,
        trouble: Trouble::Stuck,
        lasts: 16,
        dated: 0.5,
    },
    TeamPlan {
        id: "search",
        name: "Search",
        project: "FIND",
        size: 9,
        trouble: Trouble::Overload,
        lasts: 11,
        dated: 0.4,
    },
    TeamPlan { id: "mobile", name: "Mobile", project: "APP", size: 7, trouble: Trouble::Dates, lasts: 11, dated: 0.9 },
    TeamPlan {
        id: "platform",
        name: "Platform",
        project: "CORE",
        size: 10,
        trouble: Trouble::None,
        lasts: 0,
        dated: 0.4,
    },
    TeamPlan { id: "data", name: "Data", project: "DATA", size: 6, trouble: Trouble::None, lasts: 0, dated: 0.5 },
    TeamPlan { id: "docs", name: "Docs", project: "DOC", size: 3, trouble: Trouble::None, lasts: 0, dated: 0.5 },
];

/// Who leads which of the teams, and keeps a record of what was talked about.
pub const LEADER: &str = "cleo";
pub const LED: [&str; 2] = ["payments", "platform"];
/// The folder of the leader's record.
pub const LEDGER: &str = "ledger/cleo";

/// A person of the sample.
#[derive(Clone, Debug)]
pub struct PersonPlan {
    pub id: String,
    pub number: i64,
    pub team: usize,
    pub zone: TimeZone,
    zone_name: &'static str,
    /// Works Monday to Thursday only.
    pub part_time: bool,
    pub away: BTreeSet<i64>,
}

const FIRST: [&str; 43] = [
    "ada", "bo", "cleo", "dan", "eli", "fay", "gus", "hal", "ida", "jo", "kim", "lea", "max", "nia", "ole", "pia",
    "quin", "ria", "sam", "tea", "uli", "vic", "wim", "xia", "yan", "zoe", "abe", "bea", "cal", "dee", "eva", "fin",
    "gia", "hugo", "ivo", "jan", "kai", "liv", "mia", "noa", "ora", "pat", "rob",
];

/// Everybody, with their absences between two days.
#[must_use]
pub fn people(first: i64, last: i64) -> Vec<PersonPlan> {
    let mut people = Vec::new();
    for (team, plan) in TEAMS.iter().enumerate() {
        for place in 0..plan.size {
            let id = FIRST[people.len() % FIRST.len()].to_owned();
            let mut chance = Chance::of(&format!("away/{id}"));
            let zone_name = if place == 1 && plan.size > 6 { "Europe/Lisbon" } else { "Europe/Berlin" };
            people.push(PersonPlan {
                number: 4000 + i64::try_from(people.len()).unwrap_or(0),
                team,
                zone: TimeZone::get(zone_name).unwrap_or(TimeZone::UTC),
                zone_name,
                part_time: place == 2 && plan.size > 7,
                away: absences(&mut chance, first, last),
                id,
            });
        }
    }
    people
}

/// Three holidays of one or two weeks in a year, none in the last weeks, and a few single days.
fn absences(chance: &mut Chance, first: i64, last: i64) -> BTreeSet<i64> {
    let mut days = BTreeSet::new();
    for third in 0..3 {
        let start = first + third * 120 + chance.between(0, 100);
        let start = start - i64::from(date_of(start).weekday().to_monday_zero_offset());
        let length = if chance.happens(0.5) { 5 } else { 12 };
        days.extend((start..start + length).filter(|day| *day < last - 35));
    }
    days.extend((first..=last).filter(|_| chance.happens(0.012)));
    days
}

impl PersonPlan {
    /// Whether this person works on a day.
    #[must_use]
    pub fn works(&self, day: i64) -> bool {
        let weekday = date_of(day).weekday();
        let weekend = matches!(weekday, Weekday::Saturday | Weekday::Sunday);
        !(weekend
            || holidays().contains(&day)
            || self.away.contains(&day)
            || (self.part_time && weekday == Weekday::Friday))
    }

    /// A minute of a local day as an instant.
    #[must_use]
    pub fn at(&self, day: i64, minute: i64) -> Millis {
        let time = jiff::civil::Time::midnight();
        let midnight = date_of(day).to_datetime(time);
        let start = self.zone.to_ambiguous_timestamp(midnight).compatible();
        Millis(start.map_or(day * 86_400_000, |start| start.as_millisecond()) + minute * 60_000)
    }

    /// The offset from UTC at an instant, in minutes.
    #[must_use]
    pub fn offset(&self, at: Millis) -> i64 {
        i64::from(self.zone.to_offset(at.to_timestamp()).seconds()) / 60
    }

    /// The person's mail address.
    #[must_use]
    pub fn email(&self) -> String {
        format!("{}@harbor.example", self.id)
    }

    /// The person's account in the tracker.
    #[must_use]
    pub fn tracker_account(&self) -> String {
        format!("712020:{:08}", self.number)
    }
}

/// The public holidays of the sample.
#[must_use]
pub fn holidays() -> BTreeSet<i64> {
    let dates = [
        (2025, 10, 3),
        (2025, 12, 25),
        (2025, 12, 26),
        (2026, 1, 1),
        (2026, 4, 3),
        (2026, 4, 6),
        (2026, 5, 1),
        (2026, 5, 14),
        (2026, 5, 25),
        (2026, 12, 25),
    ];
    dates.iter().map(|(year, month, day)| day_number(Date::constant(*year, *month, *day))).collect()
}

/// The configuration of the sample organisation.
#[must_use]
pub fn config_toml(people: &[PersonPlan]) -> String {
    let mut toml = String::from(
        "[organisation]\nname = \"Harbor (sample)\"\ntime-zone = \"Europe/Berlin\"\nholidays = \"DE-BE\"\n\n[holidays]\n",
    );
    let dates: Vec<String> = holidays().iter().map(|day| format!("\"{}\"", date_of(*day))).collect();
    let _ = writeln!(toml, "DE-BE = [{}]\n", dates.join(", "));
    toml.push_str("[[github]]\nurl = \"https://api.github.com\"\ntoken-env = \"GITHUB_TOKEN\"\n\n");
    toml.push_str(
        "[[jira]]\nurl = \"https://harbor.atlassian.net\"\nflavour = \"cloud\"\ntoken-env = \"JIRA_TOKEN\"\n\n",
    );
    for person in people {
        let days = if person.part_time {
            "\"mon\", \"tue\", \"wed\", \"thu\""
        } else {
            "\"mon\", \"tue\", \"wed\", \"thu\", \"fri\""
        };
        let _ = writeln!(
            toml,
            "[[people]]\nid = \"{id}\"\ngithub = [\"{id}-harbor\"]\njira = [\"{jira}\"]\nemails = [\"{email}\"]\n\
             calendar = \"calendars/{id}.ics\"\ntime-zone = \"{zone}\"\nworking-days = [{days}]\n",
            id = person.id,
            jira = person.tracker_account(),
            email = person.email(),
            zone = person.zone_name,
        );
    }
    for (at, team) in TEAMS.iter().enumerate() {
        let members = people.iter().filter(|person| person.team == at).map(|person| format!("\"{}\"", person.id));
        let members: Vec<String> = members.collect();
        let _ = writeln!(
            toml,
            "[[teams]]\nid = \"{id}\"\nname = \"{name}\"\nmembers = [{members}]\nrepositories = [\"harbor/{id}\"]\n\
             jira-projects = [\"{project}\"]",
            id = team.id,
            name = team.name,
            members = members.join(", "),
            project = team.project,
        );
        if LED.contains(&team.id) {
            let _ = writeln!(toml, "leader = \"{LEADER}\"\nledger = \"{LEDGER}\"");
        }
        if team.id == "data" {
            let event = "{ from = \"2026-09-14\", to = \"2026-09-16\", kind = \"release\", label = \"release 4.2\" }";
            let _ = writeln!(toml, "events = [{event}]");
        }
        toml.push('\n');
    }
    toml
}
