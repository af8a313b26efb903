//! The leader's record and the leader's edition: whose record is where, which names it refuses, and what the edition of a
//! night adds to the page that everybody reads. Collecting never comes here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::civil::Date;

use super::edition::{Night, Noticed};
use super::exit::Failure;
use super::freshness::team_sources;
use super::history::History;
use crate::catalogue::REMINDERS;
use crate::config::{Config, Team};
use crate::follow_ups::{
    About, FollowUp, Ledger, LedgerError, MOST_DUE, Opened, Standing, State, TALKED_WITHIN, write as write_file,
};
use crate::model::time::{date_of, day_number};
use crate::notice::replay::FellBack;
use crate::notice::since::since;
use crate::notice::{Memory, TeamInput};
use crate::report::input as page;
use crate::report::leader::{FollowUp as Line, Leader, Since};
use crate::report::{put_notice, render_leader};

/// One-to-ones of this many working days are looked at, and from so many on, of so many, there is a reminder.
const ONE_TO_ONE_DAYS: usize = 20;
const FEWEST_GAVE_WAY: i64 = 2;
const FEWEST_ONE_TO_ONES: i64 = 6;

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Disk { .. } => Self::storage(error.to_string()),
            LedgerError::Rights { .. } | LedgerError::Busy(_) | LedgerError::Faults(_) => {
                Self::configuration(error.to_string())
            }
        }
    }
}

/// The folders of all records, once each.
fn folders(config: &Config) -> BTreeSet<&Path> {
    config.teams.iter().filter_map(|team| team.ledger.as_deref()).collect()
}

/// What is wrong with the records, one line each: their editions are not written.
#[must_use]
pub fn problems(config: &Config) -> Vec<String> {
    let names = config.names();
    let wrong = folders(config).into_iter().filter_map(|folder| Ledger::read(folder, &names).err());
    wrong
        .flat_map(|error| error.to_string().lines().map(|line| format!("leader's record: {line}")).collect::<Vec<_>>())
        .collect()
}

/// The records of a configuration, or of one of its teams, for reading, with the teams of its folder.
///
/// # Errors
/// [`Failure`] where a record cannot be used, or no team keeps one.
pub fn records<'a>(config: &'a Config, team: Option<&str>) -> Result<Vec<(Vec<&'a Team>, Ledger)>, Failure> {
    let names = config.names();
    let wanted = team.map(|id| keeper(config, id)).transpose()?;
    let mut records = Vec::new();
    for folder in folders(config) {
        let of_folder =
            |own: &&Team| own.ledger.as_deref() == Some(folder) && wanted.is_none_or(|one| one.id == own.id);
        let teams: Vec<&Team> = config.teams.iter().filter(of_folder).collect();
        if teams.is_empty() {
            continue;
        }
        match Ledger::read(folder, &names) {
            // Another leader's, where the machine keeps them apart.
            Err(LedgerError::Disk { source, .. })
                if wanted.is_none() && source.kind() == std::io::ErrorKind::PermissionDenied => {}
            read => records.push((teams, read?)),
        }
    }
    if records.is_empty() {
        return Err(Failure::configuration(no_record("no team")));
    }
    Ok(records)
}

fn no_record(whose: &str) -> String {
    format!("{whose} keeps a leader's record: name its folder in the configuration, [[teams]] ledger = \"ledger/…\"")
}

/// A team that keeps a record.
fn keeper<'a>(config: &'a Config, id: &str) -> Result<&'a Team, Failure> {
    let Some(team) = config.teams.iter().find(|team| team.id == id) else {
        let known: Vec<&str> = config.teams.iter().map(|team| team.id.as_str()).collect();
        return Err(Failure::configuration(format!("there is no team {id}; known: {}", known.join(", "))));
    };
    if team.ledger.is_none() {
        return Err(Failure::configuration(format!("the team {id}: {}", no_record("nobody"))));
    }
    Ok(team)
}

/// The record of a team, to add to it.
///
/// # Errors
/// [`Failure`] where the team keeps none, or it cannot be used.
pub fn change(config: &Config, team: &str) -> Result<Ledger, Failure> {
    let folder = keeper(config, team)?.ledger.as_deref().unwrap_or(Path::new(""));
    Ok(Ledger::change(folder, &config.names())?)
}

/// The cards that opened in these teams and are still remembered: those of the last 400 days.
#[must_use]
pub fn opened(history: &History, teams: &[&Team]) -> Vec<Opened> {
    let memories = teams.iter().filter_map(|team| history.cards.get(&team.id));
    let cards = memories.flat_map(|memory| &memory.cards);
    cards.map(|card| Opened { card: card.id.clone(), on: date_of(card.opened_on) }).collect()
}

/// The card of an id, or the open one about a signal; of the teams that keep a record, or of one team.
///
/// # Errors
/// [`Failure`] where there is none or more than one, with those that are open.
pub fn card(history: &History, config: &Config, wanted: &str, team: Option<&str>) -> Result<About, Failure> {
    if let Some(id) = team {
        keeper(config, id)?;
    }
    let nothing = Memory::default();
    let kept = config.teams.iter().filter(|own| own.ledger.is_some() && team.is_none_or(|id| own.id == id));
    let cards = kept.flat_map(|own| {
        let memory = history.cards.get(&own.id).unwrap_or(&nothing);
        memory.cards.iter().map(|card| (own.id.as_str(), card))
    });
    let all: Vec<_> = cards.collect();
    let open = |about: &&(&str, &crate::notice::memory::Remembered)| about.1.closed_on.is_none();
    let named: Vec<_> = all.iter().filter(|(_, card)| card.id == wanted).collect();
    let about_signal =
        |about: &&(&str, &crate::notice::memory::Remembered)| about.1.signals.iter().any(|one| one == wanted);
    let found = if named.is_empty() { all.iter().filter(open).filter(about_signal).collect() } else { named };
    if let [(team, card)] = found.as_slice() {
        return Ok(About { team: (*team).to_owned(), card: card.id.clone(), signals: card.signals.clone() });
    }
    let listed: Vec<String> = all
        .iter()
        .filter(open)
        .map(|(team, card)| format!("{} ({team}: {})", card.id, card.signals.join(" + ")))
        .collect();
    let open = if listed.is_empty() { "no card is open".to_owned() } else { format!("open: {}", listed.join(", ")) };
    let what = if found.is_empty() { "there is no card" } else { "there is more than one card" };
    Err(Failure::configuration(format!(
        "{what} {wanted} of a team whose leader keeps a record; {open}. --team says which team is meant"
    )))
}

/// Writes the edition of every leader whose record can be used. Returns what was wrong with the others.
pub(super) fn write(night: &Night<'_>, noticed: &Noticed, pages: &[page::Team]) -> Vec<String> {
    let mut gaps = Vec::new();
    let names = night.config.names();
    let organisation = night.organisation(noticed);
    for (at, team) in night.config.teams.iter().enumerate() {
        let Some(folder) = &team.ledger else { continue };
        let written = Ledger::read(folder, &names).map_err(|error| error.to_string()).and_then(|ledger| {
            let leader = edition(night, noticed, at, team, &ledger.standing());
            let files = render_leader(&organisation, &pages[at], &leader, night.catalogue, night.words);
            let files = files.map_err(|error| error.to_string())?;
            files
                .iter()
                .try_for_each(|(name, bytes)| write_file(folder, name, bytes))
                .map_err(|error| error.to_string())
        });
        if let Err(message) = written {
            gaps.extend(message.lines().map(|line| format!("the leader's edition of {}: {line}", team.id)));
        }
    }
    gaps
}

/// Puts a dated notice on the leaders' last good pages. Returns those where it could not be put.
pub(super) fn notice(config: &Config, text: &str) -> Vec<String> {
    let failed = |folder: &Path| {
        let error = put_notice(folder, text).err()?;
        Some(format!("the leader's edition in {}: cannot put a notice on it: {error}", folder.display()))
    };
    folders(config).into_iter().filter_map(failed).collect()
}

/// What a leader's edition adds to a team's page.
fn edition(night: &Night<'_>, noticed: &Noticed, at: usize, team: &Team, standing: &Standing) -> Leader {
    let today = date_of(night.today());
    let open = standing.open(&team.id);
    let input = night.input(at, team, &team_sources(night.config, team, night.scopes, night.words));
    let due = open.iter().filter(|one| one.is_due(today)).count();
    let line = |one: &&FollowUp| {
        Some(Line {
            id: one.id,
            card: one.about.card.clone(),
            signals: one.about.signals.clone(),
            state: one.state,
            talked_on: one.talked_on,
            again: one.again?,
            due: one.is_due(today),
            agreed: one.agreed.clone(),
            mine: one.mine.clone(),
            since: sinces(night, noticed, (at, &input), standing, one),
        })
    };
    let (_, notices) = &noticed.teams[at];
    let cards = notices.cards.iter().map(|card| (card.id.clone(), noted(standing, &card.id)));
    Leader {
        follow_ups: open.iter().filter_map(line).collect(),
        one_to_ones: one_to_ones(night, at, team),
        cards: cards.filter(|(_, (state, _))| *state != State::New).collect::<BTreeMap<_, _>>(),
        holds_back: due >= MOST_DUE,
    }
}

/// How far a card has come, and when it was talked about last.
fn noted(standing: &Standing, card: &str) -> (State, Option<Date>) {
    let talk = standing.follow_ups.iter().rfind(|one| one.about.card == card);
    (standing.state(card), talk.map(|one| one.talked_on))
}

/// The signals of a follow-up since the talk, as far as they may be shown.
fn sinces(
    night: &Night<'_>,
    noticed: &Noticed,
    (at, input): (usize, &TeamInput),
    standing: &Standing,
    one: &FollowUp,
) -> Vec<Since> {
    let shown = &noticed.shown[at];
    let settings = night.settings(noticed.calibration.thresholds);
    let untalked: Vec<&FellBack> = noticed.fell_back.iter().filter(|card| !is_talked_about(card, standing)).collect();
    let count = |wanted: &dyn Fn(&FellBack) -> bool| {
        let of_kind = untalked.iter().filter(|card| wanted(card));
        (of_kind.clone().filter(|card| card.back).count(), of_kind.count())
    };
    let tell = |slug: &String| {
        let spec = night.catalogue.card(slug)?.spec();
        let seen = since(input, &spec, &settings, day_number(one.talked_on), night.today())?;
        let reaches = |point: &crate::notice::Point| shown.reaches(point.from);
        if shown.hidden || seen.before.as_ref().or(seen.after.as_ref()).is_some_and(|point| !reaches(point)) {
            return None;
        }
        let point = |point: crate::notice::Point| page::Point {
            from: date_of(point.from),
            to: date_of(point.to),
            x: point.x,
            n: point.n,
        };
        Some(Since {
            signal: seen.signal,
            working_days: seen.working_days,
            before: seen.before.map(point),
            after: seen.after.map(point),
            usual: seen.usual,
            outcome: seen.outcome,
            alike: count(&|card| card.signal == *slug),
            all: count(&|_| true),
        })
    };
    one.about.signals.iter().filter_map(tell).collect()
}

/// Whether this leader talked about a card of the replay. What other leaders noted is none of this one's business, so
/// their cards count as cards without a talk.
fn is_talked_about(card: &FellBack, standing: &Standing) -> bool {
    standing.follow_ups.iter().any(|one| {
        let gone = day_number(one.talked_on) - card.opened_on;
        one.about.team == card.team && one.about.signals.contains(&card.signal) && (0..=TALKED_WITHIN).contains(&gone)
    })
}

/// How many of the leader's own one-to-ones gave way in the last twenty working days, where that is worth a reminder.
fn one_to_ones(night: &Night<'_>, at: usize, team: &Team) -> Option<(i64, i64)> {
    let slug = REMINDERS[0];
    let off = night.config.signals.off.iter().chain(&team.signals_off).any(|one| one == slug);
    let days = &night.measured.days[at];
    let first = days[days.len().saturating_sub(ONE_TO_ONE_DAYS)..].first()?.0;
    let rows = night.measured.evidence.get(&team.id)?.get(slug)?.iter().filter(|row| row.day >= first);
    let (x, n) = rows.fold((0, 0), |(x, n), row| (x + row.x, n + row.n));
    (!off && x >= FEWEST_GAVE_WAY && n >= FEWEST_ONE_TO_ONES).then_some((x, n))
}
