//! However rows come in parts, the store holds the same files, so that everything that is measured is the same.

use std::path::Path;

use proptest::prelude::*;
use undercurrent::model::records::{Commit, Rewrite};
use undercurrent::model::time::Millis;
use undercurrent::model::{AccountKind, Batch, Pseudonyms};
use undercurrent::store::Store;

/// Rows over five months.
fn rows() -> Vec<Batch> {
    let names = Pseudonyms::new([1; 32]);
    let one = |number: u8| {
        let at = Millis(1_780_000_000_000 + i64::from(number) * 90_000_000);
        let author = Some(names.account("git", "git", &format!("{}@example.com", number % 5)));
        let commit = Commit {
            host: "git".to_owned(),
            repository_id: i64::from(number % 2),
            sha: [number; 20],
            author,
            author_kind: AccountKind::Unknown,
            authored_at: at,
            utc_offset_minutes: 60,
            committed_at: at,
            additions: None,
            deletions: None,
            changed_files: None,
            parents: 1,
            number: None,
            on_default: true,
        };
        let rewrite = Rewrite {
            host: "git".to_owned(),
            repository_id: commit.repository_id,
            sha: commit.sha,
            author,
            author_kind: AccountKind::Unknown,
            committed_at: at,
            lines_added: i64::from(number),
            lines_changed_again: i64::from(number / 3),
        };
        Batch { commits: vec![commit], rewrites: vec![rewrite], ..Batch::default() }
    };
    (0..120).map(one).collect()
}

/// The live files of both tables after these merges.
fn files(folder: &Path, parts: &[Vec<Batch>]) -> Vec<String> {
    let mut store = Store::open(folder, || Ok([1; 32])).unwrap();
    for part in parts {
        let mut whole = Batch::default();
        part.iter().cloned().for_each(|batch| whole.append(batch));
        store.merge(&whole, Vec::new()).unwrap();
    }
    let files = ["commits", "rewrites"].into_iter().flat_map(|table| store.files(table));
    files.map(|file| file.strip_prefix(folder).unwrap().display().to_string()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn rows_that_come_in_any_order_and_in_any_parts_make_the_same_files(
        order in Just((0..120_usize).collect::<Vec<usize>>()).prop_shuffle(),
        size in 20_usize..70,
        twice in 0_usize..120,
    ) {
        let rows = rows();
        let folder = tempfile::tempdir().unwrap();
        let whole = files(&folder.path().join("whole"), std::slice::from_ref(&rows));
        // Some rows are delivered again, as overlapping fetches do.
        let order: Vec<usize> = order.iter().copied().chain([twice]).collect();
        let parts: Vec<Vec<Batch>> =
            order.chunks(size).map(|part| part.iter().map(|at| rows[*at].clone()).collect()).collect();
        prop_assert_eq!(files(&folder.path().join("parts"), &parts), whole);
    }
}
