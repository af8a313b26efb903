//! Starts logging, calls the command line, turns the outcome into an exit code.
#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use undercurrent::cli::{Cli, Outside};
use undercurrent::collect::http::Patience;
use undercurrent::pipeline::surroundings::{Interrupt, Raise, Signal};

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(tell_place));
    let cli = Cli::parse();
    let (quiet, json) = cli.logging();
    let watched = std::io::stderr().is_terminal() && !quiet && !json;
    start_logging(quiet, json, watched);
    let outside = Outside {
        now: jiff::Timestamp::now(),
        environment: &|name| std::env::var(name).ok(),
        random: &random,
        terminal: std::io::stdout().is_terminal(),
        watched,
        complain: &|text| complain(json, text),
        patience: Patience::default(),
        interrupt: if cli.is_night() { listen() } else { Interrupt::new().1 },
    };
    // The hook has told where; what was being done is left behind, and the store is whole at every moment.
    let run = std::panic::AssertUnwindSafe(|| cli.run(&outside));
    match std::panic::catch_unwind(run) {
        Ok(Ok(exit)) => ExitCode::from(exit as u8),
        Ok(Err(failure)) => {
            complain(json, &failure.to_string());
            ExitCode::from(failure.exit as u8)
        }
        Err(_) => ExitCode::from(undercurrent::pipeline::ExitCode::Internal as u8),
    }
}

/// What a person or a mail of cron has to see, even where only errors are printed.
fn complain(json: bool, text: &str) {
    if json {
        let line =
            serde_json::json!({ "timestamp": jiff::Timestamp::now(), "level": "ERROR", "fields": { "message": text } });
        eprintln!("{line}");
    } else {
        eprintln!("undercurrent: {text}");
    }
}

fn tell_place(panic: &std::panic::PanicHookInfo<'_>) {
    eprintln!("{}", told(panic));
}

/// A panic is told by its place alone: its message may quote what was being read.
fn told(panic: &std::panic::PanicHookInfo<'_>) -> String {
    let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    format!("undercurrent: a bug at {place}; please report this line, which holds nothing of what was read")
}

/// Log lines go to standard error. Only the program's own are let through: those of libraries may quote what they read.
/// Where somebody watches the line of progress, only warnings are let through.
fn start_logging(quiet: bool, json: bool, watched: bool) {
    let level = match (quiet, watched) {
        (true, _) => "error",
        (false, true) => "warn",
        (false, false) => "info",
    };
    let filter = tracing_subscriber::EnvFilter::new(format!("off,undercurrent={level}"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    if json { builder.json().init() } else { builder.init() }
}

/// How long a run may take to end by itself once it is asked to.
const GRACE: Duration = Duration::from_secs(8);

/// Hears the signals that ask a run to end. One that has not ended by itself in time is ended here: a store is whole at every
/// moment.
fn listen() -> Interrupt {
    let (raise, interrupt) = Interrupt::new();
    // Without a thread for it a signal ends the run at once, as it ends other commands.
    if std::thread::Builder::new().name("signals".to_owned()).spawn(move || pass_on(&raise)).is_err() {
        tracing::warn!("the system has no thread left to hear signals");
    }
    interrupt
}

fn pass_on(raise: &Raise) -> std::io::Result<Infallible> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let signal = runtime.block_on(heard())?;
    // Nobody listens any more where the run is over.
    let _ = raise.send(Some(signal));
    std::thread::sleep(GRACE);
    std::process::exit(i32::from(signal.exit() as u8))
}

async fn heard() -> std::io::Result<Signal> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(tokio::select! {
        _ = interrupt.recv() => Signal::Interrupt,
        _ = terminate.recv() => Signal::Terminate,
    })
}

/// 32 random bytes for a new secret.
fn random() -> std::io::Result<[u8; 32]> {
    let mut bytes = [0u8; 32];
    std::io::Read::read_exact(&mut std::fs::File::open("/dev/urandom")?, &mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    #[test]
    fn g9_a_panic_is_told_by_its_place_and_never_by_its_message() {
        let said = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&said);
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| kept.lock().unwrap().push(super::told(panic))));
        let texts: [Box<dyn Fn() + Send>; 3] = [
            Box::new(|| panic!("login-ada in a message")),
            Box::new(|| assert_eq!("login-ada", "another")),
            Box::new(|| assert_eq!("login-ada".parse::<u8>().expect("login-ada is no number"), 0)),
        ];
        for text in texts {
            let _ = std::thread::spawn(text).join();
        }
        std::panic::set_hook(before);
        let said = said.lock().unwrap();
        assert_eq!(said.len(), 3);
        assert!(said.iter().all(|line| line.contains("main.rs:") && !line.contains("ada")), "{said:?}");
    }
}
