//! Starts logging, calls the command line, turns the outcome into an exit code.
#![forbid(unsafe_code)]

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use undercurrent::cli::{Cli, Outside};

fn main() -> ExitCode {
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
    };
    match cli.run(&outside) {
        Ok(exit) => ExitCode::from(exit as u8),
        Err(failure) => {
            eprintln!("undercurrent: {failure}");
            ExitCode::from(failure.exit as u8)
        }
    }
}

/// Log lines go to standard error. The tracker's library logs whole issues at debug level, so it is never let through.
/// Where somebody watches the line of progress, only warnings are let through.
fn start_logging(quiet: bool, json: bool, watched: bool) {
    let level = match (quiet, watched) {
        (true, _) => "error",
        (false, true) => "warn",
        (false, false) => "info",
    };
    let filter = tracing_subscriber::EnvFilter::new(format!("warn,undercurrent={level},jira_query=off"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    if json { builder.json().init() } else { builder.init() }
}

/// 32 random bytes for a new secret.
fn random() -> std::io::Result<[u8; 32]> {
    let mut bytes = [0u8; 32];
    std::io::Read::read_exact(&mut std::fs::File::open("/dev/urandom")?, &mut bytes)?;
    Ok(bytes)
}
