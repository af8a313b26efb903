//! `words check`: the language rules, held against cards, against the words of an organisation, or against single texts.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::commands::print;
use crate::language::{self, Rules, Slot};
use crate::pipeline::wording::{check_folder, check_shipped};
use crate::pipeline::{ExitCode, Failure};

/// What is done with words.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum WordsCommand {
    /// Holds texts against the language rules, and says which of them each breaks; exit 2 where one is rejected.
    Check {
        /// A folder of cards or words; - for JSON lines {"slot", "text"} from standard input [default: what comes with
        /// the program].
        place: Option<PathBuf>,
        /// The language of the texts [default: what the folder's page.toml says, else en].
        #[arg(long, value_name = "TAG")]
        language: Option<String>,
    },
}

#[derive(Deserialize)]
struct Asked {
    slot: String,
    text: String,
}

#[derive(Serialize)]
struct Answer {
    verdict: &'static str,
    rules: Vec<String>,
}

pub(super) fn words(command: &WordsCommand) -> Result<ExitCode, Failure> {
    let WordsCommand::Check { place, language } = command;
    let (files, complaints) = match place.as_deref() {
        Some(place) if place == Path::new("-") => return lines(language.as_deref().unwrap_or("en")),
        Some(folder) => check_folder(folder, language.as_deref())?,
        None => check_shipped()?,
    };
    for complaint in &complaints {
        print(&format!("{complaint}\n"));
    }
    print(&format!("{files} files, {} texts to change\n", complaints.len()));
    Ok(if complaints.is_empty() { ExitCode::Complete } else { ExitCode::Configuration })
}

/// Answers each line of standard input by one line.
fn lines(language: &str) -> Result<ExitCode, Failure> {
    let known: Vec<&str> = language::languages().collect();
    let rules = language::shipped(language)
        .ok_or_else(|| {
            Failure::configuration(format!("there are no rules for {language:?}; known: {}", known.join(", ")))
        })?
        .map_err(|error| Failure::internal(&error))?;
    let mut input = String::new();
    std::io::stdin()
        .read_to_string(&mut input)
        .map_err(|error| Failure::configuration(format!("standard input cannot be read: {error}")))?;
    let mut fine = true;
    for (at, line) in input.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let answer =
            answer(line, &rules).map_err(|reason| Failure::configuration(format!("line {}: {reason}", at + 1)))?;
        fine &= answer.rules.is_empty();
        let json = serde_json::to_string(&answer).map_err(|error| Failure::internal(&error))?;
        print(&format!("{json}\n"));
    }
    Ok(if fine { ExitCode::Complete } else { ExitCode::Configuration })
}

fn answer(line: &str, rules: &Rules) -> Result<Answer, String> {
    let asked: Asked = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let slot = Slot::of(&asked.slot).ok_or_else(|| {
        format!(
            "there is no slot {:?}; known: title, observation, joint, reminder, may_be, question, could_do, page",
            asked.slot
        )
    })?;
    let rules: Vec<String> = rules.check(slot, &asked.text).into_iter().map(|broken| broken.rule).collect();
    Ok(Answer { verdict: if rules.is_empty() { "accept" } else { "reject" }, rules })
}
