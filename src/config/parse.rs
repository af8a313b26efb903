//! From TOML to a [`Config`], with named checks. All of them run; their problems are reported together.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use url::{Host, Url};

use super::problem::{Notes, Problems};
use super::reader::{Table, parse_date, table};
use super::*;

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

pub(super) fn config(text: &str, file: &Path) -> Result<Config, Problems> {
    let mut notes = Notes { text, all: Vec::new(), about_people: false };
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        notes.add_private(error.span().unwrap_or(0..0), error.message().to_owned());
    }
    let folder = file.parent().unwrap_or(Path::new("")).to_path_buf();
    let span = root.span();
    let mut root = Table::new(root.into_inner(), span, "the file");
    let mut parser = Parser {
        notes,
        folder,
        github: Vec::new(),
        jira: Vec::new(),
        own_signals: Vec::new(),
        report: PathBuf::new(),
        data: PathBuf::new(),
        mails: false,
    };
    let config = parser.root(&mut root, file);
    root.finish(&mut parser.notes);
    let mut all = parser.notes.all;
    if all.is_empty() {
        return Ok(config);
    }
    all.sort_by_key(|problem| (problem.line, problem.column));
    Err(Problems { file: file.to_path_buf(), all })
}

/// The options of `[collect]`.
struct Collect {
    labels: Vec<String>,
    allow_private: bool,
    github_issues: GithubIssues,
    in_progress: Vec<String>,
}

pub(super) struct Parser<'a> {
    pub(super) notes: Notes<'a>,
    pub(super) folder: PathBuf,
    /// The services of the file, by which repositories are read.
    github: Vec<GitHub>,
    /// The trackers of the file, by which projects are read.
    jira: Vec<Jira>,
    /// Names of the installation's own signals.
    own_signals: Vec<String>,
    /// The folders of the pages and of the store.
    pub(super) report: PathBuf,
    data: PathBuf,
    /// A mail server is configured.
    pub(super) mails: bool,
}

impl Parser<'_> {
    fn root(&mut self, root: &mut Table<'_>, file: &Path) -> Config {
        let organisation = self.organisation(root);
        let holidays = self.holidays(root);
        let report = self.report(root);
        self.report.clone_from(&report.path);
        let store = self.store(root);
        self.data.clone_from(&store.path);
        let first_sync_days = self.history(root, store.keep_days);
        let signals = self.signals(root);
        let collect = self.collect(root);
        self.notes.about_people = true;
        let delivery = self.delivery(root);
        self.mails = delivery.smtp.is_some();
        let github = root.tables("github", "[[github]]", &mut self.notes);
        self.github = github.into_iter().filter_map(|table| self.github(table)).collect();
        let jira = root.tables("jira", "[[jira]]", &mut self.notes);
        self.jira = jira.into_iter().filter_map(|table| self.jira(table)).collect();
        let services = root.tables("calendar-services", "[[calendar-services]]", &mut self.notes);
        let calendar_services: Vec<CalendarService> =
            services.into_iter().filter_map(|table| self.calendar_service(table)).collect();
        let kinds: Vec<CalendarKind> = calendar_services.iter().map(|service| service.kind).collect();
        let git = root.tables("git", "[[git]]", &mut self.notes);
        let git = git.into_iter().filter_map(|table| self.git(table)).collect();
        let mut seen = Seen { services: kinds, ..Seen::default() };
        let people = root.tables("people", "[[people]]", &mut self.notes);
        let people: Vec<Person> =
            people.into_iter().filter_map(|table| self.person(table, &organisation, &holidays, &mut seen)).collect();
        let mut bots = Bots::default();
        for table in root.tables("bots", "[[bots]]", &mut self.notes) {
            self.bots(table, &mut bots);
        }
        let teams = root.tables("teams", "[[teams]]", &mut self.notes);
        let teams: Vec<Team> =
            teams.into_iter().filter_map(|table| self.team(table, &organisation, &people, &mut seen)).collect();
        if let Some(name) = organisation.holidays.as_ref().filter(|name| !holidays.contains_key(*name)) {
            let message = format!("[organisation] uses the holiday set \"{name}\", which [holidays] does not define");
            self.notes.add(0..0, message);
        }
        Config {
            file: file.to_path_buf(),
            organisation,
            holidays,
            store,
            first_sync_days,
            signals,
            report,
            delivery,
            github: std::mem::take(&mut self.github),
            jira: std::mem::take(&mut self.jira),
            calendar_services,
            git,
            people,
            bots,
            teams,
            labels: collect.labels,
            allow_private: collect.allow_private,
            github_issues: collect.github_issues,
            in_progress: collect.in_progress,
            complaints: Vec::new(),
            left_out: Vec::new(),
        }
    }

    fn organisation(&mut self, root: &mut Table<'_>) -> Organisation {
        let mut organisation = Organisation {
            name: String::new(),
            zone: TimeZone::UTC,
            holidays: None,
            smallest_group: SMALLEST_GROUP,
            identities: self.folder.join("identities.toml"),
            left_out: self.folder.join("left-out.toml"),
            context: self.folder.join("context"),
        };
        let Some(mut table) = root.table("organisation", "[organisation]", &mut self.notes) else {
            root.missing("organisation", &mut self.notes);
            return organisation;
        };
        if let Some(name) = table.required("name", &mut self.notes) {
            organisation.name = name.into_inner();
        }
        if let Some(zone) = table.required("time-zone", &mut self.notes) {
            organisation.zone = self.zone(&zone);
        }
        organisation.holidays = table.text("holidays", &mut self.notes).map(Spanned::into_inner);
        if let Some(file) = table.text("identities", &mut self.notes) {
            organisation.identities = self.folder.join(file.get_ref());
        }
        if let Some(file) = table.text("left-out", &mut self.notes) {
            organisation.left_out = self.folder.join(file.get_ref());
        }
        if let Some(folder) = table.text("context", &mut self.notes) {
            organisation.context = self.folder.join(folder.get_ref());
        }
        if let Some(smallest) = table.number("smallest-group", &mut self.notes) {
            if *smallest.get_ref() < SMALLEST_GROUP {
                let message = format!("`smallest-group` may only be raised, never below {SMALLEST_GROUP}");
                self.notes.add(smallest.span(), message);
            }
            organisation.smallest_group = smallest.into_inner().max(SMALLEST_GROUP);
        }
        table.finish(&mut self.notes);
        organisation
    }

    fn holidays(&mut self, root: &mut Table<'_>) -> BTreeMap<String, HolidaySet> {
        let Some(mut sets) = root.table("holidays", "[holidays]", &mut self.notes) else { return BTreeMap::new() };
        let mut holidays = BTreeMap::new();
        for (name, value) in sets.drain() {
            let span = value.span();
            let set = match value.into_inner() {
                DeValue::Array(dates) => {
                    let mut all = Vec::new();
                    for date in dates {
                        let text = date.get_ref().as_str().map(|text| Spanned::new(date.span(), text.to_owned()));
                        let text = text.unwrap_or_else(|| Spanned::new(date.span(), String::new()));
                        all.extend(parse_date(&text, &name, &mut self.notes));
                    }
                    HolidaySet::Dates(all)
                }
                DeValue::Table(keys) => {
                    let line = span.start;
                    let mut table = Table::new(keys, span, "a holiday set");
                    let calendar = table.required("calendar", &mut self.notes).map(Spanned::into_inner);
                    table.finish(&mut self.notes);
                    HolidaySet::Calendar(self.folder.join(calendar.unwrap_or_default()), self.notes.line(line))
                }
                _ => {
                    self.notes.add(span, "a holiday set is a list of dates, or { calendar = \"file.ics\" }");
                    continue;
                }
            };
            holidays.insert(name, set);
        }
        holidays
    }

    pub(super) fn positive(&mut self, table: &mut Table<'_>, key: &'static str) -> Option<i64> {
        let number = table.number(key, &mut self.notes)?;
        if *number.get_ref() <= 0 {
            self.notes.add(number.span(), format!("`{key}` must be at least 1"));
        }
        Some(number.into_inner())
    }

    fn signals(&mut self, root: &mut Table<'_>) -> Signals {
        let Some(mut table) = root.table("signals", "[signals]", &mut self.notes) else { return Signals::default() };
        let mut signals = Signals::default();
        let (all, on) = self.list_or_all(&mut table, "on");
        signals.all = all;
        let off = table.texts("off", &mut self.notes);
        if let Some(path) = table.text("extra", &mut self.notes) {
            let folder = self.folder.join(path.get_ref());
            match own_signals(&folder) {
                Ok(own) => signals.own = own,
                Err(error) => self.notes.add(path.span(), format!("the folder cannot be read: {error}")),
            }
            signals.extra = Some(folder);
        }
        table.finish(&mut self.notes);
        self.own_signals.clone_from(&signals.own);
        signals.on = self.known_signals(on);
        signals.off = self.known_signals(off);
        signals
    }

    /// A list of signals, or the word for all of them.
    fn list_or_all(&mut self, table: &mut Table<'_>, key: &'static str) -> (bool, Vec<Spanned<String>>) {
        let mut list = Vec::new();
        let Some(value) = table.take(key) else { return (false, list) };
        let span = value.span();
        match value.into_inner() {
            DeValue::String(word) if word == "all" => return (true, list),
            DeValue::Array(slugs) => {
                for slug in &slugs {
                    match slug.get_ref().as_str() {
                        Some(name) => list.push(Spanned::new(slug.span(), name.to_owned())),
                        None => self.notes.add(slug.span(), "a signal is named by a text"),
                    }
                }
            }
            _ => self.notes.add(span, format!("`{key}` is a list of signals, or \"all\"")),
        }
        (false, list)
    }

    /// Names of signals, each of which must exist.
    fn known_signals(&mut self, names: Vec<Spanned<String>>) -> Vec<String> {
        let shipped = crate::catalogue::slugs().map(str::to_owned);
        let known: Vec<String> = shipped.chain(self.own_signals.iter().cloned()).collect();
        for name in names.iter().filter(|name| !known.contains(name.get_ref())) {
            let message = format!("there is no signal {}; known: {}", name.get_ref(), known.join(", "));
            self.notes.add(name.span(), message);
        }
        names.into_iter().map(Spanned::into_inner).collect()
    }

    fn report(&mut self, root: &mut Table<'_>) -> Report {
        let mut report = Report {
            path: self.folder.join("report"),
            show_work_items: true,
            index: true,
            words: None,
            language: "en".to_owned(),
            readers: Readers::Owner,
        };
        let Some(mut table) = root.table("report", "[report]", &mut self.notes) else { return report };
        if let Some(path) = table.text("path", &mut self.notes) {
            report.path = self.folder.join(path.get_ref());
        }
        report.show_work_items = table.bool("show-work-items", &mut self.notes).unwrap_or(true);
        report.index = table.bool("index", &mut self.notes).unwrap_or(true);
        report.words = table.text("words", &mut self.notes).map(|path| self.folder.join(path.get_ref()));
        if let Some(language) = table.text("language", &mut self.notes) {
            let known: Vec<&str> = crate::language::languages().collect();
            if report.words.is_none() && !known.contains(&language.get_ref().as_str()) {
                let known = known.join(", ");
                self.notes.add(
                    language.span(),
                    format!(
                        "words of this language do not come with the program; known: {known}; `words` may bring others"
                    ),
                );
            }
            report.language = language.into_inner();
        }
        if let Some(word) = table.text("readable", &mut self.notes) {
            match Readers::ALL.iter().find(|(_, known)| known == word.get_ref()) {
                Some((readers, _)) => report.readers = *readers,
                None => self.notes.add(word.span(), "pages are readable for the owner, the group, or all"),
            }
        }
        table.finish(&mut self.notes);
        report
    }

    fn collect(&mut self, root: &mut Table<'_>) -> Collect {
        let mut collect = Collect {
            labels: Vec::new(),
            allow_private: false,
            github_issues: GithubIssues::Auto,
            in_progress: vec!["in progress".to_owned()],
        };
        let Some(mut table) = root.table("collect", "[collect]", &mut self.notes) else { return collect };
        collect.labels = table.texts("labels", &mut self.notes).into_iter().map(Spanned::into_inner).collect();
        collect.allow_private = table.bool("allow-private-calendars", &mut self.notes).unwrap_or(false);
        if let Some(value) = table.take("github-issues") {
            collect.github_issues = match value.get_ref() {
                DeValue::String(word) if word == "auto" => GithubIssues::Auto,
                DeValue::Boolean(true) => GithubIssues::All,
                DeValue::Boolean(false) => GithubIssues::Off,
                _ => {
                    self.notes.add(value.span(), "`github-issues` is \"auto\", true or false");
                    GithubIssues::Auto
                }
            };
        }
        if table.contains("in-progress") {
            let words = table.texts("in-progress", &mut self.notes);
            collect.in_progress = words.into_iter().map(|word| word.get_ref().to_lowercase()).collect();
        }
        table.finish(&mut self.notes);
        collect
    }

    fn github(&mut self, mut table: Table<'_>) -> Option<GitHub> {
        let line = self.notes.line(table.span.start);
        let url = table.required("url", &mut self.notes).and_then(|url| self.url(&url));
        let credential = self.github_credential(&mut table);
        let owners = table.texts("owners", &mut self.notes).into_iter().map(Spanned::into_inner).collect();
        let allow_write_scopes = table.bool("allow-write-scopes", &mut self.notes).unwrap_or(false);
        let check_runs = table.bool("check-runs", &mut self.notes).unwrap_or(false);
        table.finish(&mut self.notes);
        Some(GitHub { url: url?, credential: credential?, owners, allow_write_scopes, check_runs, line })
    }

    /// A token, or an App with its private key.
    fn github_credential(&mut self, table: &mut Table<'_>) -> Option<GitHubCredential> {
        let app = table.number("app-id", &mut self.notes);
        let installation = table.number("installation-id", &mut self.notes);
        let Some(app) = app else {
            if let Some(installation) = installation {
                self.notes.add(installation.span(), "`installation-id` belongs to an App: give `app-id` as well");
            }
            return self.token(table).map(GitHubCredential::Token);
        };
        let key = self.secret(table, ["private-key", "private-key-env", "private-key-file", "private-key-command"])?;
        Some(GitHubCredential::App { id: app.into_inner(), installation: installation.map(Spanned::into_inner), key })
    }

    fn jira(&mut self, mut table: Table<'_>) -> Option<Jira> {
        let line = self.notes.line(table.span.start);
        let url = table.required("url", &mut self.notes).and_then(|url| self.url(&url));
        let flavour = table.required("flavour", &mut self.notes).and_then(|flavour| match flavour.get_ref().as_str() {
            "cloud" => Some(Flavour::Cloud),
            "data-center" => Some(Flavour::DataCenter),
            _ => {
                self.notes.add(flavour.span(), "`flavour` must be \"cloud\" or \"data-center\"");
                None
            }
        });
        let user = table.text("user", &mut self.notes).map(Spanned::into_inner);
        let token = self.token(&mut table);
        let projects = table.texts("projects", &mut self.notes).into_iter().map(Spanned::into_inner).collect();
        let allow_write_scopes = table.bool("allow-write-scopes", &mut self.notes).unwrap_or(false);
        table.finish(&mut self.notes);
        Some(Jira { url: url?, flavour: flavour?, user, token: token?, projects, allow_write_scopes, line })
    }

    fn calendar_service(&mut self, mut table: Table<'_>) -> Option<CalendarService> {
        let line = self.notes.line(table.span.start);
        let kind = table.required("kind", &mut self.notes).and_then(|kind| {
            let known = CalendarKind::ALL.iter().find(|(_, word, _)| word == kind.get_ref());
            if known.is_none() {
                self.notes.add(kind.span(), "`kind` must be \"google\" or \"microsoft\"");
            }
            known
        });
        let url = match table.text("url", &mut self.notes) {
            Some(url) => self.url(&url),
            None => kind.and_then(|(.., address)| Url::parse(address).ok()),
        };
        let token = self.token(&mut table);
        table.finish(&mut self.notes);
        Some(CalendarService { kind: kind?.0, url: url?, token: token?, line })
    }

    fn git(&mut self, mut table: Table<'_>) -> Option<GitAccess> {
        let line = self.notes.line(table.span.start);
        let prefix = table.required("url-prefix", &mut self.notes).and_then(|url| self.url(&url));
        let token = self.token(&mut table);
        table.finish(&mut self.notes);
        Some(GitAccess { prefix: prefix?, token: token?, line })
    }

    /// A folder, or an address to be mirrored.
    fn clone_place(&mut self, place: &Spanned<String>) -> Option<GitPlace> {
        let line = self.notes.line(place.span().start);
        if place.get_ref().contains("://") {
            return Some(GitPlace { line, path: PathBuf::new(), url: Some(self.url(place)?) });
        }
        Some(GitPlace { line, path: self.folder.join(place.get_ref()), url: None })
    }

    fn token(&mut self, table: &mut Table<'_>) -> Option<TokenPlace> {
        self.secret(table, ["token", "token-env", "token-file", "token-command"])
    }

    /// The place of a secret, named by a variable or a file; the first key would be the secret itself.
    pub(super) fn secret(
        &mut self,
        table: &mut Table<'_>,
        [plain, variable, file, command]: [&'static str; 4],
    ) -> Option<TokenPlace> {
        if let Some(secret) = table.take(plain) {
            let out =
                format!("a {plain} must not stand in the configuration; name a variable with {variable}, or a {file}");
            self.notes.add_private(secret.span(), out);
        }
        let environment = table.text(variable, &mut self.notes);
        let path = table.text(file, &mut self.notes);
        let words: Vec<Spanned<String>> = table.texts(command, &mut self.notes);
        let words: Vec<String> = words.into_iter().map(Spanned::into_inner).collect();
        let told = [environment.is_some(), path.is_some(), !words.is_empty()];
        if told.into_iter().filter(|told| *told).count() > 1 {
            self.notes.add(table.span.clone(), format!("give one of {variable}, {file} and {command}, not several"));
            return None;
        }
        match (environment, path) {
            (Some(name), _) => Some(TokenPlace::Environment(name.into_inner())),
            (_, Some(path)) => Some(TokenPlace::File(self.folder.join(path.get_ref()))),
            _ if !words.is_empty() => Some(TokenPlace::Command(words)),
            _ => {
                table.missing(&format!("{variable}`, `{file}` or `{command}"), &mut self.notes);
                None
            }
        }
    }

    /// An address: https, or http for this machine alone; without credentials in it.
    pub(super) fn url(&mut self, text: &Spanned<String>) -> Option<Url> {
        let url = address(text.get_ref());
        url.map_err(|problem| self.notes.add_private(text.span(), problem)).ok()
    }

    fn zone(&mut self, name: &Spanned<String>) -> TimeZone {
        TimeZone::get(name.get_ref()).unwrap_or_else(|_| {
            self.notes.add(name.span(), "this is not a time zone such as \"Europe/Berlin\"");
            TimeZone::UTC
        })
    }

    fn person(
        &mut self,
        mut table: Table<'_>,
        organisation: &Organisation,
        holidays: &BTreeMap<String, HolidaySet>,
        seen: &mut Seen,
    ) -> Option<Person> {
        let id = table.required("id", &mut self.notes);
        if let Some(id) = &id {
            self.unique(&mut seen.people, id, "another person has this id already");
        }
        let github = self.accounts(&mut table, "github", &mut seen.github);
        let jira = self.accounts(&mut table, "jira", &mut seen.jira);
        let emails = self.accounts(&mut table, "emails", &mut seen.emails);
        let calendar = table.text("calendar", &mut self.notes).and_then(|place| self.calendar(&place, &seen.services));
        let zone = table.text("time-zone", &mut self.notes);
        let zone_stated = zone.is_some() || organisation.zone != TimeZone::UTC;
        let zone = zone.map_or_else(|| organisation.zone.clone(), |zone| self.zone(&zone));
        let days = self.days(&mut table);
        let hours = self.hours(&mut table);
        let set = table.text("holidays", &mut self.notes);
        if let Some(set) = set.as_ref().filter(|set| !holidays.contains_key(set.get_ref())) {
            self.notes.add(set.span(), "[holidays] does not define this set");
        }
        let absences = table.tables("absences", "an absence", &mut self.notes);
        let absences = absences.into_iter().filter_map(|mut table| {
            let days = self.days_between(&mut table);
            table.finish(&mut self.notes);
            days
        });
        let absences = absences.collect();
        let leave = table.bool("leave", &mut self.notes).unwrap_or(false);
        table.finish(&mut self.notes);
        let holidays = set.map(Spanned::into_inner).or_else(|| organisation.holidays.clone());
        Some(Person {
            id: id?.into_inner(),
            github,
            jira,
            emails,
            calendar,
            zone,
            zone_stated,
            days,
            hours,
            holidays,
            absences,
            leave,
        })
    }

    fn unique(&mut self, seen: &mut BTreeSet<String>, value: &Spanned<String>, message: &str) {
        if !seen.insert(value.get_ref().to_lowercase()) {
            self.notes.add_private(value.span(), message);
        }
    }

    fn accounts(&mut self, table: &mut Table<'_>, key: &'static str, seen: &mut BTreeSet<String>) -> Vec<String> {
        let values = table.texts(key, &mut self.notes);
        for value in &values {
            let message = format!("this entry of `{key}` stands at another person as well; an account belongs to one");
            self.unique(seen, value, &message);
        }
        values.into_iter().map(Spanned::into_inner).collect()
    }

    fn calendar(&mut self, place: &Spanned<String>, services: &[CalendarKind]) -> Option<CalendarPlace> {
        let line = self.notes.line(place.span().start);
        let text = place.get_ref();
        let location = if let Some((kind, _)) = CalendarKind::of(text) {
            if !services.contains(&kind) {
                let message = "no [[calendar-services]] of this kind is configured";
                self.notes.add_private(place.span(), message);
            }
            text.clone()
        } else if let Some(rest) = text.strip_prefix("webcal://") {
            format!("https://{rest}")
        } else if text.contains("://") {
            self.url(place)?.to_string()
        } else {
            self.folder.join(text).to_string_lossy().into_owned()
        };
        Some(CalendarPlace { location: location.into(), line })
    }

    fn days(&mut self, table: &mut Table<'_>) -> Vec<Weekday> {
        let names = table.texts("working-days", &mut self.notes);
        if names.is_empty() {
            return DAYS[..5].iter().map(|(_, day)| *day).collect();
        }
        let mut days = Vec::new();
        for name in names {
            match DAYS.iter().find(|(known, _)| known == name.get_ref()) {
                Some((_, day)) => days.push(*day),
                None => self.notes.add(name.span(), "working days are mon, tue, wed, thu, fri, sat, sun"),
            }
        }
        days
    }

    fn hours(&mut self, table: &mut Table<'_>) -> (Time, Time) {
        let default = (Time::constant(9, 0, 0, 0), Time::constant(17, 0, 0, 0));
        let Some(text) = table.text("working-hours", &mut self.notes) else { return default };
        let hours = text.get_ref().split_once('-').and_then(|(from, to)| {
            Some((format!("{from}:00").parse::<Time>().ok()?, format!("{to}:00").parse::<Time>().ok()?))
        });
        match hours {
            Some((from, to)) if from < to => (from, to),
            _ => {
                self.notes.add(text.span(), "working hours are given as \"09:00-17:00\", the end after the start");
                default
            }
        }
    }

    fn days_between(&mut self, table: &mut Table<'_>) -> Option<(Date, Date)> {
        for key in ["from", "to"] {
            if !table.contains(key) {
                table.missing(key, &mut self.notes);
            }
        }
        let from = table.date("from", &mut self.notes);
        let to = table.date("to", &mut self.notes);
        let (from, to) = (from?, to?);
        if from.get_ref() > to.get_ref() {
            self.notes.add(to.span(), "`to` lies before `from`");
        }
        Some((from.into_inner(), to.into_inner()))
    }

    fn bots(&mut self, mut table: Table<'_>, bots: &mut Bots) {
        let mut texts =
            |key| table.texts(key, &mut self.notes).into_iter().map(Spanned::into_inner).collect::<Vec<_>>();
        bots.github.extend(texts("github"));
        bots.jira.extend(texts("jira"));
        bots.emails.extend(texts("emails"));
        table.finish(&mut self.notes);
    }

    fn team(
        &mut self,
        mut table: Table<'_>,
        organisation: &Organisation,
        people: &[Person],
        seen: &mut Seen,
    ) -> Option<Team> {
        let id = table.required("id", &mut self.notes);
        if let Some(id) = &id {
            self.unique(&mut seen.teams, id, "another team has this id already");
            if !is_slug(id.get_ref()) {
                self.notes.add(id.span(), "a team's id names its page: lower-case letters, digits and hyphens only");
            }
        }
        let name = table.required("name", &mut self.notes);
        let leader = table.text("leader", &mut self.notes);
        if let Some(leader) = &leader {
            self.known_person(leader, people);
        }
        let ledger = table.text("ledger", &mut self.notes).map(|path| self.apart(&path, "a leader's folder"));
        let pages = table.text("pages", &mut self.notes).map(|path| self.apart(&path, "a team's own folder"));
        let members = table.list("members", &mut self.notes);
        let members = members.into_iter().filter_map(|member| self.member(member, people)).collect();
        let repositories = self.repositories(&mut table);
        let git = table.texts("git", &mut self.notes);
        let git = git.into_iter().filter_map(|place| self.clone_place(&place));
        let git = git.collect();
        let jira_projects = self.projects(&mut table);
        let jira_boards = table.numbers("jira-boards", &mut self.notes);
        let on_call = table.list("on-call", &mut self.notes);
        let on_call = on_call.into_iter().filter_map(|turn| self.member(turn, people)).collect();
        let context = table.text("context", &mut self.notes).map(|path| self.folder.join(path.get_ref()));
        let recipients = self.recipients(&mut table);
        let webhook = self.webhook(&mut table);
        let events = table.tables("events", "an event", &mut self.notes);
        let events = events.into_iter().filter_map(|table| self.event(table)).collect();
        let (dark, signals_off) = self.list_or_all(&mut table, "signals-off");
        let signals_off = self.known_signals(signals_off);
        table.finish(&mut self.notes);
        let id = id?.into_inner();
        let context = context.unwrap_or_else(|| organisation.context.join(format!("{id}.toml")));
        Some(Team {
            id,
            name: name?.into_inner(),
            leader: leader.map(Spanned::into_inner),
            ledger,
            pages,
            members,
            repositories,
            git,
            jira_projects,
            jira_boards,
            on_call,
            context,
            recipients,
            webhook,
            events,
            signals_off,
            dark,
        })
    }

    /// A folder apart from the one that everybody reads and from the store.
    fn apart(&mut self, path: &Spanned<String>, whose: &str) -> PathBuf {
        let folder = plain(&self.folder.join(path.get_ref()));
        for (other, what) in [(&self.report, "the pages that everybody may read"), (&self.data, "the store")] {
            let other = plain(&self.folder.join(other));
            if folder.starts_with(&other) || other.starts_with(&folder) {
                self.notes.add(path.span(), format!("{whose} lies apart from {what}: choose another folder"));
            }
        }
        folder
    }

    fn repositories(&mut self, table: &mut Table<'_>) -> Vec<String> {
        let names = table.texts("repositories", &mut self.notes);
        for name in &names {
            let parts: Vec<&str> = name.get_ref().split('/').collect();
            if parts.len() != 2 || parts.iter().any(|part| part.is_empty()) {
                self.notes.add(name.span(), "a repository is given as \"owner/name\"");
            } else if !self.github.is_empty() && reader(&self.github, name.get_ref()).is_none() {
                let message = "no [[github]] reads this owner's repositories: add the owner to its `owners`";
                self.notes.add(name.span(), message);
            }
        }
        names.into_iter().map(Spanned::into_inner).collect()
    }

    fn projects(&mut self, table: &mut Table<'_>) -> Vec<String> {
        let keys = table.texts("jira-projects", &mut self.notes);
        for key in &keys {
            if !self.jira.is_empty() && tracker(&self.jira, key.get_ref()).is_none() {
                self.notes.add(key.span(), "no [[jira]] reads this project: add its key to its `projects`");
            }
        }
        keys.into_iter().map(Spanned::into_inner).collect()
    }

    fn known_person(&mut self, id: &Spanned<String>, people: &[Person]) {
        if !people.iter().any(|person| person.id == *id.get_ref()) {
            self.notes.add_private(id.span(), "no [[people]] has this id");
        }
    }

    fn member(&mut self, value: super::reader::Value<'_>, people: &[Person]) -> Option<Membership> {
        if let Some(id) = value.get_ref().as_str() {
            let id = Spanned::new(value.span(), id.to_owned());
            self.known_person(&id, people);
            return Some(Membership { person: id.into_inner(), from: None, to: None });
        }
        let mut table = table(value, "a member", &mut self.notes)?;
        let person = table.required("person", &mut self.notes);
        if let Some(person) = &person {
            self.known_person(person, people);
        }
        let from = table.date("from", &mut self.notes);
        let to = table.date("to", &mut self.notes);
        if let (Some(from), Some(to)) = (&from, &to)
            && from.get_ref() > to.get_ref()
        {
            self.notes.add(to.span(), "`to` lies before `from`");
        }
        table.finish(&mut self.notes);
        Some(Membership {
            person: person?.into_inner(),
            from: from.map(Spanned::into_inner),
            to: to.map(Spanned::into_inner),
        })
    }

    fn event(&mut self, mut table: Table<'_>) -> Option<Event> {
        let line = self.notes.line(table.span.start);
        let days = self.days_between(&mut table);
        let kind = table.required("kind", &mut self.notes);
        let label = table.required("label", &mut self.notes);
        table.finish(&mut self.notes);
        let (from, to) = days?;
        Some(Event { from, to, kind: kind?.into_inner(), label: label?.into_inner(), line })
    }
}

/// What may occur only once in a file.
#[derive(Default)]
struct Seen {
    /// The free/busy services that people may be read through.
    services: Vec<CalendarKind>,
    people: BTreeSet<String>,
    teams: BTreeSet<String>,
    github: BTreeSet<String>,
    jira: BTreeSet<String>,
    emails: BTreeSet<String>,
}

/// The names of the signals in a folder: its `.sql` and `.toml` files without their endings.
fn own_signals(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let ending = path.extension().and_then(std::ffi::OsStr::to_str);
        if let (Some("sql" | "toml"), Some(name)) = (ending, path.file_stem()) {
            names.insert(name.to_string_lossy().into_owned());
        }
    }
    Ok(names.into_iter().collect())
}

/// An address: https, or http for this machine alone; without credentials in it.
///
/// # Errors
/// What is wrong with it; the address is not quoted.
pub fn address(text: &str) -> Result<Url, &'static str> {
    let Ok(url) = Url::parse(text) else {
        return Err("this is not an address such as \"https://api.github.com\"");
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err("an address must not hold credentials; use token-env or token-file");
    }
    if url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url)) {
        return Ok(url);
    }
    Err("addresses must begin with https:// (http:// is for this machine alone)")
}

/// A path without `.` and `..`, as far as its text tells.
pub(super) fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if plain.file_name().is_some() => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn is_slug(text: &str) -> bool {
    !text.is_empty()
        && text != "index"
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::super::EXAMPLE;
    use super::*;

    const GOOD: &str = r#"
[organisation]
name = "Harbor"
time-zone = "Europe/Berlin"
[holidays]
DE = ["2026-12-25"]
[[people]]
id = "ada"
github = ["ada-l"]
emails = ["ada@example.com"]
holidays = "DE"
absences = [{ from = "2026-08-03", to = "2026-08-14" }]
[[teams]]
id = "payments"
name = "Payments"
members = ["ada", { person = "ada", from = "2026-03-01" }]
repositories = ["harbor/payments"]
events = [{ from = "2026-10-26", to = "2026-10-28", kind = "release", label = "release 4.2" }]
"#;

    /// Replaces a part of a good file and says what is reported, as `line:column: message`.
    #[track_caller]
    fn check(part: &str, instead: &str, expected: &str) {
        assert!(GOOD.contains(part), "{part}");
        let text = GOOD.replacen(part, instead, 1);
        let problems = config(&text, Path::new("u.toml")).expect_err("the file is broken");
        let found: Vec<String> =
            problems.all.iter().map(|one| format!("{}:{}: {}", one.line, one.column, one.message)).collect();
        assert!(found.iter().any(|one| one.starts_with(expected)), "{found:#?} lacks {expected}");
        assert!(!problems.to_string().contains("ada-l"), "{problems}");
    }

    #[test]
    fn a_good_file_and_the_example_are_taken() {
        let config = config(GOOD, Path::new("/c/u.toml")).unwrap();
        assert_eq!(config.store.path, Path::new("/c/store"));
        assert_eq!(config.people[0].days.len(), 5);
        assert_eq!(config.teams[0].members[1].from, Some("2026-03-01".parse().unwrap()));
        let example = super::config(EXAMPLE, Path::new("config.example.toml")).unwrap();
        assert_eq!(example.organisation.smallest_group, SMALLEST_GROUP);
        assert_eq!(
            (example.store.keep_days, example.first_sync_days),
            (config.store.keep_days, config.first_sync_days)
        );
        assert_eq!(example.report.show_work_items, config.report.show_work_items);
        assert_eq!(example.report.language, config.report.language);
    }

    #[test]
    fn a_first_night_reads_no_further_back_than_rows_stay() {
        let text = "[organisation]\nname = \"H\"\ntime-zone = \"UTC\"\n[store]\nkeep-days = 90\n";
        assert_eq!(config(text, Path::new("u.toml")).unwrap().first_sync_days, 90);
    }

    #[test]
    fn every_kind_of_problem_is_named_with_its_place() {
        check("name = \"Harbor\"\n", "", "2:1: [organisation] needs the key `name`");
        check("\"Europe/Berlin\"", "\"Europe/Nowhere\"", "4:13: this is not a time zone");
        check("time-zone =", "timezone =", "4:1: [organisation] has no key `timezone`; did you mean `time-zone`?");
        check("[\"2026-12-25\"]", "[\"25.12.2026\"]", "6:7: `DE` must be a date");
        check("holidays = \"DE\"", "holidays = \"FR\"", "11:12: [holidays] does not define this set");
        check("id = \"ada\"", "id = 7", "8:6: `id` must be a text in quotes");
        check("to = \"2026-08-14\"", "to = \"2026-08-01\"", "12:41: `to` lies before `from`");
        check("\"payments\"", "\"Pay ments\"", "14:6: a team's id names its page");
        check("members = [\"ada\"", "members = [\"bo\"", "16:12: no [[people]] has this id");
        check("\"harbor/payments\"", "\"payments\"", "17:17: a repository is given as");
        check("[[people]]", "[report]\nlanguage = \"fr\"\n[[people]]", "8:12: words of this language do not come with");
        check("kind = \"release\", ", "", "18:11: an event needs the key `kind`");
        check(
            "[[teams]]",
            "[[github]]\nurl = \"http://ghe.example.com\"\ntoken = \"x\"\n[[teams]]",
            "14:7: addresses must begin with https://",
        );
        check(
            "[[teams]]",
            "[[github]]\nurl = \"https://ghe.example.com\"\ntoken = \"x\"\n[[teams]]",
            "15:9: a token must not stand",
        );
        let store = |lines: &str| format!("[store]\n{lines}\n[holidays]");
        check("[holidays]", &store("keep-days = 13"), "6:13: `keep-days` must be at least 14");
        let long = store("keep-days = 100\n[history]\nfirst-sync-days = 101");
        check("[holidays]", &long, "8:19: more than `keep-days` (100)");
        check("[holidays]", &store("key-file = \"store/../store/k\""), "6:12: `key-file` lies apart from the store");
        check("[holidays]", &store("key-file = \"report/k\""), "6:12: `key-file` lies apart from the pages");
        check("[holidays]", "smallest-group = 3\n[holidays]", "5:18: `smallest-group` may only be raised");
        check(
            "[[teams]]",
            "[[jira]]\nurl = \"https://j.example.com\"\nflavour = \"server\"\ntoken-env = \"T\"\n[[teams]]",
            "15:11: `flavour` must be",
        );
        check(
            "[[teams]]",
            "[[github]]\nurl = \"https://api.github.com\"\ntoken-env = \"T\"\nowners = [\"pier\"]\n[[teams]]",
            "21:17: no [[github]] reads this owner's repositories",
        );
        check(
            "[[teams]]\n",
            "[[jira]]\nurl = \"https://j.example.com\"\nflavour = \"cloud\"\ntoken-env = \"T\"\nprojects = [\"OPS\"]\n\
             [[teams]]\njira-projects = [\"ops\", \"PAY\"]\n",
            "19:25: no [[jira]] reads this project",
        );
        check(
            "[[teams]]",
            "[[github]]\nurl = \"https://api.github.com\"\napp-id = 7\n[[teams]]",
            "13:1: [[github]] needs the key `private-key-env`, `private-key-file` or `private-key-command`",
        );
        check(
            "[[teams]]",
            "[[people]]\nid = \"bo\"\ngithub = [\"ADA-L\"]\n[[teams]]",
            "15:11: this entry of `github` stands at another person",
        );
        check("id = \"ada\"", "id = \"ada\"\nworking-hours = \"9-5\"", "9:17: working hours are given as");
        check("id = \"ada\"", "id = \"ada\"\nworking-days = [\"monday\"]", "9:17: working days are");
        check("id = \"ada\"", "id = \"ada\"\ncalendar = \"google:ada@example.com\"", "9:12: no [[calendar-services]]");
        check(
            "[[teams]]",
            "[[calendar-services]]\nkind = \"exchange\"\ntoken-env = \"T\"\n[[teams]]",
            "14:8: `kind` must be",
        );
        check(
            "[[teams]]",
            "[[calendar-services]]\nkind = \"google\"\nurl = \"http://g.example.com\"\ntoken-env = \"T\"\n[[teams]]",
            "15:7: addresses must begin with https://",
        );
        let mail = |lines: &str| format!("[delivery.smtp]\nfrom = \"u@example.com\"\n{lines}\n[[teams]]");
        let plain = mail("host = \"mail.example.com\"\nsecurity = \"none\"");
        check("[[teams]]", &plain, "16:12: without TLS mail goes to this machine alone");
        let told = mail("host = \"localhost\"\nuser = \"u\"\npassword = \"secret\"");
        check("[[teams]]", &told, "17:12: a password must not stand in the configuration");
        check("repositories", "recipients = [\"a@b.c\"]\nrepositories", "17:15: mail needs a server");
        check("repositories", "webhook = { url = \"x\" }\nrepositories", "17:19: a url must not stand in the config");
        check("repositories", "webhook = { url-env = \"U\", form = \"irc\" }\nrepositories", "17:35: `form` must be");
        check("[holidays]", "[holydays]", "5:2: the file has no key `holydays`; did you mean `holidays`?");
    }

    #[test]
    fn a_calendar_service_has_its_public_address_unless_another_is_given() {
        let service = "[[calendar-services]]\nkind = \"microsoft\"\ntoken-env = \"T\"\n[[people]]\n\
                       calendar = \"microsoft:ada@example.com\"";
        let config = config(&GOOD.replacen("[[people]]", service, 1), Path::new("u.toml")).unwrap();
        assert_eq!(config.calendar_services[0].url.as_str(), "https://graph.microsoft.com/v1.0");
        assert_eq!(CalendarKind::of("google:a@b.c"), Some((CalendarKind::Google, "a@b.c")));
        assert_eq!(CalendarKind::of("https://b.c"), None);
    }

    #[test]
    fn a_project_is_read_by_the_tracker_that_names_it_else_by_one_that_names_none() {
        let jira = |host: &str, projects: &str| {
            format!("[[jira]]\nurl = \"https://{host}\"\nflavour = \"cloud\"\ntoken-env = \"T\"\n{projects}\n")
        };
        let services = jira("a.example.com", "") + &jira("b.example.com", "projects = [\"OPS\"]") + "[[people]]";
        let config = config(&GOOD.replacen("[[people]]", &services, 1), Path::new("u.toml")).unwrap();
        assert_eq!([tracker(&config.jira, "ops"), tracker(&config.jira, "PAY")], [Some(1), Some(0)]);
        assert_eq!(tracker(&config.jira[1..], "PAY"), None);
    }

    #[test]
    fn all_problems_are_reported_at_once_and_a_syntax_error_too() {
        let text = GOOD.replace("Europe/Berlin", "Nowhere").replace("harbor/payments", "payments");
        assert_eq!(config(&text, Path::new("u.toml")).unwrap_err().all.len(), 2);
        assert!(config("[organisation\nname = 1", Path::new("u.toml")).is_err());
    }
}
