//! What was changed again soon, counted in clones that are made with the `git` command.

use std::path::{Path, PathBuf};

use undercurrent::collect::git::{Span, rewrites};
use undercurrent::config::Config;
use undercurrent::model::Pseudonyms;
use undercurrent::model::records::Rewrite;
use undercurrent::model::time::Millis;
use undercurrent::pipeline::night::{Stages, run};
use undercurrent::pipeline::selection::Selection;
use undercurrent::pipeline::surroundings::Surroundings;
use undercurrent::store::Store;

use crate::git::{Sandbox, git_on, sandbox};

/// The first commit of every history here.
const FIRST: i64 = 1_700_000_000;
const DAY: i64 = 86_400;

/// A clone in the making: each commit lands so many days after the first.
struct History {
    sandbox: Sandbox,
    path: PathBuf,
}

impl History {
    fn new() -> Option<Self> {
        let sandbox = sandbox()?;
        let path = sandbox.repository("clone", 0);
        Some(Self { sandbox, path })
    }

    fn write(&self, file: &str, lines: &[&str]) {
        let file = self.path.join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    }

    fn land(&self, seconds: i64) {
        self.git(seconds, &["add", "-A"]);
        self.git(seconds, &["commit", "-q", "--allow-empty", "-m", "m"]);
    }

    fn git(&self, seconds: i64, arguments: &[&str]) -> String {
        git_on(&self.path, FIRST + seconds, arguments)
    }

    /// Lines added and changed again, change by change in the order in which they landed, on a night so many days
    /// after the first.
    #[track_caller]
    fn check(&self, night: i64, expected: &[(i64, i64)]) {
        let counts: Vec<(i64, i64)> =
            rows(&self.path, 0, night).iter().map(|row| (row.lines_added, row.lines_changed_again)).collect();
        assert_eq!(counts, expected, "in {}", self.sandbox.path().display());
    }
}

fn rows(path: &Path, since: i64, night: i64) -> Vec<Rewrite> {
    let span = Span { since: FIRST + since * DAY, now: FIRST + night * DAY };
    rewrites(path, span, &Pseudonyms::new([1; 32])).unwrap().1
}

#[test]
fn a_line_that_is_changed_or_taken_away_within_three_weeks_counts_for_the_change_that_added_it() {
    let Some(history) = History::new() else { return };
    history.write("a.rs", &["let one = 1;", "let two = 2;", "let three = 3;", "}"]);
    history.land(0);
    history.write("a.rs", &["let one = 10;", "let two = 2;", "}", ""]);
    history.land(20 * DAY);
    history.write("a.rs", &["let one = 10;", "let two = 20;", "}"]);
    history.land(22 * DAY);
    // Of the first change one line was replaced and one taken away in time; the third change came too late for it.
    history.check(50, &[(3, 2), (1, 0), (1, 0)]);
    // Counts are told once the three weeks are over.
    history.check(42, &[(3, 2), (1, 0)]);
    history.check(20, &[]);
}

#[test]
fn a_moved_line_stays_what_it_was_wherever_it_goes() {
    let Some(history) = History::new() else { return };
    history.write("a.rs", &["let one = 1;", "let two = 2;", "let three = 3;"]);
    history.land(0);
    // A renamed file, one line of it in another, and one moved to the right.
    std::fs::remove_file(history.path.join("a.rs")).unwrap();
    history.write("src/b.rs", &["    let one = 1;", "let two = 2;"]);
    history.write("src/c.rs", &["let three = 3;", "let four = 4;"]);
    history.land(5 * DAY);
    history.write("src/c.rs", &["let four = 4;"]);
    history.land(10 * DAY);
    history.check(40, &[(3, 1), (1, 0), (0, 0)]);
}

#[test]
fn what_reaches_the_branch_together_rewrites_nothing_and_a_merge_counts_as_one_change_of_its_author() {
    let Some(history) = History::new() else { return };
    history.write("a.rs", &["let one = 1;"]);
    history.land(0);
    // Two commits of one rebase merge.
    history.write("a.rs", &["let one = 1;", "let two = 2;"]);
    history.land(30 * DAY);
    history.write("a.rs", &["let one = 1;", "let two = 20;"]);
    history.land(30 * DAY + 60);
    history.git(31 * DAY, &["checkout", "-q", "-b", "side"]);
    history.write("b.rs", &["let first = 1;", "let second = 2;"]);
    history.git(31 * DAY, &["add", "-A"]);
    history.git(31 * DAY, &["commit", "-q", "-m", "m", "--author", "B <b@example.com>"]);
    history.write("b.rs", &["let first = 1;", "let other = 2;"]);
    history.git(32 * DAY, &["commit", "-q", "-a", "-m", "m", "--author", "B <b@example.com>"]);
    history.git(33 * DAY, &["checkout", "-q", "main"]);
    history.git(33 * DAY, &["merge", "-q", "--no-ff", "-m", "m", "side"]);
    history.check(60, &[(1, 0), (1, 0), (1, 0), (2, 0)]);
    let rows = rows(&history.path, 0, 60);
    let names = Pseudonyms::new([1; 32]);
    assert_eq!(rows[3].author, Some(names.account("git", "git", "b@example.com")));
    assert_eq!(rows[2].author, Some(names.account("git", "git", "a@example.com")));
}

#[test]
fn generated_binary_and_very_large_files_are_passed_over() {
    let Some(history) = History::new() else { return };
    history.write("a.rs", &["let one = 1;"]);
    history.write("Cargo.lock", &["name = \"one\"", "name = \"two\""]);
    history.write("vendor/b.rs", &["let foreign = 1;"]);
    history.write("picture", &["some words", "and a \0 byte"]);
    history.write("huge.txt", &vec!["one line of many"; 70_000]);
    history.land(0);
    history.write("Cargo.lock", &["name = \"three\""]);
    history.write("huge.txt", &["another line"]);
    history.land(DAY);
    history.write("huge.txt", &["yet another"]);
    history.land(2 * DAY);
    // The second change is passed over in the file that was too large before it; the third one is seen.
    history.check(40, &[(1, 0), (0, 0), (1, 0)]);
}

#[test]
fn of_equal_lines_the_oldest_goes_and_where_the_reading_begins_changes_no_count() {
    let Some(history) = History::new() else { return };
    for step in 0..30_i64 {
        let (step, before) = (step % 5, step / 5);
        let lines: Vec<String> = (0..=step).map(|at| format!("return {};", (at * before + step) % 4)).collect();
        history.write("a.rs", &lines.iter().map(String::as_str).collect::<Vec<_>>());
        history.write(if step % 2 == 0 { "b.rs" } else { "c.rs" }, &["return 3;", "return 0;"]);
        history.land((before * 5 + step) * 2 * DAY);
    }
    let all = rows(&history.path, 0, 200);
    for since in [10, 24, 40] {
        let late: Vec<Rewrite> =
            all.iter().filter(|row| row.committed_at.0 / 1000 >= FIRST + since * DAY).cloned().collect();
        assert!(!late.is_empty() && late.len() < all.len());
        assert_eq!(rows(&history.path, since, 200), late, "since day {since}");
    }
    assert!(all.iter().any(|row| row.lines_changed_again > 0));
}

/// Collects a clone into a store, as of a day, with the signal on or off; gives the live files of counts.
fn collect(clone: &Path, folder: &Path, signals: &str, day: i64) -> Vec<String> {
    std::fs::create_dir_all(folder).unwrap();
    let text = format!(
        "[organisation]\nname = \"H\"\ntime-zone = \"UTC\"\n[history]\nfirst-sync-days = 60\n[signals]\non = {signals}\n\
         [[people]]\nid = \"ada\"\n[[teams]]\nid = \"t\"\nname = \"T\"\nmembers = [\"ada\"]\ngit = [{clone:?}]\n"
    );
    let config = Config::parse(&text, &folder.join("u.toml")).unwrap();
    let as_of = Millis((FIRST + day * DAY) * 1000).to_timestamp();
    let key = || Ok([1; 32]);
    run(&config, as_of, Stages::Collect, &Selection::default(), &Surroundings::alone(&key)).unwrap();
    let store = Store::open_reader(&folder.join("store")).unwrap().unwrap();
    let below = |file: PathBuf| file.strip_prefix(folder).unwrap().display().to_string();
    store.files("rewrites").into_iter().map(below).collect()
}

#[test]
fn counts_are_read_where_the_signal_is_on_and_a_kept_store_equals_a_fresh_one() {
    let Some(history) = History::new() else { return };
    for day in 0..60 {
        history
            .write("a.rs", &[&format!("let one = {};", day / 2), &format!("let two = {};", day / 7), "let three = 3;"]);
        history.land(day * DAY);
        if day == 40 {
            let folder = history.sandbox.path().join("kept");
            assert!(collect(&history.path, &folder, "[]", day).is_empty());
            assert!(!collect(&history.path, &folder, "\"all\"", day).is_empty());
        }
    }
    // Twenty-five days later some counts of the first night lie before the beginning of a fresh reading.
    let kept = collect(&history.path, &history.sandbox.path().join("kept"), "[\"early_rewriting\"]", 85);
    let fresh = collect(&history.path, &history.sandbox.path().join("fresh"), "[\"early_rewriting\"]", 85);
    assert_eq!(kept, fresh, "names of files are hashes of what is in them");
}
