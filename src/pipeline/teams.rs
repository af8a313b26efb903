//! `identities --teams`: what organisations' teams on GitHub say of the rosters. Proposals for a person at a terminal,
//! who pastes what is right; nothing is written.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::collect::{Environment, Sources};
use super::exit::Failure;
use crate::collect::github::{self, OrganisationTeam};
use crate::config::identities::quoted;
use crate::config::{Config, Team};
use crate::model::Pseudonyms;

/// What GitHub's teams say. The text names people, so it is for a terminal alone.
#[derive(Default)]
pub struct Rosters {
    pub text: String,
    /// Organisations whose teams could not be read, with the way out.
    pub problems: Vec<String>,
}

/// Asks every GitHub service for its teams and compares them with the configuration as of `today`.
///
/// # Errors
/// [`Failure`] for a missing token.
pub fn rosters(config: &Config, today: Date, environment: Environment<'_>) -> Result<Rosters, Failure> {
    let sources = Sources::of(config, &Pseudonyms::new([0; 32]), environment)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| Failure::internal(&error))?;
    let (mut teams, mut problems) = (Vec::new(), Vec::new());
    for (source, _) in &sources.github {
        let (own, failed) = runtime.block_on(github::teams(source, std::sync::Arc::default()));
        teams.extend(own);
        problems.extend(failed);
    }
    Ok(Rosters { text: compared(config, &teams, today), problems })
}

/// Who is in a team of GitHub, by what the configuration knows of them.
struct Seen<'a> {
    /// Ids of configured people.
    people: BTreeSet<&'a str>,
    /// Logins that belong to nobody.
    unknown: BTreeSet<&'a str>,
}

impl<'a> Seen<'a> {
    /// People who left the report are no part of any proposal, nor is automation.
    fn of(team: &'a OrganisationTeam, config: &'a Config) -> Self {
        let mut seen = Self { people: BTreeSet::new(), unknown: BTreeSet::new() };
        for login in &team.logins {
            let own = |known: &String| known.eq_ignore_ascii_case(login);
            let person = config.people.iter().find(|person| person.github.iter().any(own));
            match person {
                Some(person) if !person.leave => {
                    seen.people.insert(&person.id);
                }
                None if !config.bots.github.iter().any(own) && !login.ends_with("[bot]") => {
                    seen.unknown.insert(login);
                }
                _ => {}
            }
        }
        seen
    }
}

/// Ids of those who are in a team on a day.
fn present(team: &Team, today: Date) -> BTreeSet<&str> {
    let there = team
        .members
        .iter()
        .filter(|one| one.from.is_none_or(|from| from <= today) && one.to.is_none_or(|to| today <= to));
    there.map(|one| one.person.as_str()).collect()
}

/// What is told of all teams.
fn compared(config: &Config, teams: &[OrganisationTeam], today: Date) -> String {
    let mut text = String::new();
    let mut matched = BTreeSet::new();
    for team in &config.teams {
        let Some(own) = best(team, config, teams, today) else {
            text.push_str(&format!("{}: no GitHub team shares a member or a repository with it.\n", team.id));
            continue;
        };
        matched.insert(own.place.as_str());
        text.push_str(&difference(team, own, config, today));
    }
    for team in teams.iter().filter(|team| !matched.contains(team.place.as_str()) && !team.logins.is_empty()) {
        if config.teams.is_empty() {
            text.push_str(&new_team(team, config));
        } else {
            let members = team.logins.len();
            text.push_str(&format!("{}: {members} members on GitHub, the roster of no configured team.\n", team.place));
        }
    }
    if text.is_empty() {
        text.push_str("GitHub shows no team with a member.\n");
    }
    text
}

/// The GitHub team that is most like a configured one: by members, of equally like ones by repositories. `None` where
/// none shares anything with it.
fn best<'a>(team: &Team, config: &Config, teams: &'a [OrganisationTeam], today: Date) -> Option<&'a OrganisationTeam> {
    let present = present(team, today);
    let lower = |names: &[String]| names.iter().map(|name| name.to_lowercase()).collect::<BTreeSet<_>>();
    let repositories = lower(&team.repositories);
    let alike = |own: &OrganisationTeam| {
        let seen = Seen::of(own, config);
        let both = present.intersection(&seen.people).count();
        let either = present.union(&seen.people).count() + seen.unknown.len();
        let theirs = lower(&own.repositories);
        let shared = repositories.intersection(&theirs).count();
        // In thousandths, so that equal shares are equal.
        let share = |both: usize, either: usize| both * 1000 / either.max(1);
        (share(both, either), share(shared, repositories.union(&theirs).count()), both + shared)
    };
    let scored = teams.iter().map(|own| (alike(own), own)).filter(|((.., shared), _)| *shared > 0);
    // Of equals the first by its name.
    scored.rev().max_by_key(|(score, _)| *score).map(|(_, own)| own)
}

/// How a configured team differs from its GitHub team, and the roster that would agree with it.
fn difference(team: &Team, own: &OrganisationTeam, config: &Config, today: Date) -> String {
    let (seen, present) = (Seen::of(own, config), present(team, today));
    let missing: Vec<&str> = seen.people.difference(&present).copied().collect();
    let unknown: Vec<&str> = seen.unknown.iter().copied().collect();
    let other: Vec<&str> = present.difference(&seen.people).copied().collect();
    let (id, place) = (&team.id, &own.place);
    let hidden = hidden(own);
    if missing.is_empty() && unknown.is_empty() && other.is_empty() {
        return format!("{id}: the same people as {place}.\n{hidden}");
    }
    let mut text = format!("{id}: compared with {place}\n{hidden}");
    for (what, who) in [
        ("in the GitHub team and not in the roster", &missing),
        ("in the GitHub team, and no [[people]] entry has this login", &unknown),
        ("in the roster and not in the GitHub team", &other),
    ] {
        if !who.is_empty() {
            text.push_str(&format!("  {what}: {}\n", who.join(", ")));
        }
    }
    if missing.is_empty() && unknown.is_empty() {
        text.push_str("  whoever has left the team gets `to = DATE` in the roster, so that the past stays\n");
        return text;
    }
    let kept = team.members.iter().map(|one| {
        let note = if other.contains(&one.person.as_str()) { "   # not in the GitHub team" } else { "" };
        format!("  {},{note}\n", entry(&one.person, one.from, one.to))
    });
    // Who joins an existing team is counted in it from now on.
    let new = missing.iter().chain(&unknown).map(|who| format!("  {},   # new\n", entry(who, Some(today), None)));
    let members: String = kept.chain(new).collect();
    text.push_str(&format!(
        "  paste what is right:\n\n{}[[teams]]\nid = {}\nmembers = [\n{members}]\n\n",
        new_people(&unknown),
        quoted(id)
    ));
    text
}

/// A team that the configuration does not have yet.
fn new_team(own: &OrganisationTeam, config: &Config) -> String {
    let seen = Seen::of(own, config);
    let unknown: Vec<&str> = seen.unknown.iter().copied().collect();
    let members: Vec<String> = seen.people.iter().chain(&unknown).map(|who| quoted(who)).collect();
    let repositories: Vec<String> = own.repositories.iter().map(|name| quoted(name)).collect();
    let slug = own.place.rsplit('/').next().unwrap_or_default();
    format!(
        "{}: paste what is right:\n{}\n{}[[teams]]\nid = {}\nname = {}\nmembers = [{}]\nrepositories = [{}]\n\n",
        own.place,
        hidden(own),
        new_people(&unknown),
        quoted(slug),
        quoted(&own.name),
        members.join(", "),
        repositories.join(", ")
    )
}

/// Entries for logins that belong to nobody yet.
fn new_people(logins: &[&str]) -> String {
    let entry = |login: &&str| format!("[[people]]\nid = {0}\ngithub = [{0}]\n\n", quoted(login));
    logins.iter().map(entry).collect()
}

fn entry(person: &str, from: Option<Date>, to: Option<Date>) -> String {
    let dates: BTreeMap<&str, Date> =
        [("from", from), ("to", to)].into_iter().filter_map(|(key, date)| Some((key, date?))).collect();
    if dates.is_empty() {
        return quoted(person);
    }
    let dates: String = dates.iter().map(|(key, date)| format!(", {key} = \"{date}\"")).collect();
    format!("{{ person = {}{dates} }}", quoted(person))
}

fn hidden(own: &OrganisationTeam) -> String {
    match own.hidden {
        0 => String::new(),
        count => format!("  GitHub hides {count} of its members and repositories from this token.\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    const HEAD: &str = "[organisation]\nname = \"H\"\ntime-zone = \"UTC\"\n\
                        [[people]]\nid = \"ada\"\ngithub = [\"Ada-L\"]\n[[people]]\nid = \"bo\"\ngithub = [\"bo-b\"]\n\
                        [[people]]\nid = \"cy\"\ngithub = [\"cy-c\"]\n[[people]]\nid = \"dee\"\ngithub = [\"dee-d\"]\nleave = true\n\
                        [[bots]]\ngithub = [\"ship-bot\"]\n";

    fn told(teams: &str, own: &[OrganisationTeam]) -> String {
        let config = Config::parse(&format!("{HEAD}{teams}"), Path::new("u.toml")).unwrap();
        compared(&config, own, Date::constant(2026, 11, 24))
    }

    fn team(slug: &str, logins: &[&str], repositories: &[&str]) -> OrganisationTeam {
        let all = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        OrganisationTeam {
            place: format!("harbor/{slug}"),
            name: slug.to_owned(),
            logins: all(logins),
            repositories: all(repositories),
            hidden: 0,
        }
    }

    const PAYMENTS: &str = "[[teams]]\nid = \"payments\"\nname = \"P\"\nrepositories = [\"harbor/pay\"]\n";

    #[test]
    fn the_team_most_alike_is_compared_and_a_roster_is_proposed_that_keeps_what_is_there() {
        let roster = format!("{PAYMENTS}members = [\"ada\", {{ person = \"cy\", from = \"2026-03-01\" }}]\n");
        let everybody = team("everybody", &["ada-l", "bo-b", "cy-c", "x", "y", "z", "u", "v", "w"], &[]);
        let own = team("pay", &["ada-l", "bo-b", "dee-d", "ship-bot", "new-one"], &[]);
        let text = told(&roster, &[everybody, own]);
        assert!(text.starts_with("payments: compared with harbor/pay\n"), "{text}");
        for line in [
            "  in the GitHub team and not in the roster: bo\n",
            "  in the GitHub team, and no [[people]] entry has this login: new-one\n",
            "  in the roster and not in the GitHub team: cy\n",
            "[[people]]\nid = \"new-one\"\ngithub = [\"new-one\"]\n",
            "  { person = \"cy\", from = \"2026-03-01\" },   # not in the GitHub team\n",
            "  { person = \"bo\", from = \"2026-11-24\" },   # new\n",
            "harbor/everybody: 9 members on GitHub, the roster of no configured team.\n",
        ] {
            assert!(text.contains(line), "{line} is missing in {text}");
        }
        assert!(!text.contains("dee") && !text.contains("ship-bot"), "{text}");
        // What is pasted is a configuration.
        let (_, pasted) = text.split_once("paste what is right:\n\n").unwrap();
        let pasted = pasted.split("harbor/everybody:").next().unwrap();
        let pasted = pasted.replace("id = \"payments\"", "id = \"payments\"\nname = \"P\"");
        let config = Config::parse(&format!("{HEAD}{pasted}"), Path::new("u.toml")).unwrap();
        assert_eq!(config.teams[0].members.len(), 4);
    }

    #[test]
    fn a_shared_repository_finds_the_team_and_equal_rosters_need_nothing() {
        let roster = format!("{PAYMENTS}members = [\"ada\"]\n");
        let text = told(&roster, &[team("other", &["bo-b"], &[]), team("pay", &["cy-c"], &["Harbor/Pay"])]);
        assert!(text.contains("payments: compared with harbor/pay\n"), "{text}");
        assert_eq!(told(&roster, &[team("pay", &["ADA-L"], &[])]), "payments: the same people as harbor/pay.\n");
        let text = told(&roster, &[team("other", &["bo-b"], &[])]);
        assert!(text.starts_with("payments: no GitHub team shares a member or a repository with it.\n"), "{text}");
        let text = told(&format!("{PAYMENTS}members = [\"ada\", \"bo\"]\n"), &[team("pay", &["ada-l"], &[])]);
        assert!(text.contains("`to = DATE`") && !text.contains("paste"), "{text}");
    }

    #[test]
    fn without_teams_in_the_configuration_every_team_of_github_is_proposed() {
        let own = OrganisationTeam { hidden: 2, ..team("pay", &["ada-l", "q\"x"], &["harbor/pay"]) };
        let text = told("", &[own, team("empty", &[], &[])]);
        assert!(text.contains("members = [\"ada\", ") && text.contains("repositories = [\"harbor/pay\"]"), "{text}");
        assert!(text.contains("GitHub hides 2") && !text.contains("harbor/empty"), "{text}");
        assert_eq!(told("", &[]), "GitHub shows no team with a member.\n");
    }
}
