//! G12, strict mode: who did what is known for fourteen days, and the team's own past stays.

use polars::prelude::*;
use serde_json::Value;

use crate::support::canary::{files_below, keyed_hashes};
use crate::support::marked::Marked;
use crate::support::organisation::Organisation;
use crate::trust_canaries::Services;
use crate::trust_hours::{NIGHT, organisation};

const DAY: i64 = 86_400_000;

fn strict(text: String) -> String {
    text + "\n[store]\nstrict = true\n"
}

fn page(place: &Organisation) -> Value {
    serde_json::from_str(&place.read("report/latest/payments.json")).unwrap()
}

fn points(page: &Value) -> Vec<Value> {
    page["series"]["outside_usual_hours"].as_array().cloned().unwrap_or_default()
}

/// Rows of a table by (time in days, the account stands there), over all files.
fn known(files: &[std::path::PathBuf], time: &str, account: &str) -> Vec<(i64, bool)> {
    let rows = |path| {
        let rows = ParquetReader::new(std::fs::File::open(path).unwrap()).finish().unwrap();
        let times = rows.column(time).unwrap().cast(&DataType::Int64).unwrap();
        let accounts = rows.column(account).unwrap().i64().unwrap().iter().map(|one| one.is_some()).collect::<Vec<_>>();
        times.i64().unwrap().iter().map(|at| at.unwrap() / DAY).zip(accounts).collect::<Vec<_>>()
    };
    files.iter().flat_map(rows).collect()
}

#[test]
fn g12_strict_after_fourteen_days_nobody_is_known_and_the_teams_own_past_stays() {
    let place = organisation(1, strict);
    let ended = place.run(&["run", "--as-of", NIGHT]);
    assert_eq!(ended.exit, 0, "{ended:?}");
    let first = points(&page(&place));
    assert_eq!(first.len(), 14, "thirteen fortnights and the window: {first:?}");
    assert!(first.iter().filter(|point| point["x"].is_number()).count() >= 1, "{first:?}");
    let today = 20_773;
    let check = |today: i64| {
        let commits = known(&files_below(&place.path("store/tables/commits")), "committed_at", "author");
        assert!(commits.iter().any(|(day, _)| *day < today - 100), "old rows stay");
        for (day, is_known) in commits {
            assert_eq!(is_known, day >= today - 14, "a commit of day {day}, {} days old", today - day);
        }
        assert_eq!(files_below(&place.path("store/manifests")).len(), 1, "no older version of the store is left");
    };
    check(today);
    let rosters = files_below(&place.path("store/history/rosters"));
    let spans: Value = serde_json::from_str(&std::fs::read_to_string(&rosters[0]).unwrap()).unwrap();
    let begin = spans["payments"]["spans"][0][0].as_i64().unwrap();
    assert!(rosters.len() == 1 && begin > today - 14 - 7, "no roster of an older week: {begin}");

    // Fortnights are cut anew with every week: what stands for the same days must be the same on every night.
    let mut seen: std::collections::BTreeMap<String, Value> = std::collections::BTreeMap::new();
    let mut again = 0;
    let nights = [
        (1, "2026-11-17T04:00:00Z"),
        (2, "2026-11-18T04:00:00Z"),
        (7, "2026-11-23T04:00:00Z"),
        (15, "2026-12-01T04:00:00Z"),
    ];
    for (night, at) in nights {
        let ended = place.run(&["run", "--as-of", at]);
        assert_eq!(ended.exit, 0, "{ended:?}");
        check(today + night);
        let told = points(&page(&place));
        assert!(told.len() >= 13, "{at}: {told:?}");
        for point in first[..13].iter().chain(&told[..told.len() - 1]) {
            let known = seen.insert(format!("{}{}", point["from"], point["to"]), point.clone());
            again += usize::from(known.is_some());
            assert!(known.is_none_or(|known| known == *point), "{at}: {point}");
        }
    }
    assert!(again > 30, "{again}");
    let ended = place.run(&["replay"]);
    assert!(ended.exit == 2 && ended.complained.contains("strict"), "{ended:?}");
}

/// A card opens in strict mode as well: the windows lie within the days in which people are known.
#[test]
fn g12_strict_a_team_that_works_late_is_still_noticed() {
    let place = organisation(1, strict);
    assert_eq!(place.run(&["run", "--as-of", NIGHT]).exit, 0);
    let cards = page(&place)["conversations"].clone();
    assert_eq!(cards[0]["signals"], serde_json::json!(["outside_usual_hours"]), "{cards}");
    assert_eq!(place.run(&["run", "--as-of", "2026-11-17T04:00:00Z"]).exit, 0);
    let next = page(&place)["conversations"].clone();
    assert_eq!(next[0]["id"], cards[0]["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn g12_strict_no_keyed_hash_of_any_table_outlives_fourteen_days() {
    let mut place = Marked::new();
    let services = Services::start(&place).await;
    place.configure(&services.whole("cloud"), &services.team());
    let text = place.read("in/undercurrent.toml").replacen(
        "path = \"../out/store\"",
        "path = \"../out/store\"\nstrict = true",
        1,
    );
    place.write("in/undercurrent.toml", &text);
    assert_eq!(place.night().exit, 0);
    assert!(place.keyed_hashes().len() > 20, "yesterday's people are known");
    let config = ["--config", "in/undercurrent.toml"];
    let ended = place.clean(&[&["run", "--offline", "--as-of", "2027-03-01T04:00:00Z"], &config[..]].concat());
    assert!([0, 3].contains(&ended.exit), "{ended:?}");
    for path in files_below(&place.path("out/store/tables")) {
        let name = path.display().to_string();
        // Who has which account is what the configuration says today.
        let left = if name.contains("people_accounts") { Default::default() } else { keyed_hashes(&path) };
        assert!(left.is_empty(), "{name} holds {} keyed hashes", left.len());
    }
    assert!(
        files_below(&place.path("out/store/tables/pull_requests")).len()
            + files_below(&place.path("out/store/tables/issues")).len()
            > 0,
        "rows stay"
    );
}
