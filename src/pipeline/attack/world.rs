//! Sixty nights of an organisation in which everything happens that could tell one person by a difference: a joiner, a
//! leaver, a holiday with one person at work, nested and overlapping teams, a team below the floor, and a night on
//! which the past is read again with one person less. Its pages are made as a night makes them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::attacker::{Cell, Sum};
use crate::catalogue::Catalogue;
use crate::config::Config;
use crate::measure::calendar::Span;
use crate::measure::roster::Roster;
use crate::model::time::{date_of, day_number};
use crate::notice::{Coverage, EvidenceRow, Memory, Notices, START, Settings, SignalSpec, TeamDay, TeamInput, notice};
use crate::pipeline::history::History;
use crate::pipeline::roster::{holidays, roster};
use crate::pipeline::shown::Shown;
use crate::report::document::{SeriesPoint, document};
use crate::report::input::{Ageing, Cost, Organisation, Team};
use crate::report::words::Words;
use crate::store::Store;

/// A protection that is left out, to see whether the attacker notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Without {
    Nothing,
    /// The floors of people.
    Floor,
    /// The floor of people on a day of a signal that has a row for each.
    FloorOfDays,
    /// Figures are published exactly.
    Rounding,
    /// Past weeks are counted with the roster of the night.
    FrozenRoster,
    /// A team whose past was counted again stays on the page.
    Hiding,
    /// People count in every team that lists them.
    OneTeam,
    /// Nothing; but somebody's absence of last week is told late.
    LateAbsence,
}

/// The signals that are played: one of hours, one of calendars. Without the cap of a person's part, which would make
/// sums that are no sums: it only helps the attacker.
pub const SIGNALS: [&str; 2] = ["outside_usual_hours", "no_quiet_block"];
pub const NIGHTS: i64 = 60;
/// A Monday; the first night is on it.
const FIRST: i64 = 20_703;
const PAST: i64 = 7 * 34;
const JOINER: i64 = FIRST + 14;
const LEAVER: i64 = FIRST + 25;
pub const HOLIDAY: i64 = FIRST + 9;
const BUSY_FROM: i64 = FIRST + 28;
/// Turns on call of two people, whose hours are not looked at then.
const ON_CALL: std::ops::Range<i64> = FIRST + 30..FIRST + 35;
/// An absence that is told late.
const AWAY: std::ops::Range<i64> = FIRST + 45..FIRST + 49;
const TOLD: i64 = FIRST + 54;
/// On this night the past is read again, without somebody who had been counted until then.
const READ_AGAIN: i64 = FIRST + 43;
const CORE: [&str; 5] = ["a1", "a2", "a3", "a4", "a5"];
/// The department is the core team and these: too few to be shown by themselves.
const REST: [&str; 3] = ["b1", "b2", "b3"];
const CROSSING: [&str; 6] = ["c1", "c2", "c3", "c4", "c5", "c6"];
const TINY: [&str; 3] = ["d1", "d2", "d3"];

/// What was published in all nights, by signal.
pub struct Published {
    pub sums: BTreeMap<String, Vec<Sum>>,
    /// Windows and the people who were in them, for the questions of the attacker.
    pub windows: BTreeSet<(String, i64, i64)>,
    /// Figures that stood on cards, exactly.
    pub exact: usize,
    seed: u64,
}

impl Published {
    /// What some cells really count.
    pub fn truth(&self, signal: &str, cells: &BTreeSet<Cell>) -> i64 {
        let at = SIGNALS.iter().position(|known| *known == signal).expect("a signal that is played");
        count(cells.iter().filter(|(person, day)| counts(at, *person, *day, self.seed)).count())
    }
}

fn config(night: i64) -> Config {
    let all = CORE.iter().chain(&["a6", "a7"]).chain(&REST).chain(&CROSSING).chain(&TINY);
    // Everybody has the holiday but one person.
    let person = |id: &&str| {
        let holiday = if CORE.contains(id) && *id != "a1" { "holidays = \"H\"\n" } else { "" };
        format!("[[people]]\nid = \"{id}\"\n{holiday}")
    };
    let people: String = all.map(person).collect();
    let list = |ids: &[&str]| ids.iter().map(|id| format!("\"{id}\"")).collect::<Vec<_>>().join(", ");
    let core: Vec<&str> = CORE.into_iter().filter(|id| night < READ_AGAIN || *id != "a2").collect();
    let moving = format!(
        "{{ person = \"a6\", from = \"{}\" }}, {{ person = \"a7\", to = \"{}\" }}",
        date_of(JOINER),
        date_of(LEAVER)
    );
    let team =
        |id: &str, members: String| format!("[[teams]]\nid = \"{id}\"\nname = \"{id}\"\nmembers = [{members}]\n");
    let text = format!(
        "[organisation]\nname = \"H\"\ntime-zone = \"UTC\"\n[holidays]\nH = [\"{}\"]\n{people}{}{}{}{}",
        date_of(HOLIDAY),
        team("core", format!("{}, {moving}", list(&core))),
        team("department", format!("{}, {moving}, {}", list(&core), list(&REST))),
        team("crossing", list(&[&REST[1..], &CROSSING].concat())),
        team("tiny", list(&TINY)),
    );
    Config::parse(&text, Path::new("u.toml")).expect("the configuration is well formed")
}

/// Whether a person's day counts, whatever the roster says: the same on every night.
fn counts(signal: usize, person: usize, day: i64, seed: u64) -> bool {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    for part in [signal as u64, person as u64, day.unsigned_abs()] {
        state = (state ^ part).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        state ^= state >> 29;
    }
    let chance = state % 100;
    match signal {
        // A release night for all; later more of it in the core team.
        0 if day == FIRST + 16 => true,
        0 if day >= BUSY_FROM && person < 7 => chance < 45,
        // One person is always late: alone in the difference of two figures.
        0 if person == 1 => chance < 90,
        0 => chance < 14,
        // Hardly anybody has a quiet block; a whole week of workshops.
        _ if (FIRST + 21..FIRST + 26).contains(&day) => chance < 98,
        _ => chance < 86,
    }
}

fn is_looked_at(signal: usize, person: usize, day: i64) -> bool {
    signal != 0 || !(3..5).contains(&person) || !ON_CALL.contains(&day)
}

fn organisation(today: i64) -> Organisation {
    Organisation {
        name: "H".to_owned(),
        as_of: date_of(today).at(4, 0, 0, 0).in_tz("UTC").expect("a zone that exists").timestamp(),
        zone: jiff::tz::TimeZone::UTC,
        show_work_items: true,
        index: true,
        version: "0".to_owned(),
        signal_threshold: START.signal,
        joint_threshold: START.joint,
        cost: Cost::default(),
    }
}

/// Plays all nights with one protection left out.
pub struct World {
    without: Without,
    seed: u64,
    store: Store,
    catalogue: Catalogue,
    words: Words,
    specs: Vec<SignalSpec>,
    history: History,
    memories: BTreeMap<String, Memory>,
    published: Published,
    _folder: tempfile::TempDir,
}

impl World {
    pub fn play(without: Without, seed: u64) -> Published {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&folder.path().join("store"), || Ok([1; 32])).expect("a store");
        let catalogue = Catalogue::embedded().expect("the cards are well formed");
        let spec = |slug: &&str| SignalSpec { cap: None, ..catalogue.card(slug).expect("a signal").spec() };
        let mut specs: Vec<SignalSpec> = SIGNALS.iter().map(spec).collect();
        if without == Without::Floor {
            specs.iter_mut().for_each(|spec| spec.floor = 1);
        }
        if without == Without::FloorOfDays {
            specs.iter_mut().for_each(|spec| spec.by_person_day = false);
        }
        let mut world = Self {
            without,
            seed,
            store,
            specs,
            words: Words::embedded().expect("the words are well formed"),
            catalogue,
            history: History::default(),
            memories: BTreeMap::new(),
            published: Published { sums: BTreeMap::new(), windows: BTreeSet::new(), exact: 0, seed },
            _folder: folder,
        };
        (FIRST..FIRST + NIGHTS).for_each(|today| world.night(today));
        world.published
    }

    fn night(&mut self, today: i64) {
        let mut config = config(today);
        if self.without == Without::Floor {
            config.organisation.smallest_group = 1;
        }
        let span = Span { first: today - PAST, last: today - 1 };
        let mut roster =
            roster(&config, &self.store, &BTreeMap::new(), &holidays(&config).0).expect("there are no links to read");
        if self.without == Without::FrozenRoster {
            self.history = History::default();
        } else if today == READ_AGAIN {
            self.history.read_again();
        }
        self.history.freeze(&mut roster, &config, self.store.pseudonyms(), span, today);
        for at in 0..roster.teams.len() {
            self.team(&config, &roster, at, today);
        }
    }

    fn is_at_work(&self, roster: &Roster, person: usize, day: i64, today: i64) -> bool {
        let away = self.without == Without::LateAbsence && person == 10 && AWAY.contains(&day) && today >= TOLD;
        roster.people[person].works_on(day) && !away
    }

    fn members(&self, roster: &Roster, at: usize, day: i64) -> Vec<usize> {
        if self.without != Without::OneTeam {
            return roster.members(at, day);
        }
        let there = |one: &&crate::measure::roster::Membership| {
            one.from.is_none_or(|from| from <= day) && one.to.is_none_or(|to| day <= to)
        };
        roster.teams[at].members.iter().filter(there).map(|one| one.person).collect()
    }

    fn team(&mut self, config: &Config, roster: &Roster, at: usize, today: i64) {
        let id = roster.teams[at].id.clone();
        let at_work: BTreeMap<i64, Vec<usize>> = (today - PAST..today)
            .map(|day| {
                let members = self.members(roster, at, day).into_iter();
                (day, members.filter(|person| self.is_at_work(roster, *person, day, today)).collect::<Vec<usize>>())
            })
            .filter(|(_, people)| !people.is_empty())
            .collect();
        let days: Vec<TeamDay> =
            at_work.iter().map(|(day, people)| TeamDay { day: *day, available: count(people.len()) }).collect();
        let input = self.input(&id, roster, &at_work, &days, today);
        let settings = Settings { smallest_group: config.organisation.smallest_group, thresholds: START, nights: 1 };
        let memory = self.memories.entry(id.clone()).or_default();
        let notices = notice(&input, &self.specs, &settings, memory, today);
        memory.clone_from(&notices.memory);
        let present = count(self.members(roster, at, today).len());
        let pairs: Vec<(i64, i64)> = days.iter().map(|day| (day.day, day.available)).collect();
        let team = &config.teams[at];
        let mut shown = Shown::of(team, present, &pairs, &self.history, &config.organisation, today);
        if self.without == Without::Hiding {
            shown = Shown::default();
        }
        let floor = self.specs[0].floor.max(config.organisation.smallest_group);
        let counted = [0, 1].map(|signal| self.counted(signal, &at_work, floor));
        self.publish(&id, (&notices, &shown, present), &counted, today);
    }

    /// Who is counted on which days: what the attacker knows of the method.
    fn counted(&self, signal: usize, at_work: &BTreeMap<i64, Vec<usize>>, floor: i64) -> BTreeMap<i64, Vec<usize>> {
        let looked_at = |day: i64, people: &[usize]| -> Vec<usize> {
            people.iter().copied().filter(|person| is_looked_at(signal, *person, day)).collect()
        };
        let enough = |all: &[usize], own: &[usize]| {
            count(all.len()) >= floor && (self.without == Without::FloorOfDays || count(own.len()) >= floor)
        };
        let days = at_work.iter().map(|(day, people)| (*day, people, looked_at(*day, people)));
        days.filter(|(_, all, own)| enough(all, own)).map(|(day, _, own)| (day, own)).collect()
    }

    fn input(
        &self,
        id: &str,
        roster: &Roster,
        at_work: &BTreeMap<i64, Vec<usize>>,
        days: &[TeamDay],
        today: i64,
    ) -> TeamInput {
        let rows = |signal: usize| {
            let row = |day: i64, person: usize| EvidenceRow {
                day,
                person: Some(roster.people[person].id),
                item: None,
                n: 1,
                x: i64::from(counts(signal, person, day, self.seed)),
            };
            let looked_at = |day: i64, person: usize| is_looked_at(signal, person, day).then(|| row(day, person));
            at_work
                .iter()
                .flat_map(|(day, people)| people.iter().filter_map(move |one| looked_at(*day, *one)))
                .collect()
        };
        let coverage = Coverage { from: today - PAST, to: today - 1, failed: None };
        TeamInput {
            id: id.to_owned(),
            members: count(roster.people.len()),
            days: days.to_vec(),
            evidence: SIGNALS.iter().enumerate().map(|(at, slug)| ((*slug).to_owned(), rows(at))).collect(),
            coverage: SIGNALS.iter().map(|slug| ((*slug).to_owned(), coverage.clone())).collect(),
            ..TeamInput::default()
        }
    }

    /// Reads the team's page as the attacker does.
    fn publish(
        &mut self,
        id: &str,
        (notices, shown, people): (&Notices, &Shown, i64),
        counted: &[BTreeMap<i64, Vec<usize>>; 2],
        today: i64,
    ) {
        let team = Team {
            id: id.to_owned(),
            name: id.to_owned(),
            people,
            hidden: shown.hidden,
            roster_changes: Vec::new(),
            counted_again: None,
            window: notices.window.map(|(from, to)| (date_of(from), date_of(to))),
            sources: Vec::new(),
            cards: Vec::new(),
            signals: shown.signals(notices, &self.catalogue),
            ageing: None::<Ageing>,
            events: Vec::new(),
            context: Vec::new(),
            false_cards: None,
        };
        let page = document(&organisation(today), &team, &self.catalogue, &self.words);
        for (at, slug) in SIGNALS.iter().enumerate() {
            let exact = &notices.signals[*slug].points;
            let points = page.series.get(*slug).map_or(&[][..], Vec::as_slice);
            for (told, exact) in points.iter().zip(&exact[exact.len().saturating_sub(points.len())..]) {
                let is_last = std::ptr::eq(told, &raw const points[points.len() - 1]);
                let told = if self.without == Without::Rounding {
                    SeriesPoint { x: exact.x, n: exact.n, ..told.clone() }
                } else {
                    told.clone()
                };
                let on_card = page
                    .compared
                    .get(*slug)
                    .filter(|_| is_last)
                    .filter(|seen| notices.signals[*slug].state == crate::notice::State::Open && seen.x.is_some());
                self.published.exact += usize::from(on_card.is_some());
                let figure = match on_card {
                    Some(seen) if !seen.or_more => (seen.x, seen.x),
                    _ if self.without == Without::Rounding => (told.x, told.x),
                    _ => (told.x.map(|x| least(x, told.n)), told.x.map(|x| most(x, told.n))),
                };
                if is_last {
                    self.published.windows.insert((id.to_owned(), day(&told.from), day(&told.to)));
                }
                self.take(id, at, &told, figure, &counted[at]);
            }
        }
    }

    fn take(
        &mut self,
        team: &str,
        signal: usize,
        told: &SeriesPoint,
        (low, high): (Option<i64>, Option<i64>),
        counted: &BTreeMap<i64, Vec<usize>>,
    ) {
        let (from, to) = (day(&told.from), day(&told.to));
        let inside = counted.range(from..=to);
        let cells: BTreeSet<Cell> =
            inside.flat_map(|(day, people)| people.iter().map(|person| (*person, *day))).collect();
        let (low, high) = match (low, high) {
            (Some(low), Some(high)) => (low, high.min(count(cells.len()))),
            _ => (0, few(&cells)),
        };
        let truth = self.published.truth(SIGNALS[signal], &cells);
        assert!((low..=high).contains(&truth), "the attacker misreads {told:?}: {truth} is not within {low} to {high}");
        self.published.sums.entry(SIGNALS[signal].to_owned()).or_default().push(Sum {
            about: format!("{team} {} to {}", told.from, told.to),
            cells,
            low,
            high,
            told: told.x.is_some(),
        });
    }
}

/// The least and the most that a told figure may stand for. Below twenty opportunities it is exact.
fn least(x: i64, n: i64) -> i64 {
    if n < 20 { x } else { (x - 2).max(3) }
}

/// Three below all is the most that is told, whatever it is: and n itself is told in fives.
fn most(x: i64, n: i64) -> i64 {
    match x {
        _ if n < 20 => x,
        _ if x + 5 >= n - 2 => n + 2,
        _ => x + 2,
    }
}

/// "Few" says: fewer than three events, or fewer than three people, who may have any number of them.
fn few(cells: &BTreeSet<Cell>) -> i64 {
    let mut own: BTreeMap<usize, i64> = BTreeMap::new();
    cells.iter().for_each(|(person, _)| *own.entry(*person).or_default() += 1);
    let mut own: Vec<i64> = own.into_values().collect();
    own.sort_unstable();
    own.iter().rev().take(2).sum::<i64>().max(2)
}

fn day(text: &str) -> i64 {
    day_number(text.parse().expect("a date"))
}

fn count(length: usize) -> i64 {
    i64::try_from(length).expect("few people")
}
