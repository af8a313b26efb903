//! What the store remembers from night to night: weekly rosters, open cards, calibrated thresholds.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::exit::Failure;
use crate::config::Config;
use crate::measure::calendar::Span;
use crate::measure::roster::Roster;
use crate::model::Pseudonyms;
use crate::model::time::{date_of, day_number, week_of};
use crate::notice::Memory;
use crate::notice::replay::{Calibration, FellBack};
use crate::store::{Store, StoreError};

/// The names of the store's files.
const ROSTERS: &str = "rosters";
const CALIBRATIONS: &str = "calibrations";
const CARDS: &str = "cards";
const FELL_BACK: &str = "fell-back";
const WEEK: i64 = 7;

/// The weekly members of a team as they were read, in spans of weeks with the same members.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frozen {
    /// The Monday (day number) of the last week that was read.
    to: i64,
    /// From which Monday on which people (stored pseudonyms, sorted).
    spans: Vec<(i64, Vec<i64>)>,
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
        })
    }

    /// Commits everything to the store.
    ///
    /// # Errors
    /// [`Failure`] with its exit code.
    pub fn remember(&self, store: &mut Store) -> Result<(), Failure> {
        let failed = |error: serde_json::Error| Failure::internal(&error);
        let parts = [
            (ROSTERS, text(&self.rosters).map_err(failed)?),
            (CALIBRATIONS, text(&self.calibrations).map_err(failed)?),
            (CARDS, text(&self.cards).map_err(failed)?),
            (FELL_BACK, text(&self.fell_back).map_err(failed)?),
        ];
        Ok(store.remember(&parts)?)
    }

    /// Reads the roster of every week up to `today`'s that has not been read in its own time yet, and puts what was
    /// read into the roster. People who have left this program are taken out of the past as well.
    pub fn freeze(&mut self, roster: &mut Roster, config: &Config, names: &Pseudonyms, span: Span, today: i64) {
        let gone: BTreeSet<i64> =
            config.people.iter().filter(|one| one.leave).map(|one| names.person(&one.id).to_stored()).collect();
        let (first, last) = (monday(span.first), monday(today));
        for at in 0..roster.teams.len() {
            let frozen = self.rosters.entry(roster.teams[at].id.clone()).or_default();
            for (_, members) in &mut frozen.spans {
                members.retain(|person| !gone.contains(person));
            }
            let read = |week: i64| {
                let mut ids: Vec<i64> =
                    roster.members(at, week).into_iter().map(|person| roster.people[person].id).collect();
                ids.sort_unstable();
                ids
            };
            if frozen.to == last && frozen.spans.last().is_some_and(|(_, members)| *members != read(last)) {
                tracing::warn!(
                    team = roster.teams[at].id,
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

fn monday(day: i64) -> i64 {
    day_number(week_of(date_of(day)))
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
    fn who_leaves_the_program_leaves_the_past_as_well() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store"), || Ok([1; 32])).unwrap();
        let mut history = History::default();
        read(&mut history, &store, &config("\"ada\", \"bo\"", ""), MONDAY);
        assert_eq!(read(&mut history, &store, &config("\"ada\", \"bo\"", "ada"), MONDAY), [[1], [1], [1]]);
        assert_eq!(history.rosters["t"].spans[0].1.len(), 1);
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
