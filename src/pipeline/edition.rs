//! From what was measured and noticed to what the report shows.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::context::context;
use super::freshness::{complete_days, cost, team_sources};
use super::history::{History, month};
use super::record::Scope;
use super::retention::STRICT_DAYS;
use super::shown::{Shown, observation};
use crate::catalogue::{Card, Catalogue};
use crate::config::{Config, Team};
use crate::measure::Measured;
use crate::measure::roster::Roster;
use crate::model::time::{date_of, day_number};
use crate::notice::file::SeriesForm;
use crate::notice::replay::{self, Calibration, FellBack};
use crate::notice::{self, Coverage, Notices, Settings, TeamDay, TeamInput, Thresholds, notice};
use crate::report::input as page;
use crate::report::words::Words;

/// Signals about items in progress, for which open changes of code stand in.
const ITEMS: [&str; 2] = ["stalled_work", "too_much_at_once"];
/// The signal that needs check runs, which are read only where the configuration asks for them.
const CHECKS: &str = "retry_friction";
/// At most this many marked days of a team in a quarter.
const MOST_MARKED: usize = 10;
const QUARTER: i64 = 91;
/// That a past was counted again is told for as long as its older points are missing.
const COUNTED_AGAIN_DAYS: i64 = 400;

/// Everything that the editions of a night are made of.
pub struct Night<'a> {
    pub config: &'a Config,
    pub catalogue: &'a Catalogue,
    pub words: &'a Words,
    pub measured: &'a Measured,
    pub roster: &'a Roster,
    pub scopes: &'a [Scope],
    pub as_of: Timestamp,
}

/// What a night noticed.
#[derive(Clone, Debug)]
pub struct Noticed {
    pub calibration: Calibration,
    /// What became of cards in the replay of this month.
    pub fell_back: Vec<FellBack>,
    /// Members and notices of every team, in the configuration's order.
    pub teams: Vec<(i64, Notices)>,
    /// What of every team may be shown, in the same order.
    pub shown: Vec<Shown>,
}

impl Night<'_> {
    /// What holds for all pages.
    #[must_use]
    pub fn organisation(&self, noticed: &Noticed) -> page::Organisation {
        page::Organisation {
            name: self.config.organisation.name.clone(),
            as_of: self.as_of,
            zone: self.config.organisation.zone.clone(),
            show_work_items: self.config.report.show_work_items,
            index: self.config.report.index,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            signal_threshold: noticed.calibration.thresholds.signal,
            joint_threshold: noticed.calibration.thresholds.joint,
            cost: cost(self.scopes.iter()),
        }
    }

    /// Every team's page.
    #[must_use]
    pub fn teams(&self, noticed: &Noticed) -> Vec<page::Team> {
        self.config.teams.iter().enumerate().map(|(at, team)| self.team(at, team, noticed)).collect()
    }

    /// The day on which the night runs; windows end the day before.
    #[must_use]
    pub fn today(&self) -> i64 {
        day_number(self.as_of.to_zoned_datetime(self.config.organisation.zone.clone()).date())
    }

    pub(super) fn settings(&self, thresholds: Thresholds) -> Settings {
        Settings { smallest_group: self.config.organisation.smallest_group, thresholds, nights: 130 }
    }

    fn specs(&self) -> Vec<notice::SignalSpec> {
        self.catalogue.signals().iter().map(crate::catalogue::Card::spec).collect()
    }

    /// What the method looks at, for every team.
    #[must_use]
    pub fn inputs(&self) -> Vec<TeamInput> {
        let input = |(at, team)| self.input(at, team, &team_sources(self.config, team, self.scopes, self.words));
        self.config.teams.iter().enumerate().map(input).collect()
    }

    /// The nights of the 52 weeks before a day, for every one of these teams.
    #[must_use]
    pub fn replayed<'b>(
        &self,
        inputs: impl Iterator<Item = &'b TeamInput>,
        today: i64,
    ) -> Vec<(String, Vec<notice::nights::Night>)> {
        let (specs, settings) = (self.specs(), self.settings(notice::START));
        let nights = |team: &TeamInput| replay::nights(team, &specs, &settings, today);
        inputs.map(|team| (team.id.clone(), nights(team))).collect()
    }

    /// The thresholds of this month: those that are remembered, else measured by the replay of the 52 weeks before
    /// the month, and remembered.
    pub fn calibration(&self, history: &mut History, inputs: &[TeamInput]) -> Calibration {
        let (name, first) = month(self.today());
        if let (Some(known), true) = (history.calibrations.get(&name), history.fell_back.contains_key(&name)) {
            return *known;
        }
        if self.config.store.strict {
            // Nights of the past cannot be played again: who did what in them is not kept.
            return Calibration::default();
        }
        let large = inputs.iter().filter(|team| !self.is_too_small(team));
        let played = self.replayed(large, first);
        let calibration = *history.calibrations.entry(name.clone()).or_insert_with(|| replay::calibrate(&played));
        history.fell_back = BTreeMap::from([(name, replay::fell_back(&played, calibration.thresholds))]);
        calibration
    }

    /// What is worth a conversation in every team; cards are remembered in `history`.
    pub fn notice(&self, history: &mut History) -> Noticed {
        let mut inputs = self.inputs();
        let calibration = self.calibration(history, &inputs);
        let (specs, settings) = (self.specs(), self.settings(calibration.thresholds));
        if self.config.store.strict {
            self.keep_weeks(history, &mut inputs, &specs, &settings);
        }
        let mut teams = Vec::with_capacity(inputs.len());
        for input in inputs {
            let memory = history.cards.entry(input.id.clone()).or_default();
            let notices = notice(&input, &specs, &settings, memory, self.today());
            memory.clone_from(&notices.memory);
            teams.push((input.members, notices));
        }
        let fell_back = history.fell_back.values().next_back().cloned().unwrap_or_default();
        let days = &self.measured.days;
        let own = self.config.teams.iter().zip(&teams).zip(days);
        let shown = own.map(|((team, (members, _)), days)| {
            Shown::of(team, *members, days, history, &self.config.organisation, self.today())
        });
        let shown = shown.collect();
        Noticed { calibration, fell_back, teams, shown }
    }

    /// Strict mode: weeks are counted once, in their own time; days on which nobody is known any more count nothing.
    fn keep_weeks(
        &self,
        history: &mut History,
        inputs: &mut [TeamInput],
        specs: &[notice::SignalSpec],
        settings: &Settings,
    ) {
        let since = self.today() - STRICT_DAYS;
        for (team, limit) in &self.measured.meeting_limits {
            history.limits.entry(team.clone()).or_insert(*limit);
        }
        for input in inputs {
            let mut whole = input.clone();
            whole.coverage.values_mut().for_each(|coverage| coverage.from = self.measured.span.first);
            history.keep_weeks(&input.id, notice::weeks(&whole, specs, settings, self.today()), since);
            input.kept = history.weeks.get(&input.id).cloned().unwrap_or_default();
        }
    }

    fn is_too_small(&self, team: &TeamInput) -> bool {
        team.members < self.config.organisation.smallest_group
    }

    /// What the method looks at for one team.
    #[must_use]
    pub fn input(&self, at: usize, team: &Team, sources: &[page::Source]) -> TeamInput {
        let complete = complete_days(sources, &self.config.organisation.zone);
        let members = self.members(at);
        let days: Vec<TeamDay> = self.measured.days[at]
            .iter()
            .map(|(day, available)| TeamDay { day: *day, available: *available })
            .collect();
        TeamInput {
            id: team.id.clone(),
            members,
            marked: marked(team, &days, self.catalogue),
            days,
            evidence: self.measured.evidence.get(&team.id).cloned().unwrap_or_default(),
            coverage: self.coverage(team, &complete),
            off: switched_off(self.config, self.catalogue),
            vetoed: team.signals_off.iter().cloned().collect(),
            two_week_sprints: self.measured.two_week_sprints[at],
            kept: BTreeMap::new(),
        }
    }

    /// The exact series of a team's signal, in the form that `usual-range` reads.
    #[must_use]
    pub fn exact(&self, at: usize, team: &Team, card: &Card, history: &History) -> Option<SeriesForm> {
        let sources = team_sources(self.config, team, self.scopes, self.words);
        let mut input = self.input(at, team, &sources);
        input.kept = history.weeks.get(&team.id).cloned().unwrap_or_default();
        let series = notice::exact(&input, &card.spec(), &self.settings(notice::START), self.today())?;
        Some(SeriesForm::of(format!("{}/{}", team.id, card.slug), &series))
    }

    /// The people who are counted in a team in this week.
    fn members(&self, at: usize) -> i64 {
        let today = self.today();
        let members = self.roster.members(at, today).into_iter();
        let present = members.filter(|person| !self.roster.people[*person].has_left(today));
        i64::try_from(present.count()).unwrap_or(i64::MAX)
    }

    /// A signal is covered up to the day up to which all its connected sources are.
    fn coverage(&self, team: &Team, complete: &BTreeMap<String, (i64, Option<String>)>) -> BTreeMap<String, Coverage> {
        let mut coverage = BTreeMap::new();
        for card in self.catalogue.signals() {
            if card.slug == CHECKS && !self.config.github.iter().any(|service| service.check_runs) {
                continue;
            }
            let sources = self.card_sources(team, card);
            let known: Vec<&(i64, Option<String>)> =
                sources.iter().filter_map(|source| complete.get(*source)).collect();
            let connected = sources.iter().filter(|source| self.is_connected(team, source)).count();
            if known.is_empty() || known.len() < connected {
                continue;
            }
            coverage.insert(
                card.slug.clone(),
                Coverage {
                    from: if self.config.store.strict {
                        self.measured.span.first.max(self.today() - STRICT_DAYS)
                    } else {
                        self.measured.span.first
                    },
                    to: known.iter().map(|(day, _)| *day).min().unwrap_or(i64::MIN),
                    failed: known.iter().find_map(|(_, failed)| failed.clone()),
                },
            );
        }
        coverage
    }

    /// The sources of a card. Without a tracker project GitHub's issues stand for tickets, where they are read, and
    /// open changes of code for items in progress.
    fn card_sources<'a>(&self, team: &Team, card: &'a Card) -> Vec<&'a str> {
        let mut sources: Vec<&str> = card.sources.iter().map(String::as_str).collect();
        if team.jira_projects.is_empty() && (ITEMS.contains(&card.slug.as_str()) || self.config.reads_issues_of(team)) {
            sources.iter_mut().filter(|source| **source == "jira").for_each(|source| *source = "github");
            sources.sort_unstable();
            sources.dedup();
        }
        sources
    }

    fn is_connected(&self, team: &Team, source: &str) -> bool {
        match source {
            "github" => !team.repositories.is_empty() && !self.config.github.is_empty(),
            "jira" => !team.jira_projects.is_empty() && !self.config.jira.is_empty(),
            "git" => !team.git.is_empty(),
            "calendars" => self.has_calendars(team),
            _ => true,
        }
    }

    fn has_calendars(&self, team: &Team) -> bool {
        let member = |id: &String| team.members.iter().any(|member| member.person == *id);
        self.config.people.iter().any(|person| person.calendar.is_some() && member(&person.id))
    }

    fn team(&self, at: usize, team: &Team, noticed: &Noticed) -> page::Team {
        let (members, notices) = &noticed.teams[at];
        let shown = &noticed.shown[at];
        let window = notices.window;
        page::Team {
            id: team.id.clone(),
            name: team.name.clone(),
            people: *members,
            hidden: shown.hidden,
            roster_changes: shown.changed.iter().map(|monday| date_of(*monday)).collect(),
            counted_again: shown.since.filter(|since| *since > self.today() - COUNTED_AGAIN_DAYS).map(date_of),
            window: window.map(|(from, to)| (date_of(from), date_of(to))),
            sources: team_sources(self.config, team, self.scopes, self.words),
            cards: self.cards(at, notices, shown),
            signals: shown.signals(notices, self.catalogue),
            ageing: (!shown.hidden).then(|| self.ageing(at)),
            events: self.events(at, team),
            context: window.map_or_else(Vec::new, |window| context(self.roster, at, window)),
            false_cards: noticed.calibration.cards_per_team_quarter,
        }
    }

    /// What the team itself declared, and its published releases where these are few enough to be events.
    fn events(&self, at: usize, team: &Team) -> Vec<page::Event> {
        let told = team.events.iter();
        let told = told.map(|event| page::Event { from: event.from, to: event.to, label: event.label.clone() });
        let releases = &self.measured.releases[at];
        let seldom = |day: &&i64| releases.range(*day - QUARTER..=*day + QUARTER).count() <= 2 * MOST_MARKED;
        let published = releases.iter().filter(seldom).map(|day| page::Event {
            from: date_of(*day),
            to: date_of(*day),
            label: self.words.get("event-release"),
        });
        told.chain(published).collect()
    }

    fn cards(&self, at: usize, notices: &Notices, shown: &Shown) -> Vec<page::Card> {
        let card = |card: &notice::Card| page::Card {
            id: card.id.clone(),
            signals: card.signals.clone(),
            joint: card.joint,
            theme: card.theme.clone(),
            opened_on: date_of(card.opened_on),
            alone: card.alone,
            observations: card.observations.iter().map(observation).collect(),
            items: card.items.iter().map(|key| self.item(at, key)).collect(),
        };
        notices.cards.iter().filter(|card| shown.card(card, notices)).map(card).collect()
    }

    /// An item with its link and its age, where it is in progress.
    fn item(&self, at: usize, key: &str) -> page::Item {
        let last = self.measured.days[at].last().map(|(day, _)| *day);
        let open =
            self.measured.items.iter().find(|item| item.team == at && item.item == key && Some(item.day) == last);
        page::Item {
            key: key.to_owned(),
            url: self.link(key),
            working_days: open.map(|open| open.age_minutes / self.measured.day_minutes),
        }
    }

    /// Links lead to work items only: a configured service's address and the key.
    fn link(&self, key: &str) -> Option<String> {
        let safe = |part: &str| {
            part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) && !part.is_empty()
        };
        if let Some((repository, number)) = key.split_once('#') {
            let (owner, name) = repository.split_once('/')?;
            if !safe(owner) || !safe(name) || number.parse::<u64>().is_err() {
                return None;
            }
            let service = self.config.github.first()?;
            let host = service.url.host_str()?;
            let base = if host == "api.github.com" { "https://github.com".to_owned() } else { origin(&service.url) };
            return Some(format!("{base}/{repository}/pull/{number}"));
        }
        let base = self.config.jira.first()?;
        safe(key).then(|| format!("{}/browse/{key}", origin(&base.url)))
    }

    fn ageing(&self, at: usize) -> page::Ageing {
        let last = self.measured.days[at].last().map(|(day, _)| *day);
        let today = self.measured.items.iter().filter(|item| item.team == at && Some(item.day) == last);
        let per_day = self.measured.day_minutes;
        let mut limit = None;
        let items = today
            .map(|open| {
                limit = limit.max(open.limit_minutes);
                page::OpenItem {
                    item: page::Item {
                        key: open.item.clone(),
                        url: self.link(&open.item),
                        working_days: Some(open.age_minutes / per_day),
                    },
                    quiet_days: open.quiet_minutes / per_day,
                    beyond: open.limit_minutes.is_some_and(|limit| open.age_minutes > limit),
                }
            })
            .collect();
        page::Ageing { items, limit_days: limit.map(|minutes| minutes / per_day) }
    }
}

/// Signals that are off for every team: those that the configuration switches off, and those beyond the core that it
/// does not switch on. Signals of the installation's own are on.
pub(super) fn switched_off(config: &Config, catalogue: &Catalogue) -> BTreeSet<String> {
    let signals = &config.signals;
    let on = |slug: &String| signals.all || signals.on.contains(slug) || signals.own.contains(slug);
    let optional = catalogue.signals().iter().filter(|card| !card.core && !on(&card.slug));
    signals.off.iter().cloned().chain(optional.map(|card| card.slug.clone())).collect()
}

fn origin(url: &url::Url) -> String {
    url.origin().ascii_serialization()
}

/// The days that each signal leaves out: the first ten known days of a team in any quarter.
fn marked(team: &Team, days: &[TeamDay], catalogue: &Catalogue) -> BTreeMap<String, BTreeSet<i64>> {
    let mut marked: BTreeMap<String, BTreeSet<i64>> = BTreeMap::new();
    let mut own = BTreeSet::new();
    for day in days.iter().map(|day| day.day) {
        let on_day = team.events.iter().filter(|event| (day_number(event.from)..=day_number(event.to)).contains(&day));
        let kinds: BTreeSet<&str> = on_day.map(|event| event.kind.as_str()).collect();
        let left_out = |card: &&Card| card.mark.iter().any(|mark| kinds.contains(mark.word()));
        let slugs: Vec<&String> = catalogue.signals().iter().filter(left_out).map(|card| &card.slug).collect();
        if slugs.is_empty() || own.range(day - QUARTER + 1..day).count() >= MOST_MARKED {
            continue;
        }
        own.insert(day);
        for slug in slugs {
            marked.entry(slug.clone()).or_default().insert(day);
        }
    }
    marked
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of three signals are off, by what the configuration says of signals and of its team.
    #[track_caller]
    fn check(signals: &str, team: &str, expected: [bool; 3]) {
        let toml = format!(
            "[organisation]\nname = \"H\"\ntime-zone = \"Europe/Berlin\"\n[signals]\n{signals}\n\
             [[people]]\nid = \"ada\"\n[[teams]]\nid = \"t\"\nname = \"T\"\nmembers = [\"ada\"]\n{team}\n"
        );
        let config = Config::parse(&toml, std::path::Path::new("undercurrent.toml")).unwrap();
        let off = switched_off(&config, &Catalogue::embedded().unwrap());
        let vetoed = |slug: &str| config.teams[0].signals_off.iter().any(|one| one == slug);
        let seen =
            ["quiet_approvals", "fast_approvals", "unlinked_work"].map(|slug| off.contains(slug) || vetoed(slug));
        assert_eq!(seen, expected, "{signals} {team}");
    }

    #[test]
    fn at_most_ten_days_of_a_team_and_quarter_are_left_out_and_only_by_the_signals_that_an_event_distorts() {
        let toml = "[organisation]\nname = \"H\"\ntime-zone = \"UTC\"\n[[people]]\nid = \"ada\"\n[[teams]]\nid = \"t\"\n\
                    name = \"T\"\nmembers = [\"ada\"]\nevents = [\n\
                    { from = \"2026-03-02\", to = \"2026-03-20\", kind = \"release\", label = \"r\" },\n\
                    { from = \"2026-09-07\", to = \"2026-09-07\", kind = \"planning\", label = \"p\" },\n\
                    { from = \"2026-09-09\", to = \"2026-09-09\", kind = \"other\", label = \"o\" }]\n";
        let config = Config::parse(toml, std::path::Path::new("u.toml")).unwrap();
        let first = day_number(jiff::civil::date(2026, 3, 2));
        let days: Vec<TeamDay> = (first..first + 200).map(|day| TeamDay { day, available: 5 }).collect();
        let marked = marked(&config.teams[0], &days, &Catalogue::embedded().unwrap());
        let count = |slug: &str| marked.get(slug).map_or(0, BTreeSet::len);
        assert_eq!(count("quiet_approvals"), 10, "the days after the tenth are counted as ever: {marked:?}");
        assert_eq!((count("meeting_load"), count("moving_dates"), count("waiting_for_review")), (1, 11, 0));
        let other = day_number(jiff::civil::date(2026, 9, 9));
        assert!(marked.values().all(|days| !days.contains(&other)), "{marked:?}");
    }

    #[test]
    fn signals_beyond_the_core_are_off_until_they_are_switched_on_and_what_is_off_stays_off() {
        check("", "", [false, true, true]);
        check("on = [\"unlinked_work\"]", "", [false, true, false]);
        check("on = \"all\"", "", [false, false, false]);
        check("on = \"all\"\noff = [\"quiet_approvals\"]", "signals-off = [\"unlinked_work\"]", [true, false, true]);
    }
}
