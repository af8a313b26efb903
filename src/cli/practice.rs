//! `followups --practice`: how a leader's record was used, told to the leader alone.

use jiff::civil::Date;
use serde_json::json;

use crate::config::Team;
use crate::follow_ups::{Ledger, Practice, Share};
use crate::pipeline::history::History;
use crate::pipeline::{Failure, ledger};

/// What the records come to, as text or JSON.
///
/// # Errors
/// [`Failure`] where the figures cannot be written as JSON.
pub(super) fn told(
    records: &[(Vec<&Team>, Ledger)],
    history: &History,
    today: Date,
    as_json: bool,
) -> Result<String, Failure> {
    let of = |(teams, record): &(Vec<&Team>, Ledger)| {
        let practice = record.practice(&ledger::opened(history, teams), today);
        (teams.iter().map(|team| team.name.clone()).collect::<Vec<_>>(), practice)
    };
    let all: Vec<(Vec<String>, Practice)> = records.iter().map(of).collect();
    if as_json {
        let lines: Vec<_> = all.iter().map(|(teams, practice)| figures(teams, practice)).collect();
        return Ok(serde_json::to_string_pretty(&lines).map_err(|error| Failure::internal(&error))? + "\n");
    }
    Ok(all.iter().map(|(teams, practice)| text(teams, practice)).collect())
}

fn figures(teams: &[String], practice: &Practice) -> serde_json::Value {
    let share = |share: Share| json!({"of": share.of, "were": share.were});
    let by_signal = practice.measured_wrongly.iter().map(|(slug, of)| (slug.clone(), share(*of)));
    json!({
        "teams": teams,
        "cards_talked_about_within_two_weeks": share(practice.talked),
        "follow_ups_asked_within_a_week": share(practice.asked),
        "cards_measured_wrongly": by_signal.collect::<serde_json::Map<_, _>>(),
    })
}

fn text(teams: &[String], practice: &Practice) -> String {
    let told = |what: &str, share: Share, which: &str| match share.of {
        0 => format!("  {which}: none yet\n"),
        of => format!("  {which}: {of}; {} of them {what}\n", share.were),
    };
    let mut text = format!("{}\n", teams.join(", "));
    text += &told("talked about within two weeks", practice.talked, "cards older than two weeks, of the last 400 days");
    text += &told("asked about within a week of the day", practice.asked, "follow-ups whose time is over");
    for (slug, share) in practice.doubted() {
        text += &format!(
            "  {slug}: {} of {} cards set aside as measured wrongly. Better off than misleading: [[teams]] signals-off = \
             [\"{slug}\"]\n",
            share.were, share.of
        );
    }
    text += "  These figures are yours: they are made from your own record and stand nowhere else.\n";
    text
}
