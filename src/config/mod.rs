//! Reads the configuration: people, teams, sources. Refuses unknown keys and finds every problem at once.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use secrecy::SecretString;
use url::Url;

pub mod context;
mod delivery;
pub mod identities;
mod keeping;
pub mod left_out;
mod parse;
mod problem;
mod reader;
mod token;

pub use delivery::{Delivery, Hook, HookForm, Security, Smtp};
pub use parse::address;
pub use problem::{Problem, Problems};
pub use token::{TokenError, TokenPlace};

/// The example that is also the default: every option with its default and a sentence.
pub const EXAMPLE: &str = include_str!("../../config.example.toml");

/// How long rows stay, and how far back a first night reads, unless the configuration says otherwise.
const KEEP_DAYS: i64 = 400;

/// The floor below which no configuration can go.
pub const SMALLEST_GROUP: i64 = 4;

/// A whole configuration. Paths are joined to the folder of the file.
#[derive(Clone, Debug)]
pub struct Config {
    pub file: PathBuf,
    pub organisation: Organisation,
    pub holidays: BTreeMap<String, HolidaySet>,
    pub store: StorePlace,
    /// How far back a first reading goes, in days.
    pub first_sync_days: i64,
    pub signals: Signals,
    pub report: Report,
    pub delivery: Delivery,
    pub github: Vec<GitHub>,
    pub jira: Vec<Jira>,
    pub calendar_services: Vec<CalendarService>,
    /// Tokens for mirrors.
    pub git: Vec<GitAccess>,
    pub people: Vec<Person>,
    pub bots: Bots,
    pub teams: Vec<Team>,
    /// Labels that may be stored.
    pub labels: Vec<String>,
    /// Calendars on private addresses may be read.
    pub allow_private: bool,
    /// Whether GitHub's issues are read as work items.
    pub github_issues: GithubIssues,
    /// Labels and board columns that say that an issue is being worked on, in lower case.
    pub in_progress: Vec<String>,
    /// What was left out of what the teams say of themselves, and why.
    pub complaints: Vec<String>,
    /// People who are left out, whatever the file says of them.
    pub left_out: Vec<left_out::LeftOut>,
}

/// Whether GitHub's issues are read as work items.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GithubIssues {
    /// Those of teams without a Jira project.
    #[default]
    Auto,
    All,
    Off,
}

/// The organisation and its defaults.
#[derive(Clone, Debug)]
pub struct Organisation {
    pub name: String,
    pub zone: TimeZone,
    pub holidays: Option<String>,
    pub smallest_group: i64,
    /// The file of confirmed identities.
    pub identities: PathBuf,
    /// The file of people who are left out.
    pub left_out: PathBuf,
    /// The folder of the teams' own context, `TEAM.toml` where a team names no other file.
    pub context: PathBuf,
}

/// A named set of holidays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HolidaySet {
    Dates(Vec<Date>),
    /// An `.ics` file, and the line that names it.
    Calendar(PathBuf, usize),
}

/// Where the store lies, and how long it keeps rows that are linked to people.
#[derive(Clone, Debug)]
pub struct StorePlace {
    pub path: PathBuf,
    pub keep_days: i64,
    pub strict: bool,
    /// The file of the secret; `None`: `key` in the store's own folder.
    pub key_file: Option<PathBuf>,
}

/// Which signals are on beyond the core.
#[derive(Clone, Debug, Default)]
pub struct Signals {
    pub on: Vec<String>,
    pub all: bool,
    pub off: Vec<String>,
    /// The folder of the installation's own signals.
    pub extra: Option<PathBuf>,
    /// The names of the files in it, in order; each is a pair of `.sql` and `.toml`.
    pub own: Vec<String>,
}

/// The report's place and manner.
#[derive(Clone, Debug)]
pub struct Report {
    pub path: PathBuf,
    pub show_work_items: bool,
    pub index: bool,
    pub words: Option<PathBuf>,
    pub language: String,
    /// Who may read the pages besides the user who runs the program.
    pub readers: Readers,
}

/// Who may read the pages besides the user who runs the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Readers {
    /// Nobody.
    #[default]
    Owner,
    /// The group of the folder, which it hands on where it has the set-group-id bit.
    Group,
    /// Everybody on the machine.
    All,
}

impl Readers {
    /// All of them, with the words that the configuration has for them.
    pub const ALL: [(Self, &'static str); 3] = [(Self::Owner, "owner"), (Self::Group, "group"), (Self::All, "all")];

    /// The rights of a folder, and of a file in it.
    #[must_use]
    pub fn modes(self) -> (u32, u32) {
        match self {
            Self::Owner => (0o700, 0o600),
            Self::Group => (0o750, 0o640),
            Self::All => (0o755, 0o644),
        }
    }
}

/// A GitHub service.
#[derive(Clone, Debug)]
pub struct GitHub {
    pub url: Url,
    pub credential: GitHubCredential,
    /// Whose repositories are read here; empty: everybody's that no other service names.
    pub owners: Vec<String>,
    pub allow_write_scopes: bool,
    /// Check runs are read as well.
    pub check_runs: bool,
    pub line: usize,
}

/// Which service reads a repository (`owner/name`): the first that names its owner, else the first that names none.
#[must_use]
pub fn reader(services: &[GitHub], repository: &str) -> Option<usize> {
    let owner = repository.split('/').next().unwrap_or_default();
    let names = |service: &GitHub| service.owners.iter().any(|one| one.eq_ignore_ascii_case(owner));
    let named = services.iter().position(names);
    named.or_else(|| services.iter().position(|service| service.owners.is_empty()))
}

/// Who asks GitHub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GitHubCredential {
    Token(TokenPlace),
    /// An App's installation: its number, that of the installation where it is told, and the private key's place.
    App {
        id: i64,
        installation: Option<i64>,
        key: TokenPlace,
    },
}

/// Which kind of Jira.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    Cloud,
    DataCenter,
}

/// A Jira service.
#[derive(Clone, Debug)]
pub struct Jira {
    pub url: Url,
    pub flavour: Flavour,
    pub user: Option<String>,
    pub token: TokenPlace,
    /// Which projects are read here; empty: those that no other service names.
    pub projects: Vec<String>,
    /// An account that may do more than read is no finding of `check`.
    pub allow_write_scopes: bool,
    pub line: usize,
}

/// Which Jira reads a project: the first that names it, else the first that names none.
#[must_use]
pub fn tracker(services: &[Jira], project: &str) -> Option<usize> {
    let names = |service: &Jira| service.projects.iter().any(|one| one.eq_ignore_ascii_case(project));
    let named = services.iter().position(names);
    named.or_else(|| services.iter().position(|service| service.projects.is_empty()))
}

/// Which free/busy service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CalendarKind {
    Google,
    Microsoft,
}

impl CalendarKind {
    /// Both, with the word that the configuration has for them and their public addresses.
    pub const ALL: [(Self, &'static str, &'static str); 2] = [
        (Self::Google, "google", "https://www.googleapis.com"),
        (Self::Microsoft, "microsoft", "https://graph.microsoft.com/v1.0"),
    ];

    /// Service and address of `google:ada@example.com`.
    #[must_use]
    pub fn of(location: &str) -> Option<(Self, &str)> {
        let (word, address) = location.split_once(':')?;
        Self::ALL.iter().find(|(_, known, _)| *known == word).map(|(kind, ..)| (*kind, address))
    }
}

/// A service that tells when people are busy.
#[derive(Clone, Debug)]
pub struct CalendarService {
    pub kind: CalendarKind,
    pub url: Url,
    pub token: TokenPlace,
    pub line: usize,
}

/// The token for the repositories below an address.
#[derive(Clone, Debug)]
pub struct GitAccess {
    pub prefix: Url,
    pub token: TokenPlace,
    pub line: usize,
}

/// A person. Nothing of it is printed.
#[derive(Clone)]
pub struct Person {
    pub id: String,
    pub github: Vec<String>,
    pub jira: Vec<String>,
    pub emails: Vec<String>,
    pub calendar: Option<CalendarPlace>,
    pub zone: TimeZone,
    /// The zone says where the person lives: an own one, or the organisation's unless that is UTC, where nobody lives.
    pub zone_stated: bool,
    pub days: Vec<Weekday>,
    pub hours: (Time, Time),
    pub holidays: Option<String>,
    pub absences: Vec<(Date, Date)>,
    /// The person has left the report: nothing of theirs is counted.
    pub leave: bool,
}

impl fmt::Debug for Person {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Person(…)")
    }
}

/// A calendar: its address is a secret.
#[derive(Clone, Debug)]
pub struct CalendarPlace {
    pub location: SecretString,
    /// The line of the configuration, by which errors name it.
    pub line: usize,
}

/// Accounts that are automation.
#[derive(Clone, Debug, Default)]
pub struct Bots {
    pub github: Vec<String>,
    pub jira: Vec<String>,
    pub emails: Vec<String>,
}

/// That a person belongs to a team for a time.
#[derive(Clone)]
pub struct Membership {
    pub person: String,
    pub from: Option<Date>,
    pub to: Option<Date>,
}

impl fmt::Debug for Membership {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Membership(…)")
    }
}

/// A team.
#[derive(Clone, Debug)]
pub struct Team {
    pub id: String,
    pub name: String,
    /// The leader, by the id of a person.
    pub leader: Option<String>,
    /// The folder of the leader's own record.
    pub ledger: Option<PathBuf>,
    /// The folder of the team's page, where it is not among those of the others.
    pub pages: Option<PathBuf>,
    pub members: Vec<Membership>,
    pub repositories: Vec<String>,
    pub git: Vec<GitPlace>,
    pub jira_projects: Vec<String>,
    pub jira_boards: Vec<i64>,
    pub on_call: Vec<Membership>,
    /// The file in which the team says what its days were about.
    pub context: PathBuf,
    /// Mail addresses that get the summary after a night.
    pub recipients: Vec<String>,
    /// The channel that gets the summary after a night.
    pub webhook: Option<Hook>,
    pub events: Vec<Event>,
    pub signals_off: Vec<String>,
    /// The team switched everything off: nothing of it is read or shown.
    pub dark: bool,
}

/// A clone, or the address of a repository to be mirrored, and the line that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitPlace {
    /// The folder; empty for an address.
    pub path: PathBuf,
    pub url: Option<Url>,
    pub line: usize,
}

/// A known event of a team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub from: Date,
    pub to: Date,
    pub kind: String,
    pub label: String,
    /// The line of the file that says so.
    pub line: usize,
}

impl GitAccess {
    /// An address at the same host and port, below the prefix's path.
    #[must_use]
    pub fn covers(&self, url: &Url) -> bool {
        let below = self.prefix.path().trim_end_matches('/');
        let rest = url.path().strip_prefix(below);
        url.origin() == self.prefix.origin() && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// The signals that are made of calendars, those among them that are off until they are switched on, and the one that is
/// made of the leader's own.
const OF_CALENDARS: [&str; 3] = ["no_quiet_block", "meeting_load", "work_on_days_off"];
const OPTIONAL_OF_CALENDARS: [&str; 1] = ["work_on_days_off"];
const ONE_TO_ONES: &str = "moved_one_to_ones";

impl Config {
    /// The folder in which a team's page stands; `latest` is below it.
    #[must_use]
    pub fn pages<'a>(&'a self, team: &'a Team) -> &'a Path {
        team.pages.as_deref().unwrap_or(&self.report.path)
    }

    /// Whether the issues of a team's repositories are read.
    #[must_use]
    pub fn reads_issues_of(&self, team: &Team) -> bool {
        match self.github_issues {
            GithubIssues::Auto => team.jira_projects.is_empty(),
            GithubIssues::All => true,
            GithubIssues::Off => false,
        }
    }

    /// Reads a configuration file.
    ///
    /// # Errors
    /// [`Problems`] with every problem of the file, or why it cannot be read.
    pub fn load(file: &Path) -> Result<Self, Problems> {
        let text = std::fs::read_to_string(file).map_err(|error| {
            let out = "`undercurrent demo` needs no configuration; config.example.toml shows what can stand in one";
            Problems::of_file(file, format!("cannot be read: {error}; {out}"))
        })?;
        let mut config = Self::parse(&text, file)?;
        let confirmed = config.organisation.identities.clone();
        config.confirm(&confirmed, identities::read(&confirmed)?)?;
        let file = config.organisation.left_out.clone();
        config.leave_out(left_out::read(&file)?);
        config.declare();
        Ok(config)
    }

    /// Whether an optional signal is switched on for any team.
    #[must_use]
    pub fn is_on(&self, slug: &str) -> bool {
        let named = |list: &[String]| list.iter().any(|one| one == slug);
        let wanted = (self.signals.all || named(&self.signals.on)) && !named(&self.signals.off);
        wanted && self.read_teams().any(|team| !named(&team.signals_off))
    }

    /// Whether a signal is off everywhere: by the configuration, or by every team's own decision.
    #[must_use]
    pub fn is_refused(&self, slug: &str) -> bool {
        let named = |list: &[String]| list.iter().any(|one| one == slug);
        named(&self.signals.off) || !self.teams.is_empty() && self.read_teams().all(|team| named(&team.signals_off))
    }

    /// The teams of which anything is read at all: not those that switched everything off.
    pub fn read_teams(&self) -> impl Iterator<Item = &Team> {
        self.teams.iter().filter(|team| !team.dark)
    }

    /// Whether a person's calendar is read: not where every team of theirs switched off what is made of calendars.
    #[must_use]
    pub fn reads_calendar_of(&self, person: &str) -> bool {
        let is_on = |team: &Team, slug: &str| {
            let off = |list: &[String]| list.iter().any(|one| one == slug);
            let optional = !OPTIONAL_OF_CALENDARS.contains(&slug) || self.is_on(slug);
            optional && !off(&self.signals.off) && !off(&team.signals_off)
        };
        let member = |team: &&Team| team.members.iter().any(|member| member.person == person);
        let mut own = self.teams.iter().filter(member).peekable();
        if own.peek().is_none() {
            return true;
        }
        let leads = |team: &Team| team.leader.as_deref() == Some(person) && team.ledger.is_some();
        let wanted = |team: &Team| !self.signals.own.is_empty() || OF_CALENDARS.iter().any(|slug| is_on(team, slug));
        own.any(|team| !team.dark && wanted(team))
            || self.read_teams().any(|team| leads(team) && is_on(team, ONE_TO_ONES))
    }

    /// Takes a configuration's text.
    ///
    /// # Errors
    /// [`Problems`] with every problem of the text.
    pub fn parse(text: &str, file: &Path) -> Result<Self, Problems> {
        parse::config(text, file)
    }
}
