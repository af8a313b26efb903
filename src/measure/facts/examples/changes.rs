//! Changes of code: their reviews, what is said about them, and what became of them.

use super::*;
use crate::measure::tables::Rewrite;

#[test]
fn a_request_waits_too_long_when_eight_working_hours_pass_without_a_human_answer() {
    let mut tables = tables();
    tables.pulls = (1..=5).map(|number| pull(number, ADA, at(0, 9), at(9, 12), 10)).collect();
    tables.pulls[1].closed_at = None;
    tables.pulls[1].merged_at = None;
    let asked = |number, moment| Act { subject: BO, ..act(number, ADA, moment, "review_requested") };
    tables.acts = (1..=5).map(|number| asked(number, if number == 4 { at(4, 16) } else { at(0, 10) })).collect();
    let reviews = vec![
        review(1, BO, at(0, 16), "commented", 1),
        // Automation answers; nobody does.
        review(2, Some(BOT), at(0, 11), "commented", 1),
        review(3, BO, at(2, 9), "approved", 0),
        // From Friday at four to Monday at ten: two working hours.
        review(4, CY, at(7, 10), "approved", 0),
    ];
    // Closed before it was decided.
    tables.acts.push(act(5, ADA, at(0, 15), "closed"));
    let expected = [
        "day 0 person 1 o/pay#1 0 of 1",
        "day 1 person 1 o/pay#2 1 of 1",
        "day 1 person 1 o/pay#3 1 of 1",
        "day 7 person 1 o/pay#4 0 of 1",
    ];
    check(&with_reviews(tables, reviews), "waiting_for_review", &expected);
}

#[test]
fn a_change_was_rewritten_early_when_a_third_of_its_lines_changed_again_in_the_three_weeks_after_it_landed() {
    let mut tables = tables();
    tables.pulls = (1..=2).map(|number| pull(number, ADA, at(-25, 9), at(-21, 12), 10)).collect();
    tables.pulls[1].merged_at = Some(at(-20, 12));
    let rewrite = |sha: u8, author, landed_at, lines_added, lines_changed_again| Rewrite {
        clone_id: 9,
        sha: vec![sha],
        author,
        author_is_bot: author == Some(BOT),
        landed_at,
        lines_added,
        lines_changed_again,
    };
    tables.listed.insert(vec![1], (1, Some(1)));
    tables.rewrites = vec![
        rewrite(1, CY, at(-21, 13), 9, 3),
        // A rebase merge of two commits: five of twenty lines in all.
        rewrite(2, ADA, Millis(at(-20, 12).0 + 1_000), 10, 1),
        rewrite(3, ADA, Millis(at(-20, 12).0 + 2_000), 10, 4),
        // No pull request is known.
        rewrite(4, BO, at(-19, 9), 4, 2),
        rewrite(5, CY, at(-19, 9), 0, 0),
        rewrite(6, Some(BOT), at(-19, 9), 4, 4),
    ];
    let expected = [
        "day 0 person 1 o/pay#1 1 of 1",
        "day 1 person 1 o/pay#2 0 of 1",
        "day 2 person 2 - 1 of 1",
        "day 2 person 3 - 0 of 1",
    ];
    check(&tables, "early_rewriting", &expected);
}

#[test]
fn a_larger_change_is_quiet_where_no_other_human_wrote_before_the_merge() {
    let mut tables = tables();
    tables.pulls = (1..=7).map(|number| pull(number, ADA, at(0, 9), at(1, 12), 60)).collect();
    tables.pulls[5].lines = 50;
    tables.pulls[6].author = Some(BOT);
    let reviews = vec![
        review(1, BO, at(1, 10), "approved", 0),
        review(2, BO, at(1, 10), "approved", 2),
        review(3, CY, at(1, 10), "changes_requested", 0),
        review(3, CY, at(1, 11), "approved", 0),
        review(4, Some(BOT), at(1, 10), "commented", 3),
        review(4, CY, at(1, 11), "approved", 0),
        review(5, BO, at(1, 13), "commented", 0),
        review(6, BO, at(1, 11), "approved", 0),
    ];
    tables.acts.push(act(1, ADA, at(1, 9), "comment"));
    let expected = ["o/pay#1 1", "o/pay#2 0", "o/pay#3 0", "o/pay#4 1", "o/pay#5 1"];
    let expected = expected.map(|item| format!("day 1 person 1 {item} of 1"));
    check(&with_reviews(tables, reviews), "quiet_approvals", &expected.each_ref().map(String::as_str));
}

#[test]
fn a_repository_that_hardly_reviews_says_nothing_about_quiet_approvals() {
    let mut tables = tables();
    tables.pulls = (1..=3).map(|number| pull(number, ADA, at(0, 9), at(1, 12), 60)).collect();
    check(&with_reviews(tables, vec![review(1, BO, at(1, 10), "approved", 0)]), "quiet_approvals", &[]);
}

#[test]
fn a_large_change_is_approved_at_once_within_ten_minutes_after_it_became_ready() {
    let mut tables = tables();
    tables.pulls = (1..=4).map(|number| pull(number, ADA, at(0, 9), at(1, 12), 201)).collect();
    tables.pulls[3].lines = 200;
    let soon = Millis(at(0, 9).0 + 9 * 60_000);
    let late = Millis(at(1, 10).0 + 9 * 60_000);
    let reviews = vec![
        review(1, BO, soon, "approved", 0),
        review(2, BO, Millis(soon.0 + 60_000), "approved", 0),
        review(3, BO, late, "approved", 0),
        review(4, BO, soon, "approved", 0),
    ];
    tables.acts.push(act(3, ADA, at(1, 10), "ready"));
    let expected = ["day 1 person 1 o/pay#1 1 of 1", "day 1 person 1 o/pay#2 0 of 1", "day 1 person 1 o/pay#3 1 of 1"];
    check(&with_reviews(tables, reviews), "fast_approvals", &expected);
}

#[test]
fn disagreement_is_late_after_four_rounds_or_a_week_without_a_merge() {
    let mut tables = tables();
    tables.pulls = (1..=4).map(|number| pull(number, ADA, at(0, 9), at(3 + number, 12), 10)).collect();
    tables.pulls[2].merged_at = None;
    tables.pulls[3].merged_at = None;
    tables.pulls[3].closed_at = Some(at(7, 12));
    let asks = |number: i64, hour: i64, who| review(number, who, at(1, hour), "changes_requested", 0);
    // Four times by one reviewer are four rounds; two reviewers before the author answers are one.
    let mut reviews: Vec<_> = (9..13).map(|hour| asks(1, hour, BO)).collect();
    reviews.extend([asks(2, 9, BO), asks(2, 10, CY), asks(2, 11, BO), asks(2, 12, CY)]);
    let expected =
        ["day 4 person 1 - 1 of 1", "day 7 person 1 - 0 of 1", "day 7 person 1 - 0 of 1", "day 7 person 1 - 1 of 1"];
    check(&with_reviews(tables, reviews), "late_disagreement", &expected);
}

#[test]
fn a_merged_change_without_a_key_is_unlinked() {
    let mut tables = tables();
    tables.pulls = (1..=2).map(|number| pull(number, BO, at(0, 9), at(1, 12), 10)).collect();
    tables.pulls[1].issue_keys = "PAY-7".to_owned();
    check(&tables, "unlinked_work", &["day 1 person 2 o/pay#1 1 of 1", "day 1 person 2 o/pay#2 0 of 1"]);
}

#[test]
fn reviews_rest_on_the_three_who_gave_most_in_the_week_and_belong_to_the_author() {
    let mut tables = tables();
    tables.pulls = vec![pull(1, ADA, at(0, 9), at(4, 12), 10)];
    let given = [(BO, 3), (CY, 2), (DEE, 2), (Some(104), 1)];
    let mut reviews = vec![review(1, ADA, at(1, 9), "commented", 0), review(1, Some(BOT), at(1, 9), "commented", 0)];
    for (who, times) in given {
        reviews.extend((0..times).map(|hour| review(1, who, at(1, 9 + hour), "commented", 0)));
    }
    let mut expected = vec!["day 1 person 1 - 1 of 1"; 7];
    expected.push("day 1 person 1 - 0 of 1");
    check(&with_reviews(tables, reviews), "review_concentration", &expected);
}

#[test]
fn a_voice_is_a_review_or_a_comment_on_a_change_of_somebody_else() {
    let mut tables = tables();
    tables.pulls = vec![pull(1, ADA, at(0, 9), at(9, 12), 10), pull(2, Some(BOT), at(0, 9), at(9, 12), 10)];
    tables.acts = vec![
        act(1, BO, at(1, 9), "review"),
        act(1, BO, at(1, 10), "comment"),
        act(1, ADA, at(1, 11), "comment"),
        act(1, BO, at(1, 12), "merged"),
        act(2, BO, at(1, 13), "comment"),
        // On a Saturday: it counts on the Monday after.
        act(1, CY, at(5, 13), "comment"),
        Act { actor_is_bot: true, ..act(1, Some(BOT), at(1, 14), "comment") },
    ];
    check(&tables, "fewer_voices", &["day 1 person 2 - 2 of 0", "day 7 person 3 - 1 of 0"]);
}
