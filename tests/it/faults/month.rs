//! Many nights and many faults: a month in which every night is disturbed ends as an undisturbed month does, and so does a night
//! with several faults at once.

use serde_json::{Value, json};

use super::{Case, Ends, Stage, World, content, doubles_on, events};
use super::{calendar, github_answers, jira_answers, wire};
use crate::support::chance::Chance;

/// Nights of a month, and compositions of faults; the long sweeps of docs/reliability.md take more.
fn many(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|count| count.parse().ok()).unwrap_or(usual)
}

/// Faults that leave the source's data as they are, and that are over in no time.
fn quick() -> Vec<Case> {
    let all = [
        github_answers::cases(),
        jira_answers::cases(),
        calendar::cases(),
        wire::cases(&wire::GITHUB),
        wire::cases(&wire::JIRA),
    ];
    let slow = ["P3", "P4", "P5", "a million events", "P8 a clock a day ahead"];
    let is_quick = |case: &Case| !case.is_large && !slow.iter().any(|part| case.name.contains(part));
    all.into_iter().flatten().filter(|case| is_quick(case) && !matches!(case.ends, Ends::Different)).collect()
}

/// What a night may say: it is complete and equals the undisturbed one, or it names what is missing.
fn is_honest(stage: &Stage, exit: i32, expected: &Value, told: &str) {
    let record = stage.place.record();
    let gaps = record["gaps"].as_array().map_or(0, Vec::len);
    match exit {
        0 => assert_eq!(&content(&stage.place.path("store")), expected, "exit 0 after {told}"),
        3 | 4 => assert!(gaps > 0, "exit {exit} names nothing after {told}"),
        other => panic!("exit {other} after {told}"),
    }
}

#[test]
fn a_month_of_disturbed_nights_ends_as_an_undisturbed_one() {
    let nights = many("UNDERCURRENT_NIGHTS", 12);
    let (clean, disturbed) = (Stage::new(), Stage::new());
    let cases = quick();
    let mut chance = Chance(2026);
    clean.empty();
    disturbed.empty();
    let mut named = 0;
    for night in 0..nights {
        let doubles = clean.runtime.block_on(doubles_on(night));
        let world =
            World { calendar: events(3 + usize::try_from(night % 20).expect("small")), ..doubles.world.clone() };
        let now = moment(night);
        clean.server.set_at(&world, &[], night);
        assert_eq!(clean.run(&["run"], &now).exit, 0, "the undisturbed night {night}");
        let faults: Vec<&Case> = (0..1 + chance.below(5)).map(|_| &cases[chance.below(cases.len())]).collect();
        let told = format!("night {night}: {:?}", faults.iter().map(|case| case.name).collect::<Vec<_>>());
        disturbed.server.set_at(&world, &faults.iter().map(|case| case.fault).collect::<Vec<_>>(), night);
        let exit = disturbed.run(&["run"], &now).exit;
        named += u64::from(exit != 0);
        assert!(matches!(exit, 0 | 3 | 4), "exit {exit} in {told}");
        let gaps = disturbed.place.record()["gaps"].as_array().map_or(0, Vec::len);
        assert_eq!(exit == 0, gaps == 0, "{told}");
    }
    let doubles = clean.runtime.block_on(doubles_on(nights));
    for stage in [&clean, &disturbed] {
        stage.server.set_at(&doubles.world, &[], nights);
        let last = stage.run(&["run"], &moment(nights));
        assert_eq!(last.exit, 0, "the last night: {} {}", last.said, stage.place.record()["gaps"]);
    }
    println!("{nights} nights, {named} of them with gaps");
    assert!(named > nights / 4, "faults were felt");
    assert_eq!(alike(&disturbed), alike(&clean));
}

/// The rows of a store, table by table: the two stores know their services under different addresses.
fn alike(stage: &Stage) -> Value {
    let store =
        undercurrent::store::Store::open_reader(&stage.place.path("store")).expect("it opens").expect("it is there");
    let mut rows = serde_json::Map::new();
    for table in undercurrent::store::TABLES {
        let hashed = [
            "host",
            "account",
            "person",
            "author",
            "merged_by",
            "actor",
            "subject",
            "reviewer",
            "assignee",
            "reporter",
            "occurrence",
        ];
        let columns: Vec<&str> =
            table.columns.iter().map(|(name, _)| *name).filter(|name| !hashed.contains(name)).collect();
        let frame = store.read(table, &columns).expect("it can be read");
        let mut lines: Vec<String> = (0..frame.height())
            .map(|row| {
                frame.columns().iter().map(|column| format!("{:?}|", column.get(row).expect("a value"))).collect()
            })
            .collect();
        lines.sort();
        rows.insert(table.name.to_owned(), json!(lines));
    }
    Value::Object(rows)
}

fn moment(night: u64) -> String {
    let begin: jiff::Timestamp = super::LATER.parse().expect("a time");
    (begin + jiff::SignedDuration::from_hours(24 * i64::try_from(night).expect("small"))).to_string()
}

#[test]
fn several_faults_at_once_lose_nothing_double_nothing_and_hide_nothing() {
    let stage = Stage::new();
    let cases = quick();
    for seed in 0..many("UNDERCURRENT_COMPOSITIONS", 24) {
        let mut chance = Chance(seed);
        let first = chance.below(2) == 0;
        stage.prepare(first);
        let expected = if first { &stage.first } else { &stage.second };
        let faults: Vec<&Case> = (0..1 + chance.below(5)).map(|_| &cases[chance.below(cases.len())]).collect();
        let told = format!("seed {seed}: {:?}", faults.iter().map(|case| case.name).collect::<Vec<_>>());
        let struck: Vec<_> = faults.iter().map(|case| case.fault).collect();
        stage.server.set_all(&stage.after.world, &struck);
        // A first night cannot see that a search hides what nobody knew of.
        let blind = first && faults.iter().any(|case| case.only_later);
        let ended = stage.run(&["run"], super::LATER);
        if !blind {
            is_honest(&stage, ended.exit, expected, &told);
        }
        stage.server.set(&stage.after.world, None);
        let again =
            if blind { stage.run(&["collect", "--full"], super::LATER) } else { stage.run(&["collect"], super::LATER) };
        assert_eq!(again.exit, 0, "afterwards, {told}: {} {}", again.said, stage.place.record()["gaps"]);
        assert_eq!(&content(&stage.place.path("store")), expected, "afterwards, {told}");
    }
}
