//! Mail by SMTP: the summary as plain text, the page attached.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Attachment, MultiPart, SinglePart};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use secrecy::{ExposeSecret, SecretString};

use super::{NotDelivered, bounded};
use crate::collect::Meter;
use crate::collect::http::{Answer, Gate, Service, TransportError, Verdict};
use crate::config::{Security, Smtp};

/// Stands for an answer without a code: no TLS, no common way to log in, no SMTP.
const NO_CODE: u16 = 0;
/// Between the parts of a message: fixed, so that the same page is the same mail.
const BOUNDARY: &str = "=_undercurrent_1f6f2d8e";

/// A letter to one recipient.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    pub to: &'a str,
    pub subject: &'a str,
    pub text: &'a str,
    /// Name and bytes of the page.
    pub page: (&'a str, &'a [u8]),
    pub at: Timestamp,
    /// Unique among all letters of this installation; the same for each try, so that a doubled one can be told.
    pub id: &'a str,
}

/// A mail server that is ready to be talked to.
pub struct Server<'a> {
    smtp: &'a Smtp,
    transport: AsyncSmtpTransport<Tokio1Executor>,
    gate: Gate,
    patience: Duration,
}

impl<'a> Server<'a> {
    /// A server, with the password that goes with its user.
    ///
    /// # Errors
    /// [`NotDelivered`] where the TLS library cannot start.
    pub fn new(smtp: &'a Smtp, password: Option<&SecretString>, patience: Duration) -> Result<Self, NotDelivered> {
        let parameters = || {
            let made = TlsParameters::new(smtp.host.clone());
            made.map_err(|_| NotDelivered { reason: "the TLS library cannot start".to_owned(), whole: true })
        };
        let tls = match smtp.security {
            Security::StartTls => Tls::Required(parameters()?),
            Security::Tls => Tls::Wrapper(parameters()?),
            Security::None => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&smtp.host)
            .port(smtp.port)
            .tls(tls)
            .timeout(Some(patience))
            .hello_name(ClientId::Domain(domain(&smtp.from).to_owned()));
        if let (Some((user, _)), Some(password)) = (&smtp.login, password) {
            builder = builder.credentials(Credentials::new(user.clone(), password.expose_secret().to_owned()));
        }
        let gate = Gate::new(Service::Webhook, Arc::new(Meter::default()), patience);
        Ok(Self { smtp, transport: builder.build(), gate, patience })
    }

    /// Sends a letter, tried again by the policy.
    ///
    /// # Errors
    /// [`NotDelivered`].
    pub async fn send(&self, letter: &Letter<'_>) -> Result<(), NotDelivered> {
        let message = message(self.smtp, letter)?;
        let attempt = || async {
            let sent = self.transport.send(message.clone()).await;
            answer(sent.map(|_| ()))
        };
        bounded(self.patience, self.gate.send("SMTP", judge, attempt)).await.map(|_| ())
    }

    /// Connects, secures the connection, logs in, and sends nothing.
    ///
    /// # Errors
    /// [`NotDelivered`].
    pub async fn check(&self) -> Result<(), NotDelivered> {
        let attempt = || async { answer(self.transport.test_connection().await.map(|_| ())) };
        bounded(self.patience, self.gate.send("SMTP", judge, attempt)).await.map(|_| ())
    }
}

fn domain(address: &str) -> &str {
    address.rsplit_once('@').map_or("localhost", |(_, domain)| domain)
}

fn moment(at: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(at.as_second().try_into().unwrap_or_default())
}

fn message(smtp: &Smtp, letter: &Letter<'_>) -> Result<Message, NotDelivered> {
    let mailbox = |address: &str, whose: &str| {
        address.parse().map_err(|_| NotDelivered::of(format!("the address of the {whose} is none that mail can use")))
    };
    let (name, bytes) = letter.page;
    let html = ContentType::parse("text/html; charset=utf-8").map_err(|_| NotDelivered::of("no such content type"))?;
    let parts = MultiPart::mixed()
        .boundary(BOUNDARY)
        .singlepart(SinglePart::plain(letter.text.to_owned()))
        .singlepart(Attachment::new(name.to_owned()).body(bytes.to_vec(), html));
    Message::builder()
        .from(mailbox(&smtp.from, "sender")?)
        .to(mailbox(letter.to, "recipient")?)
        .subject(letter.subject)
        .date(moment(letter.at))
        .message_id(Some(format!("<{}.undercurrent@{}>", letter.id, domain(&smtp.from))))
        .header(AutoSubmitted)
        .multipart(parts)
        .map_err(|_| NotDelivered::of("the message cannot be put together"))
}

/// Tells mail programs that no human wrote this, so that nobody's absence note answers it (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// What the server said as a code alone; its words stay unread.
fn answer(result: Result<(), Error>) -> Result<Answer, TransportError> {
    let coded = |status| Ok(Answer { status, headers: http::HeaderMap::new(), body: Vec::new() });
    match result {
        Ok(()) => coded(250),
        Err(error) => match error.status() {
            Some(code) => coded(code.into()),
            None if error.is_timeout() => Err(TransportError::Timeout),
            // A handshake that failed is told as a connection that failed, but its cause is none of the network.
            None if error.is_tls() || error.is_client() || error.is_response() || !is_of_the_network(&error) => {
                coded(NO_CODE)
            }
            None => Err(TransportError::Connect),
        },
    }
}

fn is_of_the_network(error: &Error) -> bool {
    std::error::Error::source(error).is_none_or(|cause| cause.is::<std::io::Error>())
}

/// What to do about a code of SMTP.
fn judge(answer: &Answer) -> Verdict {
    match answer.status {
        200..=299 => Verdict::Ok,
        code @ (530 | 534 | 535 | 538) => {
            Verdict::Refused(format!("the mail server refuses user and password (SMTP {code})"))
        }
        400..=499 => Verdict::Retry { after: None, smaller: false, why: "the mail server is not ready" },
        NO_CODE => Verdict::Refused(
            "the mail server offers no TLS that can be trusted, no common way to log in, or does not speak SMTP; see \
             `security`, `port` and `host` in [delivery.smtp]"
                .to_owned(),
        ),
        code => Verdict::Scope(format!("the mail server refuses the message (SMTP {code})")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smtp() -> Smtp {
        let from = "reports@example.com".to_owned();
        Smtp { host: "localhost".to_owned(), port: 25, security: Security::None, from, login: None }
    }

    fn letter() -> Letter<'static> {
        Letter {
            to: "team@example.com",
            subject: "undercurrent: Zahlungsverkehr für alle",
            text: "Zwei Dinge.\n.\nEnde\n",
            page: ("payments.html", b"<html>page</html>"),
            at: Timestamp::constant(1_795_521_600, 0),
            id: "7.payments.1",
        }
    }

    #[test]
    fn the_same_letter_is_the_same_bytes_and_holds_text_and_page() {
        let made = || String::from_utf8(message(&smtp(), &letter()).unwrap().formatted()).unwrap();
        let (one, other) = (made(), made());
        assert_eq!(one, other);
        for part in [
            "From: reports@example.com",
            "To: team@example.com",
            "Message-ID: <7.payments.1.undercurrent@example.com>",
            "Date: Tue, 24 Nov 2026",
            "filename=\"payments.html\"",
            "text/plain",
        ] {
            assert!(one.contains(part), "{part}: {one}");
        }
    }

    #[test]
    fn line_breaks_in_a_subject_make_no_header() {
        let letter = Letter { subject: "x\r\nBcc: other@example.com", ..letter() };
        let made = message(&smtp(), &letter).map(|message| String::from_utf8(message.formatted()).unwrap());
        assert!(made.map_or(true, |text| !text.contains("\nBcc:")), "a header was smuggled in");
    }

    #[test]
    fn every_kind_of_code_has_its_meaning() {
        let check = |status, expected: &str| {
            let answer = Answer { status, headers: http::HeaderMap::new(), body: Vec::new() };
            let verdict = format!("{:?}", judge(&answer));
            assert!(verdict.starts_with(expected), "{status}: {verdict}");
        };
        check(250, "Ok");
        check(421, "Retry");
        check(451, "Retry");
        check(535, "Refused");
        check(550, "Scope(\"the mail server refuses the message (SMTP 550)");
        check(NO_CODE, "Refused");
    }
}
