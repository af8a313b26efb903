//! Which signals an installation has: those that come with the program and its own, and which are switched on.

use std::path::Path;

use super::{exit::Failure, wording};
use crate::catalogue::{Card, Catalogue, REMINDERS};
use crate::config::Config;
use crate::measure::facts::{self, Facts};
use crate::measure::lint::lint;
use crate::measure::signals::{Query, run, shipped};
use crate::report::words::Words;

/// Cards and queries that belong together.
#[derive(Clone, Debug)]
pub struct Chosen {
    pub catalogue: Catalogue,
    /// The texts of the pages.
    pub words: Words,
    pub queries: Vec<Query>,
    /// What is wrong with the installation's own words and the teams' own context, which therefore do not stand on a page.
    pub complaints: Vec<String>,
}

impl Chosen {
    /// The signals that come with the program.
    ///
    /// # Errors
    /// A card that cannot be used is a bug of this build.
    pub fn shipped() -> Result<Self, Failure> {
        let catalogue = Catalogue::embedded().map_err(|error| Failure::internal(&error))?;
        let words = Words::embedded().map_err(|error| Failure::internal(&error))?;
        Ok(Self { catalogue, words, queries: shipped(), complaints: Vec::new() })
    }

    /// Every signal that the installation knows, switched on or not.
    ///
    /// # Errors
    /// [`Failure`] with exit 2 names every own signal that cannot be used, with its file and what is wrong.
    pub fn all(config: &Config) -> Result<Self, Failure> {
        let mut all = Self::with_own(config)?;
        all.complaints = wording::put(config, &mut all.catalogue, &mut all.words)?;
        all.complaints.extend(config.complaints.iter().cloned());
        Ok(all)
    }

    fn with_own(config: &Config) -> Result<Self, Failure> {
        let mut all = Self::shipped()?;
        let Some(folder) = &config.signals.extra else { return Ok(all) };
        let facts = facts::empty().map_err(|error| Failure::internal(&error))?;
        let mut wrong = Vec::new();
        for name in &config.signals.own {
            match own(folder, name, &all.catalogue, &facts) {
                Ok((card, query)) => {
                    all.catalogue.add(card);
                    all.queries.push(query);
                }
                Err(message) => wrong.push(message),
            }
        }
        if wrong.is_empty() { Ok(all) } else { Err(Failure::configuration(wrong.join("\n"))) }
    }

    /// The signals that are computed: the core, the optional ones that the configuration switches on, and its own.
    ///
    /// # Errors
    /// As [`Chosen::all`].
    pub fn on(config: &Config) -> Result<Self, Failure> {
        let mut on = Self::all(config)?;
        let signals = &config.signals;
        on.catalogue.retain(|card| {
            card.core || signals.all || signals.on.contains(&card.slug) || signals.own.contains(&card.slug)
        });
        let reminds = config.teams.iter().any(|team| team.ledger.is_some());
        on.queries.retain(|query| {
            on.catalogue.card(&query.slug).is_some() || (reminds && REMINDERS.contains(&query.slug.as_str()))
        });
        Ok(on)
    }
}

/// Reads a signal of the installation's own, and tries its query on facts without rows.
fn own(folder: &Path, name: &str, known: &Catalogue, facts: &Facts) -> Result<(Card, Query), String> {
    let file = |ending: &str| folder.join(format!("{name}.{ending}"));
    let text = |ending: &str| {
        let path = file(ending);
        std::fs::read_to_string(&path).map_err(|error| {
            format!("{}: cannot be read: {error}; a signal is a pair, NAME.sql and NAME.toml", path.display())
        })
    };
    let (sql, toml) = (text("sql")?, text("toml")?);
    let (sql_file, toml_file) = (file("sql").display().to_string(), file("toml").display().to_string());
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if !name.bytes().all(plain) || !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        return Err(format!("{toml_file}: a signal's name is made of lower-case letters, digits and underscores"));
    }
    if known.is_taken(name) {
        return Err(format!("{toml_file}: a signal of this name comes with the program; choose another name"));
    }
    let card = Card::own(name, &toml).map_err(|reason| format!("{toml_file}: {reason}"))?;
    // What a leader's calendar says of the leader's own talks is for nobody else.
    let tables: Vec<&str> = facts.keys().copied().filter(|table| *table != facts::one_to_ones::NAME).collect();
    lint(&sql_file, &sql, &tables).map_err(|error| error.to_string())?;
    let query = Query { slug: name.to_owned(), sql };
    // Polars may panic instead of answering, where a feature is missing; that must not look like a bug of the night.
    let tried = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(&query, facts)));
    match tried {
        Ok(Ok(_)) => Ok((card, query)),
        Ok(Err(error)) => Err(format!("{sql_file}: {error}")),
        Err(_) => Err(format!("{sql_file}: polars gave up on this query")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQL: &str = "-- many_meetings: person-days with more than four hours of meetings.\n\
        SELECT p.team, p.day, p.person, CAST(NULL AS VARCHAR(255)) AS item, 1 AS n,\n\
        CASE WHEN p.meeting_minutes > 240 THEN 1 ELSE 0 END AS x\n\
        FROM person_days AS p\nWHERE p.available = 1\n";

    fn toml() -> String {
        include_str!("../../reports/cards/meeting_load.toml").replace("core = true", "core = false")
    }

    /// What is said about a folder with these files and this `[signals]`; empty where all is well.
    fn said(files: &[(&str, &str)], signals: &str) -> Result<Vec<String>, String> {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir(place.path().join("own")).unwrap();
        for (name, text) in files {
            std::fs::write(place.path().join("own").join(name), text).unwrap();
        }
        let text = format!("[organisation]\nname = \"o\"\ntime-zone = \"UTC\"\n[signals]\n{signals}\n");
        let config = Config::parse(&text, &place.path().join("u.toml")).map_err(|error| error.to_string())?;
        let chosen = Chosen::on(&config).map_err(|failure| failure.message)?;
        Ok(chosen.queries.into_iter().map(|query| query.slug).collect())
    }

    #[track_caller]
    fn refused(files: &[(&str, &str)], told: &[&str]) {
        let message = said(files, "extra = \"own\"").unwrap_err();
        assert!(told.iter().all(|part| message.contains(part)), "{message}");
    }

    #[test]
    fn an_own_signal_is_computed_beside_the_core_and_may_be_named_in_off() {
        let files = [("many_meetings.sql", SQL), ("many_meetings.toml", &toml()), ("readme.md", "")];
        let slugs = said(&files, "extra = \"own\"\noff = [\"many_meetings\"]").unwrap();
        assert!(slugs.contains(&"many_meetings".to_owned()) && slugs.contains(&"stalled_work".to_owned()));
    }

    #[test]
    fn optional_signals_are_computed_only_where_they_are_switched_on() {
        let optional = "too_much_at_once".to_owned();
        assert!(!said(&[], "").unwrap().contains(&optional));
        assert!(said(&[], "on = [\"too_much_at_once\"]").unwrap().contains(&optional));
        assert!(said(&[], "on = \"all\"").unwrap().contains(&optional));
    }

    #[test]
    fn an_own_signal_that_cannot_be_used_is_told_with_its_file() {
        let pair = |sql: &str, card: &str| [("mine.sql", sql.to_owned()), ("mine.toml", card.to_owned())];
        let check = |sql: &str, card: &str, told: &[&str]| {
            let files = pair(sql, card);
            refused(&files.each_ref().map(|(name, text)| (*name, text.as_str())), told);
        };
        refused(&[("mine.sql", SQL)], &["mine.toml: cannot be read", "a signal is a pair"]);
        refused(&[("mine.toml", &toml())], &["mine.sql: cannot be read"]);
        refused(&[("Mine.sql", SQL), ("Mine.toml", &toml())], &["Mine.toml: a signal's name"]);
        refused(&[("joint.sql", SQL), ("joint.toml", &toml())], &["comes with the program"]);
        check(SQL, &toml().replace("title =", "titel ="), &["mine.toml: ", "titel"]);
        check(SQL, &toml().replace("core = false", "core = true"), &["mine.toml: ", "`core` must be false"]);
        check(SQL, &toml().replace("\"calendars\"", "\"chat\""), &["mine.toml: ", "\"chat\""]);
        check(&SQL.replace("person_days", "persons"), &toml(), &["mine.sql: the table persons", "person_days"]);
        check(&SQL.replace("p.meeting_minutes", "p.meetings"), &toml(), &["mine.sql: ", "meetings"]);
        check(&SQL.replace("AS n,", "AS k,"), &toml(), &["mine.sql: ", "must be team, day, person, item, n, x"]);
        check(&SQL.replace("1 AS n", "'1' AS n"), &toml(), &["mine.sql: ", "column n", "a whole number"]);
        check(&SQL.replace("p.day,", "p.day_no AS day,"), &toml(), &["mine.sql: ", "column day", "a date"]);
        check(&format!("{SQL} LIMIT 3"), &toml(), &["mine.sql: LIMIT"]);
    }

    #[test]
    fn an_unknown_signal_and_a_missing_folder_are_told_with_their_place() {
        let message = said(&[], "on = [\"too_much\"]").unwrap_err();
        assert!(message.contains("u.toml:5:7: there is no signal too_much; known: "), "{message}");
        let message = said(&[], "off = [\"stalled\"]\nextra = \"none\"").unwrap_err();
        assert!(message.contains("u.toml:5:8: there is no signal stalled"), "{message}");
        assert!(message.contains("u.toml:6:9: the folder cannot be read"), "{message}");
    }
}
