//! Changes of rosters and of the report's people, kept so that no two reports tell one person by their difference.
//!
//! Figures of the past are never counted again on another roster. Where that is asked for, or where somebody is deleted
//! from the configuration, the team is not shown until its window lies wholly after that day, and no older point comes
//! back. Who leaves the report is counted no more from that day on; what was counted before stays.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::history::Frozen;
use crate::config::Config;
use crate::measure::roster::Roster;
use crate::model::Pseudonyms;
use crate::model::time::{date_of, day_number, week_of};

/// Days of a week.
const WEEK: i64 = 7;

/// What is remembered of changes; people are stored pseudonyms, days are day numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// By team: the day on which its past was counted again. Nothing that reaches back before it is shown.
    #[serde(default)]
    counted_again: BTreeMap<String, i64>,
    /// The spans in which people had left the report: the first day, and the last where they came back.
    #[serde(default)]
    left: BTreeMap<i64, Vec<(i64, Option<i64>)>>,
    /// People of past weeks whom the configuration does not know any more.
    #[serde(default)]
    deleted: BTreeSet<i64>,
}

impl Changes {
    /// The day from which on the figures of a team may be shown; `None` where nothing of its past was counted again.
    #[must_use]
    pub fn counted_again(&self, team: &str) -> Option<i64> {
        self.counted_again.get(team).copied()
    }

    /// Notes who left the report or came back by `today`, and tells the roster. Whoever was in no week that was read
    /// before has nothing that could stay, and is not counted at all.
    pub fn leave(&mut self, config: &Config, names: &Pseudonyms, read: &[&Frozen], roster: &mut Roster, today: i64) {
        for (at, person) in config.people.iter().enumerate() {
            let id = names.person(&person.id).to_stored();
            let spans = self.left.get(&id).map_or(&[][..], Vec::as_slice);
            let is_open = spans.last().is_some_and(|(_, to)| to.is_none());
            if person.leave && !is_open && read.iter().any(|frozen| frozen.has(id)) {
                self.left.entry(id).or_default().push((today, None));
            } else if !person.leave && is_open {
                // Joiners count from the next full week on, and so does who comes back.
                let sunday = monday(today) + WEEK - 1;
                self.left.entry(id).or_default().iter_mut().for_each(|span| span.1 = Some(span.1.unwrap_or(sunday)));
            }
            let known = self.left.get(&id).map_or(&[][..], Vec::as_slice);
            roster.people[at].left = if person.leave && known.is_empty() {
                vec![(i64::MIN, i64::MAX)]
            } else {
                known.iter().map(|(from, to)| (*from, to.unwrap_or(i64::MAX))).collect()
            };
        }
        let never = |at: &usize| roster.people[*at].left.contains(&(i64::MIN, i64::MAX));
        let nobody: BTreeSet<usize> = (0..roster.people.len()).filter(never).collect();
        roster.accounts.retain(|_, at| !nobody.contains(at));
    }

    /// Forgets spans that ended before a day, and people who are in no week any more.
    pub fn prune(&mut self, rosters: &BTreeMap<String, Frozen>, first: i64) -> bool {
        let before = self.clone();
        for spans in self.left.values_mut() {
            spans.retain(|(_, to)| to.is_none_or(|to| to >= first));
        }
        self.left.retain(|_, spans| !spans.is_empty());
        self.deleted.retain(|person| rosters.values().any(|frozen| frozen.has(*person)));
        *self != before
    }

    /// Forgets people; the past of the teams in which they were counted is counted again without them.
    pub fn forget(&mut self, people: &BTreeSet<i64>, teams: &[String], today: i64) {
        self.left.retain(|person, _| !people.contains(person));
        self.deleted.retain(|person| !people.contains(person));
        self.counted_again.extend(teams.iter().map(|team| (team.clone(), today)));
    }

    /// Notes which people of past weeks have been deleted from the configuration: without them these weeks are counted
    /// again. Returns whether there are new ones.
    pub fn delete(&mut self, rosters: &BTreeMap<String, Frozen>, roster: &Roster, (first, today): (i64, i64)) -> bool {
        let known: BTreeSet<i64> = roster.people.iter().map(|person| person.id).collect();
        let mut any = false;
        for (team, frozen) in rosters {
            let gone: Vec<i64> = frozen.people_since(first).filter(|id| !known.contains(id)).collect();
            if gone.iter().any(|id| !self.deleted.contains(id)) {
                self.counted_again.insert(team.clone(), today);
                any = true;
            }
            self.deleted.extend(gone);
        }
        self.deleted.retain(|id| !known.contains(id));
        any
    }

    /// Notes the teams whose past weeks were read with other members than `before`. A team that was not read before
    /// counts where one of its people was in another team then.
    pub fn compare(&mut self, before: &BTreeMap<String, Frozen>, now: &BTreeMap<String, Frozen>, today: i64) {
        for (team, frozen) in now {
            let changed = match before.get(team) {
                Some(old) => old.differs(frozen),
                None => before.values().any(|old| old.shares(frozen)),
            };
            if changed {
                self.counted_again.insert(team.clone(), today);
            }
        }
    }

    /// The Mondays from `first` on at which members of a team changed, oldest first. Who left the report, or came back
    /// to it, is no change: the page does not tell.
    #[must_use]
    pub fn log(&self, frozen: &Frozen, first: i64) -> Vec<i64> {
        let silent = |id: &i64, week: i64| {
            let spans = self.left.get(id).map_or(&[][..], Vec::as_slice);
            let about = |change: i64| (0..=WEEK).contains(&(week - monday(change)));
            spans.iter().any(|(from, to)| about(*from) || to.is_some_and(|to| about(to + 1)))
        };
        let changed = |pair: &[(i64, Vec<i64>)]| {
            let [(_, before), (week, now)] = pair else { return None };
            let (before, now): (BTreeSet<_>, BTreeSet<_>) = (before.iter().collect(), now.iter().collect());
            let told = before.symmetric_difference(&now).any(|id| !silent(id, *week));
            (told && *week >= first).then_some(*week)
        };
        frozen.spans().windows(2).filter_map(changed).collect()
    }
}

/// The Monday of a day's week.
pub(super) fn monday(day: i64) -> i64 {
    day_number(week_of(date_of(day)))
}
