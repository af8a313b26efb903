//! `mirror`: what the store holds on one person, for this person alone. Who it is, the service says whose token is used.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use secrecy::SecretString;

use super::chosen::Chosen;
use super::edition::switched_off;
use super::exit::{ExitCode, Failure};
use super::history::History;
use super::night;
use super::record::RunRecord;
use crate::catalogue::Catalogue;
use crate::collect::http::CollectError;
use crate::collect::{Meter, github, jira};
use crate::config::{Config, Flavour};
use crate::measure::Measured;
use crate::model::Account;
use crate::model::time::date_of;
use crate::store::{Held, Store, held};

/// Working days of the window that a nightly card looks at.
const WINDOW: usize = 10;

/// The person who asks: a token of their own, and what belongs to it.
pub struct Asker {
    pub token: SecretString,
    /// The host of the service that knows the token; `None`: the first of the configuration.
    pub host: Option<String>,
    /// The name that Jira wants beside a token; it proves nothing by itself.
    pub user: Option<String>,
}

/// What a person counts in one signal of one team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    pub team: String,
    pub signal: String,
    /// The first and the last day of the window.
    pub window: (Date, Date),
    /// Opportunities of theirs in the window, and how many of them went the way the signal looks for.
    pub in_window: (i64, i64),
    /// The same over all days that are measured.
    pub in_all: (i64, i64),
}

/// Everything about one person.
pub struct Everything {
    pub held: Vec<Held>,
    /// Teams (by id) in which the person was counted, with the first and the last day.
    pub teams: Vec<(String, Date, Date)>,
    pub counted: Vec<Counted>,
}

/// What is held on the owner of a token as of a moment.
///
/// # Errors
/// [`Failure`] where no service of the configuration fits, the service refuses the token, or the store cannot be read.
pub fn everything(config: &Config, store: &Store, asker: &Asker, as_of: Timestamp) -> Result<Everything, Failure> {
    let account = account_of(config, store, asker)?;
    let (person, held) = held(store, account.to_stored())?;
    let mut everything = Everything { held, teams: Vec::new(), counted: Vec::new() };
    if let Some(person) = person {
        let mut history = History::recall(store)?;
        let scopes = RunRecord::last(store.folder()).map(|record| record.scopes).unwrap_or_default();
        let chosen = Chosen::on(config)?;
        let (measured, _) = night::measured(config, store, &scopes, as_of, &chosen.queries, &mut history)?;
        everything.teams = history.teams_of(person);
        everything.counted = counted(config, &chosen.catalogue, &measured, person);
    }
    Ok(everything)
}

/// The account that the service names as the owner of the token. Nothing else says who asks.
fn account_of(config: &Config, store: &Store, asker: &Asker) -> Result<Account, Failure> {
    let fits = |host: &str| asker.host.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(host));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::internal(&error))?;
    let names = store.pseudonyms();
    if let Some(service) = config.github.iter().find(|service| fits(&github::host_of(&service.url))) {
        let host = github::host_of(&service.url);
        let number = runtime.block_on(github::own_account(&service.url, &asker.token));
        return Ok(names.account("github", &host, &number.map_err(|error| refused(&host, &error))?.to_string()));
    }
    if let Some(service) = config.jira.iter().find(|service| fits(&jira::host_of(&service.url))) {
        let host = jira::host_of(&service.url);
        let flavour = match service.flavour {
            Flavour::Cloud => jira::Flavour::Cloud,
            Flavour::DataCenter => jira::Flavour::DataCenter,
        };
        let own =
            jira::own_account(&service.url, flavour, asker.user.clone(), &asker.token, Arc::new(Meter::default()));
        let id = runtime.block_on(own);
        return Ok(names.account("jira", &host, &id.map_err(|error| refused(&host, &error))?));
    }
    let hosts = config.github.iter().map(|service| github::host_of(&service.url));
    let all: Vec<String> = hosts.chain(config.jira.iter().map(|service| jira::host_of(&service.url))).collect();
    let message = format!("--at must name a service that can say whose the token is; there are: {}", all.join(", "));
    Err(Failure::configuration(message))
}

fn refused(host: &str, error: &CollectError) -> Failure {
    let exit = if matches!(error, CollectError::Refused(_)) { ExitCode::Refused } else { ExitCode::Partial };
    Failure { exit, message: format!("{host}: {error}") }
}

/// What a person's own evidence comes to, by team and signal that is on for it.
fn counted(config: &Config, catalogue: &Catalogue, measured: &Measured, person: i64) -> Vec<Counted> {
    let off = switched_off(config, catalogue);
    let mut all = Vec::new();
    for (team, days) in config.teams.iter().zip(&measured.days) {
        let window = &days[days.len().saturating_sub(WINDOW)..];
        let (Some((from, _)), Some((to, _))) = (window.first(), window.last()) else { continue };
        let off = |signal: &String| team.dark || off.contains(signal) || team.signals_off.contains(signal);
        let signals = measured.evidence.get(&team.id).into_iter().flatten();
        for (signal, rows) in signals.filter(|(signal, _)| !off(signal)) {
            let own: Vec<_> = rows.iter().filter(|row| row.person == Some(person)).collect();
            if own.is_empty() {
                continue;
            }
            let sum = |since: i64| {
                let rows = own.iter().filter(|row| row.day >= since);
                rows.fold((0, 0), |(n, x), row| (n + row.n, x + row.x))
            };
            all.push(Counted {
                team: team.name.clone(),
                signal: signal.clone(),
                window: (date_of(*from), date_of(*to)),
                in_window: sum(*from),
                in_all: sum(i64::MIN),
            });
        }
    }
    all
}
