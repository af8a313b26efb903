//! Nights that end before their time, in the real program: signals, kills at random moments, a second run at once, and nights
//! that were missed.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use super::{EARLIER, LATER, Stage, content, copied, on_pulls};
use crate::support::KEY;
use crate::support::faulty::{Fault, Reply, Sent, When};

/// Kills of one test; the whole sweep of docs/reliability.md takes 500.
fn kills() -> u64 {
    std::env::var("UNDERCURRENT_KILLS").ok().and_then(|count| count.parse().ok()).unwrap_or(12)
}

fn started(stage: &Stage, now: &str) -> Child {
    // The runs of this process use the same key.
    let key = stage.place.path("store/key");
    if !key.exists() {
        std::fs::create_dir_all(stage.place.path("store")).expect("a folder is made");
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(key).expect("a file is made");
        file.write_all(&KEY).expect("it is written");
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_undercurrent"));
    command.args(["--quiet", "run", "--config"]).arg(stage.place.path("undercurrent.toml")).args(["--as-of", now]);
    command.env("TEST_TOKEN", super::TOKEN).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("the program starts")
}

fn ended(mut child: Child, within: Duration) -> i32 {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("it can be asked") {
            return status.code().unwrap_or(-1);
        }
        if begun.elapsed() > within {
            let _ = child.kill();
            panic!("it did not end within {within:?}");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn send(child: &Child, signal: &str) {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill is there");
    assert!(sent.success());
}

/// A limit for an hour, which a real run waits for.
const HOUR: Fault = Fault {
    concerns: on_pulls,
    when: When::Always,
    act: |_, _, _| Sent::Whole(Reply::new(429, "{}").with("retry-after", 3000)),
    heard: str::to_owned,
};

fn until_it_waits(stage: &Stage) {
    let begun = Instant::now();
    while stage.server.seen().0 == 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "it never asked");
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(200));
}

#[test]
fn a_signal_ends_a_waiting_run_in_good_order_and_the_next_one_goes_on() {
    let stage = Stage::new();
    for (signal, exit) in [("-TERM", 143), ("-INT", 130)] {
        stage.empty();
        copied(&stage.kept.path().join("store"), &stage.place.path("store"));
        stage.server.set(&stage.after.world, Some(HOUR));
        let run = started(&stage, LATER);
        until_it_waits(&stage);
        send(&run, signal);
        assert_eq!(ended(run, Duration::from_secs(10)), exit);
        let record = stage.place.record();
        assert_eq!(record["exit_code"], json!(exit));
        let gap = record["gaps"][0].as_str().unwrap_or_default().to_owned();
        assert!(gap.contains("interrupted by SIG"), "{gap}");
        assert!(record["scopes"].as_array().is_some_and(|all| all.iter().all(|scope| scope["outcome"] == "failed")));
        assert!(!stage.place.path("report").exists(), "no page was written");
        stage.server.set(&stage.after.world, None);
        assert_eq!(stage.run(&["collect"], LATER).exit, 0);
        assert_eq!(content(&stage.place.path("store")), stage.second);
    }
}

#[test]
fn a_second_run_beside_a_stopped_one_is_turned_away_and_touches_nothing() {
    let stage = Stage::new();
    stage.empty();
    copied(&stage.kept.path().join("store"), &stage.place.path("store"));
    stage.server.set(&stage.after.world, Some(HOUR));
    let first = started(&stage, LATER);
    until_it_waits(&stage);
    send(&first, "-STOP");
    let (before, asked) = (stage.place.read("store/MANIFEST"), stage.server.seen().1.len());
    assert_eq!(ended(started(&stage, LATER), Duration::from_secs(20)), 5);
    assert_eq!((stage.place.read("store/MANIFEST"), stage.server.seen().1.len()), (before, asked));
    send(&first, "-CONT");
    send(&first, "-TERM");
    assert_eq!(ended(first, Duration::from_secs(10)), 143);
    stage.server.set(&stage.after.world, None);
    assert_eq!(stage.run(&["run"], LATER).exit, 0, "no lock is left behind");
}

#[test]
fn a_night_that_is_killed_at_any_moment_is_whole_after_the_next_one() {
    let stage = Stage::new();
    let mut chance: u64 = 0x5EED;
    let mut struck = 0;
    stage.server.set(&stage.after.world, None);
    stage.empty();
    let begun = Instant::now();
    assert_eq!(ended(started(&stage, LATER), Duration::from_secs(60)), 0);
    let lasts = begun.elapsed();
    for number in 0..kills() {
        stage.empty();
        let expected = if number % 2 == 0 {
            &stage.first
        } else {
            copied(&stage.kept.path().join("store"), &stage.place.path("store"));
            &stage.second
        };
        stage.server.set(&stage.after.world, None);
        let mut run = started(&stage, LATER);
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        std::thread::sleep(lasts.mul_f64((chance >> 33) as f64 / f64::from(1_u32 << 31)));
        run.kill().expect("it can be killed");
        struck += u64::from(run.wait().expect("it ended").code().is_none());
        if stage.place.path("report/latest").exists() {
            let page = stage.place.read("report/latest/payments.html");
            assert!(page.contains("</html>"), "a page is never half there");
        }
        let again = stage.run(&["run"], LATER);
        assert_eq!(again.exit, 0, "after kill {number}: {}", again.said);
        assert_eq!(&content(&stage.place.path("store")), expected, "after kill {number}");
        assert!(stage.place.read("report/latest/payments.html").contains("</html>"));
    }
    println!("{} runs, killed in {struck}", kills());
    assert!(struck > 0, "no run was killed");
}

#[test]
fn after_missed_nights_and_beside_a_wrong_clock_one_run_catches_up() {
    let stage = Stage::new();
    // Asleep for nights, asleep for more than a year, the clock set back a day, and a night that daylight saving repeats.
    for nights in [
        ["2026-11-24T04:00:00Z", "2026-11-28T04:00:00Z"],
        ["2026-11-24T04:00:00Z", "2027-12-30T04:00:00Z"],
        [LATER, EARLIER],
    ] {
        stage.empty();
        copied(&stage.kept.path().join("store"), &stage.place.path("store"));
        let mut last = 0;
        for now in nights {
            stage.server.set(&stage.after.world, None);
            let run = stage.run(&["run"], now);
            assert_eq!(run.exit, 0, "{now}: {}", run.said);
            let seq = stage.place.record()["seq"].as_u64().unwrap_or(0);
            assert!(seq > last, "runs are ordered by number, whatever the clock says");
            last = seq;
        }
        let store = content(&stage.place.path("store"));
        stage.empty();
        stage.server.set(&stage.after.world, None);
        assert_eq!(stage.run(&["run"], nights[1]).exit, 0);
        let fresh = content(&stage.place.path("store"));
        let of_code = |content: &serde_json::Value| -> Vec<(String, serde_json::Value)> {
            let files = content["files"].as_object().expect("files").clone();
            files.into_iter().filter(|(name, _)| !name.contains("source=calendar")).collect()
        };
        if nights[1] < "2027" {
            assert_eq!(of_code(&store), of_code(&fresh), "{nights:?}");
        }
    }
}

#[test]
fn perceval_865_a_first_night_asks_for_no_changes_since_1970() {
    let stage = Stage::new();
    stage.empty();
    stage.server.set(&stage.after.world, None);
    assert_eq!(stage.run(&["collect"], LATER).exit, 0);
    let asked = stage.server.seen().1;
    assert!(asked.iter().any(|asked| asked.path.contains("/pulls/comments")));
    assert!(asked.iter().all(|asked| !asked.path.contains("since=1970")), "GitHub answers it with an empty list");
}

#[test]
fn every_service_is_asked_through_the_proxy_that_the_environment_names() {
    let stage = Stage::new();
    stage.empty();
    // Nobody answers there but through the proxy.
    let elsewhere = "http://127.0.0.1:9";
    let text = stage.place.read("undercurrent.toml").replace(&stage.server.url, elsewhere);
    std::fs::write(stage.place.path("undercurrent.toml"), text).expect("it is written");
    stage.server.set(&stage.after.world, None);
    stage.server.shown_as(elsewhere);
    let proxy = [("http_proxy", stage.server.url.as_str()), ("no_proxy", "")];
    let ended = stage.place.run_with(&proxy, &["--quiet", "run", "--as-of", LATER]);
    assert_eq!(ended.exit, 0, "{ended:?}");
    let asked = stage.server.seen().1;
    for service in [super::on_github, super::on_jira, super::on_calendar] {
        assert!(asked.iter().any(service), "each of the three went through it");
    }
}
