//! `undercurrent usual-range FILE`: range and score of the series in a JSON file, so that anybody can recompute a
//! figure of the page.

use serde::{Deserialize, Serialize};

use super::joint::{Scored, joint};
use super::memory::START;
use super::periods::Periods;
use super::usual_range::{Kind, Pair, Series, Side};

/// The file: series, and nights for joint cards. Other keys, such as expected values, are ignored.
#[derive(Debug, Deserialize)]
pub struct Form {
    #[serde(default = "signal_threshold")]
    pub signal_threshold: f64,
    #[serde(default = "joint_threshold")]
    pub joint_threshold: f64,
    #[serde(default)]
    pub series: Vec<SeriesForm>,
    #[serde(default)]
    pub joint: Vec<JointForm>,
}

fn signal_threshold() -> f64 {
    START.signal
}

fn weeks() -> String {
    Periods::Weeks.word().to_owned()
}

fn joint_threshold() -> f64 {
    START.joint
}

/// A series of the file.
#[derive(Debug, Deserialize, Serialize)]
pub struct SeriesForm {
    pub id: String,
    pub kind: String,
    pub side: String,
    #[serde(default)]
    pub stock: bool,
    /// The length of the periods: `weeks`, `fortnights`, `sprints` or `four-weeks`.
    #[serde(default = "weeks")]
    pub periods: String,
    #[serde(default)]
    pub min_n: f64,
    pub weeks: Vec<Option<(i64, i64)>>,
    pub w10: (i64, i64),
    pub w5: (i64, i64),
}

impl SeriesForm {
    /// The form of a series, from which [`answer`] computes the same verdict.
    #[must_use]
    pub fn of(id: String, series: &Series) -> Self {
        let pair = |pair: Pair| (pair.x, pair.n);
        Self {
            id,
            kind: if series.kind == Kind::Share { "share" } else { "rate" }.to_owned(),
            side: if series.side == Side::High { "high" } else { "low" }.to_owned(),
            stock: series.stock,
            periods: series.periods.word().to_owned(),
            min_n: series.minimum,
            weeks: series.weeks.iter().map(|week| week.map(pair)).collect(),
            w10: pair(series.w10),
            w5: pair(series.w5),
        }
    }
}

/// A night of the file.
#[derive(Debug, Deserialize)]
pub struct JointForm {
    pub id: String,
    pub signals: Vec<JointSignal>,
}

/// A signal's scores on a night.
#[derive(Debug, Deserialize)]
pub struct JointSignal {
    pub slug: String,
    pub z10: Option<f64>,
    pub z5: Option<f64>,
    pub effect: Option<bool>,
}

/// The answer about a series.
#[derive(Debug, Serialize)]
pub struct SeriesAnswer {
    pub id: String,
    #[serde(rename = "K_weeks")]
    pub usable_weeks: usize,
    pub status: &'static str,
    pub p: Option<f64>,
    pub nbar: Option<f64>,
    pub phi: Option<f64>,
    pub rho: Option<f64>,
    #[serde(rename = "M10")]
    pub m10: Option<f64>,
    #[serde(rename = "M5")]
    pub m5: Option<f64>,
    pub z10: Option<f64>,
    pub z5: Option<f64>,
    pub score: Option<f64>,
    pub usual_low: Option<i64>,
    pub usual_high: Option<i64>,
    pub expected_x: Option<f64>,
    pub k: Option<usize>,
    #[serde(rename = "K")]
    pub past: Option<usize>,
    pub effect: Option<bool>,
    pub opens: bool,
}

/// The answer about a night.
#[derive(Debug, Serialize)]
pub struct JointAnswer {
    pub id: String,
    pub j10: Option<f64>,
    pub j5: Option<f64>,
    pub joint: Option<f64>,
    pub three: Option<Vec<String>>,
    pub theme: Option<&'static str>,
    pub joint_opens: bool,
}

/// All answers.
#[derive(Debug, Serialize)]
pub struct Answers {
    pub series: Vec<SeriesAnswer>,
    pub joint: Vec<JointAnswer>,
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("not JSON in the form of a series file: {0}")]
    Form(#[from] serde_json::Error),
    #[error("series {id}: {key} must be {allowed}, not \"{found}\"")]
    Word { id: String, key: &'static str, allowed: &'static str, found: String },
    #[error("series {id}: in {place} the count {x} of {n} is impossible")]
    Count { id: String, place: String, x: i64, n: i64 },
}

/// Computes every series and night of a file.
///
/// # Errors
/// [`FileError`] names the series and the key.
pub fn answer(text: &str) -> Result<Answers, FileError> {
    let form: Form = serde_json::from_str(text)?;
    let series = form.series.iter().map(|series| answer_series(series, form.signal_threshold));
    Ok(Answers {
        series: series.collect::<Result<_, _>>()?,
        joint: form.joint.iter().map(|night| answer_joint(night, form.joint_threshold)).collect(),
    })
}

fn answer_series(form: &SeriesForm, threshold: f64) -> Result<SeriesAnswer, FileError> {
    let verdict = series(form)?.verdict();
    let status = match (verdict.baseline, verdict.z10) {
        (None, _) => "no_baseline",
        (_, None) => "window_too_small",
        _ => "ok",
    };
    Ok(SeriesAnswer {
        id: form.id.clone(),
        usable_weeks: verdict.usable_weeks,
        status,
        p: verdict.baseline.map(|baseline| baseline.p),
        nbar: verdict.baseline.map(|baseline| baseline.nbar),
        phi: verdict.baseline.map(|baseline| baseline.phi),
        rho: verdict.baseline.map(|baseline| baseline.rho),
        m10: verdict.m10,
        m5: verdict.m5,
        z10: verdict.z10,
        z5: verdict.z5,
        score: verdict.score,
        usual_low: verdict.usual.map(|usual| usual.low),
        usual_high: verdict.usual.map(|usual| usual.high),
        expected_x: verdict.usual.map(|usual| usual.expected),
        k: verdict.usual.map(|usual| usual.past_within),
        past: verdict.usual.map(|usual| usual.past_total),
        effect: verdict.effect,
        opens: verdict.opens(threshold),
    })
}

fn series(form: &SeriesForm) -> Result<Series, FileError> {
    let word =
        |key, allowed, found: &str| FileError::Word { id: form.id.clone(), key, allowed, found: found.to_owned() };
    let kind = match form.kind.as_str() {
        "share" => Kind::Share,
        "rate" => Kind::Rate,
        other => return Err(word("kind", "\"share\" or \"rate\"", other)),
    };
    let side = match form.side.as_str() {
        "high" => Side::High,
        "low" => Side::Low,
        other => return Err(word("side", "\"high\" or \"low\"", other)),
    };
    let pair = |place: String, (x, n): (i64, i64)| {
        let impossible = x < 0 || n < 0 || (kind == Kind::Share && x > n);
        if impossible { Err(FileError::Count { id: form.id.clone(), place, x, n }) } else { Ok(Pair::new(x, n)) }
    };
    let weeks = form.weeks.iter().enumerate();
    Ok(Series {
        kind,
        side,
        stock: form.stock,
        periods: Periods::of(&form.periods).ok_or_else(|| {
            word("periods", "\"weeks\", \"fortnights\", \"sprints\" or \"four-weeks\"", &form.periods)
        })?,
        minimum: form.min_n,
        weeks: weeks
            .map(|(at, week)| week.map(|week| pair(format!("week {}", at + 1), week)).transpose())
            .collect::<Result<_, _>>()?,
        w10: pair("w10".to_owned(), form.w10)?,
        w5: pair("w5".to_owned(), form.w5)?,
    })
}

fn answer_joint(form: &JointForm, threshold: f64) -> JointAnswer {
    let scored: Vec<Scored> = (0_u32..)
        .zip(&form.signals)
        .map(|(order, signal)| Scored {
            slug: signal.slug.clone(),
            order,
            z10: signal.z10,
            z5: signal.z5,
            effect: signal.effect == Some(true),
        })
        .collect();
    let found = joint(&scored);
    JointAnswer {
        id: form.id.clone(),
        j10: found.as_ref().and_then(|joint| joint.j10),
        j5: found.as_ref().and_then(|joint| joint.j5),
        joint: found.as_ref().map(|joint| joint.score),
        three: found.as_ref().map(|joint| joint.three.clone()),
        theme: found.as_ref().and_then(|joint| joint.theme),
        joint_opens: found.is_some_and(|joint| joint.score >= threshold && joint.effect),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    const VECTORS: &str = include_str!("../../tests/fixtures/usual_range.json");

    /// Numbers agree within the tolerance of the vectors (1e-9, relative for M), all else exactly.
    #[track_caller]
    fn check(id: &str, key: &str, expected: &Value, found: &Value) {
        let same = match (expected.as_f64(), found.as_f64()) {
            (Some(expected), Some(found)) if key.starts_with('M') => ((found - expected) / expected).abs() <= 1e-9,
            (Some(expected), Some(found)) => (found - expected).abs() <= 1e-9,
            _ => expected == found,
        };
        assert!(same, "{id}: {key} is {found}, expected {expected}");
    }

    #[test]
    fn all_published_vectors_come_out() {
        let vectors: Value = serde_json::from_str(VECTORS).unwrap();
        let answers = serde_json::to_value(answer(VECTORS).unwrap()).unwrap();
        let mut compared = 0;
        for kind in ["series", "joint"] {
            for (vector, answer) in vectors[kind].as_array().unwrap().iter().zip(answers[kind].as_array().unwrap()) {
                let id = vector["id"].as_str().unwrap();
                for (key, expected) in vector["expect"].as_object().unwrap() {
                    if let Some(found) = answer.get(key) {
                        check(id, key, expected, found);
                        compared += 1;
                    }
                }
            }
        }
        assert_eq!(compared, 372 * 18 + 60 * 6);
    }

    #[test]
    fn a_wrong_word_and_an_impossible_count_are_named() {
        let file = |kind: &str, x: i64| {
            format!(
                r#"{{"series":[{{"id":"a","kind":"{kind}","side":"high","weeks":[[{x},3]],"w10":[1,2],"w5":[0,1]}}]}}"#
            )
        };
        assert!(answer(&file("part", 1)).unwrap_err().to_string().contains("series a: kind must be"));
        assert!(answer(&file("share", 4)).unwrap_err().to_string().contains("week 1 the count 4 of 3"));
        assert!(answer("{").is_err());
    }
}
