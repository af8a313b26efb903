//! An invented organisation for the tests of this stage: one team for every state that a page can be in.

use std::collections::BTreeMap;

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::input::{
    Ageing, Card, Cost, Event, Health, Item, Observation, OpenItem, Organisation, Point, Signal, SignalState, Source,
    Team,
};

const SLUGS: [&str; 6] =
    ["stalled_work", "waiting_for_review", "moving_dates", "outside_usual_hours", "no_quiet_block", "meeting_load"];

/// What holds for all pages of the sample.
pub fn organisation() -> Organisation {
    Organisation {
        name: "Harbor".to_owned(),
        as_of: "2026-11-23T04:10:00Z".parse().unwrap(),
        zone: TimeZone::get("Europe/Berlin").unwrap(),
        show_work_items: true,
        index: true,
        version: "0.1.0".to_owned(),
        signal_threshold: 2.33,
        joint_threshold: 3.1,
        cost: Cost { requests: 214, points: 96, bytes: 7_400_000, waited_seconds: 0 },
    }
}

/// Thirteen past fortnights and the present window.
pub fn points(shares: &[Option<i64>], n: i64) -> Vec<Point> {
    let first = date(2026, 5, 25);
    let point = |(at, x): (usize, &Option<i64>)| {
        let from = first + (14 * i64::try_from(at).unwrap() - 14).days();
        Point { from, to: from + 11.days(), x: *x, n }
    };
    shares.iter().enumerate().map(point).collect()
}

const CALM: [Option<i64>; 14] = [
    Some(5),
    Some(4),
    Some(6),
    Some(3),
    Some(7),
    Some(5),
    Some(4),
    Some(6),
    Some(5),
    Some(7),
    Some(3),
    Some(5),
    Some(6),
    Some(5),
];
const RISING: [Option<i64>; 14] = [
    Some(4),
    Some(3),
    Some(6),
    None,
    Some(5),
    Some(7),
    Some(4),
    None,
    Some(5),
    Some(3),
    Some(6),
    Some(5),
    Some(9),
    Some(16),
];

pub fn seen(signal: &str, x: i64, n: i64) -> Observation {
    Observation {
        signal: signal.to_owned(),
        x: Some(x),
        n,
        usual_low: 2,
        usual_high: 9,
        expected: 5.2,
        past_within: 12,
        past_total: 13,
    }
}

fn signal(slug: &str, state: SignalState) -> Signal {
    let open = state == SignalState::Open;
    let known = matches!(state, SignalState::Open | SignalState::WithinUsual | SignalState::OutsideQuietly);
    Signal {
        state,
        points: points(if open { &RISING } else { &CALM }, 68),
        observation: known.then(|| seen(slug, if open { 16 } else { 5 }, 68)),
        year_ago: None,
    }
}

fn sources() -> Vec<Source> {
    let source = |id: &str, name: &str, covers: &str| Source {
        id: id.to_owned(),
        name: name.to_owned(),
        health: Health::Complete,
        complete_to: Some("2026-11-22T23:00:00Z".parse::<Timestamp>().unwrap()),
        covers: covers.to_owned(),
        gap: None,
        cost: Cost::default(),
    };
    vec![
        source("github", "GitHub", "3 repositories"),
        source("jira", "Jira", "1 project"),
        source("calendars", "Calendars", "7 of 8 people"),
    ]
}

/// A team in which every signal is within its usual range.
pub fn team(id: &str, name: &str) -> Team {
    let within = |slug: &&str| ((*slug).to_owned(), signal(slug, SignalState::WithinUsual));
    Team {
        id: id.to_owned(),
        name: name.to_owned(),
        people: 8,
        hidden: false,
        roster_changes: Vec::new(),
        counted_again: None,
        window: Some((date(2026, 11, 9), date(2026, 11, 20))),
        sources: sources(),
        cards: Vec::new(),
        signals: SLUGS.iter().map(within).collect(),
        ageing: Some(ageing(&[1, 2, 2, 3, 5, 6, 8, 9])),
        events: Vec::new(),
        context: Vec::new(),
        false_cards: Some(0.9),
    }
}

/// Open items of these ages; 14 working days are the limit.
pub fn ageing(days: &[i64]) -> Ageing {
    let item = |(at, days): (usize, &i64)| OpenItem {
        item: item(&format!("PAY-{}", 430 - at), Some(*days)),
        quiet_days: days / 3,
        beyond: *days > 14,
    };
    Ageing { items: days.iter().enumerate().map(item).collect(), limit_days: Some(14) }
}

pub fn item(key: &str, working_days: Option<i64>) -> Item {
    Item { key: key.to_owned(), url: Some(format!("https://jira.example.com/browse/{key}")), working_days }
}

/// Opens a card of one signal.
pub fn open(team: &mut Team, slug: &str, opened_on: Date) {
    team.signals.insert(slug.to_owned(), signal(slug, SignalState::Open));
    team.cards.push(Card {
        id: format!("{}-{slug}-2026-11-23", team.id),
        signals: vec![slug.to_owned()],
        joint: false,
        theme: None,
        opened_on,
        alone: true,
        observations: vec![seen(slug, 16, 68)],
        items: Vec::new(),
    });
}

/// One team for every state.
pub fn teams() -> Vec<Team> {
    vec![stalled(), overload(), team("checkout", "Checkout"), small(), learner(), failed()]
}

fn stalled() -> Team {
    let mut stalled = team("payments", "Payments");
    open(&mut stalled, "stalled_work", date(2026, 11, 23));
    open(&mut stalled, "moving_dates", date(2026, 11, 9));
    stalled.ageing = Some(ageing(&[1, 3, 3, 3, 6, 7, 9, 14, 16, 21, 21, 31]));
    stalled.cards[0].items = vec![item("PAY-419", Some(31)), item("PAY-420", Some(21)), item("PAY-421", Some(21))];
    let label = "release 4.2".to_owned();
    stalled.events = vec![Event { from: date(2026, 11, 11), to: date(2026, 11, 12), label }];
    stalled
}

fn overload() -> Team {
    let mut overload = team("ledger", "Ledger");
    let three = ["outside_usual_hours", "no_quiet_block", "meeting_load"];
    for slug in three {
        overload.signals.insert(slug.to_owned(), signal(slug, SignalState::Open));
    }
    overload.cards.push(Card {
        id: "ledger-joint-2026-11-23".to_owned(),
        signals: three.map(str::to_owned).to_vec(),
        joint: true,
        theme: Some("overload".to_owned()),
        opened_on: date(2026, 11, 23),
        alone: false,
        observations: three.iter().map(|slug| seen(slug, 16, 68)).collect(),
        items: Vec::new(),
    });
    overload
}

fn small() -> Team {
    let mut small = team("search", "Search");
    let hidden = || Signal { state: SignalState::NotShown, points: Vec::new(), observation: None, year_ago: None };
    small.signals = SLUGS.iter().map(|slug| ((*slug).to_owned(), hidden())).collect::<BTreeMap<_, _>>();
    (small.people, small.hidden, small.ageing) = (3, true, None);
    small
}

fn learner() -> Team {
    let mut learner = team("data", "Data");
    for signal in learner.signals.values_mut() {
        *signal = Signal {
            state: SignalState::Learning { weeks: 3, of: 8, nightly: true },
            points: points(&[Some(4), Some(6), None], 40),
            observation: None,
            year_ago: None,
        };
    }
    learner.ageing = Some(Ageing { limit_days: None, ..ageing(&[1, 2, 4, 8, 11]) });
    learner
}

fn failed() -> Team {
    let mut failed = team("onboarding", "Onboarding");
    failed.sources[2].health = Health::Failed;
    failed.sources[2].complete_to = None;
    failed.sources[2].gap = Some("two calendars refused; renew their addresses".to_owned());
    for slug in ["no_quiet_block", "meeting_load"] {
        let source = "calendars".to_owned();
        failed.signals.insert(slug.to_owned(), signal(slug, SignalState::NotComputed { source }));
    }
    failed
}
