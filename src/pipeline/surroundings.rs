//! What the outside world gives to a run and may ask of it: variables, randomness, patience, somebody who watches, and a
//! signal to end. Asked for in `main` alone.

use tokio::sync::watch;

use super::collect::{Environment, Watch};
use super::exit::ExitCode;
use crate::collect::http::Patience;

/// Where randomness comes from.
pub type Random<'a> = &'a dyn Fn() -> std::io::Result<[u8; 32]>;

/// The outside world of a run.
#[derive(Clone)]
pub struct Surroundings<'a> {
    pub environment: Environment<'a>,
    pub random: Random<'a>,
    pub watch: Watch<'a>,
    pub patience: Patience,
    pub interrupt: Interrupt,
}

impl<'a> Surroundings<'a> {
    /// Those of a run that asks nobody anything and that nobody watches.
    #[must_use]
    pub fn alone(random: Random<'a>) -> Self {
        let interrupt = Interrupt::new().1;
        Self { environment: &|_| None, random, watch: &|_| {}, patience: Patience::default(), interrupt }
    }
}

/// A signal that asks a run to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT, as Ctrl-C sends it.
    Interrupt,
    /// SIGTERM, as service managers send it.
    Terminate,
}

impl Signal {
    /// The exit code that shells and service managers expect of a run that ended by it.
    #[must_use]
    pub fn exit(self) -> ExitCode {
        match self {
            Self::Interrupt => ExitCode::Interrupted,
            Self::Terminate => ExitCode::Terminated,
        }
    }

    /// What the run record says.
    #[must_use]
    pub fn told(self) -> String {
        let name = match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        };
        format!("the run was interrupted by {name}; the next one goes on from what is stored")
    }
}

/// Whether a run was asked to end, and by which signal.
#[derive(Clone)]
pub struct Interrupt(watch::Receiver<Option<Signal>>);

/// The other end of an [`Interrupt`]; a run whose other end is gone is never interrupted.
pub type Raise = watch::Sender<Option<Signal>>;

impl Interrupt {
    /// Both ends.
    #[must_use]
    pub fn new() -> (Raise, Self) {
        let (raise, raised) = watch::channel(None);
        (raise, Self(raised))
    }

    /// The signal, where one came.
    #[must_use]
    pub fn raised(&self) -> Option<Signal> {
        *self.0.borrow()
    }

    /// Waits for a signal; for ever where none can come any more.
    pub async fn wait(&mut self) -> Signal {
        match self.0.wait_for(Option::is_some).await.map(|signal| *signal) {
            Ok(Some(signal)) => signal,
            _ => std::future::pending().await,
        }
    }
}
