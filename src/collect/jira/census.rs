//! The census: which issues of a project are still there. Sources do not tell what disappeared, and deleted, archived
//! and no longer permitted look the same: absent.
//!
//! Numbers only, once a week; the night after where something is unexplained, and at once where a walk saw less than
//! the night before. An absence counts only when the project's own visibility was confirmed in the same run (it was
//! asked for by its key), the list came to its end without an error, and a question for the issue itself is answered
//! by 404 or 410, or it was absent in two censuses in a row. Where more than 5 % or more than 50 issues vanish at
//! once, nothing is marked: that is what a lost permission looks like; `--accept-gone` says that it is none.
//! "Gone" is never "done".
//!
//! A census also finds what walks missed: issues that came back, and issues that no walk has shown.

use std::collections::{BTreeMap, BTreeSet};

use super::answers::{Issue, number};
use super::reader::{PAGE, Project, Reader};
use super::{WEEK, walk};
use crate::collect::http::CollectError;
use crate::collect::{Cursor, Delivery};
use crate::model::{Batch, Gone, ScopeId};

const QUESTION: &str = include_str!("../../../queries/jira/census.jql");
const VERSION: &str = "1";
/// Issues that are looked for one by one in a night.
const LOOKUPS: usize = 100;
/// More than this many at once are never marked as gone.
const MOST_GONE: usize = 50;

/// What the store holds of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    pub live: BTreeSet<i64>,
    pub gone: BTreeSet<i64>,
}

/// Issues that the store holds, by the key of their project.
pub type KnownIssues = BTreeMap<String, Stored>;

/// What a census came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Counted {
    pub rows: u64,
    pub pages: u64,
    /// What could not be settled.
    pub reason: Option<String>,
}

/// A project's census.
pub struct Census<'a> {
    reader: &'a Reader<'a>,
    project: &'a Project,
    id: ScopeId,
    stored: Stored,
    /// Issues that any project's walk delivered in this run: these are there.
    delivered: &'a BTreeSet<i64>,
    /// Issues that the last census missed without knowing why.
    pending: BTreeSet<i64>,
    last: Option<i64>,
    counted: Counted,
}

impl<'a> Census<'a> {
    /// A census of what is stored under the project's keys, today's and the one of the last walk.
    #[must_use]
    pub fn new(reader: &'a Reader<'a>, project: &'a Project, old_key: &str, delivered: &'a BTreeSet<i64>) -> Self {
        let id = reader.source.scope("census", &project.id);
        let cursor = reader.context.cursor(&id, VERSION);
        let pending = cursor.and_then(|cursor| cursor.position.as_deref()).unwrap_or_default();
        let pending = pending.split(',').filter_map(|id| id.parse().ok()).collect();
        let last = cursor.and_then(|cursor| cursor.updated_to);
        let mut stored = Stored::default();
        for key in BTreeSet::from([project.key.as_str(), old_key]) {
            if let Some(known) = reader.source.known.get(key) {
                stored.live.extend(&known.live);
                stored.gone.extend(&known.gone);
            }
        }
        Self { reader, project, id, stored, delivered, pending, last, counted: Counted::default() }
    }

    /// Counts, where it is time for it. `behind`: the walk saw less than the night before, of which `expected` should have been
    /// shown again.
    ///
    /// # Errors
    /// [`CollectError`]; then nothing is marked.
    pub async fn take(mut self, behind: bool, expected: &BTreeSet<i64>) -> Result<Counted, CollectError> {
        let now = self.reader.site.server_time.0;
        let empty = self.stored == Stored::default();
        let due = self.last.is_none_or(|last| now - last >= WEEK || last > now);
        if !due && (empty || !behind && self.pending.is_empty()) {
            return Ok(self.counted);
        }
        if empty {
            // The first walk has just shown everything.
            self.settle(BTreeSet::new(), Vec::new(), now).await?;
            return Ok(self.counted);
        }
        let question = QUESTION.trim().replace("{project}", &self.project.id);
        let visible: BTreeSet<i64> = self.reader.ids(&question).await?.into_keys().collect();
        self.counted.pages += 1;
        if visible.is_empty() && !self.stored.live.is_empty() && !self.reader.source.accept_gone {
            self.counted.reason = Some(format!(
                "no issue is visible although {} are known; nothing is marked as deleted; check the account's right to \
                 browse the project, or run once with --accept-gone where they were deleted on purpose",
                self.stored.live.len()
            ));
            return Ok(self.counted);
        }
        if behind && expected.iter().any(|id| visible.contains(id)) {
            self.counted.reason = Some(
                "the search does not show what changed last, although it is there; what changed since is read as soon as \
                 it does"
                    .to_owned(),
            );
        }
        self.find_missed(&visible).await?;
        let absent: BTreeSet<i64> = self
            .stored
            .live
            .iter()
            .filter(|id| !visible.contains(id) && !self.delivered.contains(id))
            .copied()
            .collect();
        let looked = self.look_up(&absent).await?;
        self.judge(&absent, &looked, now).await?;
        Ok(self.counted)
    }

    /// Reads issues that came back, and visible ones that the store should hold and does not.
    async fn find_missed(&mut self, visible: &BTreeSet<i64>) -> Result<(), CollectError> {
        let mut missed: BTreeSet<i64> = visible.intersection(&self.stored.gone).copied().collect();
        let known =
            |id: &i64| self.stored.live.contains(id) || self.stored.gone.contains(id) || self.delivered.contains(id);
        if visible.iter().any(|id| !known(id)) {
            // Issues from before the first reading are not wanted.
            let since = self.reader.context.since.0.max(0).to_string();
            let question = walk::QUESTION.trim().replace("{project}", &self.project.id).replace("{since}", &since);
            match self.reader.ids(&question).await {
                Ok(wanted) => missed.extend(wanted.into_keys().filter(|id| visible.contains(id) && !known(id))),
                // A server that takes no epoch milliseconds: these are found when they change.
                Err(CollectError::BadQuestion(_)) => {}
                Err(error) => return Err(error),
            }
            self.counted.pages += 1;
        }
        missed.retain(|id| !self.delivered.contains(id));
        let missed: Vec<i64> = missed.into_iter().collect();
        for some in missed.chunks(PAGE) {
            let values = self.reader.by_id(self.project, &some.iter().copied().collect()).await?;
            self.counted.pages += 1;
            self.store(values.into_iter().filter_map(Issue::read).collect()).await?;
        }
        Ok(())
    }

    /// Asks for absent issues one by one, as many as a night has room for.
    async fn look_up(&mut self, absent: &BTreeSet<i64>) -> Result<Looked, CollectError> {
        let mut looked = Looked::default();
        for id in absent.iter().take(LOOKUPS) {
            self.counted.pages += 1;
            match self.reader.one(self.project, *id).await {
                Ok(value) => match Issue::read(value) {
                    Some(issue) if self.is_elsewhere(&issue) => {
                        looked.moved.insert(*id);
                        self.store(vec![issue]).await?;
                    }
                    // The search does not show it, but it is there: an index that lags behind, or an archive.
                    _ => {
                        looked.present.insert(*id);
                    }
                },
                Err(CollectError::NotVisible | CollectError::BadQuestion(410)) => {
                    looked.missing.insert(*id);
                }
                Err(CollectError::Scope(_) | CollectError::BadQuestion(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(looked)
    }

    fn is_elsewhere(&self, issue: &Issue) -> bool {
        let project = issue.fields.get("project").and_then(|project| number(project.get("id")));
        project.is_some_and(|id| id.to_string() != self.project.id)
    }

    async fn store(&mut self, issues: Vec<Issue>) -> Result<(), CollectError> {
        let harvest = self.reader.harvest(self.project, issues).await?;
        self.counted.rows += harvest.batch.rows() as u64;
        let scope = self.reader.source.scope("issues", &self.project.id);
        Ok(self.reader.context.deliver(Delivery { scope, batch: harvest.batch, cursor: None }).await?)
    }

    async fn judge(&mut self, absent: &BTreeSet<i64>, looked: &Looked, now: i64) -> Result<(), CollectError> {
        let vanished: BTreeSet<i64> = absent.difference(&looked.moved).copied().collect();
        let most = most_gone(self.stored.live.len());
        if vanished.len() > most && !self.reader.source.accept_gone {
            self.counted.reason = Some(format!(
                "{} of {} known issues are no longer visible, too many at once to be deletions; nothing is marked as \
                 deleted; check the account's right to see them, or run once with --accept-gone where they were \
                 deleted on purpose",
                vanished.len(),
                self.stored.live.len()
            ));
            return self.settle(vanished, Vec::new(), now).await;
        }
        let (mut gone, mut pending) = (Vec::new(), BTreeSet::new());
        let mut unexplained = 0;
        for id in vanished {
            if looked.missing.contains(&id) {
                gone.push(self.gone(id, "deleted"));
            } else if self.pending.contains(&id) {
                gone.push(self.gone(id, "hidden"));
            } else {
                unexplained += usize::from(!looked.present.contains(&id));
                pending.insert(id);
            }
        }
        if unexplained > 0 {
            self.counted.reason = Some(format!(
                "{unexplained} known issues are missing and could not be looked for; the next night does"
            ));
        }
        self.settle(pending, gone, now).await
    }

    fn gone(&self, issue_id: i64, how: &'static str) -> Gone {
        Gone { host: self.reader.source.host.clone(), issue_id, how }
    }

    async fn settle(&mut self, pending: BTreeSet<i64>, gone: Vec<Gone>, now: i64) -> Result<(), CollectError> {
        let pending: Vec<String> = pending.iter().map(ToString::to_string).collect();
        let cursor = Cursor {
            updated_to: Some(now),
            position: (!pending.is_empty()).then(|| pending.join(",")),
            scope_hash: VERSION.to_owned(),
            ..Cursor::default()
        };
        self.counted.rows += gone.len() as u64;
        let batch = Batch { gone, ..Batch::default() };
        Ok(self.reader.context.deliver(Delivery { scope: self.id.clone(), batch, cursor: Some(cursor) }).await?)
    }
}

/// Where absent issues were found.
#[derive(Debug, Default)]
struct Looked {
    moved: BTreeSet<i64>,
    present: BTreeSet<i64>,
    missing: BTreeSet<i64>,
}

/// How many issues of a project may vanish at once: 5 %, at most 50; and one, which is no mass of a small project.
fn most_gone(known: usize) -> usize {
    (known / 20).clamp(1, MOST_GONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_percent_or_fifty_may_vanish_at_once_and_one_always_may() {
        let most = [1, 19, 40, 999, 1000, 50_000].map(most_gone);
        assert_eq!(most, [1, 1, 2, 49, 50, 50]);
    }
}
