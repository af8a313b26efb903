//! Items: how they are begun, come back, rest and wait.

use super::*;

#[test]
fn an_item_is_stalled_once_it_is_older_than_85_in_100_finished_ones_became() {
    let mut tables = tables();
    for id in 1..=20 {
        tables.tickets.push(ticket(id, at(-60, 9), ADA));
        // Thursday at nine to Friday at five: two working days.
        way(&mut tables, id, &[("todo", at(-60, 9)), ("doing", at(-60, 9)), ("done", at(-59, 17))]);
    }
    tables.tickets.extend([ticket(30, at(-3, 9), BO), Ticket { kind: "Epic".to_owned(), ..ticket(31, at(-3, 9), BO) }]);
    for id in [30, 31] {
        way(&mut tables, id, &[("todo", at(-3, 9)), ("doing", at(0, 9)), ("done", at(3, 10))]);
    }
    let expected = ["day 0 person 2 PAY-30 0 of 1", "day 1 person 2 PAY-30 0 of 1", "day 2 person 2 PAY-30 1 of 1"];
    check(&tables, "stalled_work", &expected);
}

#[test]
fn an_item_is_unplanned_where_it_came_late_into_its_sprint_or_is_an_incident() {
    let mut tables = tables();
    let sprint = |starts, ends| Sprint { starts_at: Some(starts), ends_at: Some(ends), completed_at: None };
    tables.sprints.insert(("h".to_owned(), 7), sprint(at(0, 9), at(14, 9)));
    // Made on day 3, with a start that lies before: its first item says when it began.
    tables.sprints.insert(("h".to_owned(), 8), sprint(at(0, 9), at(14, 9)));
    let added = [(1, "7", at(0, 8)), (2, "7", at(1, 9)), (3, "7", at(1, 10)), (4, "8", at(3, 9)), (5, "8", at(3, 12))];
    for (id, sprint, moment) in added {
        tables.tickets.push(ticket(id, at(-3, 9), ADA));
        way(&mut tables, id, &[("todo", at(-3, 9)), ("doing", at(4, 9))]);
        let changes = tables.changes.get_mut(&("h".to_owned(), id)).unwrap();
        changes.insert(0, edit("sprint", moment, None, Some(sprint)));
    }
    let expected = [(1, 0), (2, 0), (3, 1), (4, 0), (5, 0)].map(|(id, x)| format!("day 4 person 1 PAY-{id} {x} of 1"));
    check(&tables, "unplanned_work", &expected.each_ref().map(String::as_str));
}

#[test]
fn outside_sprints_what_is_begun_at_once_is_unplanned_and_an_incident_counts_once() {
    let mut tables = tables();
    tables.tickets = vec![
        ticket(1, at(0, 9), ADA),
        ticket(2, at(0, 9), ADA),
        Ticket { labels: "hotfix".to_owned(), ..ticket(3, at(0, 9), BO) },
        Ticket { kind: "Incident".to_owned(), ..ticket(4, at(0, 9), None) },
        Ticket { parent: Some(4), ..ticket(5, at(0, 9), CY) },
        Ticket { parent: Some(4), ..ticket(6, at(0, 9), CY) },
    ];
    let begun = [(1, at(1, 9)), (2, at(1, 10)), (3, at(4, 9)), (4, at(4, 9)), (5, at(4, 9)), (6, at(4, 10))];
    for (id, moment) in begun {
        way(&mut tables, id, &[("todo", at(0, 9)), ("doing", moment)]);
    }
    let expected = [
        "day 1 person 1 PAY-1 1 of 1",
        "day 1 person 1 PAY-2 0 of 1",
        "day 4 person 2 PAY-3 1 of 1",
        "day 4 person 3 PAY-4 1 of 1",
    ];
    check(&tables, "unplanned_work", &expected);
}

#[test]
fn work_returns_when_it_is_reopened_or_reverted_within_a_fortnight() {
    let mut tables = tables();
    tables.tickets = (1..=2).map(|id| ticket(id, at(-30, 9), ADA)).collect();
    way(&mut tables, 1, &[("todo", at(-30, 9)), ("doing", at(-2, 9)), ("done", at(0, 9)), ("doing", at(2, 9))]);
    way(&mut tables, 2, &[("todo", at(-30, 9)), ("doing", at(-29, 9)), ("done", at(-14, 9)), ("doing", at(2, 9))]);
    tables.pulls = vec![pull(1, BO, at(0, 9), at(1, 9), 10), pull(2, CY, at(2, 9), at(3, 9), 10)];
    tables.pulls[1].reverts = Some(1);
    let expected = [
        "day -14 person 1 PAY-2 0 of 1",
        "day 0 person 1 PAY-1 0 of 1",
        "day 2 person 1 PAY-1 1 of 1",
        "day 1 person 2 o/pay#1 0 of 1",
        "day 3 person 2 o/pay#1 1 of 1",
        "day 3 person 3 o/pay#2 0 of 1",
    ];
    check(&tables, "returning_work", &expected);
}

/// Ten tickets that went from work to test, so that the project's habits are known; then so many came back from there.
fn from_test(back: i64) -> Tables {
    let mut tables = tables();
    for id in 1..=10 {
        tables.tickets.push(ticket(id, at(-60, 9), ADA));
        let end = if id <= back { "todo" } else { "done" };
        way(&mut tables, id, &[("todo", at(-60, 9)), ("doing", at(-50, 9)), ("test", at(-49, 9)), (end, at(0, 9))]);
    }
    for id in 11..=30 {
        tables.tickets.push(ticket(id, at(-60, 9), ADA));
        way(&mut tables, id, &[("todo", at(-60, 9)), ("doing", at(-50, 9)), ("todo", at(0, 9))]);
    }
    tables
}

#[test]
fn a_step_back_counts_after_test_and_not_where_the_project_hands_over_by_it() {
    let finished = |from: i64, x: i64| (from..=10).map(move |id| format!("day 0 person 1 PAY-{id} {x} of 1"));
    let one: Vec<String> = ["day 0 person 1 PAY-1 1 of 1".to_owned()].into_iter().chain(finished(2, 0)).collect();
    check(&from_test(1), "returning_work", &one.iter().map(String::as_str).collect::<Vec<_>>());
    check(&from_test(10), "returning_work", &[]);
}

#[test]
fn an_item_waits_while_it_is_flagged_parked_or_blocked_by_another_team_s_open_ticket() {
    let mut tables = tables();
    tables.tickets = (1..=3).map(|id| ticket(id, at(0, 9), ADA)).collect();
    for id in 1..=3 {
        way(&mut tables, id, &[("todo", at(0, 9)), ("doing", at(0, 10)), ("done", at(4, 9))]);
    }
    let flag = [edit("flagged", at(1, 9), None, Some("true")), edit("flagged", at(2, 12), Some("true"), None)];
    tables.changes.get_mut(&("h".to_owned(), 1)).unwrap().extend(flag);
    let other = |id, key: &str, project: &str| Ticket {
        key: key.to_owned(),
        project: project.to_owned(),
        ..ticket(id, at(0, 9), None)
    };
    tables.tickets.extend([other(50, "WEB-1", "WEB"), other(51, "PAY-51", "PAY")]);
    way(&mut tables, 50, &[("todo", at(0, 9)), ("done", at(2, 9))]);
    let link = |id, kind: &str, inward, other: &str| Link {
        ticket: ("h".to_owned(), id),
        kind: kind.to_owned(),
        inward,
        other_key: other.to_owned(),
    };
    tables.links = vec![
        link(2, "Blocks", true, "WEB-1"),
        link(3, "Blocks", true, "PAY-51"),
        link(3, "Blocks", false, "WEB-1"),
        link(3, "Relates", true, "WEB-1"),
        link(3, "Blocks", true, "FAR-1"),
    ];
    let expected = ["day 1 person 1 PAY-1 1 of 0", "day 0 person 1 PAY-2 1 of 0", "day 1 person 1 PAY-2 1 of 0"];
    check(&tables, "waiting_on_others", &expected);
}

#[test]
fn a_status_from_which_work_goes_back_to_where_it_was_is_a_place_to_wait() {
    let mut tables = tables();
    for id in 1..=10 {
        tables.tickets.push(ticket(id, at(0, 9), ADA));
        let end = if id == 1 { at(2, 9) } else { at(0, 11) };
        let steps = [("todo", at(0, 9)), ("doing", at(0, 9)), ("park", at(0, 10)), ("doing", end), ("done", at(4, 9))];
        way(&mut tables, id, &steps);
    }
    check(&tables, "waiting_on_others", &["day 0 person 1 PAY-1 1 of 0", "day 1 person 1 PAY-1 1 of 0"]);
}

#[test]
fn a_change_waits_for_somebody_of_another_team_until_that_person_looks_at_it() {
    let mut tables = tables();
    tables.pulls = (1..=2).map(|number| pull(number, ADA, at(0, 9), at(4, 9), 10)).collect();
    let asked = |number, subject| Act { subject, ..act(number, ADA, at(0, 10), "review_requested") };
    tables.acts = vec![asked(1, DEE), asked(2, BO), act(1, BO, at(1, 9), "review"), act(1, DEE, at(2, 9), "review")];
    let expected = ["day 0 person 1 o/pay#1 1 of 0", "day 1 person 1 o/pay#1 1 of 0"];
    check(&tables, "waiting_on_others", &expected);
}
