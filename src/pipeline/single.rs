//! `try`: a report from nothing but a git clone.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;

use super::collect::{Sources, collect};
use super::exit::Failure;
use super::night::{Finished, gaps, report, verdict};
use super::record::RunRecord;
use super::selection::Selection;
use super::surroundings::Surroundings;
use crate::collect::git::newest;
use crate::config::Config;
use crate::measure::facts::zones::without_zone;
use crate::measure::tables::commits;
use crate::model::records::PersonAccount;
use crate::model::time::Millis;
use crate::model::{Batch, Pseudonyms};
use crate::store::Store;

/// Everybody with at least this many commits in the last half year is taken for a member.
const FEWEST_COMMITS: usize = 6;
const HALF_YEAR: i64 = 183 * DAY;
/// A clone whose newest commit is older than ten working days is looked at as of that commit.
const STILL_FRESH: i64 = 14 * DAY;
const DAY: i64 = 86_400_000;

/// What a clone came to.
pub struct Tried {
    pub finished: Finished,
    /// Every commit that is reachable from HEAD.
    pub commits: u64,
    pub members: usize,
    /// Members whose commits state no zone, so that their hours are not looked at.
    pub without_zone: usize,
    pub as_of: Timestamp,
    /// The moment is that of the newest commit, since it is long past.
    pub old: bool,
}

/// Reads a clone into a store of its own and writes a report about the people who commit to it most. Without a
/// moment the report is made as of now, or as of the newest commit where that is older than two weeks.
///
/// # Errors
/// [`Failure`] with the reason and the way out; nothing is written then.
pub fn single(
    path: &Path,
    out: &Path,
    as_of: Option<Timestamp>,
    now: Timestamp,
    random: &dyn Fn() -> std::io::Result<[u8; 32]>,
) -> Result<Tried, Failure> {
    let failed = |error: std::io::Error| Failure::storage(format!("cannot write to {}: {error}", out.display()));
    // A first look outside of any store: a clone that cannot be read leaves nothing behind.
    let newest = newest(path).map_err(|error| Failure::configuration(format!("{}: {error}", path.display())))?;
    let past = as_of.is_none().then(|| long_past(newest, now)).flatten();
    let as_of = as_of.or(past).unwrap_or(now);
    std::fs::create_dir_all(out).map_err(failed)?;
    let path = std::fs::canonicalize(path).map_err(failed)?;
    let mut store = Store::open(&out.join("store"), random)?;
    let file = out.join("undercurrent.toml");
    let config = Config::parse(&config_toml(&path, &[]), &file)?;
    let mut record = RunRecord {
        seq: RunRecord::last(store.folder()).map_or(0, |last| last.seq) + 1,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        as_of: as_of.to_string(),
        ..RunRecord::default()
    };
    let sources = Sources::of(&config, store.pseudonyms(), &|_| None)?;
    collect(&config, &mut store, sources, &Selection::default(), as_of, &mut record, &Surroundings::alone(random))?;
    let members = members(as_of, &store)?;
    let ids: Vec<String> = (1..=members.accounts.len()).map(|number| format!("member-{number}")).collect();
    let config = Config::parse(&config_toml(&path, &ids), &file)?;
    std::fs::write(&file, config_toml(&path, &ids)).map_err(failed)?;
    store.merge(&links(&ids, &members.accounts, store.pseudonyms()), Vec::new())?;
    record.tables = store.rows();
    let commits = record.tables.get("commits").copied().unwrap_or(0);
    for scope in record.scopes.iter_mut().filter(|scope| scope.source == "git" && scope.is_complete()) {
        scope.reason = Some(told(commits, &members));
    }
    record.gaps = gaps(&record.scopes);
    let latest = report(&config, &store, &record.scopes, as_of, &mut record.seconds)?;
    let exit = verdict(&record.scopes).0;
    record.exit_code = exit as u8;
    record.write(store.folder()).map_err(failed)?;
    let finished = Finished { exit, report: Some(latest), record };
    let (without_zone, members) = (members.without_zone, members.accounts.len());
    Ok(Tried { finished, commits, members, without_zone, as_of, old: past.is_some() })
}

/// The end of the newest commit's day after, where that commit is older than two weeks.
fn long_past(newest: Option<Millis>, now: Timestamp) -> Option<Timestamp> {
    let newest = newest?.0;
    (newest < Millis::from_timestamp(now).0 - STILL_FRESH).then(|| Millis(newest + DAY).to_timestamp())
}

/// What the page says of the clone beside how far it was read.
fn told(commits: u64, members: &Members) -> String {
    let mut text = format!("HEAD was read ({commits} commits), other branches were not");
    if members.without_zone > 0 {
        text.push_str(
            "; people whose commits state no time zone are left out, since day and night cannot be told apart",
        );
    }
    text
}

struct Members {
    accounts: Vec<i64>,
    without_zone: usize,
}

/// The accounts that committed most in the half year before.
fn members(as_of: Timestamp, store: &Store) -> Result<Members, Failure> {
    let commits = commits(store)?;
    let until = Millis::from_timestamp(as_of).0;
    let people = commits.iter().filter(|commit| !commit.author_is_bot);
    let authored = people.filter_map(|commit| Some((commit.author?, commit)));
    let recent = authored.clone().filter(|(_, commit)| (until - HALF_YEAR..until).contains(&commit.authored_at.0));
    let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
    for (author, _) in recent {
        *counts.entry(author).or_default() += 1;
    }
    counts.retain(|_, count| *count >= FEWEST_COMMITS);
    let unknown = without_zone(authored.map(|(author, commit)| (author, commit.utc_offset_minutes)));
    let without_zone = counts.keys().filter(|account| unknown.contains(account)).count();
    Ok(Members { accounts: counts.into_keys().collect(), without_zone })
}

fn links(ids: &[String], members: &[i64], names: &Pseudonyms) -> Batch {
    let link = |(id, account): (&String, &i64)| PersonAccount {
        person: names.person(id),
        account: crate::model::Account::from_stored(*account),
        source: "git".to_owned(),
    };
    let replaced = vec![crate::model::Replaced::Accounts { source: "git".to_owned() }];
    Batch { people_accounts: ids.iter().zip(members).map(link).collect(), replaced, ..Batch::default() }
}

/// A configuration for one clone and its members, who have no names.
fn config_toml(path: &Path, ids: &[String]) -> String {
    let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let name = if name.is_empty() || name == ".git" { "clone".to_owned() } else { name };
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let mut toml = format!("[organisation]\nname = {}\ntime-zone = \"UTC\"\n", quoted(&name));
    let members: Vec<String> = ids.iter().map(|id| format!("\"{id}\"")).collect();
    let place = quoted(&path.to_string_lossy());
    toml.push_str(&format!(
        "\n[[teams]]\nid = \"clone\"\nname = {}\nmembers = [{}]\ngit = [{place}]\n",
        quoted(&name),
        members.join(", ")
    ));
    // People come last, so that the clone's line, by which its scope is known, stays where it is.
    for id in ids {
        toml.push_str(&format!("\n[[people]]\nid = \"{id}\"\n"));
    }
    toml
}
