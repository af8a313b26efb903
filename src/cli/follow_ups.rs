//! The leader's record: `talked`, `seen`, `followups`, `done` and `set-aside`.

use jiff::civil::Date;
use serde_json::json;

use super::commands::{print, reader};
use super::{Outside, Where, practice};
use crate::catalogue::Catalogue;
use crate::config::Config;
use crate::follow_ups::{
    About, Did, Entry, FIRST_AGAIN, FollowUp, Ledger, ONCE_MORE, Reason, State, accepts, day_of, file,
};
use crate::pipeline::chosen::Chosen;
use crate::pipeline::history::History;
use crate::pipeline::{ExitCode, Failure, ledger};

/// A card, by its id or by its signal.
#[derive(Clone, Debug, clap::Args)]
pub struct OfCard {
    /// The card's id as the page has it, or the signal of an open card.
    card: String,
    /// The team, where several have such a card.
    #[arg(long, value_name = "ID")]
    team: Option<String>,
    #[command(flatten)]
    place: Where,
}

/// A talk.
#[derive(Clone, Debug, clap::Args)]
pub struct Talked {
    #[command(flatten)]
    of: OfCard,
    /// What was agreed about the work, in at most 200 characters; needs --mine.
    #[arg(long, value_name = "TEXT")]
    agreed: Option<String>,
    /// What you will do yourself, in at most 200 characters.
    #[arg(long, value_name = "TEXT")]
    mine: Option<String>,
    /// When you come back to it: 2w, 10d or a date [default: 2w; give an earlier one where your own part is due earlier].
    #[arg(long, value_name = "TIME", requires = "mine")]
    again: Option<String>,
}

/// What is listed.
#[derive(Clone, Debug, clap::Args)]
pub struct Listed {
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    /// Of this team alone.
    #[arg(long, value_name = "ID")]
    team: Option<String>,
    /// Tells how the record was used: cards talked about, promises kept in time, cards set aside as measured wrongly.
    #[arg(long)]
    practice: bool,
    #[command(flatten)]
    place: Where,
}

/// A follow-up that was done.
#[derive(Clone, Debug, clap::Args)]
pub struct Done {
    /// The follow-up's number.
    id: i64,
    /// Closes it now instead of asking once more.
    #[arg(long)]
    close: bool,
    /// When you come back to it once more: 6w, 10d or a date [default: 6w].
    #[arg(long, value_name = "TIME", conflicts_with = "close")]
    again: Option<String>,
    /// The team, where several leaders keep records.
    #[arg(long, value_name = "ID")]
    team: Option<String>,
    #[command(flatten)]
    place: Where,
}

/// A card that is set aside.
#[derive(Clone, Debug, clap::Args)]
pub struct SetAside {
    #[command(flatten)]
    of: OfCard,
    /// The reason.
    #[arg(long, value_name = "REASON", value_parser = Reason::ALL.map(|(_, word)| word))]
    reason: String,
}

/// What is needed to note something of a card.
struct Found {
    config: Config,
    about: About,
    today: Date,
}

fn today(place: &Where, config: &Config, outside: &Outside<'_>) -> Date {
    place.as_of.unwrap_or(outside.now).to_zoned_datetime(config.organisation.zone.clone()).date()
}

fn find(of: &OfCard, outside: &Outside<'_>) -> Result<Found, Failure> {
    let config = Config::load(&of.place.config)?;
    let history = History::recall(&reader(&config)?)?;
    let about = ledger::card(&history, &config, &of.card, of.team.as_deref())?;
    let today = today(&of.place, &config, outside);
    Ok(Found { config, about, today })
}

/// Adds an entry and says where it stands.
fn note(config: &Config, team: &str, entry: Entry, told: &str) -> Result<ExitCode, Failure> {
    ledger::change(config, team)?.add(entry)?;
    told_place(config, team, told);
    Ok(ExitCode::Complete)
}

fn told_place(config: &Config, team: &str, told: &str) {
    let folder = config.teams.iter().find(|own| own.id == team).and_then(|own| own.ledger.as_deref());
    let place = folder.map_or_else(String::new, |folder| file(folder).display().to_string());
    print(&format!("{told}\nThe page is open to the whole team; this record is yours alone: {place}\n"));
}

pub(super) fn talked(asked: &Talked, outside: &Outside<'_>) -> Result<ExitCode, Failure> {
    if asked.agreed.is_some() && asked.mine.is_none() {
        let message = "--agreed needs --mine: say what you will do yourself before you note what was agreed";
        return Err(Failure::configuration(message.to_owned()));
    }
    let Found { config, about, today } = find(&asked.of, outside)?;
    let names = config.names();
    for (flag, text) in [("--mine", &asked.mine), ("--agreed", &asked.agreed)] {
        if let Some(Err(message)) = text.as_ref().map(|text| accepts(text, &names)) {
            return Err(Failure::configuration(format!("{flag} {message}")));
        }
    }
    let again = match &asked.mine {
        Some(_) => Some(day_of(asked.again.as_deref().unwrap_or(FIRST_AGAIN), today).map_err(Failure::configuration)?),
        None => None,
    };
    let team = about.team.clone();
    let mut record = ledger::change(&config, &team)?;
    let id = record.next_id();
    let (agreed, mine) = (asked.agreed.clone(), asked.mine.clone());
    record.add(Entry { on: today, did: Did::Talked { about, id, agreed, mine, again } })?;
    let told = match again {
        Some(day) => format!("Noted as follow-up {id}; you come back to it on {day}."),
        None => "Noted. With --mine you say what you will do yourself, and when you come back to it.".to_owned(),
    };
    told_place(&config, &team, &told);
    Ok(ExitCode::Complete)
}

pub(super) fn seen(asked: &OfCard, outside: &Outside<'_>) -> Result<ExitCode, Failure> {
    let Found { config, about, today } = find(asked, outside)?;
    let team = about.team.clone();
    note(&config, &team, Entry { on: today, did: Did::Seen(about) }, "Noted as seen.")
}

pub(super) fn set_aside(asked: &SetAside, outside: &Outside<'_>) -> Result<ExitCode, Failure> {
    let Found { config, about, today } = find(&asked.of, outside)?;
    let Some(reason) = Reason::of(&asked.reason) else {
        return Err(Failure::configuration(format!("there is no reason {}", asked.reason)));
    };
    let team = about.team.clone();
    note(&config, &team, Entry { on: today, did: Did::SetAside(about, reason) }, "Set aside.")
}

pub(super) fn done(asked: &Done, outside: &Outside<'_>) -> Result<ExitCode, Failure> {
    let config = Config::load(&asked.place.config)?;
    let today = today(&asked.place, &config, outside);
    let records = ledger::records(&config, asked.team.as_deref())?;
    let own = |(teams, record): &(Vec<&crate::config::Team>, Ledger)| {
        let standing = record.standing();
        let one = standing.follow_up(asked.id).filter(|one| one.is_open())?;
        teams.iter().any(|team| team.id == one.about.team).then(|| (one.about.team.clone(), one.state))
    };
    let found: Vec<(String, State)> = records.iter().filter_map(own).collect();
    let [(team, state)] = found.as_slice() else {
        let what = if found.is_empty() { "there is no open follow-up" } else { "several records have a follow-up" };
        return Err(Failure::configuration(format!(
            "{what} {}; `undercurrent followups` lists them, --team says whose is meant",
            asked.id
        )));
    };
    let of = asked.id;
    if asked.close || (*state == State::AskedAgain && asked.again.is_none()) {
        return note(
            &config,
            team,
            Entry { on: today, did: Did::Closed { of } },
            &format!("Follow-up {of} is closed."),
        );
    }
    let again = day_of(asked.again.as_deref().unwrap_or(ONCE_MORE), today).map_err(Failure::configuration)?;
    let told =
        format!("Noted. Follow-up {of} comes once more on {again}; `undercurrent done {of} --close` closes it now.");
    note(&config, team, Entry { on: today, did: Did::Asked { of, again } }, &told)
}

/// The question with which to come back.
fn question(catalogue: &Catalogue, one: &FollowUp) -> String {
    let single = one.about.signals.first().filter(|_| one.about.signals.len() == 1);
    let card = single.and_then(|slug| catalogue.card(slug)).unwrap_or_else(|| catalogue.joint());
    let own = card.questions.iter().find(|question| question.behaviour == "follow-up");
    own.map_or_else(String::new, |question| question.text.clone())
}

pub(super) fn followups(asked: &Listed, outside: &Outside<'_>) -> Result<ExitCode, Failure> {
    let config = Config::load(&asked.place.config)?;
    let today = today(&asked.place, &config, outside);
    let records = ledger::records(&config, asked.team.as_deref())?;
    if asked.practice {
        let history = History::recall(&reader(&config)?)?;
        print(&practice::told(&records, &history, today, asked.json)?);
        return Ok(ExitCode::Complete);
    }
    let catalogue = Chosen::all(&config)?.catalogue;
    let records: Vec<_> = records.iter().map(|(teams, record)| (teams, record.standing())).collect();
    let teams =
        records.iter().flat_map(|(teams, standing)| teams.iter().map(move |team| (*team, standing.open(&team.id))));
    let text = if asked.json {
        let line = |one: &&FollowUp| {
            json!({
                "id": one.id,
                "card": one.about.card,
                "signals": one.about.signals,
                "state": one.state.word(),
                "due": one.is_due(today),
                "talked_on": one.talked_on.to_string(),
                "again_on": one.again.map(|day| day.to_string()),
                "question": question(&catalogue, one),
                "agreed": one.agreed,
                "mine": one.mine,
            })
        };
        let team = |(team, open): (&crate::config::Team, Vec<&FollowUp>)| json!({"team": team.id, "follow_ups": open.iter().map(line).collect::<Vec<_>>()});
        let all: Vec<serde_json::Value> = teams.map(team).collect();
        serde_json::to_string_pretty(&all).map_err(|error| Failure::internal(&error))? + "\n"
    } else {
        teams.map(|(team, open)| listed(&team.name, &open, &catalogue, today)).collect()
    };
    print(&text);
    Ok(ExitCode::Complete)
}

fn listed(team: &str, open: &[&FollowUp], catalogue: &Catalogue, today: Date) -> String {
    let mut text = format!("{team}\n");
    if open.is_empty() {
        text.push_str("  nothing to come back to\n");
    }
    for one in open {
        let when = one.again.map_or_else(String::new, |day| day.to_string());
        let due = if one.is_due(today) { "due since" } else { "comes on " };
        let signals = one.about.signals.join(" + ");
        let question = question(catalogue, one);
        text.push_str(&format!("  {:>3}  {due} {when}  {question}\n", one.id));
        text.push_str(&format!("       {} on {}: {signals}\n", one.state.word(), one.talked_on));
        let own = [("agreed", &one.agreed), ("mine", &one.mine)];
        let noted = own.iter().filter_map(|(name, text)| Some(format!("       {name}: {}\n", text.as_ref()?)));
        text.extend(noted);
    }
    text
}
