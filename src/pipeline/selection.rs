//! Which part of the configuration a run reads, and from where on.

use std::collections::BTreeSet;

use super::exit::Failure;
use super::record::Scope;
use crate::config::{Config, Team};
use crate::model::time::Millis;
use crate::model::{Cursor, Cursors};

/// What `--only`, `--since`, `--full`, `--reread-roster` and `--accept-gone` choose. The default reads everything from where the last night ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Kinds of source, repositories, project keys or team ids; empty: everything.
    pub only: Vec<String>,
    /// Reads again what changed from this moment on.
    pub since: Option<Millis>,
    /// Reads again everything that a first night would read.
    pub full: bool,
    /// Puts the present roster in place for past weeks as well.
    pub reread_roster: bool,
    /// Takes any number of vanished issues for deleted.
    pub accept_gone: bool,
    /// Delivers again what arrived already.
    pub deliver_again: bool,
}

impl Selection {
    /// The configuration with the chosen sources alone; people and teams stay.
    ///
    /// # Errors
    /// [`Failure`] for a name that the configuration does not hold.
    pub fn narrowed(&self, config: &Config) -> Result<Config, Failure> {
        let mut narrowed = config.clone();
        if self.only.is_empty() {
            return Ok(narrowed);
        }
        let mut wanted = Wanted::default();
        for name in &self.only {
            wanted.add(&name.to_lowercase(), config).then_some(()).ok_or_else(|| unknown(name, config))?;
        }
        for team in &mut narrowed.teams {
            team.repositories.retain(|name| wanted.repositories.contains(&name.to_lowercase()));
            team.jira_projects.retain(|key| wanted.projects.contains(&key.to_lowercase()));
            team.jira_boards.retain(|board| wanted.boards.contains(board));
            team.git.retain(|clone| wanted.clones.contains(&clone.line));
        }
        let calendar = |line: usize| wanted.calendars.contains(&line);
        for person in &mut narrowed.people {
            person.calendar = person.calendar.take().filter(|place| calendar(place.line));
        }
        if narrowed.teams.iter().all(|team| team.repositories.is_empty()) {
            narrowed.github.clear();
        }
        if narrowed.teams.iter().all(|team| team.jira_projects.is_empty() && team.jira_boards.is_empty()) {
            narrowed.jira.clear();
        }
        Ok(narrowed)
    }

    /// The cursors from which this run goes on.
    #[must_use]
    pub fn cursors(&self, stored: &Cursors) -> Cursors {
        if self.full {
            return Cursors::new();
        }
        let Some(since) = self.since else { return stored.clone() };
        // Without position and tag nothing can answer "unchanged", so that the walk reaches back to the moment.
        let lower = |cursor: &Cursor| Cursor {
            updated_to: cursor.updated_to.map(|at| at.min(since.0)),
            position: None,
            etag: None,
            ..cursor.clone()
        };
        stored.iter().map(|(id, cursor)| (id.clone(), lower(cursor))).collect()
    }

    /// How far back a scope without a cursor is read.
    #[must_use]
    pub fn floor(&self, first_sync: Millis) -> Millis {
        self.since.map_or(first_sync, |since| since.min(first_sync))
    }

    /// The cursor to be kept after a walk: a walk that began further back never moves it backwards.
    #[must_use]
    pub fn kept(&self, stored: Option<&Cursor>, new: Cursor) -> Cursor {
        match stored.filter(|stored| self.since.is_some() && stored.scope_hash == new.scope_hash) {
            Some(stored) => Cursor { updated_to: new.updated_to.max(stored.updated_to), ..new },
            None => new,
        }
    }

    /// Adds the scopes of the last run that this one did not choose, as they were.
    pub fn keep_others(&self, scopes: &mut Vec<Scope>, last: Vec<Scope>) {
        if self.only.is_empty() {
            return;
        }
        let key = |scope: &Scope| (scope.source.clone(), scope.stream.clone(), scope.scope.clone());
        let read: BTreeSet<_> = scopes.iter().map(key).collect();
        scopes.extend(last.into_iter().filter(|scope| !read.contains(&key(scope))));
        scopes.sort_by(|left, right| {
            (&left.source, &left.stream, &left.label).cmp(&(&right.source, &right.stream, &right.label))
        });
    }
}

fn unknown(name: &str, config: &Config) -> Failure {
    let teams = config.teams.iter().map(|team| team.id.as_str());
    let known: Vec<&str> = ["github", "jira", "git", "calendars"].into_iter().chain(teams).collect();
    Failure::configuration(format!(
        "--only {name}: {} names nothing so; choose among {}, a repository (owner/name) or a project key",
        config.file.display(),
        known.join(", ")
    ))
}

/// The chosen scopes; names in lower case, clones and calendars by their line.
#[derive(Default)]
struct Wanted {
    repositories: BTreeSet<String>,
    projects: BTreeSet<String>,
    boards: BTreeSet<i64>,
    clones: BTreeSet<usize>,
    calendars: BTreeSet<usize>,
}

impl Wanted {
    /// Adds what a name stands for; `false` where it stands for nothing.
    fn add(&mut self, name: &str, config: &Config) -> bool {
        let kind = matches!(name, "github" | "jira" | "git" | "calendars");
        let mut found = kind;
        for team in &config.teams {
            let whole = team.id == name;
            found |= whole;
            found |= self.add_of(team, config, name, whole);
        }
        found
    }

    fn add_of(&mut self, team: &Team, config: &Config, name: &str, whole: bool) -> bool {
        let before = self.repositories.len() + self.projects.len();
        let named = |own: &String| own.to_lowercase() == name;
        let repositories = team.repositories.iter().filter(|own| whole || name == "github" || named(own));
        self.repositories.extend(repositories.map(|own| own.to_lowercase()));
        let projects: Vec<&String> =
            team.jira_projects.iter().filter(|own| whole || name == "jira" || named(own)).collect();
        if whole || name == "jira" || !projects.is_empty() {
            self.boards.extend(&team.jira_boards);
        }
        self.projects.extend(projects.iter().map(|own| own.to_lowercase()));
        if whole || name == "git" {
            self.clones.extend(team.git.iter().map(|clone| clone.line));
        }
        let member = |id: &str| name == "calendars" || whole && team.members.iter().any(|one| one.person == id);
        let members = config.people.iter().filter(|person| member(&person.id));
        self.calendars.extend(members.filter_map(|person| Some(person.calendar.as_ref()?.line)));
        self.repositories.len() + self.projects.len() > before
            || team.repositories.iter().chain(&team.jira_projects).any(named)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::collect::Outcome;
    use crate::model::ScopeId;

    fn config() -> Config {
        let toml = r#"
[organisation]
name = "Harbor"
time-zone = "Europe/Berlin"
[[github]]
url = "https://api.github.com"
token-env = "GITHUB_TOKEN"
[[jira]]
url = "https://example.atlassian.net"
flavour = "cloud"
user = "bot@example.com"
token-env = "JIRA_TOKEN"
[[people]]
id = "ada"
calendar = "ada.ics"
[[people]]
id = "bo"
calendar = "bo.ics"
[[teams]]
id = "payments"
name = "Payments"
members = ["ada"]
repositories = ["harbor/payments"]
jira-projects = ["PAY"]
jira-boards = [12]
git = ["payments.git"]
[[teams]]
id = "web"
name = "Web"
members = ["bo"]
repositories = ["harbor/web", "harbor/payments"]
jira-projects = ["WEB"]
"#;
        Config::parse(toml, Path::new("undercurrent.toml")).unwrap()
    }

    /// Repositories, projects, boards, clones, calendars and services that a choice leaves.
    #[track_caller]
    fn check(only: &[&str], expected: &str) {
        let selection =
            Selection { only: only.iter().map(|name| (*name).to_owned()).collect(), ..Selection::default() };
        let narrowed = selection.narrowed(&config()).unwrap();
        let teams = &narrowed.teams;
        let names: BTreeSet<&String> =
            teams.iter().flat_map(|team| team.repositories.iter().chain(&team.jira_projects)).collect();
        let names: Vec<&str> = names.into_iter().map(String::as_str).collect();
        let boards: usize = teams.iter().map(|team| team.jira_boards.len()).sum();
        let clones: usize = teams.iter().map(|team| team.git.len()).sum();
        let calendars = narrowed.people.iter().filter(|person| person.calendar.is_some()).count();
        let services = narrowed.github.len() + narrowed.jira.len();
        assert_eq!(format!("{} {boards} {clones} {calendars} {services}", names.join(",")), expected, "{only:?}");
    }

    #[test]
    fn a_choice_leaves_the_named_sources_alone() {
        check(&[], "PAY,WEB,harbor/payments,harbor/web 1 1 2 2");
        check(&["github"], "harbor/payments,harbor/web 0 0 0 1");
        check(&["jira"], "PAY,WEB 1 0 0 1");
        check(&["git"], " 0 1 0 0");
        check(&["calendars"], " 0 0 2 0");
        check(&["Harbor/Web"], "harbor/web 0 0 0 1");
        check(&["pay"], "PAY 1 0 0 1");
        check(&["web"], "WEB,harbor/payments,harbor/web 0 0 1 2");
        check(&["git", "PAY"], "PAY 1 1 0 1");
    }

    #[test]
    fn a_name_that_the_configuration_does_not_hold_is_refused_with_the_known_ones() {
        let selection = Selection { only: vec!["harbour/web".to_owned()], ..Selection::default() };
        let failure = selection.narrowed(&config()).unwrap_err();
        assert!(failure.message.contains("--only harbour/web") && failure.message.contains("payments, web"));
    }

    #[test]
    fn a_date_lowers_cursors_for_the_walk_and_never_the_kept_one() {
        let id = ScopeId { source: "github:x".to_owned(), stream: "s".to_owned(), scope: "1".to_owned() };
        let stored = Cursor { updated_to: Some(900), position: Some("900".to_owned()), ..Cursor::default() };
        let selection = Selection { since: Some(Millis(500)), ..Selection::default() };
        let lowered = selection.cursors(&Cursors::from([(id.clone(), stored.clone())]));
        assert_eq!(lowered[&id], Cursor { updated_to: Some(500), position: None, ..stored.clone() });
        let walked = Cursor { updated_to: Some(700), ..Cursor::default() };
        assert_eq!(selection.kept(Some(&stored), walked.clone()).updated_to, Some(900));
        assert_eq!(Selection::default().kept(Some(&stored), walked).updated_to, Some(700));
        assert_eq!((selection.floor(Millis(600)), selection.floor(Millis(400))), (Millis(500), Millis(400)));
        let full = Selection { full: true, ..Selection::default() };
        assert!(full.cursors(&Cursors::from([(id, stored)])).is_empty());
    }

    #[test]
    fn scopes_that_were_not_chosen_stay_as_they_were() {
        let scope = |source: &str, outcome| Scope {
            source: source.to_owned(),
            stream: "s".to_owned(),
            scope: "1".to_owned(),
            label: "one".to_owned(),
            outcome,
            reason: None,
            refused: false,
            rows: 0,
            requests: 0,
            points: 0,
            bytes: 0,
            waited_seconds: 0,
            complete_to: Some(1),
        };
        let mut scopes = vec![scope("jira", Outcome::Complete)];
        let last = vec![scope("github", Outcome::Failed), scope("jira", Outcome::Failed)];
        let only = Selection { only: vec!["jira".to_owned()], ..Selection::default() };
        only.keep_others(&mut scopes, last.clone());
        let kept = |scopes: &[Scope]| scopes.iter().map(|one| (one.source.clone(), one.outcome)).collect::<Vec<_>>();
        let expected = vec![("github".to_owned(), Outcome::Failed), ("jira".to_owned(), Outcome::Complete)];
        assert_eq!(kept(&scopes), expected);
        let mut whole = vec![scope("jira", Outcome::Complete)];
        Selection::default().keep_others(&mut whole, last);
        assert_eq!(whole.len(), 1);
    }
}
