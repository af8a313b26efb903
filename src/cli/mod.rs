//! Commands and flags, and nothing that does work.

use std::path::PathBuf;

use clap::{CommandFactory, Parser, Subcommand};
use jiff::Timestamp;

mod commands;
mod context;
mod follow_ups;
mod identities;
mod keeping;
mod mending;
mod mirror;
mod practice;
mod progress;
mod signals;
mod words;

use crate::collect::http::Patience;
use crate::pipeline::night::Stages;
use crate::pipeline::surroundings::Interrupt;
use crate::pipeline::{ExitCode, Failure};

/// A nightly report that prompts engineering leaders to open a conversation instead of judging.
#[derive(Debug, Parser)]
#[command(name = "undercurrent", version, about, max_term_width = 100)]
pub struct Cli {
    /// Prints errors only.
    #[arg(long, global = true)]
    quiet: bool,
    /// Writes log lines as JSON.
    #[arg(long, global = true, value_name = "FORMAT", value_parser = ["text", "json"], default_value = "text")]
    log_format: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes the report of a complete sample organisation: no credentials, no network.
    Demo {
        /// The folder for the sample's store and report.
        #[arg(long, value_name = "DIR", default_value = "demo")]
        out: PathBuf,
        /// The moment that the sample takes for now (RFC 3339).
        #[arg(long, value_name = "TIME", default_value = crate::demo::UNTIL)]
        as_of: Timestamp,
    },
    /// The night: collects, stores, measures, notices, and writes the report.
    Run {
        #[command(flatten)]
        place: Where,
        /// Uses the store alone, without network.
        #[arg(long, conflicts_with_all = ["only", "since", "full", "dry_run", "deliver_again"])]
        offline: bool,
        #[command(flatten)]
        choice: Choice,
    },
    /// Collects and stores, and writes no report.
    Collect {
        #[command(flatten)]
        place: Where,
        #[command(flatten)]
        choice: Choice,
    },
    /// Renders the report again from the store, without network.
    Report(Where),
    /// Says what the last 52 weeks would have shown, week by week and team by team, without network.
    Replay {
        #[command(flatten)]
        place: Where,
        /// Prints JSON.
        #[arg(long)]
        json: bool,
    },
    /// Notes that you talked about a card, what was agreed, and when you come back to it. The record is yours alone.
    Talked(follow_ups::Talked),
    /// Notes that you have seen a card.
    Seen(follow_ups::OfCard),
    /// Says what you said you would come back to: due first, by team.
    Followups(follow_ups::Listed),
    /// Notes that you came back to a follow-up: it comes once more after six weeks, the second time it is closed.
    Done(follow_ups::Done),
    /// Sets a card aside.
    SetAside(follow_ups::SetAside),
    /// Makes a report from nothing but a git clone.
    Try {
        /// The clone or bare repository.
        path: PathBuf,
        /// The folder for its store and report.
        #[arg(long, value_name = "DIR", default_value = "try")]
        out: PathBuf,
        /// The moment that the run takes for now (RFC 3339); default: now, or the newest commit where it is long past.
        #[arg(long, value_name = "TIME")]
        as_of: Option<Timestamp>,
    },
    /// Tests configuration, credentials, rights and visibility, and says the way out of what is wrong.
    Check {
        #[command(flatten)]
        place: Where,
        /// Prints a JSON object a line: `fine` and `text`.
        #[arg(long)]
        json: bool,
    },
    /// Proposes whose the accounts are that belong to nobody, and links those that you confirm. At a terminal only.
    Identities {
        #[command(flatten)]
        place: Where,
        /// Takes back the account that was confirmed last.
        #[arg(long)]
        undo: bool,
        /// Compares the rosters with the organisations' teams on GitHub and prints what could be pasted.
        #[arg(long, conflicts_with = "undo")]
        teams: bool,
    },
    /// Shows you what is held on you, and on nobody else: with a token of your own, at a terminal or into a file of yours.
    Mirror(mirror::Asked),
    /// Takes everything about one person out of the store, and reads nothing of them again.
    Forget(keeping::Asked),
    /// Reads every file of the store and says which are damaged.
    Verify {
        /// The configuration file.
        #[arg(long, value_name = "FILE", default_value = "undercurrent.toml")]
        config: PathBuf,
    },
    /// Lays damaged files of the store aside; the next night reads their sources again.
    Repair {
        /// The configuration file.
        #[arg(long, value_name = "FILE", default_value = "undercurrent.toml")]
        config: PathBuf,
    },
    /// Lists older versions of the store, or goes back to one.
    Rollback {
        /// The version to go back to.
        #[arg(long, value_name = "NUMBER")]
        to: Option<u64>,
        /// The configuration file.
        #[arg(long, value_name = "FILE", default_value = "undercurrent.toml")]
        config: PathBuf,
    },
    /// Prints completions for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Prints the manual page.
    Man,
    /// Takes out what is older than `keep-days`, as every night does.
    Purge(Where),
    /// Begins the store anew under a new key: rows, rosters and open cards go.
    RotateKey {
        #[command(flatten)]
        place: Where,
        /// Does it.
        #[arg(long)]
        yes: bool,
    },
    /// What a team says of its own days, such as a release: lists it, adds an entry or removes one.
    Context(context::Asked),
    /// Lists the signals, or explains one: definition, query, limits; for a team its exact series.
    Signals(signals::Asked),
    /// Holds the words of cards and pages against the language rules.
    Words {
        #[command(subcommand)]
        command: words::WordsCommand,
    },
    /// Plants troubles of stated sizes in simulated teams, and prints what is noticed of them, and how often nothing was.
    Reliability {
        /// Teams for each size of each signal; the page in docs/ has 100.
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=10_000))]
        teams: u16,
    },
    /// Looks into the store.
    Store {
        #[command(subcommand)]
        command: StoreCommand,
    },
    /// Computes range and score of the series in a JSON file, so that anybody can check a figure of the page.
    UsualRange {
        /// The file, in the form of tests/fixtures/usual_range.json; - for standard input.
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
enum StoreCommand {
    /// Prints the live files of a table, one a line, relative to the configuration's folder.
    Files {
        /// The table, such as pull_requests.
        table: String,
        /// The configuration file.
        #[arg(long, value_name = "FILE", default_value = "undercurrent.toml")]
        config: PathBuf,
    },
    /// Writes facts and evidence as Parquet into a folder, for an independent check of the signals.
    Export {
        /// The folder.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        #[command(flatten)]
        place: Where,
    },
}

/// The configuration and the moment taken for now.
#[derive(Clone, Debug, clap::Args)]
pub struct Where {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = "undercurrent.toml")]
    config: PathBuf,
    /// The moment that the run takes for now (RFC 3339); default: now.
    #[arg(long, value_name = "TIME")]
    as_of: Option<Timestamp>,
}

/// What is read, and from where on.
#[derive(Clone, Debug, clap::Args)]
pub struct Choice {
    /// Reads this alone: github, jira, git, calendars, owner/name, a project key or a team's id; may be repeated.
    #[arg(long, value_name = "SCOPE")]
    only: Vec<String>,
    /// Reads again what changed since the begin of this day (in the organisation's zone).
    #[arg(long, value_name = "DATE", conflicts_with = "full")]
    since: Option<jiff::civil::Date>,
    /// Reads everything again that a first night would read.
    #[arg(long)]
    full: bool,
    /// Puts the present roster in place for past weeks as well, after a correction; else it counts from Monday on.
    #[arg(long)]
    reread_roster: bool,
    /// Marks issues that vanished as gone, however many at once: for a deletion that was meant.
    #[arg(long, conflicts_with = "dry_run")]
    accept_gone: bool,
    /// Delivers the summary again to those who have it already (`run` alone).
    #[arg(long, conflicts_with = "dry_run")]
    deliver_again: bool,
    /// Says what a run would cost, by a few cheap requests, and writes nothing.
    #[arg(long)]
    dry_run: bool,
}

/// What the outside world gives to a run: clock, variables, randomness. Asked for in `main` alone.
pub struct Outside<'a> {
    pub now: Timestamp,
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    pub random: &'a dyn Fn() -> std::io::Result<[u8; 32]>,
    pub terminal: bool,
    /// Standard error is a terminal at which somebody watches: a line of progress stands for log lines.
    pub watched: bool,
    /// Says what has to be seen, on standard error.
    pub complain: &'a dyn Fn(&str),
    /// How long services are waited for.
    pub patience: Patience,
    /// Whether the run is asked to end.
    pub interrupt: Interrupt,
}

impl Cli {
    /// Whether only errors are logged, and whether log lines are JSON.
    #[must_use]
    pub fn logging(&self) -> (bool, bool) {
        (self.quiet, self.log_format == "json")
    }

    /// Whether the command reads sources for long, so that a signal lets it end in good order; others end at once.
    #[must_use]
    pub fn is_night(&self) -> bool {
        matches!(self.command, Command::Run { .. } | Command::Collect { .. })
    }

    /// Carries out the command.
    ///
    /// # Errors
    /// [`Failure`] with its exit code and a sentence.
    pub fn run(self, outside: &Outside<'_>) -> Result<ExitCode, Failure> {
        match self.command {
            Command::Demo { out, as_of } => commands::demo(&out, as_of),
            Command::Run { place, offline, choice } => {
                let stages = if offline { Stages::Offline } else { Stages::Night };
                commands::run(&place, stages, &choice, outside)
            }
            Command::Collect { place, choice } => commands::run(&place, Stages::Collect, &choice, outside),
            Command::Try { path, out, as_of } => commands::try_clone(&path, &out, as_of, outside),
            Command::Identities { place, undo, teams } => identities::identities(&place, undo, teams, outside),
            Command::Mirror(asked) => mirror::mirror(&asked, outside),
            Command::Forget(asked) => keeping::forget(&asked, outside),
            Command::Verify { config } => mending::verify(&config),
            Command::Repair { config } => mending::repair(&config),
            Command::Rollback { to, config } => mending::rollback(&config, to),
            Command::Completions { shell } => Ok(commands::completions(shell, &mut Self::command())),
            Command::Man => commands::manual(Self::command()),
            Command::Purge(place) => keeping::purge(&place, outside),
            Command::RotateKey { place, yes } => keeping::rotate_key(&place, yes, outside),
            Command::Context(asked) => context::run(asked),
            Command::Talked(asked) => follow_ups::talked(&asked, outside),
            Command::Seen(asked) => follow_ups::seen(&asked, outside),
            Command::Followups(asked) => follow_ups::followups(&asked, outside),
            Command::Done(asked) => follow_ups::done(&asked, outside),
            Command::SetAside(asked) => follow_ups::set_aside(&asked, outside),
            Command::Check { place, json } => commands::check(&place, json, outside),
            Command::Replay { place, json } => commands::replay(&place, json, outside),
            Command::Report(place) => commands::report(&place, outside),
            Command::Signals(asked) => signals::signals(&asked, outside),
            Command::Reliability { teams } => commands::reliability(usize::from(teams)),
            Command::Store { command: StoreCommand::Files { table, config } } => commands::store_files(&table, &config),
            Command::Store { command: StoreCommand::Export { out, place } } => commands::export(&out, &place, outside),
            Command::Words { command } => words::words(&command),
            Command::UsualRange { file } => commands::usual_range(&file),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_commands_are_well_formed_and_every_flag_has_help() {
        super::Cli::command().debug_assert();
        for command in super::Cli::command().get_subcommands() {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{} {}", command.get_name(), argument.get_id());
            }
        }
    }
}
