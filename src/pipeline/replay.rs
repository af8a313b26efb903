//! `undercurrent replay`: what the last 52 weeks would have said with the present thresholds.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::chosen::Chosen;
use super::edition::Night;
use super::exit::Failure;
use super::history::History;
use super::night::measured;
use super::record::Scope;
use crate::config::Config;
use crate::model::time::{date_of, week_of};
use crate::notice::replay::{REPLAYED_DAYS, cards};
use crate::store::Store;

/// What the past weeks would have said.
#[derive(Clone, Debug, Serialize)]
pub struct Replayed {
    pub schema: &'static str,
    pub from: String,
    pub to: String,
    pub signal_threshold: f64,
    pub joint_threshold: f64,
    /// In order of the configuration.
    pub teams: Vec<TeamReplay>,
}

/// A team's cards.
#[derive(Clone, Debug, Serialize)]
pub struct TeamReplay {
    pub id: String,
    pub name: String,
    /// Working days that were evaluated.
    pub nights: usize,
    /// Those of them on which anything could be compared.
    pub compared: usize,
    pub cards: Vec<CardReplay>,
}

/// A card, by the weeks (their Mondays) in which it would have opened and closed.
#[derive(Clone, Debug, Serialize)]
pub struct CardReplay {
    pub signals: Vec<String>,
    pub theme: Option<String>,
    pub opens: String,
    /// `null`: still open.
    pub closes: Option<String>,
}

/// Plays the last 52 weeks again, with the rosters as they were read and the thresholds of the present month.
///
/// # Errors
/// [`Failure`] with its exit code.
pub fn replay(config: &Config, store: &Store, scopes: &[Scope], as_of: Timestamp) -> Result<Replayed, Failure> {
    if config.store.strict {
        let out = "with `[store] strict` past nights cannot be played again: who did what is known for fourteen days";
        return Err(Failure::configuration(out.to_owned()));
    }
    let Chosen { catalogue, words, queries, .. } = Chosen::on(config)?;
    let mut history = History::recall(store)?;
    let (measured, roster) = measured(config, store, scopes, as_of, &queries, &mut history)?;
    let night =
        Night { config, catalogue: &catalogue, words: &words, measured: &measured, roster: &roster, scopes, as_of };
    let inputs = night.inputs();
    let today = night.today();
    let calibration = night.calibration(&mut history, &inputs);
    let played = night.replayed(inputs.iter(), today);
    let teams = config.teams.iter().zip(&played).map(|(team, (id, nights))| {
        let compared =
            nights.iter().filter(|night| night.singles.iter().any(crate::notice::nights::Single::is_known)).count();
        let cards = cards(id, nights, calibration.thresholds).into_iter().map(|card| CardReplay {
            signals: card.signals,
            theme: card.theme,
            opens: week(card.opened_on),
            closes: card.closed_on.map(week),
        });
        TeamReplay { id: id.clone(), name: team.name.clone(), nights: nights.len(), compared, cards: cards.collect() }
    });
    Ok(Replayed {
        schema: "undercurrent.replay/1",
        from: date_of(today - REPLAYED_DAYS).to_string(),
        to: date_of(today - 1).to_string(),
        signal_threshold: calibration.thresholds.signal,
        joint_threshold: calibration.thresholds.joint,
        teams: teams.collect(),
    })
}

fn week(day: i64) -> String {
    week_of(date_of(day)).to_string()
}

impl Replayed {
    /// A calm table: week by week, and within a week by team.
    #[must_use]
    pub fn table(&self) -> String {
        let mut weeks: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for team in &self.teams {
            for card in &team.cards {
                let signals = card.signals.join(" + ");
                let theme = card.theme.as_ref().map_or_else(String::new, |theme| format!(" ({theme})"));
                let line = |verb: &str| format!("{:<24} {verb} {signals}{theme}", team.name);
                weeks.entry(&card.opens).or_default().push(line("opens "));
                if let Some(closes) = &card.closes {
                    weeks.entry(closes).or_default().push(line("closes"));
                }
            }
        }
        let mut text = format!(
            "What {} to {} would have said, with the thresholds {:.2} and {:.2} (joint):\n\n",
            self.from, self.to, self.signal_threshold, self.joint_threshold
        );
        for (monday, lines) in &weeks {
            for (at, line) in lines.iter().enumerate() {
                let named = if at == 0 { *monday } else { "" };
                text.push_str(&format!("{named:<12} {line}\n"));
            }
        }
        if weeks.is_empty() {
            text.push_str("No card would have opened. That is not a certificate.\n");
        }
        text.push('\n');
        for team in &self.teams {
            text.push_str(&format!(
                "{:<24} {} cards; {} of {} working days could be compared\n",
                team.name,
                team.cards.len(),
                team.compared,
                team.nights
            ));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_goes_week_by_week_and_names_the_days_that_could_be_compared() {
        let card = |signals: &[&str], opens: &str, closes: Option<&str>| CardReplay {
            signals: signals.iter().map(|one| (*one).to_owned()).collect(),
            theme: None,
            opens: opens.to_owned(),
            closes: closes.map(str::to_owned),
        };
        let team = |name: &str, cards| TeamReplay {
            id: name.to_lowercase(),
            name: name.to_owned(),
            nights: 260,
            compared: 200,
            cards,
        };
        let replayed = Replayed {
            schema: "undercurrent.replay/1",
            from: "2025-11-24".to_owned(),
            to: "2026-11-22".to_owned(),
            signal_threshold: 3.15,
            joint_threshold: 3.5,
            teams: vec![
                team("Payments", vec![card(&["a"], "2026-05-04", Some("2026-06-01"))]),
                team("Checkout", vec![card(&["a", "b", "c"], "2026-03-02", None)]),
            ],
        };
        let table = replayed.table();
        let lines: Vec<&str> = table.lines().skip(2).take(3).collect();
        assert!(lines[0].starts_with("2026-03-02") && lines[0].ends_with("opens  a + b + c"), "{table}");
        assert!(lines[1].starts_with("2026-05-04   Payments") && lines[2].contains("closes a"), "{table}");
        assert!(table.contains("200 of 260 working days"), "{table}");
        let none = Replayed { teams: vec![team("Payments", vec![])], ..replayed };
        assert!(none.table().contains("not a certificate"));
    }
}
