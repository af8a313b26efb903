//! What the program holds on a person is shown to this person, and to nobody else.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use polars::prelude::*;
use serde_json::Value;
use undercurrent::store::Store;

use crate::support::canary::files_below;
use crate::support::marked::{Marked, PEOPLE, mail, mark, number, own_token};
use crate::support::organisation::Ended;
use crate::trust_canaries::Services;

/// What the program tells the owner of a token. Every file that it writes is looked through.
fn told(place: &mut Marked, token: &str, more: &[&str]) -> Result<Value, Ended> {
    let out = place.path("out/own.json");
    let mirror = ["mirror", "--config", "in/undercurrent.toml", "--rows", "--json", "--out", "out/own.json"];
    let ended = place.run_with(&[("OWN", token)], &[&mirror[..], &["--token-env", "OWN"], more].concat());
    place.ended_clean("mirror", &ended);
    if ended.exit != 0 {
        return Err(ended);
    }
    assert_eq!(ended.printed, "", "nothing is shown where no terminal is");
    assert_eq!(std::fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o600);
    let value = serde_json::from_str(&place.read("out/own.json")).unwrap();
    std::fs::remove_file(out).unwrap();
    Ok(value)
}

/// The pseudonyms of a person, made with the key of the store.
fn pseudonyms(place: &Marked, services: &Services, at: usize) -> BTreeSet<i64> {
    let store = Store::open_reader(&place.path("out/store")).unwrap().unwrap();
    let names = store.pseudonyms();
    let host = |uri: String| uri.replace("http://", "");
    let all = [
        names.account("github", &host(services.github.uri()), &number(at).to_string()),
        names.account("jira", &host(services.jira.uri()), &mark("Tracker", at)),
        names.account("git", "git", &mail(at).to_lowercase()),
        names.account("calendar", "calendar", &mail(at).to_lowercase()),
        names.person(&mark("Id", at)),
    ];
    all.map(undercurrent::model::Account::to_stored).into()
}

/// How many rows of each table hold one of these numbers anywhere, as a number or as a text.
fn selected(tables: &Path, own: &BTreeSet<i64>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for path in files_below(tables) {
        let table = path.strip_prefix(tables).unwrap().iter().next().unwrap().to_str().unwrap().to_owned();
        let rows = ParquetReader::new(std::fs::File::open(&path).unwrap()).finish().unwrap();
        let hit = |at: usize| {
            rows.columns().iter().any(|column| match column.get(at).unwrap() {
                AnyValue::Int64(number) => own.contains(&number),
                other => other.get_str().and_then(|text| text.parse().ok()).is_some_and(|number| own.contains(&number)),
            })
        };
        let count = (0..rows.height()).filter(|at| hit(*at)).count() as u64;
        if count > 0 {
            *counts.entry(table).or_default() += count;
        }
    }
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn g14_a_person_sees_exactly_the_rows_that_name_them_and_the_windows_they_count_in() {
    let mut place = Marked::new();
    let services = Services::start(&place).await;
    place.configure(&services.whole("data-center"), &services.team());
    assert_eq!(place.night().exit, 0);
    let tables = place.path("out/store/tables");
    let mut counted = 0;
    for at in 0..PEOPLE {
        let own = pseudonyms(&place, &services, at);
        let expected = selected(&tables, &own);
        assert!(expected.len() > 5, "{expected:?}");
        let jira = services.jira.uri().replace("http://", "");
        for more in [&[][..], &["--at", &jira]] {
            let value = told(&mut place, &own_token(at), more).unwrap();
            let shown = value["tables"].as_object().unwrap();
            let rows = shown.iter().map(|(name, table)| (name.clone(), table["rows"].as_u64().unwrap()));
            assert_eq!(rows.collect::<BTreeMap<_, _>>(), expected, "person {at}");
            for (name, table) in shown {
                let records = table["records"].as_array().unwrap();
                assert_eq!(records.len() as u64, expected[name]);
                let named = |record: &Value| record.as_object().unwrap().values().any(|value| value == "you");
                assert!(records.iter().all(named), "{name}: {records:?}");
            }
            counted += value["counted"].as_array().unwrap().len();
            let teams = value["teams"].as_array().unwrap();
            assert!(teams.iter().all(|team| team["team"] == "payments") && !teams.is_empty(), "{teams:?}");
        }
    }
    assert!(counted > 2 * PEOPLE, "{counted}");
    let own = told(&mut place, &own_token(1), &[]).unwrap();
    let mut pull = own["tables"]["pull_requests"]["records"][0].as_object().unwrap().clone();
    pull.retain(|_, value| value == "you" || value == "somebody else");
    let who = BTreeSet::from_iter(pull.keys().map(String::as_str));
    assert_eq!(who, ["author", "merged_by"].into(), "columns of people, with nobody else's number");
}

#[tokio::test(flavor = "multi_thread")]
async fn g14_nobody_is_shown_but_the_owner_of_the_token_whoever_asks() {
    let mut place = Marked::new();
    let services = Services::start(&place).await;
    place.configure(&services.whole("cloud"), &services.team());
    assert_eq!(place.night().exit, 0);
    // The leader is the first person: with their token only their own rows come.
    let leader = told(&mut place, &own_token(0), &[]).unwrap();
    let expected = selected(&place.path("out/store/tables"), &pseudonyms(&place, &services, 0));
    assert_eq!(leader["tables"]["pull_requests"]["rows"], expected["pull_requests"]);
    // The operator's token is nobody's, and a service that knows no account for a token shows nothing.
    let operator = told(&mut place, crate::support::marked::TOKEN, &[]).unwrap_err();
    assert_eq!(operator.exit, 4, "{operator:?}");
    assert!(operator.complained.contains("does not say whose the token is"), "{operator:?}");
    // There is no way to name a person, and no way without a token of one's own or without a terminal.
    let config = ["--config", "in/undercurrent.toml"];
    for more in [
        &["--out", "out/x", "--token-env", "OWN", "--person", "somebody"][..],
        &["--out", "out/x", "--token-env", "OWN", "somebody"],
        &["--out", "out/x"],
        &["--token-env", "OWN"],
        &["--out", "out/x", "--token-env", "NOT_SET"],
        &["--out", "out/x", "--token-env", "OWN", "--at", "elsewhere.example"],
    ] {
        let ended = place.run_with(&[("OWN", &own_token(1))], &[&["mirror"], &config[..], more].concat());
        assert_eq!((ended.exit, ended.printed.as_str()), (2, ""), "{more:?}: {ended:?}");
    }
    assert!(!place.path("out/x").exists());
    // A file that is there is left alone.
    place.write("out/x", "kept");
    let ended = place.run_with(
        &[("OWN", &own_token(1))],
        &[&["mirror", "--token-env", "OWN", "--out", "out/x"], &config[..]].concat(),
    );
    assert_eq!((ended.exit, place.read("out/x").as_str()), (6, "kept"), "{ended:?}");
}
