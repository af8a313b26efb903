//! From GitHub's answers to records.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::answers::{Happening, Named, Pull, RestUser, ReviewComment, Who, Work};
use crate::model::records::{CheckRun, Comment, Commit, PullRequest, PullRequestEvent, Review};
use crate::model::time::Millis;
use crate::model::{Account, AccountKind, Batch, Pseudonyms, Replaced};

/// What all rows of a repository share.
pub struct Rows<'a> {
    pub host: &'a str,
    pub repository_id: i64,
    pub names: &'a Pseudonyms,
    /// Labels that may be stored.
    pub labels: &'a [String],
    /// Keys of tracker projects that may be linked.
    pub projects: &'a [String],
    /// Review comments by review.
    pub comments: &'a BTreeMap<i64, i64>,
}

/// An instant of an answer; none where no service could mean it.
#[must_use]
pub fn instant(text: Option<&str>) -> Option<Millis> {
    text?.parse::<Timestamp>().ok().map(Millis::from_timestamp).and_then(Millis::plausible)
}

impl Rows<'_> {
    pub fn account(&self, id: i64) -> Account {
        self.names.account("github", self.host, &id.to_string())
    }

    pub fn who(&self, who: Option<&Who>) -> (Option<Account>, AccountKind) {
        let Some(who) = who else { return (None, AccountKind::Ghost) };
        let kind = match who.kind.as_str() {
            "Bot" => AccountKind::Bot,
            _ if who.named_bot => AccountKind::Bot,
            "Mannequin" => AccountKind::Mannequin,
            "User" | "EnterpriseUserAccount" => AccountKind::User,
            _ => AccountKind::Unknown,
        };
        (who.database_id.map(|id| self.account(id)), kind)
    }

    /// A pull request with everything beneath it; `None` where its times cannot be read.
    pub fn pull(&self, pull: &Pull, batch: &mut Batch) -> Option<()> {
        let (author, author_kind) = self.who(pull.author.as_ref());
        let (created_at, updated_at) = (instant(Some(&pull.created_at))?, instant(Some(&pull.updated_at))?);
        let happenings: Vec<&Happening> = pull.timeline_items.nodes.iter().collect();
        let last = |kinds: [&str; 2]| {
            let turns = happenings.iter().filter(|happening| kinds.contains(&happening.kind.as_str()));
            turns.max_by_key(|happening| instant(happening.created_at.as_deref())).copied()
        };
        let turn = last(["ReadyForReviewEvent", "ConvertToDraftEvent"]);
        let ready_at = match turn {
            _ if pull.is_draft => None,
            Some(turn) if turn.kind == "ReadyForReviewEvent" => instant(turn.created_at.as_deref()),
            _ => Some(created_at),
        };
        batch.pull_requests.push(PullRequest {
            host: self.host.to_owned(),
            repository_id: self.repository_id,
            number: pull.number,
            pull_request_id: pull.database_id.unwrap_or_default(),
            author,
            author_kind,
            state: pull.state.to_lowercase(),
            draft: pull.is_draft,
            created_at,
            updated_at,
            ready_at,
            closed_at: instant(pull.closed_at.as_deref()),
            merged_at: instant(pull.merged_at.as_deref()),
            merged_by: self.who(pull.merged_by.as_ref()).0,
            commits: i64::try_from(pull.commits.total_count).unwrap_or(i64::MAX),
            additions: pull.additions,
            deletions: pull.deletions,
            changed_files: pull.changed_files,
            issue_keys: self.ticket_keys(pull),
            labels: self.kept_labels(pull),
            reverts: reverted(pull.head_ref_name.as_deref()),
        });
        for listed in pull.commits.nodes.iter() {
            batch.commits.extend(self.commit(&listed.commit, Some(pull.number)));
        }
        for happening in happenings {
            self.happening(pull.number, happening, batch);
        }
        batch.replaced.push(Replaced::PullRequest {
            host: self.host.to_owned(),
            repository_id: self.repository_id,
            number: pull.number,
        });
        Some(())
    }

    fn kept_labels(&self, pull: &Pull) -> String {
        let names = pull.labels.iter().flat_map(|labels| &labels.nodes).map(|label| label.name.as_str());
        let kept: BTreeSet<&str> = names.filter(|name| self.labels.iter().any(|label| label == name)).collect();
        kept.into_iter().collect::<Vec<_>>().join(",")
    }

    /// Keys of configured projects in title and branch name, and of the issues that it closes; the texts themselves go
    /// no further.
    fn ticket_keys(&self, pull: &Pull) -> String {
        let closing = pull.closing_issues_references.iter().flat_map(|list| &list.nodes);
        let mut keys: BTreeSet<String> = closing.map(super::answers::ItemRef::key).collect();
        for text in [pull.title.as_deref(), pull.head_ref_name.as_deref()].into_iter().flatten() {
            for project in self.projects {
                keys.extend(keys_in(text, project));
            }
        }
        keys.into_iter().collect::<Vec<_>>().join(",")
    }

    /// A commit; `None` where its hash or times cannot be read.
    #[must_use]
    pub fn commit(&self, work: &Work, number: Option<i64>) -> Option<Commit> {
        let author = work.author.as_ref();
        let date = author.and_then(|author| author.date.as_deref());
        let authored_at = instant(date)?;
        let (account, author_kind) = match author.and_then(|author| author.user.as_ref()) {
            Some(user) => self.who(Some(user)),
            None => {
                let email = author.and_then(|author| author.email.as_deref()).unwrap_or_default();
                let account = self.names.account("git", "git", &email.to_lowercase());
                ((!email.is_empty()).then_some(account), AccountKind::Unknown)
            }
        };
        Some(Commit {
            host: self.host.to_owned(),
            repository_id: self.repository_id,
            sha: hash(&work.oid)?,
            author: account,
            author_kind,
            authored_at,
            utc_offset_minutes: offset(date.unwrap_or_default()),
            committed_at: instant(work.committed_date.as_deref())?,
            additions: work.additions,
            deletions: work.deletions,
            changed_files: work.changed_files_if_available,
            parents: work.parents.as_ref().map_or(1, |parents| parents.total_count),
            number,
            on_default: number.is_none(),
        })
    }

    /// A check run with its start and end; `None` where the hash cannot be read.
    #[must_use]
    pub fn check_run(
        &self,
        check_run_id: i64,
        sha: &str,
        number: i64,
        (started_at, completed_at): (Millis, Option<Millis>),
        conclusion: Option<&str>,
    ) -> Option<CheckRun> {
        Some(CheckRun {
            host: self.host.to_owned(),
            repository_id: self.repository_id,
            check_run_id,
            sha: hash(sha)?,
            number: Some(number),
            started_at,
            completed_at,
            conclusion: conclusion.filter(|word| !word.is_empty()).map(str::to_lowercase),
        })
    }

    fn happening(&self, number: i64, happening: &Happening, batch: &mut Batch) {
        match happening.kind.as_str() {
            "IssueComment" => batch.comments.extend(self.comment(number, happening)),
            "PullRequestReview" => batch.reviews.extend(self.review(number, happening)),
            kind => batch.pull_request_events.extend(self.event(number, kind, happening)),
        }
    }

    fn comment(&self, number: i64, happening: &Happening) -> Option<Comment> {
        let (author, author_kind) = self.who(happening.author.as_ref());
        Some(Comment {
            host: self.host.to_owned(),
            place: "pull_request".to_owned(),
            repository_id: Some(self.repository_id),
            number: Some(number),
            issue_id: None,
            comment_id: happening.database_id?,
            thread: None,
            in_reply_to: None,
            author,
            author_kind,
            at: instant(happening.created_at.as_deref())?,
            resolved: None,
        })
    }

    /// A review; a pending one has no time of submission and is nobody's business yet.
    fn review(&self, number: i64, happening: &Happening) -> Option<Review> {
        let (reviewer, reviewer_kind) = self.who(happening.author.as_ref());
        let review_id = happening.database_id?;
        Some(Review {
            host: self.host.to_owned(),
            repository_id: self.repository_id,
            number,
            review_id,
            reviewer,
            reviewer_kind,
            submitted_at: instant(happening.submitted_at.as_deref())?,
            state: happening.state.as_deref().unwrap_or_default().to_lowercase(),
            comments: self.comments.get(&review_id).copied().unwrap_or(0),
        })
    }

    fn event(&self, number: i64, kind: &str, happening: &Happening) -> Option<PullRequestEvent> {
        let kind = match kind {
            "ReviewRequestedEvent" => "review_requested",
            "ReviewRequestRemovedEvent" => "review_request_removed",
            "ReadyForReviewEvent" => "ready",
            "ConvertToDraftEvent" => "draft",
            "HeadRefForcePushedEvent" => "force_pushed",
            "ClosedEvent" => "closed",
            "ReopenedEvent" => "reopened",
            "MergedEvent" => "merged",
            "LabeledEvent" => "labeled",
            "UnlabeledEvent" => "unlabeled",
            "AutoMergeEnabledEvent" => "auto_merge_on",
            "AutoMergeDisabledEvent" => "auto_merge_off",
            _ => return None,
        };
        let label = happening.label.as_ref().map(|label| label.name.as_str());
        if label.is_some_and(|label| !self.labels.iter().any(|kept| kept == label)) {
            return None;
        }
        let subject = happening.requested_reviewer.as_ref();
        Some(PullRequestEvent {
            host: self.host.to_owned(),
            repository_id: self.repository_id,
            number,
            event_id: happening.id.clone()?,
            at: instant(happening.created_at.as_deref())?,
            kind: kind.to_owned(),
            actor: self.who(happening.actor.as_ref()).0,
            subject: self.who(subject).0,
            subject_is_team: subject.is_some_and(|subject| subject.kind == "Team"),
        })
    }

    /// A review comment of the REST list; `None` where its place or time cannot be read.
    #[must_use]
    pub fn review_comment(&self, comment: &ReviewComment) -> Option<Comment> {
        let number = comment.pull_request_url.rsplit('/').next()?.parse().ok()?;
        let (author, author_kind) = self.rest_user(comment.user.as_ref());
        let thread = comment.in_reply_to_id.unwrap_or(comment.id);
        Some(Comment {
            host: self.host.to_owned(),
            place: "review".to_owned(),
            repository_id: Some(self.repository_id),
            number: Some(number),
            issue_id: None,
            comment_id: comment.id,
            thread: Some(thread.to_string()),
            in_reply_to: comment.in_reply_to_id,
            author,
            author_kind,
            at: instant(Some(&comment.created_at))?,
            resolved: None,
        })
    }

    fn rest_user(&self, user: Option<&RestUser>) -> (Option<Account>, AccountKind) {
        let Some(user) = user.filter(|user| user.named != Named::Ghost) else { return (None, AccountKind::Ghost) };
        let kind = match user.kind.as_str() {
            "Bot" => AccountKind::Bot,
            _ if user.named == Named::Bot => AccountKind::Bot,
            "Mannequin" => AccountKind::Mannequin,
            "User" => AccountKind::User,
            _ => AccountKind::Unknown,
        };
        (user.id.map(|id| self.account(id)), kind)
    }
}

/// Keys such as `PAY-398` in a text, whatever their case, not as a part of a longer word.
fn keys_in(text: &str, project: &str) -> Vec<String> {
    let (text, project) = (text.to_uppercase(), project.to_uppercase());
    let wanted = format!("{project}-");
    let mut keys = Vec::new();
    for (at, _) in text.match_indices(&wanted) {
        let alone = text[..at].chars().next_back().is_none_or(|before| !before.is_alphanumeric());
        let digits: String = text[at + wanted.len()..].chars().take_while(char::is_ascii_digit).collect();
        if alone && !digits.is_empty() {
            keys.push(format!("{wanted}{digits}"));
        }
    }
    keys
}

/// The number in a branch that GitHub's revert button made: `revert-412-name`.
fn reverted(branch: Option<&str>) -> Option<i64> {
    branch?.strip_prefix("revert-")?.split('-').next()?.parse().ok()
}

/// Twenty bytes of forty hexadecimal digits.
fn hash(text: &str) -> Option<[u8; 20]> {
    let mut bytes = [0; 20];
    if text.len() != 40 {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// The offset at the end of `2018-09-12T19:48:21-07:00` in minutes; 0 for `Z`.
fn offset(text: &str) -> i64 {
    let Some(tail) = text.get(19..) else { return 0 };
    let Some(at) = tail.find(['+', '-']) else { return 0 };
    let (hours, minutes) = tail[at + 1..].split_once(':').unwrap_or((&tail[at + 1..], "0"));
    let size = hours.parse::<i64>().unwrap_or(0) * 60 + minutes.parse::<i64>().unwrap_or(0);
    if tail[at..].starts_with('-') { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticket_keys_reverts_hashes_and_offsets_are_read() {
        assert_eq!(keys_in("[PAY-398] fix, see xPAY-1 and pay-7/b", "PAY"), ["PAY-398", "PAY-7"]);
        assert_eq!(reverted(Some("revert-412-topic")), Some(412));
        assert_eq!(reverted(Some("reverting-412")), None);
        assert_eq!(offset("2018-09-12T19:48:21-07:30"), -450);
        assert_eq!((offset("2018-09-12T19:48:21Z"), offset("2018-09-12T19:48:21+02:00")), (0, 120));
        assert_eq!(hash(&"0f".repeat(20)), Some([15; 20]));
        assert_eq!(hash("zz"), None);
    }
}
