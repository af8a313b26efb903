//! What is delivered after the night, to whom and how. Addresses of webhooks and pings are secrets and stand elsewhere.

use std::net::IpAddr;
use std::time::Duration;

use toml::Spanned;
use url::Url;

use super::parse::Parser;
use super::reader::Table;
use super::token::TokenPlace;

/// How long one delivery may take, waits included.
const PATIENCE: i64 = 60;

/// `[delivery]`.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Where the folder `latest` of the report is served, for links.
    pub base: Option<Url>,
    pub patience: Duration,
    pub smtp: Option<Smtp>,
    /// The address of a healthcheck; it is a secret.
    pub ping: Option<TokenPlace>,
}

impl Default for Delivery {
    fn default() -> Self {
        Self { base: None, patience: Duration::from_secs(PATIENCE.unsigned_abs()), smtp: None, ping: None }
    }
}

/// How the connection to a mail server is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Plain at first and then TLS, or nothing is sent.
    StartTls,
    /// TLS from the first byte on.
    Tls,
    /// For this machine alone.
    None,
}

impl Security {
    const ALL: [(&str, Self, u16); 3] =
        [("starttls", Self::StartTls, 587), ("tls", Self::Tls, 465), ("none", Self::None, 25)];
}

/// A mail server.
#[derive(Clone, Debug)]
pub struct Smtp {
    pub host: String,
    pub port: u16,
    pub security: Security,
    /// The sender's address.
    pub from: String,
    /// User and the place of the password.
    pub login: Option<(String, TokenPlace)>,
}

/// What a webhook wants to be told in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookForm {
    Slack,
    Mattermost,
    Teams,
}

impl HookForm {
    const ALL: [(&str, Self); 3] = [("slack", Self::Slack), ("mattermost", Self::Mattermost), ("teams", Self::Teams)];
}

/// An incoming webhook of a team's channel; its address is a secret.
#[derive(Clone, Debug)]
pub struct Hook {
    pub address: TokenPlace,
    pub form: HookForm,
    /// The line of the configuration, by which errors name it.
    pub line: usize,
}

impl Parser<'_> {
    pub(super) fn delivery(&mut self, root: &mut Table<'_>) -> Delivery {
        let mut delivery = Delivery::default();
        let Some(mut table) = root.table("delivery", "[delivery]", &mut self.notes) else { return delivery };
        delivery.base = table.text("base-url", &mut self.notes).and_then(|url| self.url(&url));
        if let Some(seconds) = self.positive(&mut table, "patience-seconds") {
            delivery.patience = Duration::from_secs(seconds.unsigned_abs());
        }
        let smtp = table.table("smtp", "[delivery.smtp]", &mut self.notes);
        delivery.smtp = smtp.and_then(|table| self.smtp(table));
        if let Some(mut ping) = table.table("ping", "[delivery.ping]", &mut self.notes) {
            delivery.ping = self.secret(&mut ping, ["url", "url-env", "url-file", "url-command"]);
            ping.finish(&mut self.notes);
        }
        table.finish(&mut self.notes);
        delivery
    }

    fn smtp(&mut self, mut table: Table<'_>) -> Option<Smtp> {
        let host = table.required("host", &mut self.notes);
        let security = self.security(&mut table, host.as_ref());
        let port = table.number("port", &mut self.notes).and_then(|port| {
            let number = u16::try_from(*port.get_ref()).ok().filter(|number| *number > 0);
            if number.is_none() {
                self.notes.add(port.span(), "`port` lies between 1 and 65535");
            }
            number
        });
        let from = table.required("from", &mut self.notes);
        let from = from.filter(|from| self.is_address(from));
        let login = match table.text("user", &mut self.notes) {
            Some(user) => {
                let password =
                    self.secret(&mut table, ["password", "password-env", "password-file", "password-command"]);
                password.map(|password| (user.into_inner(), password))
            }
            None => None,
        };
        table.finish(&mut self.notes);
        let (security, usual) = security?;
        Some(Smtp { host: host?.into_inner(), port: port.unwrap_or(usual), security, from: from?.into_inner(), login })
    }

    /// How the connection is secured, and the usual port for it; without TLS only on this machine.
    fn security(&mut self, table: &mut Table<'_>, host: Option<&Spanned<String>>) -> Option<(Security, u16)> {
        let Some(word) = table.text("security", &mut self.notes) else { return Some((Security::StartTls, 587)) };
        let Some((_, security, port)) = Security::ALL.iter().find(|(known, ..)| known == word.get_ref()) else {
            self.notes.add(word.span(), "`security` must be \"starttls\", \"tls\", or \"none\" on this machine");
            return None;
        };
        if *security == Security::None && !host.is_some_and(|host| is_this_machine(host.get_ref())) {
            self.notes.add(word.span(), "without TLS mail goes to this machine alone; use \"starttls\" or \"tls\"");
            return None;
        }
        Some((*security, *port))
    }

    /// Where a team's summary goes.
    pub(super) fn recipients(&mut self, table: &mut Table<'_>) -> Vec<String> {
        let all = table.texts("recipients", &mut self.notes);
        if let Some(first) = all.first().filter(|_| !self.mails) {
            self.notes.add_private(first.span(), "mail needs a server: add [delivery.smtp]");
        }
        all.into_iter().filter(|one| self.is_address(one)).map(Spanned::into_inner).collect()
    }

    pub(super) fn webhook(&mut self, table: &mut Table<'_>) -> Option<Hook> {
        let mut table = table.table("webhook", "a webhook", &mut self.notes)?;
        let line = self.notes.line(table.span.start);
        let address = self.secret(&mut table, ["url", "url-env", "url-file", "url-command"]);
        let form = match table.text("form", &mut self.notes) {
            None => Some(HookForm::Slack),
            Some(word) => {
                let known = HookForm::ALL.iter().find(|(known, _)| known == word.get_ref()).map(|(_, form)| *form);
                if known.is_none() {
                    self.notes.add(word.span(), "`form` must be \"slack\", \"mattermost\" or \"teams\"");
                }
                known
            }
        };
        table.finish(&mut self.notes);
        Some(Hook { address: address?, form: form?, line })
    }

    /// Whether this is a plain mail address; the server has the last word.
    fn is_address(&mut self, text: &Spanned<String>) -> bool {
        let parts: Vec<&str> = text.get_ref().split('@').collect();
        let odd = |letter: char| letter.is_whitespace() || letter.is_control() || "<>,;:\"()\\".contains(letter);
        let plain = parts.len() == 2 && parts.iter().all(|part| !part.is_empty() && !part.contains(odd));
        if !plain {
            self.notes.add_private(text.span(), "this is not a mail address such as \"team@example.com\"");
        }
        plain
    }
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
