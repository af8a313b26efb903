//! GitHub App installations: a signed statement of which App asks is exchanged for a token that lasts an hour.

use octocrab::Octocrab;
use openssl::base64::encode_block;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::client::{date, whole};
use super::transport::open;
use crate::collect::http::{Answer, CollectError, Gate, Patience, Verdict, policy};
use crate::model::time::Millis;

/// The statement counts from a minute ago, since clocks differ, for nine minutes; the service allows ten.
const BEFORE: i64 = 60;
const LASTS: i64 = 540;

/// Who asks.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A token of a person or a machine account.
    Token(SecretString),
    /// An installation of a GitHub App.
    App(App),
}

/// A GitHub App and one of its installations.
#[derive(Clone, Debug)]
pub struct App {
    pub id: i64,
    /// Which installation; where it is not told, the one of these owners.
    pub installation: Option<i64>,
    pub owners: Vec<String>,
    /// The App's private key in PEM form.
    pub key: SecretString,
}

/// What an installation was granted.
pub struct Grant {
    pub token: SecretString,
    /// Permissions that could write, as `contents:write`.
    pub writes: Vec<String>,
}

impl App {
    /// Exchanges a fresh statement for a token of the installation. `base` is the REST address.
    ///
    /// # Errors
    /// [`CollectError::Refused`] where the key or the App is not known, [`CollectError::Scope`] where no installation
    /// fits.
    pub async fn grant(&self, base: &str, gate: &Gate) -> Result<Grant, CollectError> {
        let patience = gate.meter().patience();
        let now = clock(base, patience).await?;
        let jwt = self.statement(now.0.div_euclid(1000))?;
        let client = open(base, Some(&jwt), patience)?;
        let installation = match self.installation {
            Some(installation) => installation,
            None => self.find(&client, gate).await?,
        };
        let path = format!("/app/installations/{installation}/access_tokens");
        let attempt = || async { whole(client._post(path.as_str(), Some(&json!({}))), patience).await };
        let answer = gate.send("POST /app/installations/{id}/access_tokens", judge, attempt).await?;
        let value = answer.json().map_err(|_| shape())?;
        let token = value.get("token").and_then(Value::as_str).ok_or_else(shape)?;
        let permissions = value.get("permissions").and_then(Value::as_object);
        let writes = permissions.into_iter().flatten().filter(|(_, right)| right.as_str() != Some("read"));
        Ok(Grant {
            token: SecretString::from(token.to_owned()),
            writes: writes.map(|(name, _)| format!("{name}:write")).collect(),
        })
    }

    /// The installation of the configured owners, or the only one.
    async fn find(&self, client: &Octocrab, gate: &Gate) -> Result<i64, CollectError> {
        let patience = gate.meter().patience();
        let attempt = || async { whole(client._get("/app/installations?per_page=100"), patience).await };
        let answer = gate.send("GET /app/installations", judge, attempt).await?;
        let value = answer.json().map_err(|_| shape())?;
        let all = value.as_array().ok_or_else(shape)?;
        let of_owner = |one: &&Value| {
            let login = one.pointer("/account/login").and_then(Value::as_str).unwrap_or_default();
            self.owners.iter().any(|owner| owner.eq_ignore_ascii_case(login))
        };
        let found = match all.as_slice() {
            [only] if self.owners.is_empty() => Some(only),
            several => several.iter().find(of_owner),
        };
        found.and_then(|one| one.get("id").and_then(Value::as_i64)).ok_or_else(|| {
            CollectError::Scope(
                "the App is not installed for these owners; install it, or name installation-id or owners".to_owned(),
            )
        })
    }

    /// A JSON Web Token (RFC 7519) signed with RS256, valid around `now` (seconds since 1970).
    fn statement(&self, now: i64) -> Result<SecretString, CollectError> {
        let unusable =
            |_| CollectError::Refused("the App's private key cannot be used; download it again in PEM form".to_owned());
        let key = PKey::private_key_from_pem(self.key.expose_secret().as_bytes()).map_err(unusable)?;
        let head = json!({ "alg": "RS256", "typ": "JWT" }).to_string();
        let claims = json!({ "iat": now - BEFORE, "exp": now + LASTS, "iss": self.id.to_string() }).to_string();
        let signed = format!("{}.{}", url_safe(head.as_bytes()), url_safe(claims.as_bytes()));
        let mut signer = Signer::new(MessageDigest::sha256(), &key).map_err(unusable)?;
        let signature = signer.sign_oneshot_to_vec(signed.as_bytes()).map_err(unusable)?;
        Ok(SecretString::from(format!("{signed}.{}", url_safe(&signature))))
    }
}

/// The service's own clock, which the statement is judged by; this machine's may be wrong.
async fn clock(base: &str, patience: &Patience) -> Result<Millis, CollectError> {
    let anonymous = open(base, None, patience)?;
    // Whatever it answers: the time stands in the headers of a refusal as well.
    let answer = whole(anonymous._get("/meta"), patience).await.map_err(|_| CollectError::Unreachable)?;
    date(&answer).ok_or_else(|| CollectError::Scope("the service does not tell the time".to_owned()))
}

fn judge(answer: &Answer) -> Verdict {
    policy::classify(policy::Service::Github, answer.status, &answer.headers, &answer.body)
}

fn shape() -> CollectError {
    CollectError::Scope("an answer about the App's installation has an unexpected shape".to_owned())
}

/// Base64 with the URL-safe alphabet and without padding (RFC 4648, section 5).
fn url_safe(bytes: &[u8]) -> String {
    encode_block(bytes).trim_end_matches('=').replace('+', "-").replace('/', "_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::rsa::Rsa;
    use openssl::sign::Verifier;

    #[test]
    fn a_statement_is_signed_with_the_apps_key_and_names_it() {
        let rsa = Rsa::generate(2048).unwrap();
        let pem = String::from_utf8(rsa.private_key_to_pem().unwrap()).unwrap();
        let app = App { id: 7, installation: None, owners: Vec::new(), key: SecretString::from(pem) };
        let token = app.statement(1_000_000).unwrap();
        let parts: Vec<&str> = token.expose_secret().split('.').collect();
        let decoded = |part: &str| {
            let text = part.replace('-', "+").replace('_', "/");
            let padding = "=".repeat((4 - text.len() % 4) % 4);
            openssl::base64::decode_block(&format!("{text}{padding}")).unwrap()
        };
        let claims: Value = serde_json::from_slice(&decoded(parts[1])).unwrap();
        assert_eq!(claims, json!({ "iat": 999_940, "exp": 1_000_540, "iss": "7" }));
        let key = PKey::from_rsa(rsa).unwrap();
        let mut verifier = Verifier::new(MessageDigest::sha256(), &key).unwrap();
        let signed = format!("{}.{}", parts[0], parts[1]);
        assert!(verifier.verify_oneshot(&decoded(parts[2]), signed.as_bytes()).unwrap());
    }

    #[test]
    fn a_key_that_is_none_is_refused_without_being_quoted() {
        let app = App { id: 7, installation: None, owners: Vec::new(), key: SecretString::from("secret".to_owned()) };
        let error = app.statement(0).unwrap_err().to_string();
        assert!(error.contains("PEM") && !error.contains("secret"), "{error}");
    }
}
