//! The walk through one project's changed issues, in order of their last change, with a cursor after every durable
//! batch, so that a first reading that is cut off goes on where it stopped.
//!
//! The order is the search index's, and an index lags behind: an issue that was edited a moment ago may stand early
//! and show a late time. So the cursor and the next question never go by times of the last hour before the walk began;
//! the overlap of the next night reads these again. Page numbers would skip issues when others move to the end: Cloud
//! goes on by opaque tokens, Data Center asks anew from the last time seen.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::answers::Issue;
use super::changes::{BULK, Changes};
use super::reader::{Harvest, MOST_PAGES, PAGE, Page, Project, Reader, stuck};
use super::{Flavour, HOUR};
use crate::collect::http::CollectError;
use crate::collect::{Cursor, Delivery};
use crate::model::ScopeId;
use crate::model::time::Millis;

pub const QUESTION: &str = include_str!("../../../queries/jira/issues.jql");
/// Cloud's search lags behind by seconds to minutes, longer after bulk edits.
pub const CLOUD_OVERLAP: i64 = HOUR;
pub const SERVER_OVERLAP: i64 = 24 * HOUR;
/// Issues of one moment that are remembered, at most: a bulk edit changes thousands.
const BOUNDARY: usize = 5;
/// Pages in a row that may bring nothing new.
const IDLE_PAGES: usize = 3;

/// What a project's cursor remembers besides its time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The key under which its issues were stored.
    pub key: String,
    /// Issues that could not be read whole; asked for again every night.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub left_out: BTreeSet<i64>,
    /// Issues that changed at the cursor's time: every later search has to show them, as long as they are there.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub newest: BTreeSet<i64>,
}

impl Mark {
    /// What a stored cursor remembers.
    #[must_use]
    pub fn of(cursor: Option<&Cursor>) -> Self {
        let text = cursor.and_then(|cursor| cursor.position.as_deref());
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    fn position(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }
}

/// What a walk came to.
#[derive(Debug, Default)]
pub struct Walked {
    pub rows: u64,
    pub pages: u64,
    /// Every issue that was delivered.
    pub delivered: BTreeSet<i64>,
    /// Issues that could not be read whole.
    pub left_out: BTreeSet<i64>,
    /// Rows of which not even the number could be read.
    pub unreadable: u64,
    /// Nothing was seen at all, or nothing as new as the cursor knows of; the overlap should have shown it again.
    pub behind: bool,
    /// What the search should have shown again, where it is behind.
    pub expected: BTreeSet<i64>,
}

/// A walk in progress.
pub struct Walk<'a> {
    reader: &'a Reader<'a>,
    pub project: Project,
    id: ScopeId,
    known: Option<Cursor>,
    mark: Mark,
    walked: Walked,
    /// Last changes seen, by issue.
    seen: BTreeMap<i64, i64>,
    pending: BTreeMap<i64, Issue>,
    /// Up to here the walk's order can be relied on.
    trusted: Option<i64>,
    /// The newest change that the server's clock allows for.
    newest: Option<i64>,
    /// The newest change at all.
    last: Option<i64>,
}

/// Where a walk stands.
#[derive(Clone, Debug)]
struct Place {
    since: i64,
    token: Option<String>,
    start: usize,
    size: usize,
    /// Data Center: ask by minutes in this zone, where epoch milliseconds are not taken.
    minutes: Option<TimeZone>,
}

impl<'a> Walk<'a> {
    /// A walk that goes on from the project's cursor.
    #[must_use]
    pub fn new(reader: &'a Reader<'a>, project: Project) -> Self {
        let id = reader.source.scope("issues", &project.id);
        let known = reader.context.cursor(&id, &scope_hash(reader, &project)).cloned();
        let mark = Mark { key: project.key.clone(), ..Mark::of(known.as_ref()) };
        Self {
            reader,
            project,
            id,
            known,
            mark,
            walked: Walked::default(),
            seen: BTreeMap::new(),
            pending: BTreeMap::new(),
            trusted: None,
            newest: None,
            last: None,
        }
    }

    fn before(&self) -> Option<i64> {
        self.known.as_ref().and_then(|cursor| cursor.updated_to).filter(|seen| *seen > 0)
    }

    /// Issues that were read and whose changes were not asked for yet: on Cloud they are asked for a thousand at a time,
    /// those of several projects together.
    #[must_use]
    pub fn pending(&self) -> BTreeSet<i64> {
        self.pending.keys().copied().collect()
    }

    /// Reads what changed; what is pending then is left to [`Self::finish`].
    ///
    /// # Errors
    /// [`CollectError`]; what was delivered before it stays, with its cursor.
    pub async fn read(&mut self) -> Result<(), CollectError> {
        let overlap = if self.cloud() { CLOUD_OVERLAP } else { SERVER_OVERLAP };
        let before = self.before();
        let since = before.map_or(self.reader.context.since.0, |seen| seen - overlap).max(0);
        let mut place = Place { since, token: None, start: 0, size: PAGE, minutes: None };
        let mut idle = 0;
        loop {
            let page = self.page(&mut place).await?;
            self.walked.pages += 1;
            let received = page.issues.len();
            let (total, token) = (page.total, page.token.clone());
            idle = if self.take(page) == 0 { idle + 1 } else { 0 };
            let more = self.next(&mut place, received, total, token);
            // Cloud's changes are asked for a thousand issues at a time; a server's come with the page.
            if self.pending.len() >= BULK || !self.cloud() {
                self.flush(None).await?;
            }
            if !more {
                break;
            }
            if idle >= IDLE_PAGES && received > 0 || self.walked.pages > MOST_PAGES {
                return Err(stuck());
            }
        }
        Ok(())
    }

    /// Ends the walk with the changes of what is pending, where they were asked for already.
    ///
    /// # Errors
    /// [`CollectError`].
    pub async fn finish(mut self, changes: Option<Changes>) -> Result<(Project, Walked), CollectError> {
        self.flush(changes).await?;
        let before = self.before();
        self.walked.behind = self.last.is_none_or(|last| before.is_some_and(|before| last < before));
        if self.walked.behind {
            self.walked.expected = self.mark.newest.clone();
        }
        self.reread().await?;
        self.settle().await?;
        Ok((self.project, self.walked))
    }

    fn cloud(&self) -> bool {
        self.reader.source.flavour == Flavour::Cloud
    }

    async fn page(&self, place: &mut Place) -> Result<Page, CollectError> {
        loop {
            let jql = QUESTION.trim().replace("{project}", &self.project.id);
            let jql = jql.replace("{since}", &bound(place.since, place.minutes.as_ref()));
            let token = place.token.clone();
            match self.reader.page(&self.project, &jql, token.as_deref(), place.start, &mut place.size).await {
                // A token that is no longer taken: go on from the last time that is certain.
                Err(CollectError::BadQuestion(400)) if token.is_some() && self.trusted > Some(place.since) => {
                    place.since = self.trusted.unwrap_or(place.since);
                    place.token = None;
                }
                Err(CollectError::BadQuestion(400))
                    if !self.cloud() && place.minutes.is_none() && self.reader.site.zone.is_some() =>
                {
                    place.minutes = self.reader.site.zone.clone();
                }
                other => return other,
            }
        }
    }

    /// Takes a page's issues; how many of them are new or newer than before.
    fn take(&mut self, page: Page) -> usize {
        let certain = self.reader.site.server_time.0 - HOUR;
        let mut news = 0;
        for value in page.issues {
            let Some(issue) = Issue::read(value) else {
                self.walked.unreadable += 1;
                continue;
            };
            let updated = issue.updated().map_or(i64::MIN, |at| at.0);
            if self.seen.insert(issue.id, updated) != Some(updated) {
                news += 1;
                self.pending.insert(issue.id, issue);
            }
            self.last = self.last.max(Some(updated));
            if updated <= self.reader.site.server_time.0 {
                self.newest = self.newest.max(Some(updated));
            }
            // Nothing may be skipped for the sake of a row of which nothing is known.
            if updated <= certain && updated > i64::MIN && self.walked.unreadable == 0 {
                self.trusted = self.trusted.max(Some(updated));
            }
        }
        news
    }

    /// Moves the place on; whether there is anything more.
    fn next(&self, place: &mut Place, received: usize, total: Option<usize>, token: Option<String>) -> bool {
        if self.cloud() {
            place.token = token;
            return place.token.is_some();
        }
        let more = received > 0 && place.start + received < total.unwrap_or(usize::MAX);
        let floor = |at: i64| if place.minutes.is_some() { at.div_euclid(60_000) * 60_000 } else { at };
        match self.trusted.map(floor).filter(|seen| *seen > floor(place.since)) {
            Some(seen) => {
                place.since = seen;
                place.start = 0;
            }
            // Some rows are read twice, so that none is skipped when others move to the end.
            None => place.start += received - received / 10,
        }
        more
    }

    async fn flush(&mut self, changes: Option<Changes>) -> Result<(), CollectError> {
        let issues: Vec<Issue> = std::mem::take(&mut self.pending).into_values().collect();
        if issues.is_empty() {
            return Ok(());
        }
        let ids: Vec<i64> = issues.iter().map(|issue| issue.id).collect();
        let harvest = self.reader.harvest_with(&self.project, issues, changes).await?;
        for id in &ids {
            self.mark.left_out.remove(id);
        }
        let cursor = self.cursor(self.trusted);
        self.deliver(harvest, cursor).await
    }

    /// Asks again for issues that could not be read whole before.
    async fn reread(&mut self) -> Result<(), CollectError> {
        let again: Vec<i64> = self.mark.left_out.difference(&self.walked.left_out).copied().collect();
        for id in again {
            match self.reader.one(&self.project, id).await {
                Ok(value) => {
                    self.mark.left_out.remove(&id);
                    match Issue::read(value) {
                        Some(issue) => {
                            let harvest = self.reader.harvest(&self.project, vec![issue]).await?;
                            self.deliver(harvest, None).await?;
                        }
                        None => {
                            self.mark.left_out.insert(id);
                            self.walked.left_out.insert(id);
                        }
                    }
                }
                // It is gone; the census settles what that means.
                Err(CollectError::NotVisible) => {
                    self.mark.left_out.remove(&id);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn deliver(&mut self, harvest: Harvest, cursor: Option<Cursor>) -> Result<(), CollectError> {
        let Harvest { batch, left_out } = harvest;
        self.walked.rows += batch.rows() as u64;
        self.walked.delivered.extend(batch.issues.iter().map(|issue| issue.issue_id));
        self.mark.left_out.extend(&left_out);
        self.walked.left_out.extend(left_out);
        let cursor = cursor.map(|cursor| Cursor { position: self.mark.position(), ..cursor });
        Ok(self.reader.context.deliver(Delivery { scope: self.id.clone(), batch, cursor }).await?)
    }

    /// The cursor never goes back, and never passes a row that could not be read at all.
    fn cursor(&self, reached: Option<i64>) -> Option<Cursor> {
        let before = self.known.as_ref().and_then(|cursor| cursor.updated_to);
        let cursor = Cursor {
            updated_to: Some(reached.max(before)?),
            scope_hash: scope_hash(self.reader, &self.project),
            ..Cursor::default()
        };
        Some(cursor)
    }

    async fn settle(&mut self) -> Result<(), CollectError> {
        let reached = if self.walked.unreadable == 0 { self.newest.or(Some(0)) } else { self.trusted };
        let cursor = self.cursor(reached);
        if let Some(at) = cursor.as_ref().and_then(|cursor| cursor.updated_to).filter(|at| self.newest == Some(*at)) {
            let newest = self.seen.iter().filter(|(_, updated)| **updated == at).map(|(id, _)| *id);
            self.mark.newest = newest.take(BOUNDARY).collect();
        }
        self.deliver(Harvest::default(), cursor).await
    }
}

/// What the question depends on: a change of it means a full walk. A renamed project changes every row.
fn scope_hash(reader: &Reader<'_>, project: &Project) -> String {
    let mut labels = reader.source.labels.clone();
    labels.sort();
    let asked = format!("3 {} {labels:?} {:?} {:?}", project.key, reader.site.custom, project.estimates);
    format!("{:016x}", reader.context.pseudonyms.number(&asked))
}

/// A lower bound as JQL reads it: epoch milliseconds, or the minute in the zone of the account that asks.
fn bound(since: i64, minutes: Option<&TimeZone>) -> String {
    let Some(zone) = minutes else { return since.to_string() };
    let local = |at: i64| Millis(at).to_timestamp().to_zoned_datetime(zone.clone());
    let mut at = since;
    // A time that the clock shows twice could be read as the later one.
    if zone.to_ambiguous_timestamp(local(at).datetime()).is_ambiguous() {
        at -= 2 * HOUR;
    }
    local(at).strftime("\"%Y/%m/%d %H:%M\"").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_epoch_milliseconds_or_the_account_s_own_minute() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        assert_eq!(bound(1_795_500_059_999, None), "1795500059999");
        assert_eq!(bound(1_795_500_059_999, Some(&berlin)), "\"2026/11/24 07:00\"");
        // 2026-10-25 01:30 UTC is 02:30 in Berlin for the second time.
        assert_eq!(bound(1_792_891_800_000, Some(&berlin)), "\"2026/10/25 01:30\"");
    }

    #[test]
    fn a_mark_of_another_form_is_an_empty_one() {
        let cursor = Cursor { position: Some("7".to_owned()), ..Cursor::default() };
        assert_eq!(Mark::of(Some(&cursor)), Mark::default());
        let mark = Mark { key: "PAY".to_owned(), left_out: BTreeSet::from([3]), newest: BTreeSet::from([4]) };
        assert_eq!(Mark::of(Some(&Cursor { position: mark.position(), ..Cursor::default() })), mark);
    }
}
