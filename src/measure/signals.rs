//! Signals: one SQL file each, run over the facts by polars; the answer is checked to have the promised shape.

use polars::prelude::*;
use polars::sql::SQLContext;

use super::MeasureError;
use super::facts::Facts;

/// A signal's query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    pub slug: String,
    /// The file's text.
    pub sql: String,
}

macro_rules! shipped {
    ($($slug:literal),+ $(,)?) => {
        [$(($slug, include_str!(concat!("../../queries/signals/", $slug, ".sql")))),+]
    };
}

/// The signals that come with the program, in the catalogue's order.
const SHIPPED: &[(&str, &str)] = &shipped![
    "stalled_work",
    "waiting_for_review",
    "quiet_approvals",
    "moving_dates",
    "outside_usual_hours",
    "no_quiet_block",
    "meeting_load",
    "unplanned_work",
    "returning_work",
    "waiting_on_others",
    "fewer_voices",
    "late_disagreement",
    "fast_approvals",
    "unlinked_work",
    "review_concentration",
    "hanging_threads",
    "too_much_at_once",
    "moving_goals",
    "incident_interruptions",
    "retry_friction",
    "overfull_plan",
    "early_rewriting",
    "work_on_days_off",
    "moved_one_to_ones",
];

/// The queries of the signals that come with the program.
#[must_use]
pub fn shipped() -> Vec<Query> {
    SHIPPED.iter().map(|(slug, sql)| Query { slug: (*slug).to_owned(), sql: (*sql).to_owned() }).collect()
}

impl Query {
    /// The comment at the head of the file: what is counted, and what it cannot see.
    #[must_use]
    pub fn definition(&self) -> String {
        let head = self.sql.lines().take_while(|line| line.starts_with("--"));
        head.map(|line| line.trim_start_matches("--").trim()).collect::<Vec<_>>().join("\n")
    }
}

/// The promised columns of every signal.
pub const EVIDENCE: [(&str, DataType); 6] = [
    ("team", DataType::String),
    ("day", DataType::Date),
    ("person", DataType::Int64),
    ("item", DataType::String),
    ("n", DataType::Int64),
    ("x", DataType::Int64),
];

/// Whether a column's type can stand for the promised one; person and item may be NULL throughout.
fn fits(found: &DataType, wanted: &DataType) -> bool {
    match wanted {
        DataType::Int64 => found.is_integer() || found.is_null(),
        DataType::String => found.is_string() || found.is_null(),
        other => found == other,
    }
}

fn word(wanted: &DataType) -> &'static str {
    match wanted {
        DataType::Int64 => "a whole number",
        DataType::String => "text",
        _ => "a date",
    }
}

/// Runs a signal over the facts with polars' streaming engine.
///
/// # Errors
/// [`MeasureError::Query`] names the signal and what polars refuses; [`MeasureError::Shape`] and
/// [`MeasureError::Type`] where the answer has other columns than the six promised ones.
pub fn run(query: &Query, facts: &Facts) -> Result<DataFrame, MeasureError> {
    let mut context = SQLContext::new();
    for (name, rows) in facts {
        context.register(name, rows.clone().lazy());
    }
    let failed = |source: PolarsError| MeasureError::Query { slug: query.slug.clone(), source };
    let answer = context.execute(&query.sql).map_err(failed)?;
    let casts: Vec<Expr> = EVIDENCE.iter().map(|(name, kind)| col(*name).strict_cast(kind.clone())).collect();
    let names = answer.clone().collect_schema().map_err(failed)?;
    let found: Vec<String> = names.iter_names().map(ToString::to_string).collect();
    if found != EVIDENCE.map(|(name, _)| name.to_owned()) {
        return Err(MeasureError::Shape { slug: query.slug.clone(), found: found.join(", ") });
    }
    for ((name, wanted), found) in EVIDENCE.iter().zip(names.iter_values()) {
        if !fits(found, wanted) {
            let (slug, found) = (query.slug.clone(), found.to_string());
            return Err(MeasureError::Type { slug, column: name, found, wanted: word(wanted) });
        }
    }
    let rows = answer.select(casts).collect_with_engine(Engine::Streaming).map_err(failed)?;
    Ok(rows.unwrap_single())
}
