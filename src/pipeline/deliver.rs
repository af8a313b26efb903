//! Deliveries after the night: which are due, and what became of them. A night's report is delivered once; what failed is
//! tried again by the next run of the same night.

use std::time::Instant;

use jiff::Timestamp;
use secrecy::SecretString;

use super::check::{Finding, fine, wrong};
use super::collect::Environment;
use super::exit::{ExitCode, Failure};
use super::freshness::place;
use super::night::elapsed;
use super::record::{Delivery, RunRecord};
use crate::config::{Config, TokenPlace};
use crate::deliver::mail::{Letter, Server};
use crate::deliver::{NotDelivered, ping, webhook};
use crate::report::digest::Digest;

/// What a night delivers with.
#[derive(Clone, Copy)]
pub struct Courier<'a> {
    pub config: &'a Config,
    pub environment: Environment<'a>,
    /// Delivers again what arrived already.
    pub again: bool,
}

impl Config {
    /// Whether anything is delivered to teams.
    #[must_use]
    pub fn delivers(&self) -> bool {
        self.teams.iter().any(|team| !team.recipients.is_empty() || team.webhook.is_some())
    }
}

impl Courier<'_> {
    /// Delivers what is due, and notes in the record what became of it, as gaps where it failed; `keep` writes the record
    /// after each delivery.
    ///
    /// # Errors
    /// [`Failure`] where the record cannot be written.
    pub fn deliver(
        &self,
        as_of: Timestamp,
        digests: &[Digest],
        record: &mut RunRecord,
        keep: &dyn Fn(&RunRecord) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let night = as_of.to_zoned_datetime(self.config.organisation.zone.clone()).date().to_string();
        let newest = record.deliveries.iter().map(|delivery| delivery.night.clone()).max();
        if newest.is_some_and(|newest| newest > night) && !self.again {
            tracing::info!("a later night has been delivered already; --deliver-again delivers this one as well");
            return Ok(());
        }
        let begun = Instant::now();
        record.deliveries.retain(|delivery| delivery.night == night && delivery.failed.is_none() && !self.again);
        let mut post = Post { courier: self, at: as_of, seq: record.seq, server: None };
        let runtime = runtime()?;
        for team in &self.config.teams {
            let Some(digest) = digests.iter().find(|digest| digest.team == team.id) else { continue };
            let name = format!("{}.html", team.id);
            for way in ways(team) {
                let known = |delivery: &Delivery| delivery.team == team.id && delivery.way == way;
                if record.deliveries.iter().any(known) {
                    continue;
                }
                let sent = match std::fs::read(self.config.pages(team).join("latest").join(&name)) {
                    Ok(page) => runtime.block_on(post.send(team, &way, digest, (&name, &page))),
                    Err(error) => Err(NotDelivered::of(format!("the page cannot be read: {error}"))),
                };
                let failed = sent.err().map(|error| error.reason);
                record.deliveries.push(Delivery { night: night.clone(), team: team.id.clone(), way, failed });
                keep(record)?;
            }
        }
        record.seconds.insert("deliver".to_owned(), elapsed(begun));
        let failed = record.deliveries.iter().filter_map(|one| Some((one, one.failed.as_ref()?)));
        let gaps: Vec<String> =
            failed.map(|(one, reason)| format!("delivery {}: {}: {reason}", one.team, one.way)).collect();
        record.gaps.extend(gaps);
        Ok(())
    }

    /// Tells the healthcheck that a run begins or how it ended. What goes wrong is warned of and changes nothing.
    pub fn ping(&self, what: &str, run: Option<[u8; 16]>, line: String) {
        let (Some(place), Some(run)) = (&self.config.delivery.ping, run) else { return };
        let told = self.secret(place).and_then(|url| {
            let runtime = runtime().map_err(|failure| NotDelivered::of(failure.message))?;
            runtime.block_on(ping::ping(&url, what, run, line))
        });
        if let Err(error) = told {
            tracing::warn!("the healthcheck was not told {what}: {error}");
        }
    }

    fn secret(&self, place: &TokenPlace) -> Result<SecretString, NotDelivered> {
        place.token(self.environment).map_err(|error| NotDelivered { reason: error.to_string(), whole: true })
    }

    fn server(&self) -> Result<Server<'_>, NotDelivered> {
        let Some(smtp) = &self.config.delivery.smtp else {
            return Err(NotDelivered { reason: "there is no [delivery.smtp]".to_owned(), whole: true });
        };
        let password = smtp.login.as_ref().map(|(_, place)| self.secret(place)).transpose()?;
        Server::new(smtp, password.as_ref(), self.config.delivery.patience)
    }

    /// What can be said of each delivery without sending anything: the mail server is asked to take user and password,
    /// of webhooks and healthcheck only that their addresses are there.
    ///
    /// # Errors
    /// [`Failure`] where the runtime cannot start.
    pub fn check(&self) -> Result<Vec<Finding>, Failure> {
        let mut findings = Vec::new();
        if let Some(smtp) = &self.config.delivery.smtp {
            let runtime = runtime()?;
            let answer = self.server().and_then(|server| runtime.block_on(server.check()));
            findings.push(match answer {
                Ok(()) => fine(format!("mail by {}: the server takes the connection", smtp.host)),
                Err(error) => wrong(format!("mail by {}: {error}", smtp.host)),
            });
        }
        let address = |name: String, place: &TokenPlace| match self.secret(place).and_then(|url| webhook::check(&url)) {
            Ok(_) => fine(format!("{name}: the address is there; nothing was sent to it")),
            Err(error) => wrong(format!("{name}: {error}")),
        };
        for hook in self.config.teams.iter().filter_map(|team| team.webhook.as_ref()) {
            findings.push(address(format!("webhook at {}", place(self.config, hook.line)), &hook.address));
        }
        findings.extend(self.config.delivery.ping.iter().map(|ping| address("healthcheck".to_owned(), ping)));
        Ok(findings)
    }
}

/// The ways to a team: each recipient, and its channel.
fn ways(team: &crate::config::Team) -> Vec<String> {
    let mails = (1..=team.recipients.len()).map(|number| format!("mail {number}"));
    mails.chain(team.webhook.iter().map(|_| "webhook".to_owned())).collect()
}

/// Deliveries of one night. The mail server is got ready once; where it is down or refuses the password, it is not
/// asked again for every other letter.
struct Post<'a> {
    courier: &'a Courier<'a>,
    at: Timestamp,
    seq: u64,
    server: Option<Result<Server<'a>, NotDelivered>>,
}

impl Post<'_> {
    async fn send(
        &mut self,
        team: &crate::config::Team,
        way: &str,
        digest: &Digest,
        page: (&str, &[u8]),
    ) -> Result<(), NotDelivered> {
        let number = way.strip_prefix("mail ").and_then(|number| number.parse::<usize>().ok());
        let Some(to) = number.and_then(|number| team.recipients.get(number - 1)) else {
            let Some(hook) = &team.webhook else { return Ok(()) };
            let url = self.courier.secret(&hook.address)?;
            return webhook::send(&url, hook.form, &digest.text, self.courier.config.delivery.patience).await;
        };
        let courier = self.courier;
        let server = self.server.get_or_insert_with(|| courier.server());
        let id = format!("{}.{}.{}", self.seq, team.id, way.replace(' ', "."));
        let letter = Letter { to, subject: &digest.subject, text: &digest.text, page, at: self.at, id: &id };
        let sent = match server {
            Ok(server) => server.send(&letter).await,
            Err(error) => Err(error.clone()),
        };
        if let Err(error) = &sent
            && error.whole
        {
            self.server = Some(Err(error.clone()));
        }
        sent
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| Failure::internal(&error))
}

/// A line of counts about how a run ended, for the healthcheck: no name, no place.
#[must_use]
pub fn outcome(exit: ExitCode, record: Option<&RunRecord>) -> String {
    let Some(record) = record else { return format!("undercurrent: exit {}", exit as u8) };
    let complete = record.scopes.iter().filter(|scope| scope.is_complete()).count();
    let (run, scopes, gaps) = (record.seq, record.scopes.len(), record.gaps.len());
    format!("undercurrent: exit {} run={run:06} scopes={complete}/{scopes} gaps={gaps}", exit as u8)
}
