//! What the store remembers from night to night: weekly rosters, open cards, calibrated thresholds.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::changes::{Changes, monday};
use super::exit::Failure;
use crate::config::Config;
use crate::measure::calendar::Span;
use crate::measure::roster::Roster;
use crate::model::Pseudonyms;
use crate::model::time::{date_of, day_number};
use crate::notice::replay::{Calibration, FellBack};
use crate::notice::{Kept, Memory};
use crate::store::{Store, StoreError};

/// The names of the store's files.
const ROSTERS: &str = "rosters";
pub(super) const CALIBRATIONS: &str = "calibrations";
const CARDS: &str = "cards";
pub(super) const FELL_BACK: &str = "fell-back";
const CHANGES: &str = "changes";
pub(super) const WEEKS: &str = "weeks";
pub(super) const LIMITS: &str = "limits";
const WEEK: i64 = 7;
/// Thresholds of a month stay so many days longer than rows do.
const KEPT_THRESHOLDS: i64 = 52 * WEEK;

/// The weekly members of a team as they were read, in spans of weeks with the same members.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frozen {
    /// The Monday (day number) of the last week that was read.
    to: i64,
    /// From which Monday on which people (stored pseudonyms, sorted).
    spans: Vec<(i64, Vec<i64>)>,
}

impl Frozen {
    /// The members by the Monday from which on they were the same.
    pub(super) fn spans(&self) -> &[(i64, Vec<i64>)] {
        &self.spans
    }

    /// The members of a week that was read; `None` for a later one.
    fn members(&self, week: i64) -> Option<&[i64]> {
        let (_, members) = self.spans.iter().rfind(|(from, _)| *from <= week).filter(|_| week <= self.to)?;
        Some(members)
    }

    /// Whether a person was a member in any week.
    pub(super) fn has(&self, person: i64) -> bool {
        self.spans.iter().any(|(_, members)| members.contains(&person))
    }

    /// Members of the weeks that end on or after a day.
    pub(super) fn people_since(&self, day: i64) -> impl Iterator<Item = i64> {
        let older = self.spans.partition_point(|(from, _)| *from <= day).saturating_sub(1);
        self.spans[older..].iter().flat_map(|(_, members)| members.iter().copied())
    }

    /// Forgets the weeks before one. Returns whether there were any.
    fn prune(&mut self, first: i64) -> bool {
        let older = self.spans.partition_point(|(from, _)| *from <= first).saturating_sub(1);
        self.spans.drain(..older);
        let begin = self.spans.first_mut().filter(|(from, _)| *from < first && first <= self.to);
        let moved = begin.is_some();
        begin.into_iter().for_each(|(from, _)| *from = first);
        older > 0 || moved
    }

    /// Takes people out of all weeks. Returns whether any of them was in one.
    fn forget(&mut self, people: &BTreeSet<i64>) -> bool {
        let before: usize = self.spans.iter().map(|(_, members)| members.len()).sum();
        self.spans.iter_mut().for_each(|(_, members)| members.retain(|person| !people.contains(person)));
        before > self.spans.iter().map(|(_, members)| members.len()).sum()
    }

    /// The weeks that were read.
    fn weeks(&self) -> impl Iterator<Item = i64> {
        let first = self.spans.first().map_or(self.to + WEEK, |(from, _)| *from);
        (first..=self.to).step_by(7)
    }

    /// Whether a week was read with other members.
    pub(super) fn differs(&self, other: &Self) -> bool {
        self.weeks().any(|week| other.members(week).is_some_and(|members| self.members(week) != Some(members)))
    }

    /// Whether somebody was a member of both in the same week.
    pub(super) fn shares(&self, other: &Self) -> bool {
        let both = |week: i64| Some((self.members(week)?, other.members(week)?));
        self.weeks().filter_map(both).any(|(own, theirs)| own.iter().any(|person| theirs.contains(person)))
    }
}

/// Everything that is remembered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// By team id.
    pub rosters: BTreeMap<String, Frozen>,
    /// By month, such as `2026-11`.
    pub calibrations: BTreeMap<String, Calibration>,
    /// By team id.
    pub cards: BTreeMap<String, Memory>,
    /// What became of cards in the replay of the newest month, by that month.
    pub fell_back: BTreeMap<String, Vec<FellBack>>,
    pub changes: Changes,
    /// Strict mode: weeks as they were counted in their own time, by team id and signal.
    pub weeks: BTreeMap<String, BTreeMap<String, BTreeMap<i64, Kept>>>,
    /// Strict mode: limits of meeting time, by team id.
    pub limits: BTreeMap<String, i64>,
    /// Rosters that are read again: what had been read before.
    before: Option<BTreeMap<String, Frozen>>,
}

impl History {
    /// In which teams (by id) a person (stored pseudonym) was counted: from which Monday on, and to the end of which week.
    #[must_use]
    pub fn teams_of(&self, person: i64) -> Vec<(String, Date, Date)> {
        let mut all = Vec::new();
        for (team, frozen) in &self.rosters {
            for (at, (from, people)) in frozen.spans.iter().enumerate() {
                let next = frozen.spans.get(at + 1).map_or(frozen.to + WEEK, |(next, _)| *next);
                if people.contains(&person) {
                    all.push((team.clone(), date_of(*from), date_of(next - 1)));
                }
            }
        }
        all
    }

    /// What the store remembers; nothing yet in a new one.
    ///
    /// # Errors
    /// [`StoreError`] where a file is damaged.
    pub fn recall(store: &Store) -> Result<Self, StoreError> {
        Ok(Self {
            rosters: part(store, ROSTERS)?,
            calibrations: part(store, CALIBRATIONS)?,
            cards: part(store, CARDS)?,
            fell_back: part(store, FELL_BACK)?,
            changes: part(store, CHANGES)?,
            weeks: part(store, WEEKS)?,
            limits: part(store, LIMITS)?,
            before: None,
        })
    }

    /// Commits everything to the store.
    ///
    /// # Errors
    /// [`Failure`] with its exit code.
    pub fn remember(&self, store: &mut Store) -> Result<(), Failure> {
        let failed = |error: serde_json::Error| Failure::internal(&error);
        let mut parts = vec![
            (ROSTERS, text(&self.rosters).map_err(failed)?),
            (CALIBRATIONS, text(&self.calibrations).map_err(failed)?),
            (CARDS, text(&self.cards).map_err(failed)?),
            (FELL_BACK, text(&self.fell_back).map_err(failed)?),
            (CHANGES, text(&self.changes).map_err(failed)?),
        ];
        if !self.weeks.is_empty() {
            parts.push((WEEKS, text(&self.weeks).map_err(failed)?));
            parts.push((LIMITS, text(&self.limits).map_err(failed)?));
        }
        Ok(store.remember(&parts)?)
    }

    /// Forgets who was in which team before a day, which may be a later one than that of rows, and thresholds and weeks of
    /// about two years ago. Returns whether there was any of it.
    pub fn prune(&mut self, first: i64, first_of_people: i64) -> bool {
        let week = monday(first.max(first_of_people));
        let mut any = false;
        for weeks in self.weeks.values_mut().flat_map(BTreeMap::values_mut) {
            let before = weeks.len();
            weeks.retain(|monday, _| *monday >= first - KEPT_THRESHOLDS);
            any |= weeks.len() < before;
        }
        for frozen in self.rosters.values_mut() {
            any |= frozen.prune(week);
        }
        any |= self.changes.prune(&self.rosters, week);
        let oldest = month(monday(first) - KEPT_THRESHOLDS).0;
        let months = self.calibrations.len();
        self.calibrations.retain(|month, _| *month >= oldest);
        any || self.calibrations.len() < months
    }

    /// Keeps weeks of a team as they are counted in their own time: all at first, from then on those of the last days.
    pub fn keep_weeks(&mut self, team: &str, counted: BTreeMap<String, BTreeMap<i64, Kept>>, since: i64) {
        let first = !self.weeks.contains_key(team);
        let known = self.weeks.entry(team.to_owned()).or_default();
        for (slug, weeks) in counted {
            let own = known.entry(slug).or_default();
            for (monday, week) in weeks.into_iter().filter(|(monday, _)| first || *monday >= since) {
                own.entry(monday).or_insert(week);
            }
        }
    }

    /// Takes people (stored pseudonyms) out of everything; the teams in which they were counted are not shown for a while.
    /// Returns how many these are.
    pub fn forget(&mut self, people: &BTreeSet<i64>, today: i64) -> usize {
        let concerned: Vec<String> =
            self.rosters.iter_mut().filter_map(|(team, frozen)| frozen.forget(people).then(|| team.clone())).collect();
        self.changes.forget(people, &concerned, today);
        concerned.len()
    }

    /// Lets every week be read again with the roster of today; teams whose past that changes are not shown for a while.
    pub fn read_again(&mut self) {
        self.before = Some(std::mem::take(&mut self.rosters));
    }

    /// Reads the roster of every week up to `today`'s that has not been read in its own time yet, and puts what was
    /// read into the roster. A week of a person is read once: a team that is new in the configuration has no past of
    /// people who were in another one then.
    pub fn freeze(&mut self, roster: &mut Roster, config: &Config, names: &Pseudonyms, span: Span, today: i64) {
        let read: Vec<&Frozen> = self.before.iter().chain([&self.rosters]).flat_map(BTreeMap::values).collect();
        self.changes.leave(config, names, &read, roster, today);
        if self.changes.delete(&self.rosters, roster, (span.first, today)) {
            tracing::warn!(
                "people of past weeks have been deleted from the configuration; their teams are not shown for ten \
                 working days. Whoever leaves a team gets `to = DATE`, whoever leaves the report `leave = true`"
            );
        }
        let (first, last) = (monday(span.first), monday(today));
        for at in 0..roster.teams.len() {
            let id = &roster.teams[at].id;
            let mut frozen = self.rosters.remove(id).unwrap_or_default();
            let elsewhere = |person: i64, week: i64| {
                let others = self.rosters.values().filter_map(|other| other.members(week));
                others.flatten().any(|other| *other == person)
            };
            let read = |week: i64| {
                let members = roster.members(at, week).into_iter().map(|person| &roster.people[person]);
                let own = members.filter(|person| !person.has_left(week) && !elsewhere(person.id, week));
                let mut ids: Vec<i64> = own.map(|person| person.id).collect();
                ids.sort_unstable();
                ids
            };
            if frozen.to == last && frozen.spans.last().is_some_and(|(_, members)| *members != read(last)) {
                tracing::warn!(
                    team = id,
                    "the roster has changed; it counts from Monday on. \
                     `undercurrent run --offline --reread-roster` puts it in place for the past as well"
                );
            }
            let from = if frozen.spans.is_empty() { first } else { frozen.to + WEEK };
            for week in (from..=last).step_by(7) {
                let members = read(week);
                if frozen.spans.last().is_none_or(|(_, known)| *known != members) {
                    frozen.spans.push((week, members));
                }
                frozen.to = week;
            }
            self.rosters.insert(id.clone(), frozen);
        }
        if let Some(before) = self.before.take() {
            self.changes.compare(&before, &self.rosters, today);
        }
        self.put_into(roster, (first, last));
    }

    fn put_into(&self, roster: &mut Roster, (first, last): (i64, i64)) {
        let positions: BTreeMap<i64, usize> =
            roster.people.iter().enumerate().map(|(at, person)| (person.id, at)).collect();
        for (at, team) in roster.teams.iter().enumerate() {
            let Some(frozen) = self.rosters.get(&team.id) else { continue };
            for week in (first..=last.min(frozen.to)).step_by(7) {
                let Some((_, ids)) = frozen.spans.iter().rfind(|(from, _)| *from <= week) else { continue };
                let mut members: Vec<usize> = ids.iter().filter_map(|id| positions.get(id).copied()).collect();
                members.sort_unstable();
                roster.frozen.entry(week).or_default().insert(at, members);
            }
        }
    }
}

/// The name of a day's month, and its first day.
#[must_use]
pub fn month(today: i64) -> (String, i64) {
    let date = date_of(today);
    let first = Date::new(date.year(), date.month(), 1).unwrap_or(date);
    (date.strftime("%Y-%m").to_string(), day_number(first))
}

fn part<T: DeserializeOwned + Default>(store: &Store, name: &str) -> Result<T, StoreError> {
    let Some(bytes) = store.recall(name)? else { return Ok(T::default()) };
    serde_json::from_slice(&bytes).map_err(|error| StoreError::Damaged {
        path: store.folder().join("history").join(name),
        reason: error.to_string(),
    })
}

fn text(part: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut text = serde_json::to_vec_pretty(part)?;
    text.push(b'\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::roster::{holidays, roster};
    use std::path::Path;

    const MONDAY: i64 = 20_780 - 20_780 % 7 + 4;

    fn config(members: &str, leave: &str) -> Config {
        let people: String = ["ada", "bo", "cy"]
            .iter()
            .map(|id| format!("[[people]]\nid = \"{id}\"\n{}", if *id == leave { "leave = true\n" } else { "" }))
            .collect();
        let text = format!(
            "[organisation]\nname = \"H\"\ntime-zone = \"UTC\"\n{people}[[teams]]\nid = \"t\"\nname = \"T\"\n\
             members = [{members}]\n"
        );
        Config::parse(&text, Path::new("u.toml")).unwrap()
    }

    /// The members of the team in the weeks around a night, as positions of people.
    fn read(history: &mut History, store: &Store, config: &Config, today: i64) -> Vec<Vec<usize>> {
        let mut roster = roster(config, store, &BTreeMap::new(), &holidays(config).0).unwrap();
        let span = Span { first: MONDAY - 70, last: today - 1 };
        history.freeze(&mut roster, config, store.pseudonyms(), span, today);
        [MONDAY - 7, MONDAY, MONDAY + 7].map(|day| roster.members(0, day)).to_vec()
    }

    #[test]
    fn a_changed_roster_counts_from_the_next_monday_and_leaves_past_weeks_alone() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store"), || Ok([1; 32])).unwrap();
        let mut history = History::default();
        let (before, after) = (config("\"ada\", \"bo\"", ""), config("\"bo\", \"cy\"", ""));
        assert_eq!(read(&mut history, &store, &before, MONDAY + 2), [[0, 1], [0, 1], [0, 1]]);
        assert_eq!(read(&mut history, &store, &after, MONDAY + 3), [[0, 1], [0, 1], [1, 2]], "within the week");
        assert_eq!(read(&mut history, &store, &after, MONDAY + 8), [[0, 1], [0, 1], [1, 2]]);
        assert_eq!(read(&mut history, &store, &before, MONDAY + 9), [[0, 1], [0, 1], [1, 2]]);
        let fresh = read(&mut History::default(), &store, &after, MONDAY + 9);
        assert_eq!(fresh, [[1, 2], [1, 2], [1, 2]]);
    }

    #[test]
    fn g16_who_leaves_the_report_is_counted_no_more_from_that_day_on_and_stays_in_what_was_counted() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store"), || Ok([1; 32])).unwrap();
        let mut history = History::default();
        let (both, without) = (config("\"ada\", \"bo\"", ""), config("\"ada\", \"bo\"", "ada"));
        read(&mut history, &store, &both, MONDAY + 1);
        assert_eq!(read(&mut history, &store, &without, MONDAY + 2), [vec![0, 1], vec![0, 1], vec![1]]);
        let mut roster = roster(&without, &store, &BTreeMap::new(), &holidays(&without).0).unwrap();
        let span = Span { first: MONDAY - 70, last: MONDAY + 8 };
        history.freeze(&mut roster, &without, store.pseudonyms(), span, MONDAY + 9);
        assert_eq!(roster.people[0].left, [(MONDAY + 2, i64::MAX)]);
        assert_eq!([MONDAY, MONDAY + 7].map(|day| roster.members(0, day)), [vec![0, 1], vec![1]]);
        assert_eq!(history.changes.log(&history.rosters["t"], 0), [0; 0], "the page does not tell");
        // Back again: from the next full week on.
        assert_eq!(read(&mut history, &store, &both, MONDAY + 10)[2], [1]);
        let mut roster = super::super::roster::roster(&both, &store, &BTreeMap::new(), &holidays(&both).0).unwrap();
        let span = Span { first: MONDAY - 70, last: MONDAY + 15 };
        history.freeze(&mut roster, &both, store.pseudonyms(), span, MONDAY + 16);
        assert_eq!(roster.people[0].left, [(MONDAY + 2, MONDAY + 13)]);
        assert_eq!(history.rosters["t"].members(MONDAY + 14).map(<[i64]>::len), Some(2));
        assert_eq!(history.changes.log(&history.rosters["t"], 0), [0; 0]);
    }

    #[test]
    fn g16_who_never_took_part_is_in_no_week_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store"), || Ok([1; 32])).unwrap();
        let seen = read(&mut History::default(), &store, &config("\"ada\", \"bo\"", "ada"), MONDAY);
        assert_eq!(seen, [[1], [1], [1]]);
    }

    #[test]
    fn g4_a_team_that_is_new_in_the_configuration_has_no_past_of_people_who_were_in_another() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store"), || Ok([1; 32])).unwrap();
        let mut history = History::default();
        read(&mut history, &store, &config("\"ada\", \"bo\"", ""), MONDAY + 1);
        let mut other = config("\"ada\", \"cy\"", "");
        other.teams[0].id = "u".to_owned();
        assert_eq!(read(&mut history, &store, &other, MONDAY + 2), [vec![2], vec![2], vec![0, 2]]);
    }

    #[test]
    fn g5_a_past_that_is_read_again_and_a_person_who_is_deleted_are_noted_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store"), || Ok([1; 32])).unwrap();
        let (both, one) = (config("\"ada\", \"bo\"", ""), config("\"ada\"", ""));
        let mut history = History::default();
        read(&mut history, &store, &both, MONDAY + 1);
        read(&mut history, &store, &one, MONDAY + 8);
        assert_eq!(history.changes.counted_again("t"), None);
        assert_eq!(history.changes.log(&history.rosters["t"], 0), [MONDAY + 7]);
        history.read_again();
        assert_eq!(read(&mut history, &store, &one, MONDAY + 9), [[0], [0], [0]]);
        assert_eq!(history.changes.counted_again("t"), Some(MONDAY + 9));
        history.read_again();
        read(&mut history, &store, &one, MONDAY + 10);
        assert_eq!(history.changes.counted_again("t"), Some(MONDAY + 9), "nothing changed");
        let mut deleted = one.clone();
        deleted.people.remove(0);
        deleted.teams[0].members.clear();
        read(&mut history, &store, &deleted, MONDAY + 11);
        assert_eq!(history.changes.counted_again("t"), Some(MONDAY + 11));
        read(&mut history, &store, &deleted, MONDAY + 12);
        assert_eq!(history.changes.counted_again("t"), Some(MONDAY + 11), "told once");
    }

    #[test]
    fn what_is_remembered_comes_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("store"), || Ok([1; 32])).unwrap();
        let mut history = History::default();
        read(&mut history, &store, &config("\"ada\"", ""), MONDAY);
        history.calibrations.insert("2026-11".to_owned(), Calibration::default());
        history.cards.insert("t".to_owned(), Memory { evaluated_to: Some(MONDAY), cards: Vec::new() });
        history.remember(&mut store).unwrap();
        assert_eq!(History::recall(&store).unwrap(), history);
    }
}
