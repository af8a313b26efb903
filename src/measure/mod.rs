//! Facts from the tables, then one SQL file per signal: evidence, one row per opportunity.
//!
//! Knows nothing of networks, names and cards. Evidence of persons never leaves memory and the store's own folder.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use polars::prelude::*;

use crate::model::EvidenceRow;
use crate::model::time::{Millis, day_number};
use crate::store::{Store, StoreError};

pub mod calendar;
pub mod facts;
pub mod lint;
pub mod rhythm;
pub mod roster;
pub mod signals;
pub mod tables;
pub mod unmatched;

use calendar::{Availability, Span, TeamCalendar};
use facts::{Facts, Ground};
use roster::Roster;
use tables::Tables;

/// What can go wrong while measuring.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("there is no table {0}")]
    UnknownTable(&'static str),
    #[error("facts could not be computed: {0}")]
    Facts(#[from] PolarsError),
    #[error("signal {slug}: polars refuses the query: {source}")]
    Query { slug: String, source: PolarsError },
    #[error("signal {slug} answers with the columns {found}; it must be team, day, person, item, n, x")]
    Shape { slug: String, found: String },
    #[error("signal {slug}: the column {column} is {found}; it must be {wanted}")]
    Type { slug: String, column: &'static str, found: String, wanted: &'static str },
    #[error("cannot write {what}: {source}")]
    Write { what: String, source: std::io::Error },
}

/// What a night's measuring gives to the stages after it.
#[derive(Debug)]
pub struct Measured {
    pub span: Span,
    /// Evidence by team id and signal.
    pub evidence: BTreeMap<String, BTreeMap<String, Vec<EvidenceRow>>>,
    /// Working minutes of one working day.
    pub day_minutes: i64,
    /// Working days of each team, in the roster's order: (day, people available).
    pub days: Vec<Vec<(i64, i64)>>,
    /// Days on which a repository of each team published a release, in the roster's order; ascending, once each.
    pub releases: Vec<BTreeSet<i64>>,
    /// Which teams work in sprints of two weeks, in the roster's order.
    pub two_week_sprints: Vec<bool>,
    /// Items in progress, day by day.
    pub items: Vec<facts::item_days::ItemDay>,
    /// The newest limit of meeting time, by team id.
    pub meeting_limits: BTreeMap<String, i64>,
    /// The facts themselves, for the independent check.
    pub facts: Facts,
    /// Evidence as tables.
    pub answers: BTreeMap<String, DataFrame>,
}

/// Measures the store: facts of the days in `span`, then every signal.
///
/// # Errors
/// [`MeasureError`] names the table or signal.
pub fn measure(
    store: &Store,
    roster: &Roster,
    span: Span,
    queries: &[signals::Query],
) -> Result<Measured, MeasureError> {
    let tables = Tables::load(store)?;
    let availability = Availability::new(roster, &tables.absences, span);
    let calendars: Vec<TeamCalendar> =
        (0..roster.teams.len()).map(|team| TeamCalendar::new(roster, &availability, team)).collect();
    let ground = Ground { roster, tables: &tables, availability: &availability, calendars: &calendars, span };
    let facts::Computed { facts, items, meeting_limits } = facts::compute(&ground)?;
    let mut answers = BTreeMap::new();
    let mut evidence: BTreeMap<String, BTreeMap<String, Vec<EvidenceRow>>> = BTreeMap::new();
    for query in queries {
        let rows = signals::run(query, &facts)?;
        spread(&query.slug, &rows, roster, &mut evidence)?;
        answers.insert(query.slug.clone(), rows);
    }
    let releases = (0..roster.teams.len()).map(|team| release_days(&ground, team)).collect();
    let two_week_sprints = rhythm::two_week_sprints(&ground);
    let day_minutes = calendars.first().map_or(480, TeamCalendar::day_minutes);
    let days = calendars.into_iter().map(|calendar| calendar.days).collect();
    Ok(Measured {
        span,
        evidence,
        day_minutes,
        days,
        releases,
        two_week_sprints,
        items,
        meeting_limits,
        facts,
        answers,
    })
}

/// The local days on which a repository of a team published a release.
fn release_days(ground: &Ground<'_>, team: usize) -> BTreeSet<i64> {
    let team = &ground.roster.teams[team];
    let own = |(repository, at): &(i64, Millis)| {
        let name = ground.tables.repositories.get(repository)?;
        let day = day_number(at.to_timestamp().to_zoned_datetime(team.hours.zone.clone()).date());
        team.repositories.contains(name).then_some(day)
    };
    ground.tables.releases.iter().filter_map(own).collect()
}

/// Hands the rows of a signal to their teams.
fn spread(
    slug: &str,
    rows: &DataFrame,
    roster: &Roster,
    evidence: &mut BTreeMap<String, BTreeMap<String, Vec<EvidenceRow>>>,
) -> PolarsResult<()> {
    let ints = |name: &str| -> PolarsResult<Vec<Option<i64>>> {
        Ok(rows.column(name)?.cast(&DataType::Int64)?.i64()?.iter().collect())
    };
    let (days, people, n, x) = (ints("day")?, ints("person")?, ints("n")?, ints("x")?);
    let leavers: BTreeMap<i64, &roster::Person> =
        roster.people.iter().filter(|person| !person.left.is_empty()).map(|person| (person.id, person)).collect();
    let (teams, items) = (rows.column("team")?.str()?.clone(), rows.column("item")?.str()?.clone());
    for at in 0..rows.height() {
        let (Some(team), Some(day)) = (teams.get(at), days[at]) else { continue };
        let item: Option<Arc<str>> = items.get(at).map(Arc::from);
        let leaver = people[at].and_then(|id| leavers.get(&id)).is_some_and(|person| person.has_left(day));
        if leaver && item.is_none() {
            continue;
        }
        let row = EvidenceRow {
            day,
            // An item stays the team's own; whose it was is nobody's business any more.
            person: people[at].filter(|_| !leaver),
            item,
            n: n[at].unwrap_or_default(),
            x: x[at].unwrap_or_default(),
        };
        evidence.entry(team.to_owned()).or_default().entry(slug.to_owned()).or_default().push(row);
    }
    Ok(())
}

/// The columns of facts and evidence that hold pseudonyms of people.
const PEOPLE: [&str; 2] = ["person", "reviewer"];

/// Writes facts and evidence as Parquet into `folder`, so that any engine can be asked the same SQL. Pseudonyms never
/// leave the store: people are numbered anew, in all files alike; their order
/// stays, since queries sort by it.
///
/// # Errors
/// [`MeasureError::Write`] names the file.
pub fn export(measured: &Measured, folder: &std::path::Path) -> Result<(), MeasureError> {
    let mut people = BTreeSet::new();
    for rows in measured.facts.values().chain(measured.answers.values()) {
        for column in PEOPLE.iter().filter_map(|name| rows.column(name).ok()) {
            people.extend(column.i64()?.iter().flatten());
        }
    }
    let numbers: BTreeMap<i64, i64> = people.into_iter().zip(1..).collect();
    for (kind, tables) in [
        ("facts", measured.facts.iter().map(|(name, rows)| ((*name).to_owned(), rows)).collect::<Vec<_>>()),
        ("evidence", measured.answers.iter().map(|(name, rows)| (name.clone(), rows)).collect()),
    ] {
        let folder = folder.join(kind);
        let failed = |what: &std::path::Path| {
            let what = what.display().to_string();
            move |source: std::io::Error| MeasureError::Write { what, source }
        };
        std::fs::create_dir_all(&folder).map_err(failed(&folder))?;
        for (name, rows) in tables {
            let path = folder.join(format!("{name}.parquet"));
            let file = std::fs::File::create(&path).map_err(failed(&path))?;
            ParquetWriter::new(file).finish(&mut numbered(rows, &numbers)?)?;
        }
    }
    Ok(())
}

/// The same rows with the numbers of people in the place of their pseudonyms.
fn numbered(rows: &DataFrame, numbers: &BTreeMap<i64, i64>) -> PolarsResult<DataFrame> {
    let mut rows = rows.clone();
    for name in PEOPLE {
        let Ok(column) = rows.column(name) else { continue };
        let own: Vec<Option<i64>> = column.i64()?.iter().map(|person| numbers.get(&person?).copied()).collect();
        rows.with_column(Column::new(name.into(), own))?;
    }
    Ok(rows)
}
