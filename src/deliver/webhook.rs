//! Incoming webhooks of Slack, Mattermost and Microsoft Teams: the summary alone.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{NotDelivered, bounded};
use crate::collect::Meter;
use crate::collect::http::client::{client, tell};
use crate::collect::http::policy::classify;
use crate::collect::http::{Gate, Patience, Service};
use crate::config::{HookForm, address};

/// Whether an address can be used, without asking anybody.
///
/// # Errors
/// [`NotDelivered`]; the address is not quoted.
pub fn check(url: &SecretString) -> Result<url::Url, NotDelivered> {
    address(url.expose_secret()).map_err(NotDelivered::of)
}

/// Tells a channel a text, tried again by the policy. Redirects are not followed.
///
/// # Errors
/// [`NotDelivered`].
pub async fn send(url: &SecretString, form: HookForm, text: &str, patience: Duration) -> Result<(), NotDelivered> {
    let url = check(url)?;
    let client = client(&Patience::default()).map_err(|error| NotDelivered::of(error.to_string()))?;
    let body = body(form, text);
    let gate = Gate::new(Service::Webhook, Arc::new(Meter::default()), patience);
    let judge = |answer: &crate::collect::http::Answer| {
        classify(Service::Webhook, answer.status, &answer.headers, &answer.body)
    };
    let attempt = || tell(client.post(url.clone()).json(&body));
    let answer = bounded(patience, gate.send("POST webhook", judge, attempt)).await?;
    if (200..300).contains(&answer.status) {
        return Ok(());
    }
    Err(NotDelivered::of(format!("it points elsewhere (HTTP {}), and redirects are not followed", answer.status)))
}

/// The body in the form that a service understands.
fn body(form: HookForm, text: &str) -> Value {
    match form {
        // Slack reads these three as markup, by which a text could call everybody in the channel.
        HookForm::Slack => {
            json!({ "text": text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;") })
        }
        HookForm::Mattermost => json!({ "text": text }),
        HookForm::Teams => json!({
            "type": "message",
            "attachments": [{
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": null,
                "content": {
                    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                    "type": "AdaptiveCard",
                    "version": "1.4",
                    "body": text.split("\n\n").map(|line| {
                        json!({ "type": "TextBlock", "wrap": true, "text": line.trim_end() })
                    }).collect::<Vec<_>>(),
                },
            }],
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_service_gets_the_form_that_it_understands() {
        assert_eq!(body(HookForm::Slack, "a <!channel> & b"), json!({ "text": "a &lt;!channel&gt; &amp; b" }));
        assert_eq!(body(HookForm::Mattermost, "a"), json!({ "text": "a" }));
        let card = body(HookForm::Teams, "one\n\ntwo\n");
        assert_eq!(card["attachments"][0]["content"]["body"][1]["text"], "two");
    }

    #[test]
    fn addresses_are_https_or_on_this_machine_and_are_never_quoted() {
        let told = |url: &str| check(&SecretString::from(url.to_owned())).map(|_| ());
        assert_eq!(told("https://hooks.example.com/T0/B0"), Ok(()));
        assert_eq!(told("http://127.0.0.1:9/x"), Ok(()));
        for url in ["http://hooks.example.com/T0", "hooks.example.com", "https://u:p@hooks.example.com/"] {
            assert!(!told(url).unwrap_err().reason.contains("hooks"), "{url}");
        }
    }
}
