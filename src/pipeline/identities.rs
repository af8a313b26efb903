//! `identities`: whose are the accounts that belong to nobody? Proposals for a person at a terminal, who confirms them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::collect::{Environment, Sources};
use super::exit::Failure;
use super::roster::roster;
use crate::collect::{NamedAccount, git, github, jira};
use crate::config::identities::{Identity, Kind};
use crate::config::{Config, Person};
use crate::measure::unmatched::{Unmatched, unmatched};
use crate::model::time::Millis;
use crate::store::Store;

/// How far back an account counts as active.
const ACTIVE_DAYS: i64 = 90;
/// Shorter words fit too many people.
const SHORTEST: usize = 4;

/// An account that may belong to somebody, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    pub identity: Identity,
    pub reason: &'static str,
}

/// What was found about unmatched accounts.
#[derive(Debug, Default)]
pub struct Found {
    /// How many accounts belong to nobody, by source.
    pub counts: BTreeMap<&'static str, usize>,
    pub proposals: Vec<Proposal>,
    /// Sources whose people could not be read, with the reason.
    pub problems: Vec<String>,
}

/// Accounts that were active in the last ninety days and belong to nobody in the configuration.
///
/// # Errors
/// [`Failure`] where the store cannot be read.
pub fn strangers(config: &Config, store: &Store, as_of: Timestamp) -> Result<Unmatched, Failure> {
    let roster = roster(config, store, &BTreeMap::new(), &BTreeMap::new())?;
    let linked: BTreeSet<i64> = roster.accounts.keys().copied().collect();
    let since = Millis(Millis::from_timestamp(as_of).0 - ACTIVE_DAYS * 86_400_000);
    Ok(unmatched(store, &linked, &roster.bots, since)?)
}

/// How many accounts belong to nobody, by source.
#[must_use]
pub fn counted(strangers: &Unmatched) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for source in strangers.values() {
        *counts.entry(*source).or_default() += 1;
    }
    counts
}

/// Asks the services who their people are and proposes whose the unmatched accounts may be. Nothing is stored.
///
/// # Errors
/// [`Failure`] for a missing token, or a store that cannot be read.
pub fn find(config: &Config, store: &Store, as_of: Timestamp, environment: Environment<'_>) -> Result<Found, Failure> {
    let strangers = strangers(config, store, as_of)?;
    let names = store.pseudonyms();
    let sources = Sources::of(config, names, environment)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| Failure::internal(&error))?;
    let mut found = Found { counts: counted(&strangers), ..Found::default() };
    let mut all: Vec<(Kind, NamedAccount)> = Vec::new();
    let mut take = |kind: Kind, place: &str, read: Result<Vec<NamedAccount>, String>| match read {
        Ok(accounts) => all.extend(accounts.into_iter().map(|account| (kind, account))),
        Err(reason) => found.problems.push(format!("{place}: {reason}")),
    };
    for (source, _) in &sources.github {
        let read = runtime.block_on(github::people(source, names));
        take(Kind::Github, &source.host, read.map_err(|error| error.to_string()));
    }
    for source in &sources.jira {
        let read = runtime.block_on(jira::people(source, names));
        take(Kind::Jira, &source.host, read.map_err(|error| error.to_string()));
    }
    for source in &sources.git {
        take(Kind::Email, &source.place, git::people(source, names));
    }
    found.proposals = propose(&config.people, &all, &strangers);
    Ok(found)
}

/// Who may own each unmatched account: the only person with whom it shares a name, an address or a login. Where two
/// people would fit, nobody is proposed.
fn propose(people: &[Person], accounts: &[(Kind, NamedAccount)], strangers: &Unmatched) -> Vec<Proposal> {
    let known: Vec<BTreeSet<String>> = people.iter().map(|person| words_of(person, accounts)).collect();
    let mut proposals: Vec<Proposal> = Vec::new();
    for (kind, account) in accounts.iter().filter(|(_, one)| strangers.contains_key(&one.account.to_stored())) {
        let own: BTreeSet<String> = account.words.iter().chain([&account.id]).flat_map(|word| folded(word)).collect();
        let fits: Vec<usize> = (0..people.len()).filter(|at| !known[*at].is_disjoint(&own)).collect();
        let [only] = fits.as_slice() else { continue };
        let identity = Identity { person: people[*only].id.clone(), kind: *kind, account: account.id.clone() };
        if !proposals.iter().any(|known| known.identity == identity) {
            let shared =
                account.words.iter().any(|word| word.contains(' ') && !known[*only].is_disjoint(&folded(word)));
            let reason = if shared { "the same name" } else { "the same login or address" };
            proposals.push(Proposal { identity, reason });
        }
    }
    proposals.sort_by(|left, right| {
        let key = |one: &Proposal| (one.identity.person.clone(), one.identity.kind, one.identity.account.clone());
        key(left).cmp(&key(right))
    });
    proposals
}

/// The words by which a person is known: of the configuration, and those that services show for accounts of theirs.
fn words_of(person: &Person, accounts: &[(Kind, NamedAccount)]) -> BTreeSet<String> {
    let told = [std::slice::from_ref(&person.id), &person.github, &person.emails].concat();
    let own = |(kind, account): &&(Kind, NamedAccount)| match kind {
        Kind::Github => person.github.iter().any(|login| login.eq_ignore_ascii_case(&account.id)),
        Kind::Jira => person.jira.contains(&account.id),
        Kind::Email => person.emails.iter().any(|email| email.eq_ignore_ascii_case(&account.id)),
    };
    let shown = accounts.iter().filter(own).flat_map(|(_, account)| account.words.clone());
    told.into_iter().chain(shown).flat_map(|word| folded(&word)).collect()
}

/// A word in lower case without separators, and an address without its domain as well.
fn folded(word: &str) -> BTreeSet<String> {
    let plain = |text: &str| text.chars().filter(|letter| letter.is_alphanumeric()).collect::<String>().to_lowercase();
    let (local, whole) = (word.split('@').next().unwrap_or(word), word);
    [plain(local), plain(whole)].into_iter().filter(|word| word.chars().count() >= SHORTEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Account;
    use std::path::Path;

    fn account(number: i64, id: &str, words: &[&str]) -> NamedAccount {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        NamedAccount { account: Account::from_stored(number), id: id.to_owned(), words }
    }

    #[test]
    fn an_account_is_proposed_to_the_one_person_who_shares_a_name_and_to_nobody_where_two_do() {
        let text = "[organisation]\nname = \"H\"\ntime-zone = \"UTC\"\n\
                    [[people]]\nid = \"ada\"\ngithub = [\"ada-lace\"]\n\
                    [[people]]\nid = \"bo\"\ngithub = [\"bo-berg\"]\n\
                    [[people]]\nid = \"cy\"\ngithub = [\"cy-berg\"]\n";
        let config = Config::parse(text, Path::new("u.toml")).unwrap();
        let accounts = [
            (Kind::Github, account(1, "ada-lace", &["Ada Lace"])),
            (Kind::Github, account(2, "bo-berg", &["B. Berg"])),
            (Kind::Github, account(3, "cy-berg", &["B. Berg"])),
            (Kind::Jira, account(4, "5b10", &["Ada Lace"])),
            (Kind::Jira, account(5, "5b11", &["B. Berg"])),
            (Kind::Email, account(6, "ada.lace@example.com", &[])),
            (Kind::Email, account(7, "somebody@example.com", &[])),
        ];
        let strangers: Unmatched = [(4, "Jira"), (5, "Jira"), (6, "git"), (7, "git")].into();
        let proposals = propose(&config.people, &accounts, &strangers);
        let seen: Vec<(&str, &str, &str)> = proposals
            .iter()
            .map(|one| (one.identity.person.as_str(), one.identity.account.as_str(), one.reason))
            .collect();
        assert_eq!(
            seen,
            [("ada", "5b10", "the same name"), ("ada", "ada.lace@example.com", "the same login or address")]
        );
        assert!(!format!("{proposals:?}").contains("ada"));
        assert_eq!(counted(&strangers), [("Jira", 2), ("git", 2)].into());
    }
}
