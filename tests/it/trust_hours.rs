//! G7, G11, G19 through the whole program, over a clone with forty weeks of commits: a person who lives elsewhere and
//! works the same hours there changes no byte of the page, nor does another order or another name of people, nor another
//! key of the store.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::git::git;
use crate::support::canary::files_below;
use crate::support::organisation::Organisation;

const NAMES: [&str; 5] = ["ada", "bo", "cy", "dee", "eli"];
/// A Monday, 2026-02-09 in seconds, and the night after forty weeks.
const FIRST: i64 = 1_770_595_200;
pub const NIGHT: &str = "2026-11-16T04:00:00Z";
const DAY: i64 = 86_400;

/// Writes commits of five people into a clone, in local time. Person 0 lives `hours` ahead of UTC, the others one hour.
fn clone(folder: &Path, hours: i64) {
    std::fs::create_dir(folder).unwrap();
    git(folder, &["init", "-q", "-b", "main"]);
    let mut stream = String::new();
    let mut commits: Vec<(i64, usize, i64)> = Vec::new();
    for day in (0..280).filter(|day| day % 7 < 5) {
        for person in 0..NAMES.len() {
            let noise = (day * 31 + i64::try_from(person).unwrap() * 17) % 10;
            // Two commits within the hours; lately on most days two in the evening as well.
            let late = day > 266 && noise < 8;
            let local =
                [9 * 60 + 30, 15 * 60].into_iter().chain(if late { vec![22 * 60 + 30, 23 * 60 + 10] } else { vec![] });
            let offset = if person == 0 { hours } else { 1 };
            commits.extend(local.map(|minute| (FIRST + day * DAY + minute * 60 - offset * 3600, person, offset)));
        }
    }
    // In an order that does not hang on where person 0 lives, so that it is not the history that differs.
    commits.sort_by_key(|(at, person, offset)| (at + offset * 3600, *person));
    for (at, person, offset) in commits {
        let who = NAMES[person];
        let zone = format!("{}{:02}00", if offset < 0 { '-' } else { '+' }, offset.abs());
        stream.push_str(&format!(
            "commit refs/heads/main\nauthor x <mail-{who}@example.com> {at} {zone}\ncommitter x <mail-{who}@example.com> \
             {at} {zone}\ndata 1\nx\n"
        ));
    }
    let mut import = Command::new("git");
    let import = import.current_dir(folder).args(["fast-import", "--quiet", "--date-format=raw"]).stdin(Stdio::piped());
    let mut child = import.spawn().expect("git is there");
    child.stdin.take().unwrap().write_all(stream.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

/// An organisation with such a clone; `change` is done to the configuration first.
pub fn organisation(hours: i64, change: impl Fn(String) -> String) -> Organisation {
    // Zones of this kind count the other way.
    let sign = if hours < 0 { '+' } else { '-' };
    let zone = format!("time-zone = \"Etc/GMT{sign}{}\"\n", hours.abs());
    let place = Organisation::new("", "git = [\"clone\"]", &zone);
    let text = place.read("undercurrent.toml");
    let others = "time-zone = \"Etc/GMT-1\"\n";
    let text = NAMES[1..].iter().fold(text, |text, name| {
        let mail = format!("emails = [\"mail-{name}@example.com\"]\n");
        text.replace(&mail, &format!("{mail}{others}"))
    });
    std::fs::write(place.path("undercurrent.toml"), change(text)).unwrap();
    clone(&place.path("clone"), hours);
    place
}

/// The pages of a night over such a clone.
fn pages(hours: i64, change: impl Fn(String) -> String) -> Vec<(String, Vec<u8>)> {
    let place = organisation(hours, change);
    let ended = place.run(&["run", "--as-of", NIGHT]);
    assert_eq!(ended.exit, 0, "{ended:?}");
    let root = place.path("report/latest");
    files_below(&root)
        .iter()
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(path).unwrap()))
        .collect()
}

#[track_caller]
fn same(one: &[(String, Vec<u8>)], other: &[(String, Vec<u8>)]) {
    assert_eq!(one.len(), other.len());
    for ((name, left), (_, right)) in one.iter().zip(other) {
        if left != right {
            let (left, right) = (String::from_utf8_lossy(left), String::from_utf8_lossy(right));
            let differs = left.lines().zip(right.lines()).find(|(left, right)| left != right);
            panic!("{name} differs: {differs:?}");
        }
    }
}

/// The page tells something about hours: else nothing would be compared.
fn tells_of_hours(pages: &[(String, Vec<u8>)]) {
    let (_, figures) = pages.iter().find(|(name, _)| name == "payments.json").unwrap();
    let page: serde_json::Value = serde_json::from_slice(figures).unwrap();
    let cards = page["conversations"].as_array().unwrap();
    assert!(cards.iter().any(|card| card["signals"] == serde_json::json!(["outside_usual_hours"])), "{page}");
}

#[test]
fn g7_whoever_works_the_same_hours_elsewhere_changes_no_byte() {
    let home = pages(1, |text| text);
    tells_of_hours(&home);
    for hours in [-8, 5, 11] {
        same(&home, &pages(hours, |text| text));
    }
}

#[test]
fn g11_g19_names_and_order_of_people_and_the_key_of_the_store_change_no_byte() {
    let plain = pages(1, |text| text);
    same(&plain, &pages(1, |text| text));
    let turned = pages(1, |text| {
        let (head, rest) = text.split_once("[[people]]").unwrap();
        let (people, teams) = rest.split_once("[[teams]]").unwrap();
        let mut people: Vec<&str> = people.split("[[people]]").collect();
        people.reverse();
        let people: String =
            people.iter().map(|person| format!("[[people]]{}\n", person.trim_end_matches('\n'))).collect();
        let members = NAMES.map(|name| format!("\"person-{name}\""));
        let (before, mut after) = (members.join(", "), members.to_vec());
        after.rotate_left(2);
        format!("{head}{people}[[teams]]{}", teams.replace(&before, &after.join(", ")))
    });
    same(&plain, &turned);
    let renamed = pages(1, |text| {
        NAMES
            .iter()
            .rev()
            .zip(["q", "w", "e", "r", "t"])
            .fold(text, |text, (name, new)| text.replace(&format!("person-{name}"), &format!("somebody-{new}")))
    });
    same(&plain, &renamed);
}
