//! The Jira collector against a scripted double, from its answers to the rows of the store.

use std::collections::BTreeSet;

use undercurrent::collect::Outcome;

use super::jira_double::{DAY, Fault, HOUR, Jira};

fn set(ids: impl IntoIterator<Item = i64>) -> BTreeSet<i64> {
    ids.into_iter().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_changelog_that_a_server_cuts_off_is_fetched_by_itself() {
    let jira = Jira::new(false, 3).await;
    jira.state().issues[1].histories = 250;
    jira.state().embedded = Some(100);
    let reports = jira.night().await;
    assert_eq!(reports[0].outcome, Outcome::Complete);
    assert_eq!(jira.rows("issue_changes"), 254);
    assert_eq!(jira.asked("/changelog"), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_changelog_that_stays_cut_off_is_named_and_pushes_out_nothing_known() {
    let jira = Jira::new(false, 3).await;
    jira.state().issues[1].histories = 60;
    jira.night().await;
    assert_eq!(jira.rows("issue_changes"), 64);
    jira.state().issues[1].updated += HOUR;
    jira.state().embedded = Some(10);
    jira.state().own_changelog = false;
    for _ in 0..2 {
        let reports = jira.night().await;
        assert_eq!(reports[0].outcome, Outcome::Incomplete);
        assert!(reports[0].reason.as_ref().unwrap().starts_with("1 issues could not be read whole"));
        assert_eq!(jira.rows("issue_changes"), 64);
    }
    jira.state().embedded = None;
    assert_eq!(jira.night().await[0].outcome, Outcome::Complete);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_thousand_issues_cost_at_most_fifteen_questions_and_pages_of_changes_are_followed() {
    let jira = Jira::new(true, 1000).await;
    assert_eq!(jira.night().await[0].outcome, Outcome::Complete);
    assert_eq!((jira.rows("issues"), jira.rows("issue_changes")), (1000, 2000));
    let questions = jira.asked("search") + jira.asked("bulkfetch");
    assert!((10..=15).contains(&questions), "{questions}");
    assert!(jira.state().bodies.iter().all(|body| !body.to_string().contains("description")));

    let paged = Jira::new(true, 30).await;
    paged.state().bulk_page = 7;
    assert_eq!(paged.night().await[0].outcome, Outcome::Complete);
    assert_eq!(paged.rows("issue_changes"), 60);
    assert_eq!(paged.asked("bulkfetch"), 9 + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_page_smaller_than_asked_is_not_the_end() {
    for cloud in [true, false] {
        let jira = Jira::new(cloud, 130).await;
        jira.state().clamp = 40;
        assert_eq!(jira.night().await[0].outcome, Outcome::Complete);
        assert_eq!(jira.rows("issues"), 130);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_deleted_issue_is_marked_once_the_service_says_that_it_is_not_there() {
    for cloud in [true, false] {
        let jira = Jira::new(cloud, 40).await;
        jira.night().await;
        jira.state().issues.remove(5);
        // Not before the week is over: a census a night would be too dear.
        jira.state().now += DAY;
        assert_eq!(jira.night().await[0].outcome, Outcome::Complete);
        assert_eq!(jira.stored("PAY").1, set([]));
        jira.state().now += 7 * DAY;
        assert_eq!(jira.night().await[0].outcome, Outcome::Complete);
        assert_eq!(jira.stored("PAY").1, set([1005]));
        assert_eq!(jira.rows("issues"), 40);
        let before = jira.files("issues");
        jira.state().now += 7 * DAY;
        jira.night().await;
        assert_eq!(jira.files("issues"), before);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_issue_that_can_be_seen_again_is_no_longer_gone() {
    let jira = Jira::new(true, 40).await;
    jira.night().await;
    let lost = jira.state().issues.remove(5);
    jira.state().now += 8 * DAY;
    jira.night().await;
    assert_eq!(jira.stored("PAY").1, set([1005]));
    jira.state().issues.push(lost);
    jira.state().now += 8 * DAY;
    jira.night().await;
    assert_eq!(jira.stored("PAY").1, set([]));
    assert_eq!(jira.stored("PAY").0.len(), 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn more_than_five_percent_at_once_are_a_lost_permission_and_mark_nothing() {
    let jira = Jira::new(true, 40).await;
    jira.night().await;
    jira.state().issues.drain(4..7);
    jira.state().now += 8 * DAY;
    for _ in 0..3 {
        let reports = jira.night().await;
        assert_eq!(reports[0].outcome, Outcome::Incomplete);
        let reason = reports[0].reason.as_ref().unwrap();
        assert!(reason.starts_with("3 of 40 known issues are no longer visible") && reason.contains("--accept-gone"));
        assert_eq!(jira.stored("PAY").1, set([]));
    }
    jira.accept_gone.store(true, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(jira.night().await[0].outcome, Outcome::Complete);
    assert_eq!(jira.stored("PAY").1, set([1004, 1005, 1006]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn small_projects_share_the_question_about_changes_and_come_to_the_same_rows() {
    let jira = Jira::new(true, 40).await;
    for issue in jira.state().issues.iter_mut().skip(25) {
        issue.project = 200;
    }
    let reports = jira.night_of(&["PAY", "OPS"], &[7]).await;
    // Twelve fields are two questions, whichever projects the issues are of.
    assert!(reports.iter().all(|report| report.outcome == Outcome::Complete), "{reports:?}");
    assert_eq!((jira.asked("bulkfetch"), jira.rows("issues"), jira.rows("issue_changes")), (2, 40, 80));
    assert_eq!((jira.stored("PAY").0.len(), jira.stored("OPS").0.len()), (25, 15));
    let alone = Jira::new(true, 40).await;
    alone.state().issues.clone_from(&jira.state().issues);
    for key in ["PAY", "OPS"] {
        alone.night_of(&[key], &[7]).await;
    }
    assert_eq!((alone.rows("issues"), alone.rows("issue_changes")), (40, 80));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn accounts_of_apps_are_linked_to_automation() {
    let jira = Jira::new(true, 3).await;
    jira.state().app = true;
    jira.night().await;
    assert_eq!((jira.rows("issue_changes"), jira.rows("people_accounts")), (6, 1));
    let people = Jira::new(true, 3).await;
    people.night().await;
    assert_eq!(people.rows("people_accounts"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_board_that_cannot_be_read_has_a_report_of_its_own() {
    let jira = Jira::new(true, 3).await;
    jira.state().sprints = vec![(1, "active")];
    let reports = jira.night_of(&["PAY"], &[7, 99]).await;
    let boards: Vec<(&str, &str, Outcome)> =
        reports[1..].iter().map(|report| (report.id.scope.as_str(), report.label.as_str(), report.outcome)).collect();
    assert_eq!(boards, [("7", "board 7", Outcome::Complete), ("99", "board 99", Outcome::Complete)]);
    let found = Jira::new(true, 3).await;
    assert_eq!(found.night().await[1].label, "board 7 of PAY");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_absence_that_cannot_be_looked_into_counts_the_second_time() {
    let jira = Jira::new(true, 40).await;
    jira.night().await;
    jira.state().issues.remove(5);
    jira.state().locked = set([1005]);
    jira.state().now += 8 * DAY;
    let reports = jira.night().await;
    assert_eq!(reports[0].outcome, Outcome::Incomplete);
    assert_eq!(jira.stored("PAY").1, set([]));
    jira.state().now += DAY;
    assert_eq!(jira.night().await[0].outcome, Outcome::Complete);
    assert_eq!(jira.stored("PAY").1, set([1005]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_issue_that_left_for_a_project_nobody_reads_keeps_its_number() {
    let jira = Jira::new(true, 40).await;
    jira.night().await;
    jira.state().issues[5].project = 200;
    jira.state().now += 8 * DAY;
    assert_eq!(jira.night().await[0].outcome, Outcome::Complete);
    assert_eq!(jira.stored("OPS"), (set([1005]), set([])));
    assert_eq!(jira.stored("PAY").0.len(), 39);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn nothing_at_all_where_issues_are_known_is_suspicious() {
    for cloud in [true, false] {
        let jira = Jira::new(cloud, 40).await;
        jira.night().await;
        jira.state().issues.clear();
        jira.state().now += DAY;
        for _ in 0..2 {
            let reports = jira.night().await;
            assert_eq!(reports[0].outcome, Outcome::Incomplete);
            assert!(reports[0].reason.as_ref().unwrap().starts_with("no issue is visible although 40 are known"));
            assert_eq!(jira.stored("PAY").0.len(), 40);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_census_finds_what_the_search_showed_too_late() {
    let jira = Jira::new(true, 40).await;
    jira.state().unlisted = set([1003]);
    jira.night().await;
    assert_eq!(jira.rows("issues"), 39);
    jira.state().unlisted.clear();
    jira.state().now += 8 * DAY;
    assert_eq!(jira.night().await[0].outcome, Outcome::Complete);
    assert_eq!((jira.rows("issues"), jira.rows("issue_changes")), (40, 80));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_login_page_is_no_answer_and_nobody_s_answers_are_not_ours() {
    let jira = Jira::new(true, 3).await;
    jira.state().searches.insert(1, Fault::Login);
    assert_eq!(jira.night().await[0].outcome, Outcome::Complete);
    assert_eq!((jira.rows("issues"), jira.asked("search")), (3, 2));
    jira.state().anonymous = true;
    let reports = jira.night().await;
    assert!(reports.iter().all(|report| report.outcome == Outcome::Failed && report.refused));
    assert_eq!(jira.asked(""), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn refused_credentials_end_the_source_without_another_try() {
    let jira = Jira::new(true, 3).await;
    jira.state().searches.insert(1, Fault::Captcha);
    let reports = jira.night_of(&["PAY", "OPS"], &[]).await;
    assert_eq!(reports.len(), 2);
    assert!(reports.iter().all(|report| report.outcome == Outcome::Failed && report.refused));
    assert!(jira.state().asked.last().unwrap().ends_with("/search/jql"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_first_reading_that_is_cut_off_goes_on_where_it_stopped() {
    for (cloud, issues, cut) in [(false, 450, 3), (true, 1250, 12)] {
        let jira = Jira::new(cloud, issues).await;
        jira.state().searches.insert(cut, Fault::Forbidden);
        assert_eq!(jira.night().await[0].outcome, Outcome::Failed);
        let kept = jira.rows("issues");
        assert!(kept >= 190, "{kept}");
        jira.state().searches.clear();
        let reports = jira.night().await;
        assert_eq!(reports[0].outcome, Outcome::Complete);
        assert_eq!((jira.rows("issues"), jira.rows("issue_changes")), (issues as u64, 2 * issues as u64));
        let whole = Jira::new(cloud, issues).await;
        assert!(reports[0].pages < whole.night().await[0].pages);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_page_token_that_is_no_longer_taken_costs_no_issue() {
    let jira = Jira::new(true, 250).await;
    jira.state().searches.insert(2, Fault::BadToken);
    assert_eq!(jira.night().await[0].outcome, Outcome::Complete);
    assert_eq!(jira.rows("issues"), 250);
    jira.state().searches.insert(1, Fault::BadToken);
    let reports = jira.night().await;
    assert_eq!(reports[0].outcome, Outcome::Failed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_issue_that_changes_while_a_server_is_read_takes_no_other_with_it() {
    let jira = Jira::new(false, 250).await;
    jira.state().touched_after_first = Some(1010);
    assert_eq!(jira.night().await[0].outcome, Outcome::Complete);
    assert_eq!((jira.rows("issues"), jira.rows("issue_changes")), (250, 500));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn issues_changed_in_one_bulk_edit_are_all_read() {
    let jira = Jira::new(false, 350).await;
    for issue in &mut jira.state().issues {
        issue.updated = issue.updated.min(super::jira_double::NOW - 2 * DAY);
    }
    let same = super::jira_double::NOW - 3 * DAY;
    for issue in &mut jira.state().issues {
        issue.updated = same;
    }
    assert_eq!(jira.night().await[0].outcome, Outcome::Complete);
    assert_eq!(jira.rows("issues"), 350);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_issue_of_an_unknown_shape_costs_a_row_and_is_asked_for_again() {
    let jira = Jira::new(true, 40).await;
    jira.state().issues[5].odd = true;
    for _ in 0..2 {
        let reports = jira.night().await;
        assert_eq!(reports[0].outcome, Outcome::Incomplete);
        assert!(reports[0].reason.as_ref().unwrap().starts_with("1 issues could not be read whole"));
        assert_eq!(jira.rows("issues"), 39);
        jira.state().now += DAY;
    }
    jira.state().issues[5].odd = false;
    assert_eq!(jira.night().await[0].outcome, Outcome::Complete);
    assert_eq!(jira.rows("issues"), 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn boards_are_found_by_project_and_a_sprint_that_ended_is_asked_for_by_itself() {
    let jira = Jira::new(true, 3).await;
    jira.state().sprints = vec![(1, "closed"), (2, "active"), (3, "future")];
    let reports = jira.night().await;
    assert_eq!((reports[1].outcome, jira.rows("sprints")), (Outcome::Complete, 3));
    jira.state().sprints = vec![(1, "closed"), (2, "closed"), (3, "active"), (4, "future")];
    jira.state().now += DAY;
    jira.night().await;
    assert_eq!((jira.rows("sprints"), jira.asked("/sprint/2"), jira.asked("/sprint/1")), (4, 1, 0));

    let whole = Jira::new(true, 3).await;
    whole.state().sprints = jira.state().sprints.clone();
    whole.night_of(&["PAY"], &[7]).await;
    let rows = |jira: &Jira| jira.rows("sprints");
    assert_eq!(rows(&whole), rows(&jira));
}
