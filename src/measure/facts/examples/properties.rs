//! What may not matter to any signal's evidence: the order of people and of rows, and where on earth somebody sits.

use proptest::prelude::*;

use super::*;
use crate::measure::tables::{Busy, CheckRun, Commit, Remark, Rewrite, Talk};

/// Repeatable numbers.
struct Scatter(u64);

impl Scatter {
    fn below(&mut self, bound: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as i64).rem_euclid(bound)
    }

    fn account(&mut self) -> i64 {
        100 + self.below(4)
    }
}

/// Moments that never coincide: the row's number is in their seconds.
fn moment(scatter: &mut Scatter, row: i64) -> Millis {
    let (day, hour) = (scatter.below(120) - 110, 7 + scatter.below(13));
    Millis(at(day, hour).0 + row % 3_600 * 1_000)
}

/// A world in which every signal has something to count.
fn world(seed: u64) -> Tables {
    let (mut scatter, mut tables) = (Scatter(seed), tables());
    let mut row = 0;
    let mut next = |scatter: &mut Scatter| {
        row += 1;
        moment(scatter, row)
    };
    for number in 1..=60 {
        let (created, author) = (next(&mut scatter), Some(scatter.account()));
        let hour = |hours: i64, own: i64| Millis(created.0 + hours * HOUR + own * 1_000);
        let lines = scatter.below(400);
        let merged = hour(20 + scatter.below(60), 9);
        tables.pulls.push(pull(number, author, created, merged, lines));
        if let Some(last) = tables.pulls.last_mut().filter(|_| number % 10 == 0) {
            (last.merged_at, last.closed_at) = (None, Some(hour(300, 9)));
        } else if let Some(last) = tables.pulls.last_mut().filter(|_| number % 10 == 5) {
            last.reverts = Some(number - 1);
        }
        let reviewer = Some(scatter.account());
        tables.acts.push(Act { subject: reviewer, ..act(number, author, hour(0, 1), "review_requested") });
        let state = ["approved", "changes_requested", "commented"][scatter.below(3) as usize];
        let (review, done) = review(number, reviewer, hour(scatter.below(19), 2), state, scatter.below(2));
        tables.reviews.push(review);
        tables.acts.extend([done, act(number, author, merged, "merged")]);
        tables.remarks.push(Remark {
            host: "h".to_owned(),
            place: "review".to_owned(),
            repository: Some(1),
            number: Some(number),
            issue: None,
            thread: Some(number.to_string()),
            author: reviewer,
            author_is_bot: false,
            at: hour(1, 3),
            resolved: false,
        });
        let check = |own: i64, conclusion: &str| CheckRun {
            repository: 1,
            number: Some(number),
            sha: vec![1],
            started_at: hour(own, 4),
            completed_at: Some(hour(own, 500)),
            conclusion: Some(conclusion.to_owned()),
        };
        let (once, again) = (check(0, "failure"), check(1, "success"));
        tables.check_runs.extend([once.clone(), once, again.clone(), again]);
        let sha = number.to_be_bytes().to_vec();
        tables.listed.insert(sha.clone(), (1, Some(number)));
        tables.rewrites.push(Rewrite {
            clone_id: 9,
            sha,
            author,
            author_is_bot: false,
            landed_at: merged,
            lines_added: lines,
            lines_changed_again: scatter.below(lines + 1),
        });
    }
    for sprint in 0..9 {
        let (starts, ends) = (at(14 * sprint - 112, 9), at(14 * sprint - 98, 8));
        let sprint_of = Sprint { starts_at: Some(starts), ends_at: Some(ends), completed_at: Some(ends) };
        tables.sprints.insert(("h".to_owned(), sprint), sprint_of);
    }
    for id in 1..=60 {
        let (created, who) = (next(&mut scatter), Some(scatter.account()));
        let kind = ["Story", "Incident"][usize::from(scatter.below(6) == 0)].to_owned();
        let due_on = Some(day_number(date(2026, 9, 7)) - scatter.below(90));
        tables.tickets.push(Ticket { kind, due_on, reporter: who, ..ticket(id, created, who) });
        let later = |hours: i64| Millis(created.0 + hours * HOUR);
        let (begun, done) = (1 + scatter.below(30), 40 + scatter.below(200));
        let back = if id % 5 == 0 { "doing" } else { "done" };
        let steps = [("todo", created), ("doing", later(begun)), ("done", later(done)), (back, later(done + 30))];
        way(&mut tables, id, &steps);
        let own = tables.changes.get_mut(&("h".to_owned(), id)).unwrap();
        own.push(edit("estimate", later(begun + 20), Some("1"), Some("2")));
        own.push(edit("sprint", later(begun + 1), None, Some(&scatter.below(9).to_string())));
        own.sort_by_key(|change| change.at);
    }
    for sha in 0..400_i64 {
        tables.commits.push(Commit {
            host: "h".to_owned(),
            sha: sha.to_be_bytes().to_vec(),
            author: Some(scatter.account()),
            author_is_bot: false,
            authored_at: next(&mut scatter),
            utc_offset_minutes: 0,
        });
        let (account, starts_at) = (500 + scatter.below(3), next(&mut scatter));
        let ends_at = Millis(starts_at.0 + (1 + scatter.below(4)) * HOUR / 2);
        tables.busy.push(Busy { account, starts_at, ends_at, kind: "meeting".to_owned(), attendees: Some(3) });
        tables.talks.push(Talk { account, planned_at: starts_at, starts_at, cancelled: sha % 4 == 0 });
    }
    tables
}

/// The team with calendars and a few days off.
fn staffed() -> Roster {
    let mut roster = roster();
    let monday = day_number(date(2026, 9, 7));
    roster.teams[0].leader = Some(0);
    for (at, person) in roster.people.iter_mut().enumerate().take(3) {
        person.calendar = Some((500 + at as i64, monday + 10));
        person.absences = vec![(monday - 40 + 7 * at as i64, monday - 37 + 7 * at as i64)];
    }
    roster
}

/// The evidence of all signals, sorted.
fn everything(roster: &Roster, tables: &Tables) -> BTreeMap<String, Vec<String>> {
    let facts = facts(roster, tables);
    let sorted = |query: Query| {
        let mut lines = lines(&facts, &query);
        lines.sort_unstable();
        (query.slug, lines)
    };
    shipped().into_iter().map(sorted).collect()
}

#[test]
fn the_world_of_these_properties_has_something_to_count_for_every_signal() {
    let empty: Vec<String> = everything(&staffed(), &world(1))
        .into_iter()
        .filter(|(_, lines)| lines.iter().all(|line| line.contains(" 0 of ")))
        .map(|(slug, _)| slug)
        .collect();
    assert_eq!(empty, Vec::<String>::new());
}

/// The same rows in another order. Changes of a ticket have an order of their own.
fn shuffled(mut tables: Tables, scatter: &mut Scatter) -> Tables {
    fn mix<T>(rows: &mut [T], scatter: &mut Scatter) {
        for at in (1..rows.len()).rev() {
            rows.swap(at, scatter.below(at as i64 + 1) as usize);
        }
    }
    mix(&mut tables.pulls, scatter);
    mix(&mut tables.acts, scatter);
    mix(&mut tables.reviews, scatter);
    mix(&mut tables.tickets, scatter);
    mix(&mut tables.commits, scatter);
    mix(&mut tables.busy, scatter);
    mix(&mut tables.talks, scatter);
    mix(&mut tables.remarks, scatter);
    mix(&mut tables.check_runs, scatter);
    mix(&mut tables.rewrites, scatter);
    tables
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3))]

    #[test]
    fn neither_the_order_of_people_nor_that_of_rows_changes_any_evidence(
        seed in 0_u64..1_000,
        places in Just(vec![0_usize, 1, 2, 3]).prop_shuffle(),
    ) {
        let (plain, tables) = (staffed(), world(seed));
        let mut moved = plain.clone();
        for (from, to) in places.iter().enumerate() {
            moved.people[*to] = plain.people[from].clone();
        }
        for membership in moved.teams.iter_mut().flat_map(|team| &mut team.members) {
            membership.person = places[membership.person];
        }
        moved.teams[0].leader = Some(places[0]);
        moved.teams[0].members.reverse();
        moved.accounts.values_mut().for_each(|person| *person = places[*person]);
        let expected = everything(&plain, &tables);
        prop_assert_eq!(&everything(&moved, &tables), &expected);
        prop_assert_eq!(&everything(&plain, &shuffled(world(seed), &mut Scatter(seed))), &expected);
    }

    #[test]
    fn who_moves_to_another_zone_with_hours_and_events_has_the_same_days(seed in 0_u64..1_000, hours in -11_i8..=12) {
        let (here, tables) = (staffed(), world(seed));
        let mut there = here.clone();
        there.people[0].hours.zone = TimeZone::fixed(jiff::tz::offset(hours));
        let mut moved = world(seed);
        let away = i64::from(hours) * HOUR;
        // Only what is bound to the clock goes along; all else stays where it was.
        for commit in moved.commits.iter_mut().filter(|commit| commit.author == ADA) {
            commit.authored_at.0 -= away;
        }
        for busy in moved.busy.iter_mut().filter(|busy| busy.account == 500) {
            (busy.starts_at.0, busy.ends_at.0) = (busy.starts_at.0 - away, busy.ends_at.0 - away);
        }
        let alone = |mut tables: Tables| {
            (tables.pulls, tables.acts, tables.tickets) = Default::default();
            tables
        };
        let (before, after) = (facts(&here, &alone(tables)), facts(&there, &alone(moved)));
        for slug in ["outside_usual_hours", "no_quiet_block", "meeting_load", "work_on_days_off"] {
            let query = shipped().into_iter().find(|query| query.slug == slug).unwrap();
            prop_assert_eq!(lines(&before, &query), lines(&after, &query), "{}", slug);
        }
    }
}
