//! The talk about whose accounts are whose. Names are shown at a terminal alone, and only confirmed links are written.

use std::io::{BufRead, Write};

use super::{Outside, Where, commands};
use crate::config::Config;
use crate::config::identities::{self as confirmed, Identity};
use crate::pipeline::identities::{Found, Proposal, find};
use crate::pipeline::teams::rosters;
use crate::pipeline::{ExitCode, Failure};

/// Proposes and links, or takes the last link back.
///
/// # Errors
/// [`Failure`]; without a terminal nothing is shown and nothing is asked.
pub(super) fn identities(place: &Where, undo: bool, teams: bool, outside: &Outside<'_>) -> Result<ExitCode, Failure> {
    let config = Config::load(&place.config)?;
    let file = &config.organisation.identities;
    let mut all = confirmed::read(file)?;
    let failed = |error: std::io::Error| Failure::storage(format!("cannot write {}: {error}", file.display()));
    if undo {
        if all.pop().is_none() {
            return Err(Failure::configuration(format!("{}: nothing was confirmed yet", file.display())));
        }
        confirmed::write(file, &all).map_err(failed)?;
        commands::print("The account that was confirmed last belongs to nobody again.\n");
        return Ok(ExitCode::Complete);
    }
    if !outside.terminal {
        let out = "run it at a terminal: names of accounts are not written into files or pipes";
        return Err(Failure::configuration(format!("identities asks a person; {out}")));
    }
    if teams {
        return rosters_told(&config, place, outside);
    }
    let store = commands::reader(&config)?;
    let as_of = place.as_of.unwrap_or(outside.now);
    let found = find(&config, &store, as_of, outside.environment)?;
    commands::print(&told(&found));
    let stdin = std::io::stdin();
    let new = ask(&found.proposals, &mut stdin.lock(), &mut std::io::stdout().lock()).map_err(failed)?;
    if new.is_empty() {
        commands::print("Nothing was linked.\n");
    } else {
        let count = new.len();
        all.extend(new);
        confirmed::write(file, &all).map_err(failed)?;
        commands::print(&format!("{count} linked in {}; --undo takes the last one back.\n", file.display()));
    }
    Ok(if found.problems.is_empty() { ExitCode::Complete } else { ExitCode::Partial })
}

/// What GitHub's teams say of the rosters. Only told: a roster is the configuration's own, and a person pastes what is right.
fn rosters_told(config: &Config, place: &Where, outside: &Outside<'_>) -> Result<ExitCode, Failure> {
    let today = config.organisation.zone.to_datetime(place.as_of.unwrap_or(outside.now)).date();
    let rosters = rosters(config, today, outside.environment)?;
    let problems: String = rosters.problems.iter().map(|problem| format!("not read: {problem}\n")).collect();
    commands::print(&format!("{problems}{}Nothing was written.\n", rosters.text));
    Ok(if rosters.problems.is_empty() { ExitCode::Complete } else { ExitCode::Partial })
}

fn told(found: &Found) -> String {
    let mut text: String = found.problems.iter().map(|problem| format!("not read: {problem}\n")).collect();
    if found.counts.is_empty() {
        text.push_str("Every account of the last 90 days belongs to somebody.\n");
    }
    for (source, count) in &found.counts {
        let accounts = if *count == 1 { "account belongs" } else { "accounts belong" };
        text.push_str(&format!("{source}: {count} active {accounts} to nobody in the configuration.\n"));
    }
    if found.proposals.is_empty() && !found.counts.is_empty() {
        text.push_str(
            "None of them shares a name with exactly one person; add them to [[people]] or [[bots]] by hand.\n",
        );
    }
    text
}

/// Asks about each proposal; only a clear yes links, `q` stops.
fn ask(proposals: &[Proposal], input: &mut dyn BufRead, output: &mut dyn Write) -> std::io::Result<Vec<Identity>> {
    let mut linked = Vec::new();
    for proposal in proposals {
        let Identity { person, kind, account } = &proposal.identity;
        write!(output, "{person}: {} {account} ({}). Link it? [y/N/q] ", kind.name(), proposal.reason)?;
        output.flush()?;
        let mut answer = String::new();
        let end = input.read_line(&mut answer)? == 0;
        match answer.trim().to_lowercase().as_str() {
            "y" | "yes" => linked.push(proposal.identity.clone()),
            "q" => break,
            _ if end => break,
            _ => {}
        }
    }
    Ok(linked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::identities::Kind;

    #[test]
    fn only_a_clear_yes_links_and_the_end_of_the_input_stops() {
        let proposal = |account: &str| Proposal {
            identity: Identity { person: "ada".into(), kind: Kind::Github, account: account.into() },
            reason: "the same name",
        };
        let proposals = ["a", "b", "c", "d"].map(proposal);
        let mut shown = Vec::new();
        let linked = ask(&proposals, &mut "y\n\nYES\n".as_bytes(), &mut shown).unwrap();
        assert_eq!(linked.iter().map(|one| one.account.as_str()).collect::<Vec<_>>(), ["a", "c"]);
        assert!(String::from_utf8(shown).unwrap().starts_with("ada: GitHub account a (the same name). Link it?"));
        assert!(ask(&proposals, &mut "q\ny\n".as_bytes(), &mut Vec::new()).unwrap().is_empty());
    }
}
