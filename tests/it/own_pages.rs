//! A team's page in a folder of its own, readable for those whom the configuration names.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::organisation::Organisation;

const CONFIG: [&str; 4] = ["--config", "sample/undercurrent.toml", "--as-of", "2026-11-23T04:10:00Z"];

#[test]
fn a_page_in_a_folder_of_its_own_stands_nowhere_else_and_may_be_read_by_its_group_alone() {
    let place = Organisation::new("", "", "");
    assert_eq!(place.run(&["demo", "--out", "sample"]).exit, 0);
    let before = place.read("sample/report/latest/payments.html");
    let config = place.read("sample/undercurrent.toml");
    let team = "[[teams]]\nid = \"payments\"\n";
    assert!(config.contains(team), "{config}");
    let config = config.replace(team, &format!("{team}pages = \"own/payments\"\n"));
    fs::write(place.path("sample/undercurrent.toml"), config + "\n[report]\nreadable = \"group\"\n").unwrap();
    // Set by whoever runs the program; folders made in it inherit the group.
    fs::create_dir_all(place.path("sample/own/payments")).unwrap();
    fs::set_permissions(place.path("sample/own/payments"), fs::Permissions::from_mode(0o2750)).unwrap();
    let ended = place.run(&[&["report"][..], &CONFIG].concat());
    assert_eq!(ended.exit, 0, "{ended:?}");

    let mode = |name: &str| fs::metadata(place.path(name)).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode("sample/own/payments/latest"), 0o2750);
    assert_eq!(mode("sample/own/payments/2026-11-23/payments.json"), 0o640);
    assert_eq!((mode("sample/report/latest"), mode("sample/report/latest/index.html")), (0o750, 0o640));
    let without_link = before.replace("<a href=\"index.html\">", "").replace("</a>", "");
    assert_eq!(place.read("sample/own/payments/latest/payments.html").replace("</a>", ""), without_link);
    assert!(!place.path("sample/own/payments/latest/index.html").exists());
    for entry in fs::read_dir(place.path("sample/report/latest")).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!text.contains("payments.") && !text.contains("Payments"), "{text}");
    }
}

#[test]
fn a_folder_of_pages_lies_apart_from_the_common_one_and_from_the_store() {
    for folder in ["report/payments", "store", "."] {
        let ended = Organisation::new("", &format!("pages = \"{folder}\""), "").run(&["check"]);
        let told = "a team's own folder lies apart from";
        assert!(ended.exit == 2 && ended.complained.contains(told), "{folder}: {ended:?}");
    }
    let ended = Organisation::new("[report]\nreadable = \"world\"\n", "", "").run(&["check"]);
    assert!(ended.exit == 2 && ended.complained.contains("readable for the owner, the group, or all"), "{ended:?}");
}
