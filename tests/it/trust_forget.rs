//! G12, G13: what is old leaves, and a person who is to be forgotten leaves wholly and does not come back.

use std::collections::BTreeSet;

use polars::prelude::*;
use undercurrent::model::Pseudonyms;

use crate::support::canary::{Scanner, files_below};
use crate::support::marked::{Marked, mail, mark};
use crate::trust_canaries::Services;

const CONFIG: [&str; 2] = ["--config", "in/undercurrent.toml"];
/// Who is forgotten.
const WHO: usize = 2;

fn command<'a>(parts: &[&'a str]) -> Vec<&'a str> {
    [parts, &CONFIG].concat()
}

/// All pseudonyms of a person, by the links in the store.
fn pseudonyms(place: &Marked) -> BTreeSet<i64> {
    let key: [u8; 32] = std::fs::read(place.path("out/store/key")).unwrap().try_into().unwrap();
    let person = Pseudonyms::new(key).person(&mark("Id", WHO)).to_stored();
    let mut all = BTreeSet::from([person]);
    for path in files_below(&place.path("out/store/tables/people_accounts")) {
        let rows = ParquetReader::new(std::fs::File::open(path).unwrap()).finish().unwrap();
        let numbers = |name: &str| rows.column(name).unwrap().i64().unwrap().iter().collect::<Vec<_>>();
        let own = numbers("person").into_iter().zip(numbers("account")).filter(|(who, _)| *who == Some(person));
        all.extend(own.filter_map(|(_, account)| account));
    }
    all
}

/// Where any of the pseudonyms stands in what the program wrote.
fn traces(place: &Marked, own: &BTreeSet<i64>) -> Vec<String> {
    let mut scanner = Scanner::default();
    own.iter().for_each(|one| scanner.keyed(*one));
    let found = place.written().into_iter().flat_map(|(name, bytes)| {
        let leaks = scanner.leaks(&bytes);
        leaks.into_iter().map(move |leak| format!("{name}: {leak}"))
    });
    found.collect()
}

async fn whole_night() -> (Marked, Services) {
    let place = Marked::new();
    let services = Services::start(&place).await;
    place.configure(&services.whole("cloud"), &services.team());
    let ended = place.night();
    assert_eq!(ended.exit, 0, "{ended:?}");
    (place, services)
}

#[tokio::test(flavor = "multi_thread")]
async fn g13_after_forget_no_byte_of_the_person_is_left_and_no_night_brings_one_back() {
    let (mut place, _services) = whole_night().await;
    let own = pseudonyms(&place);
    assert!(own.len() >= 4, "a person, a GitHub account, a Jira account, a mail address, a calendar: {}", own.len());
    let before = traces(&place, &own);
    for part in ["tables/people_accounts", "tables/busy", "tables/issues", "history/rosters"] {
        assert!(before.iter().any(|trace| trace.contains(part)), "{part} holds nothing of the person: {before:#?}");
    }
    place.write(
        "in/identities.toml",
        &format!("[[identity]]\nperson = \"{}\"\nkind = \"email\"\naccount = \"{}\"\n", mark("Id", WHO), mail(WHO)),
    );
    let id = mark("Id", WHO);
    let manifest = place.read("out/store/MANIFEST");
    let ended = place.clean(&command(&["forget", &id, "--dry-run"]));
    assert!(
        ended.exit == 0 && ended.printed.contains("busy: ") && ended.printed.contains("Nothing was changed"),
        "{ended:?}"
    );
    let ended = place.clean(&command(&["forget", &id]));
    assert!(ended.exit == 2 && ended.complained.contains("--yes"), "{ended:?}");
    assert_eq!(place.clean(&command(&["forget", "nobody-of-this-name", "--yes"])).exit, 2);
    assert_eq!(place.read("out/store/MANIFEST"), manifest, "nothing was changed yet");

    let ended = place.clean(&command(&["forget", &id, "--yes"]));
    assert_eq!(ended.exit, 0, "{ended:?}");
    for told in
        ["people_accounts: ", "busy: ", "1 confirmed identities", "rosters of 1 teams", "Delete the person's entries"]
    {
        assert!(ended.printed.contains(told), "{told} is missing: {ended:?}");
    }
    assert_eq!(traces(&place, &own), Vec::<String>::new());
    assert!(!place.read("in/identities.toml").contains(&id));

    // The configuration still names the person: the next nights do not bring anything back, nor does reading it all again.
    for night in [&["run"][..], &["run", "--full"], &["run", "--offline", "--reread-roster"]] {
        let ended = place.clean(&command(night));
        assert!([0, 3].contains(&ended.exit), "{ended:?}");
        assert_eq!(traces(&place, &own), Vec::<String>::new(), "{night:?}");
    }
    let page: serde_json::Value = serde_json::from_str(&place.read("out/report/latest/payments.json")).unwrap();
    assert_eq!(page["series"], serde_json::json!({}), "the team is not shown for a while");
    let again = place.clean(&command(&["forget", &id, "--yes"]));
    assert!(again.exit == 0 && again.printed.starts_with("no row changed or removed"), "{again:?}");
    let ended = place.clean(&command(&["rotate-key", "--yes"]));
    assert!(ended.exit == 2 && ended.complained.contains("left-out.toml"), "{ended:?}");
    // And without the list a night would.
    std::fs::remove_file(place.path("in/left-out.toml")).unwrap();
    place.clean(&command(&["run", "--full"]));
    assert_ne!(traces(&place, &own), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn g1_after_a_rotation_no_byte_under_the_old_key_is_left_and_the_next_night_reads_everything_again() {
    let (mut place, _services) = whole_night().await;
    let old = place.keyed_hashes();
    let rows = |place: &Marked| {
        let record: serde_json::Value = serde_json::from_str(&place.read("out/store/last-run.json")).unwrap();
        record["tables"].clone()
    };
    let before = rows(&place);
    assert_eq!(place.clean(&command(&["rotate-key"])).exit, 2, "it asks for a yes");
    let ended = place.clean(&command(&["rotate-key", "--yes"]));
    assert!(ended.exit == 0 && ended.printed.contains("pull_requests: "), "{ended:?}");
    assert_eq!(traces(&place, &old), Vec::<String>::new());
    assert_eq!(place.night().exit, 0);
    assert_eq!(rows(&place), before, "the same rows under a new key");
    assert!(place.keyed_hashes().len() > 20 && place.keyed_hashes().is_disjoint(&old));
}

#[tokio::test(flavor = "multi_thread")]
async fn g12_what_is_old_leaves_the_store_and_old_pages_leave_their_folder() {
    let (mut place, _services) = whole_night().await;
    let counted = |place: &Marked, table: &str| -> usize {
        let files = files_below(&place.path(&format!("out/store/tables/{table}")));
        let rows = |path| ParquetReader::new(std::fs::File::open(path).unwrap()).finish().unwrap().height();
        files.into_iter().map(rows).sum()
    };
    assert!(counted(&place, "busy") > 0 && counted(&place, "issues") > 0);
    for (night, file) in [("2026-01-05", "notes.txt"), ("2026-01-06", "index.json")] {
        std::fs::create_dir_all(place.path(&format!("out/report/{night}"))).unwrap();
        place.write(&format!("out/report/{night}/index.html"), "old");
        place.write(&format!("out/report/{night}/{file}"), "old");
    }
    assert_eq!(place.night().exit, 0);
    assert!(!place.path("out/report/2026-01-06").exists() && place.path("out/report/2026-11-24").exists());
    let left = files_below(&place.path("out/report/2026-01-05"));
    assert!(left.len() == 1 && left[0].ends_with("notes.txt"), "what the program did not write stays: {left:?}");

    let later = ["--as-of", "2028-06-01T04:00:00Z"];
    let ended = place.clean(&command(&[&["purge"][..], &later].concat()));
    assert!(ended.exit == 0 && ended.printed.contains("busy: "), "{ended:?}");
    for table in ["busy", "absences", "releases", "check_runs"] {
        assert_eq!(counted(&place, table), 0, "{table}");
    }
    assert!(!place.path("out/report/2026-11-24").exists());
    let manifest = place.read("out/store/MANIFEST");
    let ended = place.clean(&command(&[&["purge"][..], &later].concat()));
    assert!(ended.printed.starts_with("no row removed"), "{ended:?}");
    assert_eq!(place.read("out/store/MANIFEST"), manifest, "a second purge changes no byte");
    // Before keep-days are over nothing of a night goes.
    let (mut place, _services) = whole_night().await;
    let ended = place.clean(&command(&["purge", "--as-of", "2026-11-25T04:00:00Z"]));
    assert!(ended.printed.starts_with("no row removed"), "{ended:?}");
}
