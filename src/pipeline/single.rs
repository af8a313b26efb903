//! `try`: a report from nothing but a git clone.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;

use super::collect::{Sources, collect};
use super::exit::{ExitCode, Failure};
use super::night::{Finished, gaps, report, verdict};
use super::record::RunRecord;
use crate::collect::Outcome;
use crate::collect::git::read;
use crate::config::Config;
use crate::model::records::PersonAccount;
use crate::model::time::Millis;
use crate::model::{Batch, Pseudonyms};
use crate::store::Store;

/// Everybody with at least this many commits in the last half year is taken for a member.
const FEWEST_COMMITS: usize = 12;
const HALF_YEAR: i64 = 183 * 86_400_000;

/// What a clone came to.
pub struct Tried {
    pub finished: Finished,
    pub commits: usize,
    pub members: usize,
}

/// Reads a clone into a store of its own and writes a report about the people who commit to it most.
///
/// # Errors
/// [`Failure`] with the reason and the way out; nothing is written then.
pub fn single(
    path: &Path,
    out: &Path,
    as_of: Timestamp,
    random: &dyn Fn() -> std::io::Result<[u8; 32]>,
) -> Result<Tried, Failure> {
    let failed = |error: std::io::Error| Failure::storage(format!("cannot write to {}: {error}", out.display()));
    let names = Pseudonyms::new([0; 32]);
    // A first look outside of any store: a clone that cannot be read leaves nothing behind.
    read(path, None, &names).map_err(|error| Failure::configuration(format!("{}: {error}", path.display())))?;
    std::fs::create_dir_all(out).map_err(failed)?;
    let path = std::fs::canonicalize(path).map_err(failed)?;
    let mut store = Store::open(&out.join("store"), random)?;
    let file = out.join("undercurrent.toml");
    let toml = config_toml(&path, &[]);
    let config = Config::parse(&toml, &file)?;
    let mut record = RunRecord {
        seq: 1,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        as_of: as_of.to_string(),
        ..RunRecord::default()
    };
    let sources = Sources::of(&config, store.pseudonyms(), &|_| None)?;
    collect(&config, &mut store, sources, as_of, &mut record)?;
    let (reading, members) = members(&path, as_of, &store)?;
    let ids: Vec<String> = (1..=members.len()).map(|number| format!("member-{number}")).collect();
    let config = Config::parse(&config_toml(&path, &ids), &file)?;
    std::fs::write(&file, config_toml(&path, &ids)).map_err(failed)?;
    store.merge(&links(&ids, &members, store.pseudonyms()), Vec::new())?;
    record.gaps = gaps(&record.scopes);
    record.tables = store.rows();
    let latest = report(&config, &store, &record.scopes, as_of, &mut record.seconds)?;
    record.write(store.folder()).map_err(failed)?;
    let complete = record.scopes.iter().all(|scope| scope.outcome != Outcome::Failed);
    let exit = if complete { ExitCode::Complete } else { verdict(&record.scopes).0 };
    let members = members.len();
    Ok(Tried { finished: Finished { exit, report: Some(latest), record }, commits: reading, members })
}

/// The accounts that committed most in the half year before, and how many commits the history has.
fn members(path: &Path, as_of: Timestamp, store: &Store) -> Result<(usize, Vec<i64>), Failure> {
    let reading = read(path, None, store.pseudonyms()).map_err(|error| Failure::configuration(error.to_string()))?;
    let since = Millis::from_timestamp(as_of).0 - HALF_YEAR;
    let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
    for commit in reading.commits.iter().filter(|commit| commit.authored_at.0 >= since) {
        if let Some(author) = commit.author {
            *counts.entry(author.to_stored()).or_default() += 1;
        }
    }
    let members = counts.into_iter().filter(|(_, count)| *count >= FEWEST_COMMITS).map(|(account, _)| account);
    Ok((reading.commits.len() + usize::try_from(reading.strange).unwrap_or(0), members.collect()))
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
    for id in ids {
        toml.push_str(&format!("\n[[people]]\nid = \"{id}\"\n"));
    }
    let members: Vec<String> = ids.iter().map(|id| format!("\"{id}\"")).collect();
    let place = quoted(&path.to_string_lossy());
    toml.push_str(&format!(
        "\n[[teams]]\nid = \"clone\"\nname = {}\nmembers = [{}]\ngit = [{place}]\n",
        quoted(&name),
        members.join(", ")
    ));
    toml
}
