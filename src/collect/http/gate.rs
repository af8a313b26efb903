//! One gate per credential: few requests at once, one pause for all when a limit is in force, bounded waits.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::policy::{Service, Verdict};
use super::{Answer, CollectError, TransportError};
use crate::collect::Meter;

/// Requests of one credential at the same time.
const AT_ONCE: usize = 4;
/// Tries of one request.
const TRIES: u32 = 7;
/// Tries where nobody answers at all.
const UNREACHABLE_TRIES: u32 = 3;
/// The longest single wait.
const LONGEST_WAIT: Duration = Duration::from_secs(65 * 60);

/// A credential's gate.
#[derive(Clone)]
pub struct Gate {
    service: Service,
    meter: Arc<Meter>,
    places: Arc<Semaphore>,
    state: Arc<Mutex<State>>,
}

struct State {
    /// By the clock of [`super::Patience`].
    paused_until: Option<Duration>,
    /// What is left of the sum of all waits.
    budget: Duration,
}

impl Gate {
    /// A gate whose waits add up to at most `budget`.
    #[must_use]
    pub fn new(service: Service, meter: Arc<Meter>, budget: Duration) -> Self {
        let state = State { paused_until: None, budget };
        Self { service, meter, places: Arc::new(Semaphore::new(AT_ONCE)), state: Arc::new(Mutex::new(state)) }
    }

    /// The same gate, whose requests are counted by another meter.
    #[must_use]
    pub fn counted_by(&self, meter: Arc<Meter>) -> Self {
        Self { meter, ..self.clone() }
    }

    /// Which service lies behind it.
    #[must_use]
    pub fn service(&self) -> Service {
        self.service
    }

    /// What the requests cost.
    #[must_use]
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Sends a request, repeated by the policy, and judged by `judge`. `endpoint` is a template for the counters.
    ///
    /// # Errors
    /// [`CollectError`], named by what the caller can do about it.
    pub async fn send<Send, Reply, Judge>(
        &self,
        endpoint: &str,
        judge: Judge,
        mut attempt: Send,
    ) -> Result<Answer, CollectError>
    where
        Send: FnMut() -> Reply,
        Reply: Future<Output = Result<Answer, TransportError>>,
        Judge: Fn(&Answer) -> Verdict,
    {
        let mut tries = 0;
        loop {
            tries += 1;
            let result = self.once(endpoint, &mut attempt).await;
            let (after, smaller, why) = match result {
                Ok(answer) => match judge(&answer) {
                    Verdict::Ok | Verdict::NotModified | Verdict::Empty | Verdict::Redirect => return Ok(answer),
                    Verdict::Retry { after, smaller, why } => (after, smaller, why.to_owned()),
                    Verdict::Shrink => return Err(CollectError::Shrink),
                    Verdict::NotVisible => return Err(CollectError::NotVisible),
                    Verdict::BadQuestion(status) => return Err(CollectError::BadQuestion(status)),
                    Verdict::Scope(reason) => return Err(CollectError::Scope(reason)),
                    Verdict::Refused(reason) => return Err(CollectError::Refused(reason)),
                },
                Err(TransportError::TooLarge) => {
                    return Err(CollectError::Scope("an answer is larger than 20 MiB (a calendar: 8 MiB)".to_owned()));
                }
                // Trying again changes no certificate.
                Err(TransportError::Distrust) => {
                    return Err(CollectError::Scope(
                        "its certificate is not accepted; correct the address, or name the authority that signed it in \
                         SSL_CERT_FILE"
                            .to_owned(),
                    ));
                }
                Err(TransportError::Connect) if tries >= UNREACHABLE_TRIES => return Err(CollectError::Unreachable),
                Err(error) => (None, false, error.to_string()),
            };
            // A page that was too much is not asked for again and again: half of it may be what helps.
            if smaller && tries >= 2 {
                return Err(CollectError::Shrink);
            }
            if tries >= TRIES {
                return Err(CollectError::Scope(format!("it kept failing after {TRIES} tries: {why}")));
            }
            self.meter.add(|counts| counts.retries += 1);
            self.wait(after, tries).await?;
        }
    }

    async fn once<Send, Reply>(&self, endpoint: &str, attempt: &mut Send) -> Result<Answer, TransportError>
    where
        Send: FnMut() -> Reply,
        Reply: Future<Output = Result<Answer, TransportError>>,
    {
        // The semaphore is never closed.
        let _place = self.places.acquire().await.map_err(|_| TransportError::Interrupted)?;
        loop {
            let patience = self.meter.patience();
            let until = self.lock().paused_until.filter(|until| *until > patience.now());
            match until {
                Some(until) => patience.wait_until(until).await,
                None => break,
            }
        }
        self.meter.add(|counts| *counts.requests.entry(endpoint.to_owned()).or_default() += 1);
        let answer = attempt().await?;
        self.meter.add(|counts| counts.bytes += answer.body.len() as u64);
        Ok(answer)
    }

    /// Waits as told, for everybody behind this gate; or with growing patience, for this request alone.
    async fn wait(&self, told: Option<Duration>, tries: u32) -> Result<(), CollectError> {
        let wait = told.unwrap_or_else(|| Duration::from_millis(500 * 2_u64.pow(tries.min(6))));
        let until = self.meter.patience().now() + wait;
        {
            let mut state = self.lock();
            if wait > LONGEST_WAIT || wait > state.budget {
                return Err(CollectError::Budget(wait.as_secs()));
            }
            state.budget -= wait;
            if told.is_some() {
                state.paused_until = Some(state.paused_until.map_or(until, |other| other.max(until)));
            }
        }
        self.meter.add(|counts| counts.waited_seconds += wait.as_secs());
        if wait >= Duration::from_secs(5) {
            tracing::info!(seconds = wait.as_secs(), "waiting as the service asks");
        }
        self.meter.patience().wait_until(until).await;
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        // A poisoned lock still holds valid figures.
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::policy::classify;
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};
    use tokio::time::Instant;

    fn answer(status: u16, headers: &[(&'static str, &'static str)]) -> Answer {
        let pairs = headers
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), http::HeaderValue::from_static(value)));
        Answer { status, headers: pairs.collect(), body: b"{}".to_vec() }
    }

    async fn sent(answers: Vec<Result<Answer, TransportError>>, budget: u64) -> (Result<Answer, CollectError>, u32) {
        let gate = Gate::new(Service::Github, Arc::default(), Duration::from_secs(budget));
        let asked = AtomicU32::new(0);
        let answers = Mutex::new(answers.into_iter());
        let judge = |answer: &Answer| classify(Service::Github, answer.status, &answer.headers, &answer.body);
        let attempt = || {
            asked.fetch_add(1, Ordering::SeqCst);
            let next = answers.lock().unwrap().next().unwrap();
            async move { next }
        };
        let result = gate.send("GET /x", judge, attempt).await;
        (result, asked.load(Ordering::SeqCst))
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_is_waited_for_as_told_and_the_same_request_is_sent_again() {
        let begun = Instant::now();
        let (result, asked) = sent(vec![Ok(answer(429, &[("retry-after", "90")])), Ok(answer(200, &[]))], 1000).await;
        assert!(result.is_ok() && asked == 2);
        assert_eq!(begun.elapsed().as_secs(), 90);
    }

    #[tokio::test(start_paused = true)]
    async fn refused_credentials_are_never_tried_again() {
        let (result, asked) = sent(vec![Ok(answer(401, &[]))], 1000).await;
        assert!(matches!(result, Err(CollectError::Refused(_))) && asked == 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_beyond_the_budget_ends_the_source() {
        let (result, asked) = sent(vec![Ok(answer(429, &[("retry-after", "90")]))], 60).await;
        assert!(matches!(result, Err(CollectError::Budget(90))) && asked == 1);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_there_is_said_soon_and_a_storm_is_weathered() {
        let nobody = (0..3).map(|_| Err(TransportError::Connect)).collect();
        assert!(matches!(sent(nobody, 1000).await, (Err(CollectError::Unreachable), 3)));
        let storm =
            vec![Ok(answer(500, &[])), Err(TransportError::Interrupted), Ok(answer(503, &[])), Ok(answer(200, &[]))];
        assert!(matches!(sent(storm, 1000).await, (Ok(_), 4)));
    }
}
