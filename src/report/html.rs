//! The files of a report, rendered in memory.

use std::collections::BTreeMap;

use askama::Template;
use base64::Engine;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::document::{self, Document, SourceLine, document};
use super::input::{Health, Organisation, Source, Team};
use super::page::Maker;
use super::view::{IndexPage, SharedView, SourceView};
use super::words::{self, Words};
use crate::catalogue::Catalogue;

const STYLE: &str = include_str!("../../reports/style.css");

/// Why a report could not be rendered.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error("a template failed: {0}")]
    Template(#[from] askama::Error),
    #[error("the figures cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// A file of a report.
pub type File = (String, Vec<u8>);

#[derive(Serialize)]
struct IndexFile {
    schema: &'static str,
    as_of: String,
    teams: Vec<IndexTeam>,
    shared: Vec<Shared>,
    sources: Vec<SourceLine>,
}

#[derive(Serialize)]
struct IndexTeam {
    id: String,
    name: String,
    page: String,
    conversations: Vec<String>,
}

#[derive(Serialize)]
struct Shared {
    signal: String,
    teams: Vec<String>,
}

/// Renders every page and file of a report; teams in alphabetical order.
///
/// # Errors
/// [`ReportError`]; a drawing that fails does not stop a page.
pub fn render(
    organisation: &Organisation,
    teams: &[Team],
    catalogue: &Catalogue,
    words: &Words,
) -> Result<Vec<File>, ReportError> {
    let (style, style_hash) = style();
    let maker = Maker { organisation, catalogue, words, style: &style, style_hash: &style_hash };
    let mut sorted: Vec<&Team> = teams.iter().collect();
    sorted.sort_by(|left, right| (&left.name, &left.id).cmp(&(&right.name, &right.id)));
    let documents: Vec<Document> = sorted.iter().map(|team| document(organisation, team, catalogue, words)).collect();
    let mut files = Vec::new();
    for (team, document) in sorted.iter().zip(&documents) {
        files.push((format!("{}.html", team.id), maker.team(team, document).render()?.into_bytes()));
        files.push((format!("{}.json", team.id), json(document)?));
    }
    let shared = shared(&documents);
    if organisation.index {
        let page = index(&maker, &sorted, &documents, &shared);
        files.push(("index.html".to_owned(), page.render()?.into_bytes()));
    }
    files.push(("index.json".to_owned(), json(&index_file(organisation, &sorted, &documents, shared))?));
    Ok(files)
}

/// The style sheet as it stands in a page, and its hash.
pub(super) fn style() -> (String, String) {
    let style = STYLE.replace('\n', "");
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(style.as_bytes()));
    let hash = format!("sha256-{hash}");
    (style, hash)
}

pub(super) fn json<T: Serialize>(value: &T) -> Result<Vec<u8>, ReportError> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    Ok(text)
}

/// Signals that are on cards of three or more teams.
fn shared(documents: &[Document]) -> Vec<Shared> {
    let mut by_signal: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for document in documents {
        let mut slugs: Vec<&String> = document.conversations.iter().flat_map(|card| &card.signals).collect();
        slugs.sort();
        slugs.dedup();
        for slug in slugs {
            by_signal.entry(slug).or_default().push(document.team.id.clone());
        }
    }
    let several = by_signal.into_iter().filter(|(_, teams)| teams.len() >= 3);
    several.map(|(signal, teams)| Shared { signal: signal.to_owned(), teams }).collect()
}

/// Each source once: its worst state over all teams.
fn sources(teams: &[&Team]) -> Vec<Source> {
    let mut worst: BTreeMap<&str, &Source> = BTreeMap::new();
    for source in teams.iter().flat_map(|team| &team.sources) {
        let rank = |source: &Source| match source.health {
            Health::Off => 0,
            Health::Complete => 1,
            Health::Stale => 2,
            Health::Failed => 3,
        };
        let known = worst.entry(&source.id).or_insert(source);
        if rank(source) > rank(known) {
            *known = source;
        }
    }
    worst.into_values().cloned().collect()
}

fn index(maker: &Maker<'_>, teams: &[&Team], documents: &[Document], shared: &[Shared]) -> IndexPage {
    let words = maker.words;
    let talking = documents.iter().filter(|document| !document.conversations.is_empty()).count();
    let all = words.count(documents.len()).to_lowercase();
    let summary = match talking {
        0 => words.get("index-none"),
        1 => words.fill("index-one", &[("all", &all)]),
        several => words.fill("index-some", &[("count", &words.count(several)), ("all", &all)]),
    };
    let name = |id: &String| documents.iter().find(|one| one.team.id == *id).map(|one| one.team.name.clone());
    let shared_cards = shared.iter().map(|shared| {
        let names: Vec<String> = shared.teams.iter().filter_map(name).collect();
        let signal = maker.catalogue.card(&shared.signal).map_or_else(String::new, |card| card.short.clone());
        SharedView {
            kicker: words.fill("shared-kicker", &[("count", &words.count(names.len()).to_lowercase())]),
            headline: words.fill("shared", &[("teams", &words.list(&names)), ("signal", &signal)]),
        }
    });
    IndexPage {
        w: words.clone(),
        style: maker.style.to_owned(),
        style_hash: maker.style_hash.to_owned(),
        organisation: words::clean(&maker.organisation.name),
        title: words.get("index-title"),
        corner: words.long_day(maker.organisation.as_of.to_zoned_datetime(maker.organisation.zone.clone()).date()),
        summary,
        sources: freshness(maker, teams),
        shared_cards: shared_cards.collect(),
        rows: teams.iter().zip(documents).map(|(team, document)| maker.index_row(team, document)).collect(),
        read_at: maker.read_at(),
        data: "index.json".to_owned(),
    }
}

/// Each source once; one that failed for some teams only says for how many.
fn freshness(maker: &Maker<'_>, teams: &[&Team]) -> Vec<SourceView> {
    let view = |source: &Source| {
        let connected = |team: &&&Team| team.sources.iter().any(|one| one.id == source.id && one.health != Health::Off);
        let failed = |team: &&&Team| team.sources.iter().any(|one| one.id == source.id && one.health == Health::Failed);
        let (all, bad) = (teams.iter().filter(connected).count(), teams.iter().filter(failed).count());
        let mut view = maker.source(source);
        if bad > 0 && bad < all {
            let (count, all) = (bad.to_string(), all.to_string());
            let values = [("name", view.name.as_str()), ("count", &count), ("all", &all)];
            view.line = maker.words.fill("source-failed-some", &values);
        }
        view
    };
    sources(teams).iter().map(view).collect()
}

fn index_file(organisation: &Organisation, teams: &[&Team], documents: &[Document], shared: Vec<Shared>) -> IndexFile {
    let team = |document: &Document| IndexTeam {
        id: document.team.id.clone(),
        name: document.team.name.clone(),
        page: format!("{}.html", document.team.id),
        conversations: document.conversations.iter().flat_map(|card| card.signals.clone()).collect(),
    };
    IndexFile {
        schema: super::document::SCHEMA,
        as_of: organisation.as_of.to_string(),
        teams: documents.iter().map(team).collect(),
        shared,
        sources: sources(teams).iter().map(document::source).collect(),
    }
}
