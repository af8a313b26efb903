//! How well each team's sources were read, from the scopes of a run record.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::record::Scope;
use crate::config::{Config, Team};
use crate::model::time::{Millis, day_number};
use crate::report::input::{Cost, Health, Source};
use crate::report::words::Words;

/// The kinds of source, in the order in which they are listed.
pub const KINDS: [&str; 4] = ["github", "jira", "git", "calendars"];

/// The stream of the boards' sprints.
const SPRINTS: &str = "sprints";

/// The kind of a scope's source: `github:github.com` is `github`.
#[must_use]
pub fn kind_of(source: &str) -> &str {
    source.split(':').next().unwrap_or(source)
}

/// The sources of a team with their health.
#[must_use]
pub fn team_sources(config: &Config, team: &Team, scopes: &[Scope], words: &Words) -> Vec<Source> {
    KINDS.iter().map(|kind| source(kind, &own_scopes(config, team, scopes, kind), config, team, words)).collect()
}

/// The scopes of one kind that a team's figures rest on.
fn own_scopes<'a>(config: &Config, team: &Team, scopes: &'a [Scope], kind: &str) -> Vec<&'a Scope> {
    let places: Vec<String> = match kind {
        "github" => team.repositories.iter().map(|name| name.to_lowercase()).collect(),
        "jira" => team.jira_projects.iter().map(|key| key.to_lowercase()).collect(),
        "git" => team.git.iter().map(|clone| place(config, clone.line)).collect(),
        _ => calendar_lines(config, team).into_iter().map(|line| place(config, line)).collect(),
    };
    let named =
        |scope: &Scope| places.contains(&scope.label.to_lowercase()) || places.contains(&scope.scope.to_lowercase());
    let own = |scope: &&Scope| {
        let mine = if scope.stream == SPRINTS { is_own_board(team, scope) } else { named(scope) };
        kind_of(&scope.source) == kind && (mine || scope.scope == "*")
    };
    scopes.iter().filter(own).collect()
}

/// Whether a scope is about sprints of a team's board, which the team names, or which was looked for on behalf of one of
/// its projects: `board 12`, `board 12 of PAY`, `the boards of PAY`.
fn is_own_board(team: &Team, scope: &Scope) -> bool {
    let named = || scope.scope.parse().is_ok_and(|id: i64| team.jira_boards.contains(&id));
    let project = scope.label.rsplit_once(" of ").map(|(_, project)| project);
    let found = || project.is_some_and(|own| team.jira_projects.iter().any(|key| key.eq_ignore_ascii_case(own)));
    named() || team.jira_boards.is_empty() && found()
}

/// How a line of the configuration is called: `undercurrent.toml:57`.
#[must_use]
pub fn place(config: &Config, line: usize) -> String {
    let name = config.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    format!("{name}:{line}").to_lowercase()
}

/// The lines of the calendars of a team's members.
fn calendar_lines(config: &Config, team: &Team) -> Vec<usize> {
    let member = |id: &str| team.members.iter().any(|member| member.person == id);
    let read = |id: &str| member(id) && config.reads_calendar_of(id);
    let members = config.people.iter().filter(|person| read(&person.id));
    members.filter_map(|person| Some(person.calendar.as_ref()?.line)).collect()
}

fn is_connected(config: &Config, team: &Team, kind: &str) -> bool {
    match kind {
        "github" => !config.github.is_empty() && !team.repositories.is_empty(),
        "jira" => !config.jira.is_empty() && !team.jira_projects.is_empty(),
        "git" => !team.git.is_empty(),
        _ => !calendar_lines(config, team).is_empty(),
    }
}

fn source(kind: &str, all: &[&Scope], config: &Config, team: &Team, words: &Words) -> Source {
    // A board that cannot be read takes its sprints out, and not the whole tracker: it is told, and nothing more.
    let scopes: Vec<&Scope> = all.iter().filter(|scope| scope.stream != SPRINTS).copied().collect();
    let broken: Vec<&&Scope> = scopes.iter().filter(|scope| !scope.is_complete()).collect();
    // A calendar belongs to one person: one that fails takes that person's days out, and not the whole source.
    let read: Vec<Option<i64>> = if kind == "calendars" && broken.len() < scopes.len() {
        scopes.iter().filter(|scope| scope.is_complete()).map(|scope| scope.complete_to).collect()
    } else {
        scopes.iter().map(|scope| scope.complete_to).collect()
    };
    let complete_to =
        read.iter().copied().reduce(|left, right| left.zip(right).map(|(left, right)| left.min(right))).flatten();
    let health = if !is_connected(config, team, kind) {
        Health::Off
    } else if scopes.is_empty() || complete_to.is_none() {
        Health::Failed
    } else if broken.is_empty() {
        Health::Complete
    } else {
        Health::Stale
    };
    // A scope that was read to its end may still say what it left out.
    let told = all.iter().filter(|scope| !scope.is_complete() || scope.reason.is_some());
    let mut gaps: Vec<String> = told
        .map(|scope| format!("{}: {}", scope.label, scope.reason.clone().unwrap_or_else(|| words.get("gap-unread"))))
        .collect();
    if health == Health::Off {
        gaps.push(words.fill("gap-off", &[("what", &words.of("adds", kind))]));
    }
    gaps.sort();
    gaps.dedup();
    Source {
        id: kind.to_owned(),
        name: words.of("source", kind),
        health,
        complete_to: complete_to.map(|at| Millis(at).to_timestamp()),
        covers: covers(kind, config, team, words),
        gap: (!gaps.is_empty()).then(|| gaps.join("; ")),
        cost: cost(all.iter().copied()),
    }
}

/// What reading these scopes cost.
#[must_use]
pub fn cost<'a>(scopes: impl Iterator<Item = &'a Scope>) -> Cost {
    scopes.fold(Cost::default(), |sum, scope| Cost {
        requests: sum.requests + scope.requests,
        points: sum.points + scope.points,
        bytes: sum.bytes + scope.bytes,
        waited_seconds: sum.waited_seconds + scope.waited_seconds,
    })
}

fn covers(kind: &str, config: &Config, team: &Team, words: &Words) -> String {
    match kind {
        "github" => team.repositories.join(", "),
        "jira" => team.jira_projects.join(", "),
        "git" => counted(team.git.len(), "covers-clone", words),
        _ => counted(calendar_lines(config, team).len(), "covers-calendar", words),
    }
}

fn counted(count: usize, key: &str, words: &Words) -> String {
    match count {
        0 => String::new(),
        1 => words.get(key),
        _ => words.fill(&format!("{key}s"), &[("count", &count.to_string())]),
    }
}

/// Up to which day each kind of source is complete for a team, and which failed this night: the day before the local
/// date of the moment up to which it was read.
#[must_use]
pub fn complete_days(sources: &[Source], zone: &TimeZone) -> BTreeMap<String, (i64, Option<String>)> {
    let known = |source: &Source| {
        let day = day_number(source.complete_to?.to_zoned_datetime(zone.clone()).date()) - 1;
        let failed = (source.health == Health::Stale && source.id != "calendars").then(|| source.name.clone());
        Some((source.id.clone(), (day, failed)))
    };
    sources.iter().filter_map(known).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::collect::Outcome;

    fn scope(stream: &str, scope: &str, label: &str, reason: Option<&str>) -> Scope {
        Scope {
            source: "jira:j.example.com".to_owned(),
            stream: stream.to_owned(),
            scope: scope.to_owned(),
            label: label.to_owned(),
            outcome: if reason.is_some() { Outcome::Failed } else { Outcome::Complete },
            reason: reason.map(str::to_owned),
            refused: false,
            rows: 0,
            requests: 1,
            points: 0,
            bytes: 0,
            waited_seconds: 0,
            complete_to: reason.is_none().then_some(1_795_500_000_000),
        }
    }

    /// The gap on the Jira line of a team with these projects and boards; its issues were read.
    #[track_caller]
    fn check(team: &str, expected: Option<&str>) {
        let text = format!(
            "[organisation]\nname = \"H\"\ntime-zone = \"UTC\"\n[[jira]]\nurl = \"https://j.example.com\"\n\
             flavour = \"cloud\"\ntoken-env = \"T\"\n[[teams]]\nid = \"pay\"\nname = \"P\"\njira-projects = [\"PAY\"]\n{team}"
        );
        let config = Config::parse(&text, Path::new("u.toml")).unwrap();
        let scopes = [
            scope("issues", "100", "PAY", None),
            scope("sprints", "7", "board 7", Some("the service is not ready")),
            scope("sprints", "8", "board 8 of PAY", Some("it is not visible")),
            scope("sprints", "PAY", "the boards of PAY", Some("no list")),
            scope("sprints", "9", "board 9 of OPS", Some("no")),
        ];
        let jira = team_sources(&config, &config.teams[0], &scopes, &Words::embedded().unwrap()).remove(1);
        assert_eq!((jira.health, jira.gap.as_deref()), (Health::Complete, expected));
    }

    #[test]
    fn a_board_that_cannot_be_read_is_told_on_the_line_of_its_team_and_costs_no_issue() {
        check("jira-boards = [7]", Some("board 7: the service is not ready"));
        check("", Some("board 8 of PAY: it is not visible; the boards of PAY: no list"));
        check("jira-boards = [12]", None);
    }
}
