//! From the bytes of GitHub's answers to rows, without a service: for tests of hostile input.

use std::collections::BTreeMap;

use super::answers::{Connection, Pull, ReviewComment, part};
use super::issues;
use super::rows::Rows;
use crate::collect::http::Answer;
use crate::model::{Batch, Pseudonyms};

fn rows<'a>(names: &'a Pseudonyms, labels: &'a [String], comments: &'a BTreeMap<i64, i64>) -> Rows<'a> {
    Rows { host: "github.com", repository_id: 1, names, labels, projects: labels, comments }
}

fn whole(bytes: &[u8]) -> Option<serde_json::Value> {
    Answer { status: 200, headers: http::HeaderMap::new(), body: bytes.to_vec() }.json().ok()
}

/// The rows of a page of pull requests, as many as it holds.
#[must_use]
pub fn pull_requests(bytes: &[u8], names: &Pseudonyms) -> Batch {
    let (labels, none) = (["bug".to_owned()], BTreeMap::new());
    let mut batch = Batch::default();
    let page = whole(bytes).and_then(|value| part::<Connection<Pull>>(&value, &["data", "repository", "pullRequests"]));
    for pull in page.into_iter().flat_map(|page| page.nodes) {
        // One whose times cannot be read is none.
        let _ = rows(names, &labels, &none).pull(&pull, &mut batch);
    }
    batch
}

/// The rows of a page of review comments.
#[must_use]
pub fn review_comments(bytes: &[u8], names: &Pseudonyms) -> Batch {
    let none = BTreeMap::new();
    let list = whole(bytes).and_then(|value| serde_json::from_value::<Vec<ReviewComment>>(value).ok());
    let comments = list.into_iter().flatten().filter_map(|comment| rows(names, &[], &none).review_comment(&comment));
    Batch { comments: comments.collect(), ..Batch::default() }
}

/// The rows of a page of issues.
#[must_use]
pub fn issues(bytes: &[u8], names: &Pseudonyms) -> Batch {
    let none = BTreeMap::new();
    whole(bytes).map(|value| issues::of_page(&value, &rows(names, &[], &none))).unwrap_or_default()
}
