//! A simulated team: days, and the evidence of every signal, with or without something planted.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::habits::{Habit, Volume};
use crate::demo::chance::Chance;
use crate::notice::usual_range::{Kind, Side};
use crate::notice::{Coverage, EvidenceRow, SignalSpec, TeamDay, TeamInput};

/// Members of the smallest and the largest team.
const SIZES: (i64, i64) = (5, 12);
/// Share of working days on which a member is there.
const PRESENT: f64 = 0.92;
/// Standard deviation of a member's own habit, in log odds or logarithms.
const PERSONAL: f64 = 0.5;
/// How much of one week's swing is left in the next.
const CARRIED: f64 = 0.5;
/// Share of a stock's items that end on a working day.
const ENDING: f64 = 0.12;
/// Working days of a week and of a fortnight.
const WEEK: usize = 5;
const FORTNIGHT: usize = 10;
const FORTNIGHT_DAYS: f64 = 10.0;

/// What is planted: from one working day on the odds of some signals (of a rate, its events) are multiplied.
#[derive(Clone, Debug, PartialEq)]
pub struct Planted {
    /// By signal, above 1; the low side is divided by it.
    pub times: BTreeMap<String, f64>,
    /// Position among the team's working days.
    pub from: usize,
}

/// One team's chance, so that all of its signals share days and members.
pub struct Team<'a> {
    label: String,
    members: Vec<f64>,
    days: Vec<i64>,
    /// Members that are there, by day.
    present: Vec<Vec<usize>>,
    planted: Option<&'a Planted>,
}

impl<'a> Team<'a> {
    /// A team that works for so many weeks from a Monday (day number) on.
    pub fn new(label: &str, monday: i64, weeks: i64, planted: Option<&'a Planted>) -> Self {
        let mut chance = Chance::of(&format!("reliability/{label}"));
        let members: Vec<f64> = (0..chance.between(SIZES.0, SIZES.1)).map(|_| chance.normal()).collect();
        let days: Vec<i64> = (0..weeks).flat_map(|week| (0..5).map(move |day| monday + 7 * week + day)).collect();
        let there = |_: &i64| (0..members.len()).filter(|_| chance.happens(PRESENT)).collect();
        let present = days.iter().map(there).collect();
        Self { label: label.to_owned(), members, days, present, planted }
    }

    /// What the method looks at, every signal read to the last day.
    pub fn input(&self, specs: &[(SignalSpec, Habit)]) -> TeamInput {
        let by_sprint = self.members.len().is_multiple_of(2);
        let (first, last) = (self.days.first().copied().unwrap_or(0), self.days.last().copied().unwrap_or(0));
        let mut evidence = BTreeMap::new();
        let mut coverage = BTreeMap::new();
        for (spec, habit) in specs {
            evidence.insert(spec.slug.clone(), self.rows(spec, habit, by_sprint));
            coverage.insert(spec.slug.clone(), Coverage { from: first, to: last, failed: None });
        }
        let days = self.days.iter().zip(&self.present);
        TeamInput {
            id: self.label.clone(),
            members: count(self.members.len()),
            days: days.map(|(day, there)| TeamDay { day: *day, available: count(there.len()) }).collect(),
            evidence,
            coverage,
            two_week_sprints: by_sprint,
            ..TeamInput::default()
        }
    }

    fn rows(&self, spec: &SignalSpec, habit: &Habit, by_sprint: bool) -> Vec<EvidenceRow> {
        let mut chance = Chance::of(&format!("reliability/{}/{}", self.label, spec.slug));
        let mut swing = chance.normal() * habit.swing;
        let mut rows = Rows { spec, team: self, chance, rows: Vec::new(), stock: Vec::new(), items: 0 };
        for at in 0..self.days.len() {
            if at % WEEK == 0 {
                let fresh = rows.chance.normal() * habit.swing * (1.0 - CARRIED * CARRIED).sqrt();
                swing = CARRIED * swing + fresh;
            }
            rows.day(at, habit, swing, by_sprint);
        }
        rows.rows
    }

    /// What is planted in a signal on a day, as a factor on odds or events.
    fn factor(&self, spec: &SignalSpec, at: usize) -> f64 {
        let planted = self.planted.filter(|planted| at >= planted.from);
        let times = planted.and_then(|planted| planted.times.get(&spec.slug)).copied().unwrap_or(1.0);
        if spec.side == Side::Low { 1.0 / times } else { times }
    }
}

struct Rows<'a> {
    spec: &'a SignalSpec,
    team: &'a Team<'a>,
    chance: Chance,
    rows: Vec<EvidenceRow>,
    /// Whose each existing item is, and whether it went the signal's way.
    stock: Vec<(usize, bool)>,
    items: u64,
}

impl Rows<'_> {
    fn day(&mut self, at: usize, habit: &Habit, swing: f64, by_sprint: bool) {
        let there = self.team.present[at].clone();
        match habit.volume {
            Volume::Work(each) => self.work(at, &there, each, habit, swing),
            Volume::Planned(each) if by_sprint => {
                if (at + 1).is_multiple_of(FORTNIGHT) {
                    self.work(at, &there, each, habit, swing);
                }
            }
            Volume::Planned(each) => self.work(at, &there, each / 10.0, habit, swing),
            Volume::Sprints(larger) => self.sprint(at, larger, habit, swing),
            Volume::PersonDays => {
                for who in there {
                    let share = self.level(at, who, habit, swing);
                    let went = i64::from(self.chance.happens(share));
                    self.push(at, Some(who), 1, went);
                }
            }
            Volume::Events => {
                for who in there {
                    let events = self.level(at, who, habit, swing);
                    let events = self.chance.poisson(events);
                    self.push(at, Some(who), 1, 0);
                    for _ in 0..events {
                        self.push(at, Some(who), 0, 1);
                    }
                }
            }
            Volume::Stock(each) => {
                self.renew(each * as_f64(self.team.members.len()));
                self.stocked(at, habit, swing);
            }
            Volume::StockBesidePeople => {
                let level = self.level_of(at, 0.0, habit, swing);
                self.renew(level * 5.0 * as_f64(self.team.members.len()));
                for who in there {
                    self.push(at, Some(who), 5, 0);
                }
                for (who, _) in self.stock.clone() {
                    self.push(at, Some(who), 0, 1);
                }
            }
        }
    }

    fn work(&mut self, at: usize, there: &[usize], each: f64, habit: &Habit, swing: f64) {
        for who in there.iter().copied() {
            for _ in 0..self.chance.poisson(each) {
                let share = self.level(at, who, habit, swing);
                let went = i64::from(self.chance.happens(share));
                self.push(at, Some(who), 1, went);
            }
        }
    }

    /// A plan on the first day of a sprint, and what was finished on its last; what is planted grows the plan alone.
    fn sprint(&mut self, at: usize, larger: f64, habit: &Habit, swing: f64) {
        let name = at / FORTNIGHT;
        let days = FORTNIGHT_DAYS * PRESENT;
        let side = match at % FORTNIGHT {
            0 => format!("plan {name}"),
            last if last + 1 == FORTNIGHT => format!("result {name}"),
            _ => return,
        };
        let is_plan = side.starts_with("plan");
        for who in 0..self.team.members.len() {
            let usual = habit.usual * (self.team.members[who] * PERSONAL + swing).exp();
            let level = if is_plan { usual * larger * self.team.factor(self.spec, at) } else { usual };
            let x = self.chance.poisson(level * days);
            #[expect(clippy::cast_possible_truncation, reason = "nine or ten days")]
            let n = days.round() as i64;
            let (day, person) = (self.team.days[at], Some(count(who)));
            self.rows.push(EvidenceRow { day, person, item: Some(Arc::from(side.as_str())), n, x });
        }
    }

    /// Items end and begin, so that about as many exist as there should.
    fn renew(&mut self, wanted: f64) {
        let (members, chance) = (self.team.members.len(), &mut self.chance);
        self.stock.retain(|_| !chance.happens(ENDING));
        let missing = (wanted - as_f64(self.stock.len())).max(0.0);
        for _ in 0..chance.poisson(missing.min(wanted * 2.0 * ENDING)) {
            self.stock.push((chance.pick(members), false));
        }
    }

    /// Items go the signal's way at the pace that keeps their share, since those that did so leave as others do.
    fn stocked(&mut self, at: usize, habit: &Habit, swing: f64) {
        for position in 0..self.stock.len() {
            let (who, went) = self.stock[position];
            let share = self.level(at, who, habit, swing).min(0.95);
            let pace = ENDING * share / (1.0 - share);
            let went = went || self.chance.happens(pace);
            self.stock[position].1 = went;
            self.push(at, Some(who), 1, i64::from(went));
        }
    }

    fn level(&self, at: usize, who: usize, habit: &Habit, swing: f64) -> f64 {
        self.level_of(at, self.team.members[who] * PERSONAL, habit, swing)
    }

    /// The share, or the events for each unit of exposure, on a day.
    fn level_of(&self, at: usize, own: f64, habit: &Habit, swing: f64) -> f64 {
        let times = self.team.factor(self.spec, at) * (own + swing).exp();
        match self.spec.kind {
            Kind::Share => {
                let odds = habit.usual / (1.0 - habit.usual) * times;
                odds / (1.0 + odds)
            }
            Kind::Rate => habit.usual * times,
        }
    }

    fn push(&mut self, at: usize, who: Option<usize>, n: i64, x: i64) {
        self.items += 1;
        let item = self.spec.once_per_item.then(|| Arc::from(format!("{}-{}", self.team.label, self.items)));
        self.rows.push(EvidenceRow { day: self.team.days[at], person: who.map(count), item, n, x });
    }
}

fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "counts of members and items are small")]
fn as_f64(length: usize) -> f64 {
    length as f64
}
