//! The sample organisation through the same store, measuring, noticing and report as a real night.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;

use super::exit::{ExitCode, Failure};
use super::night::{Finished, report};
use super::record::{RunRecord, Scope};
use crate::collect::Outcome;
use crate::config::Config;
use crate::demo;
use crate::model::time::Millis;
use crate::store::Store;

/// A secret for the sample alone, so that its pages are the same everywhere.
const KEY: [u8; 32] = [7; 32];

/// Makes the sample in a folder and writes its report.
///
/// # Errors
/// [`Failure`] with its exit code.
pub fn sample(folder: &Path, as_of: Timestamp) -> Result<Finished, Failure> {
    let failed = |error: std::io::Error| Failure::storage(format!("cannot write to {}: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(failed)?;
    let mut store = Store::open(&folder.join("store"), || Ok(KEY))?;
    let made = demo::organisation(as_of, store.pseudonyms());
    let file = folder.join("undercurrent.toml");
    std::fs::write(&file, &made.config_toml).map_err(failed)?;
    let config = Config::parse(&made.config_toml, &file)?;
    store.merge(&made.batch, Vec::new())?;
    let scopes = scopes(&config, as_of);
    let mut seconds = BTreeMap::new();
    let latest = report(&config, &store, &scopes, as_of, &mut seconds)?;
    let record = RunRecord {
        seq: store.seq(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        as_of: as_of.to_string(),
        scopes,
        seconds,
        tables: store.rows(),
        ..RunRecord::default()
    };
    record.write(store.folder()).map_err(failed)?;
    Ok(Finished { exit: ExitCode::Complete, report: Some(latest), record })
}

/// The sample's sources, all read to the sample's own now.
fn scopes(config: &Config, as_of: Timestamp) -> Vec<Scope> {
    let scope = |source: &str, stream: &str, label: &str, name: &str| Scope {
        source: source.to_owned(),
        stream: stream.to_owned(),
        scope: name.to_owned(),
        label: label.to_owned(),
        outcome: Outcome::Complete,
        reason: None,
        refused: false,
        rows: 0,
        requests: 0,
        points: 0,
        bytes: 0,
        waited_seconds: 0,
        complete_to: Some(Millis::from_timestamp(as_of).0),
    };
    let mut scopes = vec![scope("calendars", "calendar", "calendars", "*")];
    for team in &config.teams {
        scopes.extend(team.repositories.iter().map(|name| scope("github:github.com", "pull_requests", name, name)));
        scopes.extend(team.jira_projects.iter().map(|key| scope("jira:harbor.atlassian.net", "issues", key, key)));
    }
    scopes
}
