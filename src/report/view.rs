//! The shape of the pages as the templates see it: finished text and finished drawings, nothing to be worked out.

use askama::Template;

use super::leader::LeaderView;
use super::words::Words;

/// A line of a list with its word-sized drawing.
pub struct Row {
    pub link: String,
    pub head: String,
    pub detail: String,
    /// With whom and with which question to begin; empty where there is nothing to talk about.
    pub begin: String,
    pub spark: String,
}

/// A source's freshness.
pub struct SourceView {
    pub class: &'static str,
    pub line: String,
    pub name: String,
    pub complete: String,
    pub covers: String,
    pub requests: String,
    pub gap: String,
}

/// A text, perhaps linked.
pub struct Cell {
    pub text: String,
    pub url: Option<String>,
}

/// The table under a drawing.
pub struct TableView {
    pub caption: String,
    pub head: Vec<String>,
    pub rows: Vec<Vec<Cell>>,
}

/// A drawing with its caption and table.
pub struct Figure {
    pub id: String,
    pub title: String,
    pub sentence: String,
    pub wide: String,
    pub phone: String,
    pub table: TableView,
    /// A point of it reads "few".
    pub few: bool,
}

/// A question.
pub struct QuestionView {
    pub text: String,
    pub behaviour: String,
}

/// A card.
pub struct CardView {
    pub id: String,
    pub unsaid: Option<String>,
    pub kicker: String,
    pub headline: String,
    pub sentence: String,
    pub parts: Vec<String>,
    pub season: Vec<String>,
    pub chance: String,
    pub figures: Vec<Figure>,
    pub readings: Vec<String>,
    pub questions: Vec<QuestionView>,
    pub could: Vec<String>,
    pub items: Vec<Cell>,
    pub since: String,
    /// What the leader's edition adds: notes, the command that records a talk, and whether the card waits.
    pub notes: Vec<String>,
    pub record: Option<String>,
    pub waits: bool,
}

/// A section of usual drawings.
pub struct Section {
    pub title: String,
    pub lead: String,
    pub figures: Vec<Figure>,
    pub lines: Vec<String>,
}

/// A team's page.
#[derive(Template)]
#[template(path = "team.html")]
pub struct TeamPage {
    pub w: Words,
    pub style: String,
    pub style_hash: String,
    pub organisation: String,
    pub title: String,
    pub corner: String,
    pub span: String,
    pub summary: String,
    pub hidden: bool,
    /// The leader's own block, in the leader's edition alone.
    pub leader: Option<LeaderView>,
    /// What the page says where it shows no card.
    pub quiet: String,
    pub sources: Vec<SourceView>,
    pub rows: Vec<Row>,
    pub lines: Vec<String>,
    pub cards: Vec<CardView>,
    pub sections: Vec<Section>,
    pub cannot: Vec<String>,
    pub worked: Vec<Vec<String>>,
    pub rule: String,
    pub who: Vec<String>,
    pub read_at: String,
    pub data: String,
}

/// A card of the index: something that several teams share.
pub struct SharedView {
    pub kicker: String,
    pub headline: String,
}

/// The index.
#[derive(Template)]
#[template(path = "index.html")]
pub struct IndexPage {
    pub w: Words,
    pub style: String,
    pub style_hash: String,
    pub organisation: String,
    pub title: String,
    pub corner: String,
    pub summary: String,
    pub sources: Vec<SourceView>,
    pub shared_cards: Vec<SharedView>,
    pub rows: Vec<Row>,
    pub read_at: String,
    pub data: String,
}
