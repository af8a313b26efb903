//! Plans: dates that move, and sprints with more in them than the past finished.

use super::*;

fn sprint(tables: &mut Tables, id: i64, starts: Millis, ends: Millis) {
    let sprint = Sprint { starts_at: Some(starts), ends_at: Some(ends), completed_at: Some(ends) };
    tables.sprints.insert(("h".to_owned(), id), sprint);
}

fn join(tables: &mut Tables, id: i64, at: Millis, sprint: &str) {
    tables.changes.entry(("h".to_owned(), id)).or_default().insert(0, edit("sprint", at, None, Some(sprint)));
}

#[test]
fn a_date_moves_when_it_is_set_later_or_its_item_is_open_when_the_sprint_ends() {
    let mut tables = tables();
    let due = |id, day: i64| Ticket { due_on: Some(day_number(date(2026, 9, 7)) + day), ..ticket(id, at(-9, 9), ADA) };
    tables.tickets = vec![due(1, 13), due(2, 3), due(3, 2), ticket(4, at(-9, 9), BO), ticket(5, at(-9, 9), BO)];
    let moved = |from, to| vec![edit("duedate", at(1, 10), Some(from), Some(to))];
    tables.changes.insert(("h".to_owned(), 1), moved("2026-09-10", "2026-09-20"));
    tables.changes.insert(("h".to_owned(), 3), moved("2026-09-10", "2026-09-09"));
    way(&mut tables, 5, &[("todo", at(-9, 9)), ("doing", at(0, 9)), ("done", at(3, 9))]);
    sprint(&mut tables, 7, at(-10, 9), at(4, 16));
    join(&mut tables, 4, at(-9, 10), "7");
    join(&mut tables, 5, at(-9, 10), "7");
    let expected = [
        "day 1 person 1 PAY-1 1 of 1",
        // The new date is a Sunday, and counts on the Monday after.
        "day 14 person 1 PAY-1 0 of 1",
        "day 3 person 1 PAY-2 0 of 1",
        "day 2 person 1 PAY-3 0 of 1",
        "day 4 person 2 PAY-4 1 of 1",
        "day 4 person 2 PAY-5 0 of 1",
    ];
    check(&tables, "moving_dates", &expected);
}

#[test]
fn a_plan_is_what_is_in_the_sprint_on_its_first_evening_and_a_result_what_was_done_in_it() {
    let mut tables = tables();
    // From Monday to the Monday after next: the last day is the Friday before.
    sprint(&mut tables, 7, at(0, 9), at(14, 9));
    tables.tickets = (1..=5).map(|id| ticket(id, at(-9, 9), [ADA, BO, CY, BO, None][id as usize - 1])).collect();
    for (id, joined) in [(1, at(-1, 9)), (2, at(0, 16)), (3, at(2, 9)), (4, at(-1, 9)), (5, at(-1, 9))] {
        let done = [at(3, 9), at(15, 9), at(5, 9), at(-1, 12), at(16, 9)][id as usize - 1];
        way(&mut tables, id, &[("todo", at(-9, 9)), ("doing", at(-2, 9)), ("done", done)]);
        join(&mut tables, id, joined, "7");
    }
    let mut roster = roster();
    let monday = day_number(date(2026, 9, 7));
    roster.people[1].absences = vec![(monday + 4, monday + 4)];
    let expected = [
        // Ada's and Bo's item and one that nobody has; what Cy has came later, and one was done before.
        "day 0 person 1 plan 2026-09-07 1 of 10",
        "day 0 person 2 plan 2026-09-07 1 of 9",
        "day 0 person 3 plan 2026-09-07 0 of 10",
        "day 0 person - plan 2026-09-07 1 of 0",
        "day 11 person 1 result 2026-09-07 1 of 10",
        "day 11 person 2 result 2026-09-07 0 of 9",
        "day 11 person 3 result 2026-09-07 1 of 10",
    ];
    compare(evidence(&roster, &tables, "overfull_plan"), &expected);
}

#[test]
fn a_running_sprint_has_a_plan_for_the_days_ahead_and_no_result() {
    let mut tables = tables();
    sprint(&mut tables, 8, at(14, 9), at(28, 9));
    tables.tickets = vec![ticket(1, at(0, 9), ADA)];
    join(&mut tables, 1, at(13, 9), "8");
    let mut expected = vec!["day 14 person 1 plan 2026-09-21 1 of 10"];
    expected.extend(["day 14 person 2 plan 2026-09-21 0 of 10", "day 14 person 3 plan 2026-09-21 0 of 10"]);
    check(&tables, "overfull_plan", &expected);
    // A sprint of the other team, though one item of this one is in it.
    tables.tickets.extend((2..=4).map(|id| Ticket { project: "WEB".to_owned(), ..ticket(id, at(0, 9), DEE) }));
    (2..=4).for_each(|id| join(&mut tables, id, at(13, 9), "8"));
    check(&tables, "overfull_plan", &[]);
}
