//! The source reads as `ARCHITECTURE.md`, `docs/privacy.md` and the house style say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use undercurrent::store::TABLES;

/// Where each outside crate may be used: prefixes of paths below `src`.
const FENCES: [(&str, &[&str]); 24] = [
    ("regex", &["language/"]),
    ("unicode_normalization", &["language/fold.rs"]),
    ("octocrab", &["collect/github/"]),
    ("jira_query", &["collect/jira/"]),
    ("reqwest", &["collect/"]),
    ("gix", &["collect/git/"]),
    ("calcard", &["collect/calendar/"]),
    ("rrule", &["collect/calendar/"]),
    ("chrono", &["collect/calendar/"]),
    ("polars", &["store/", "measure/", "pipeline/roster.rs"]),
    ("sqlparser", &["measure/lint/"]),
    ("plotters", &["report/chart/"]),
    ("plotters_backend", &["report/chart/"]),
    ("askama", &["report/"]),
    ("clap", &["cli/", "main.rs"]),
    ("clap_complete", &["cli/"]),
    ("clap_mangen", &["cli/"]),
    ("indicatif", &["cli/progress.rs"]),
    ("openssl", &["collect/github/app.rs"]),
    ("tracing_subscriber", &["main.rs"]),
    ("tokio", &["collect/", "deliver/", "pipeline/", "main.rs"]),
    ("tower_service", &["collect/github/transport.rs"]),
    ("rustix", &["store/volume.rs"]),
    ("lettre", &["deliver/mail.rs"]),
];

/// What a stage knows nothing of.
const IGNORANT: [(&str, &[&str]); 9] = [
    (
        "language/",
        &["std::fs", "crate::catalogue", "crate::config", "crate::report", "crate::pipeline", "crate::store"],
    ),
    ("model/", &["crate::collect", "crate::store", "crate::config", "crate::report", "crate::pipeline", "std::fs"]),
    (
        "collect/",
        &[
            "crate::store",
            "crate::measure",
            "crate::config",
            "crate::notice",
            "crate::report",
            "crate::pipeline",
            "polars::",
        ],
    ),
    (
        "store/",
        &[
            "crate::collect",
            "crate::measure",
            "crate::config",
            "crate::notice",
            "crate::report",
            "crate::pipeline",
            "reqwest::",
        ],
    ),
    (
        "measure/",
        &["crate::collect", "crate::config", "crate::notice", "crate::report", "crate::pipeline", "reqwest::"],
    ),
    (
        "notice/",
        &["std::fs", "std::io", "polars::", "crate::store", "crate::collect", "crate::report", "crate::pipeline"],
    ),
    ("report/", &["crate::store", "crate::collect", "crate::pipeline", "crate::measure", "reqwest::", "polars::"]),
    (
        "deliver/",
        &[
            "std::fs",
            "crate::store",
            "crate::measure",
            "crate::notice",
            "crate::catalogue",
            "crate::pipeline",
            "polars::",
        ],
    ),
    ("pipeline/", &["clap::", "crate::cli", "is_terminal"]),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files_below(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            files.extend(files_below(&path, ending));
        } else if path.extension().is_some_and(|own| own == ending) {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every source file below `src` by its path there: whole, and without what is compiled for tests alone.
fn sources() -> BTreeMap<String, (String, String)> {
    let src = root().join("src");
    let all: BTreeMap<PathBuf, String> =
        files_below(&src, "rs").into_iter().map(|path| (path.clone(), read(&path))).collect();
    let mut for_tests = BTreeSet::new();
    for (path, text) in &all {
        let folder = path.parent().expect("a file lies in a folder");
        for rest in
            text.split("#[cfg(test)]\n").skip(1).filter_map(|rest| rest.split_once("mod ").map(|(_, rest)| rest))
        {
            if let Some((name, _)) = rest.split_once(';').filter(|(name, _)| !name.contains(' ')) {
                for_tests.extend([folder.join(format!("{name}.rs")), folder.join(name)]);
            }
        }
    }
    let named = all.into_iter().map(|(path, text)| {
        let name = path.strip_prefix(&src).expect("it lies below src").display().to_string();
        let own = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned();
        // A module for tests alone may be a folder.
        let is_for_tests = path.ancestors().any(|part| for_tests.contains(part));
        (name, (text, if is_for_tests { String::new() } else { own }))
    });
    named.collect()
}

/// Lines that are no comment.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(at, line)| (at + 1, line)).filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// Whether a line uses a crate by its name.
fn uses(line: &str, name: &str) -> bool {
    line.match_indices(&format!("{name}::"))
        .any(|(at, _)| !line[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_' || before == ':'))
}

#[test]
fn every_source_file_says_at_its_head_what_it_is_for() {
    let root = root();
    let all = [root.join("src"), root.join("tests")].into_iter().flat_map(|folder| files_below(&folder, "rs"));
    let silent: Vec<PathBuf> = all.filter(|path| !read(path).starts_with("//! ")).collect();
    assert!(silent.is_empty(), "{silent:?}");
}

#[test]
fn each_outside_crate_is_used_in_its_one_place() {
    let mut strays = Vec::new();
    for (name, (text, _)) in sources() {
        for (krate, places) in FENCES {
            let at_home = places.iter().any(|place| name.starts_with(place));
            let used = code(&text).find(|(_, line)| uses(line, krate));
            strays.extend(used.filter(|_| !at_home).map(|(line, _)| format!("{name}:{line} uses {krate}")));
        }
    }
    assert!(strays.is_empty(), "{strays:#?}");
}

#[test]
fn a_stage_knows_nothing_of_what_is_none_of_its_business() {
    let mut known = Vec::new();
    for (name, (_, own)) in sources() {
        for (stage, foreign) in IGNORANT {
            if name.starts_with(stage) {
                let lines = code(&own).filter(|(_, line)| foreign.iter().any(|foreign| line.contains(foreign)));
                known.extend(lines.map(|(at, line)| format!("{name}:{at}: {}", line.trim())));
            }
        }
    }
    assert!(known.is_empty(), "{known:#?}");
}

#[test]
fn only_main_asks_for_the_clock_the_environment_and_randomness() {
    let outside = ["Timestamp::now(", "Zoned::now(", "SystemTime::now(", "std::env::", "env::var", "urandom"];
    let mut asking = Vec::new();
    for (name, (_, own)) in sources().into_iter().filter(|(name, _)| name != "main.rs") {
        let lines = code(&own).filter(|(_, line)| outside.iter().any(|call| line.contains(call)));
        asking.extend(lines.map(|(at, line)| format!("{name}:{at}: {}", line.trim())));
    }
    assert!(asking.is_empty(), "{asking:#?}");
}

#[test]
fn nothing_gives_up_without_a_stated_reason() {
    let mut abrupt = Vec::new();
    for (name, (_, own)) in sources() {
        let given_up = |line: &str| {
            let reasoned = line.split(".expect(\"").skip(1).all(|rest| rest.split('"').next().unwrap_or("").len() > 10);
            line.contains(".unwrap()") || line.contains("todo!(") || line.contains("unimplemented!(") || !reasoned
        };
        abrupt.extend(code(&own).filter(|(_, line)| given_up(line)).map(|(at, _)| format!("{name}:{at}")));
    }
    assert!(abrupt.is_empty(), "{abrupt:#?}");
}

#[test]
fn every_signal_is_one_query_and_one_card_that_say_what_they_count_and_what_they_cannot_see() {
    let stems = |folder: &str, ending: &str| -> BTreeSet<String> {
        let files = files_below(&root().join(folder), ending);
        files.iter().filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect()
    };
    let queries = stems("queries/signals", "sql");
    let mut cards = stems("reports/cards", "toml");
    assert!(cards.remove("joint"), "the joint card has words and no query");
    assert!(cards.remove("due_follow_ups"), "due follow-ups are counted from the leader's record, by no query");
    assert_eq!(queries, cards);
    for name in queries {
        let sql = read(&root().join(format!("queries/signals/{name}.sql")));
        assert!(sql.starts_with(&format!("-- {name}: of the ")), "{name}.sql begins with what it counts");
        for part in ["\n-- Grain: ", "\n-- Cannot see: "] {
            assert!(sql.contains(part), "{name}.sql lacks {part}");
        }
        let card = read(&root().join(format!("reports/cards/{name}.toml")));
        assert!(card.contains("\ncannot-see = \"") && !card.contains("\ncannot-see = \"\""), "{name}.toml");
    }
}

#[test]
fn every_stored_column_is_decided_in_the_privacy_list_and_nothing_else_stands_there() {
    let list = read(&root().join("docs/privacy.md"));
    let mut decided = BTreeSet::new();
    for section in list.split("\n## ").skip(1) {
        let table = section.lines().next().unwrap_or_default();
        for row in section.lines().filter(|line| line.starts_with("| `")) {
            let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
            assert!(cells.len() == 3 && cells.iter().all(|cell| !cell.is_empty()), "{row}");
            assert!(["no", "yes", "only"].iter().any(|answer| cells[2].starts_with(answer)), "{row}");
            assert!(decided.insert((table.to_owned(), cells[0].trim_matches('`').to_owned())), "{row} is there twice");
        }
    }
    let columns = TABLES.iter().flat_map(|table| table.columns.iter().map(|(name, _)| (table.name, *name)));
    let stored: BTreeSet<(String, String)> = columns.map(|(table, name)| (table.to_owned(), name.to_owned())).collect();
    let undecided: Vec<_> = stored.difference(&decided).collect();
    let obsolete: Vec<_> = decided.difference(&stored).collect();
    assert!(undecided.is_empty() && obsolete.is_empty(), "undecided: {undecided:?}, obsolete: {obsolete:?}");
}

#[test]
fn every_file_that_the_papers_link_to_is_there() {
    let root = root();
    let mut papers =
        ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"].map(|name| root.join(name)).to_vec();
    papers.extend(files_below(&root.join("docs"), "md"));
    for paper in papers {
        let text = read(&paper);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            let outside = link.is_empty() || link.contains("://");
            let folder = paper.parent().expect("a paper lies in a folder");
            assert!(outside || folder.join(link).exists(), "{}: {link} is not there", paper.display());
        }
    }
}

/// Every guarantee of the table has its command, and the command has tests to run.
#[test]
fn every_guarantee_stands_on_a_test_of_its_number() {
    let root = root();
    let paper = read(&root.join("docs/trust.md"));
    let mut names = Vec::new();
    for folder in ["src", "tests"] {
        for file in files_below(&root.join(folder), "rs") {
            let text = read(&file);
            let lines: Vec<&str> = text.lines().map(str::trim_start).collect();
            for (at, line) in lines.iter().enumerate() {
                let name = line
                    .strip_prefix("async ")
                    .unwrap_or(line)
                    .strip_prefix("fn ")
                    .and_then(|rest| rest.split('(').next());
                // A name alone proves nothing: the line before says that it is a test. Properties stand in a macro's body.
                let is_test =
                    at > 0 && (lines[at - 1].starts_with("#[test]") || lines[at - 1].starts_with("#[tokio::test"));
                names.extend(name.filter(|_| is_test).map(str::to_owned));
            }
        }
    }
    for number in 1..=20 {
        let own = format!("g{number}_");
        let row = paper
            .lines()
            .find(|line| line.starts_with(&format!("| G{number} |")))
            .unwrap_or_else(|| panic!("G{number} has no row"));
        assert!(row.contains(&format!("cargo test {own}")), "G{number}: the row has no command");
        // The test runner finds a part of a name: what it finds must begin a word of it.
        let runs = names
            .iter()
            .filter(|name| name.split("_g").any(|part| format!("g{}", part.trim_start_matches('g')).starts_with(&own)));
        assert!(runs.count() > 0, "G{number} has no test");
    }
}

#[test]
fn every_switch_of_the_works_council_s_list_is_one_of_the_configuration() {
    let root = root();
    let (paper, example) =
        (read(&root.join("docs/works-council/switches.md")), read(&root.join("config.example.toml")));
    let mut known = 0;
    for row in paper.lines().filter(|line| line.starts_with("| `")) {
        let first = row.split('|').nth(1).unwrap_or_default();
        for key in first.split('`').skip(1).step_by(2).filter(|key| !key.starts_with("undercurrent")) {
            let name = key.rsplit(' ').next().unwrap_or(key).trim_matches(['[', ']']);
            if ["purge", "rotate-key", "mirror"].contains(&name) {
                continue;
            }
            known += 1;
            assert!(example.contains(&format!("{name} =")) || example.contains(&format!("[{name}]")), "{key}");
        }
    }
    assert!(known > 15, "{known}");
}

#[test]
fn every_test_that_the_page_about_other_tools_names_is_there() {
    let page = read(&root().join("docs/peers.md"));
    let folders = ["src", "tests/it"].map(|folder| files_below(&root().join(folder), "rs"));
    let sources: String =
        folders.iter().flatten().filter(|path| !path.ends_with("tidy.rs")).map(|path| read(path)).collect();
    let rows = page.lines().filter(|line| line.starts_with("| ") && line.contains('#') | line.contains('`'));
    let mut named = 0;
    for row in rows {
        let held = row.trim_end_matches(" |").rsplit(" | ").next().unwrap_or_default();
        for name in held.split('`').skip(1).step_by(2) {
            let is_there = sources.contains(&format!("\"{name}\"")) || sources.contains(&format!("fn {name}("));
            assert!(is_there, "docs/peers.md names {name}, which no test is called");
            named += 1;
        }
    }
    assert!(named >= 40, "{named} tests are named");
}
