//! Nothing of a person and nothing that people wrote leaves the program: the whole pipeline, whole and with every stage
//! failing, over an organisation in which every such text is unique.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::support::marked::{HOSTILE, Marked, NIGHT, TOKEN, calendar, calendars, clone, github, jira, mail, mark};
use crate::support::smtp::{Manner, Server as MailServer};
use crate::support::{github as github_double, jira as jira_double};

const CONFIG: [&str; 2] = ["--config", "in/undercurrent.toml"];
const TEAM: &str = "repositories = [\"harbor/payments\"]\njira-projects = [\"PAY\"]\njira-boards = [12]\n\
                    ledger = \"../out/ledger\"";

/// The services as they stand.
pub struct Services {
    pub github: MockServer,
    pub jira: MockServer,
    calendars: MockServer,
    clones: String,
}

impl Services {
    pub async fn start(place: &Marked) -> Self {
        let (github, _) = github_double::start(github()).await;
        let (jira, _) = jira_double::start(jira()).await;
        let calendars = MockServer::builder().start().await;
        let answer = |request: &Request| match self::calendars(request.url.path(), &request.body) {
            Some(value) => ResponseTemplate::new(200).set_body_json(value),
            None => ResponseTemplate::new(200).set_body_string(calendar(1)).insert_header("etag", "\"a-mark\""),
        };
        Mock::given(any()).respond_with(answer).mount(&calendars).await;
        clone(&place.path("in"), "work");
        let bare = place.path("in/served");
        std::fs::create_dir(&bare).unwrap();
        crate::git::git(&bare, &["clone", "-q", "--bare", "../work", "r.git"]);
        crate::git::git(&bare.join("r.git"), &["update-server-info"]);
        let clones = crate::mirror::serve(bare, None).url.to_string();
        place.write(&format!("in/{}.ics", mark("Calendar", 0)), &calendar(0));
        Self { github, jira, calendars, clones }
    }

    /// The lines of the configuration, with GitHub, Jira and calendars at these addresses.
    fn lines(&self, github: &str, jira: &str, calendars: &str, flavour: &str) -> String {
        let secret = mark("Secret", 1);
        format!(
            "[collect]\ngithub-issues = true\n\n\
             [[github]]\nurl = \"{github}\"\ntoken-env = \"TEST_TOKEN\"\n\n\
             [[jira]]\nurl = \"{jira}\"\nflavour = \"{flavour}\"\ntoken-env = \"TEST_TOKEN\"\n\n\
             [[calendar-services]]\nkind = \"google\"\nurl = \"{calendars}\"\ntoken-env = \"TEST_TOKEN\"\n\n\
             [[calendar-services]]\nkind = \"microsoft\"\nurl = \"{calendars}\"\ntoken-env = \"TEST_TOKEN\"\n\n\
             # calendar 0:calendar = \"{file}.ics\"\n\
             # calendar 1:calendar = \"{calendars}/{path}/{secret}.ics?key={secret}\"\n\
             # calendar 2:calendar = \"google:{}\"\n# calendar 3:calendar = \"microsoft:{}\"\n",
            mail(2),
            mail(3),
            file = mark("Calendar", 0),
            path = mark("Calendar", 1),
        )
    }

    pub fn whole(&self, flavour: &str) -> String {
        self.lines(&self.github.uri(), &self.jira.uri(), &self.calendars.uri(), flavour)
    }

    pub fn team(&self) -> String {
        format!("{TEAM}\ngit = [\"work\", \"{}\"]", self.clones)
    }
}

/// Every command over a store of a whole night.
#[track_caller]
fn every_command_is_clean(place: &mut Marked) {
    let commands: [&[&str]; 12] = [
        &["collect"],
        &["report"],
        &["run", "--offline"],
        &["run", "--dry-run"],
        &["check"],
        &["replay", "--json"],
        &["signals", "waiting_for_review", "--team", "payments", "--json"],
        &["store", "export", "--out", "out/export"],
        &["store", "files", "people_accounts"],
        &["followups"],
        &["identities"],
        &["run", "--full"],
    ];
    for command in commands {
        let ended = place.clean(&[command, &CONFIG].concat());
        assert!([0, 2, 3].contains(&ended.exit), "{command:?}: {ended:?}");
    }
    place.clean(&["try", "in/work", "--out", "out/try", "--as-of", NIGHT]);
    let named = mark("Login", 3);
    for text in [format!("ask {named}"), mail(2)] {
        let talked = ["talked", "stalled_work", "--team", "payments", "--mine", &text];
        let ended = place.clean(&[&talked[..], &CONFIG].concat());
        assert_eq!(ended.exit, 2, "{ended:?}");
        let days = ["context", "payments", "--from", "2026-11-16", "--to", "2026-11-17", "--label", &text];
        assert_eq!(place.clean(&[&days[..], &CONFIG].concat()).exit, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g1_g2_a_whole_night_over_every_source_leaves_no_trace_of_a_person_or_of_a_text() {
    let mut place = Marked::new();
    let services = Services::start(&place).await;
    for flavour in ["cloud", "data-center"] {
        place.configure(&services.whole(flavour), &services.team());
        let ended = place.night();
        assert_eq!(ended.exit, 0, "{ended:?}");
        place.ended_clean(&format!("run with {flavour}"), &ended);
        let record: Value = serde_json::from_str(&place.read("out/store/last-run.json")).unwrap();
        for table in
            ["pull_requests", "reviews", "comments", "commits", "issues", "issue_changes", "busy", "people_accounts"]
        {
            assert!(record["tables"][table].as_u64() > Some(0), "{table} is empty: {record}");
        }
        assert!(place.keyed_hashes().len() > 20);
        every_command_is_clean(&mut place);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g1_two_keys_give_hashes_that_have_nothing_in_common() {
    let mut sets = Vec::new();
    for _ in 0..2 {
        let place = Marked::new();
        let services = Services::start(&place).await;
        place.configure(&services.whole("cloud"), &services.team());
        let ended = place.night();
        assert_eq!(ended.exit, 0, "{ended:?}");
        sets.push(place.keyed_hashes());
    }
    assert!(sets[0].len() > 20 && sets[0].len() == sets[1].len(), "{} and {}", sets[0].len(), sets[1].len());
    assert!(sets[0].is_disjoint(&sets[1]), "{:?}", sets[0].intersection(&sets[1]).collect::<Vec<_>>());
}

/// A service that answers everything in one way.
async fn failing(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::builder().start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

fn hostile(status: u16) -> ResponseTemplate {
    let header = format!("{HOSTILE} {}", mark("Login", 0));
    ResponseTemplate::new(status)
        .set_body_json(
            json!({ "message": HOSTILE, "errors": [{ "message": mark("Login", 1) }], "errorMessages": [mail(0)] }),
        )
        .insert_header("x-reason", header.as_str())
        .insert_header("retry-after", "0")
}

#[tokio::test(flavor = "multi_thread")]
async fn g1_g2_g9_services_that_refuse_and_say_why_are_not_quoted() {
    let mut place = Marked::new();
    let services = Services::start(&place).await;
    let sso = hostile(403).insert_header("x-github-sso", mark("Login", 0).as_str());
    let captcha =
        hostile(403).insert_header("x-authentication-denied-reason", "CAPTCHA_CHALLENGE; login-url=zqhostileanswer");
    let elsewhere =
        hostile(302).insert_header("location", format!("https://{}/{}", mark("Domain", 0), mark("Login", 0)).as_str());
    let shapes =
        [json!({ "data": HOSTILE }), json!([mark("Login", 0)]), json!({ "data": { "repository": { "id": HOSTILE } } })];
    let mut answers: Vec<ResponseTemplate> = [400, 401, 403, 404, 409, 410, 422, 500, 502].map(hostile).to_vec();
    answers.extend([sso, captcha, elsewhere]);
    answers
        .extend(shapes.map(|shape| ResponseTemplate::new(200).set_body_json(shape).insert_header("retry-after", "0")));
    for (at, answer) in answers.into_iter().enumerate() {
        let server = failing(answer).await;
        let lines = services.lines(&server.uri(), &server.uri(), &server.uri(), "cloud");
        place.configure(&lines, &services.team());
        let ended = place.night();
        place.ended_clean(&format!("run against a service that gives answer {at}"), &ended);
        assert!([3, 4].contains(&ended.exit), "{at}: {ended:?}");
        place.clean(&[&["check"], &CONFIG[..]].concat());
    }
}

/// A service whose first answers are broken, and that then is not there any more.
#[tokio::test(flavor = "multi_thread")]
async fn g1_g2_g9_answers_that_cannot_be_read_are_not_quoted() {
    let mut place = Marked::new();
    let services = Services::start(&place).await;
    let cut = format!("{{\"data\": {{\"login\": \"{}\", \"x\": {HOSTILE}", mark("Login", 0));
    let graph =
        json!({ "data": {}, "errors": [{ "type": "X", "message": HOSTILE, "path": [mark("Login", 2)] }] }).to_string();
    for (at, body) in [cut, graph, format!("<html>{HOSTILE}</html>")].into_iter().enumerate() {
        let left = Arc::new(Mutex::new(3));
        let answer = move |_: &Request| {
            let mut left = left.lock().expect("no answer panics");
            *left -= 1;
            if *left >= 0 { ResponseTemplate::new(200).set_body_string(body.clone()) } else { hostile(404) }
        };
        let server = MockServer::builder().start().await;
        Mock::given(any()).respond_with(answer).mount(&server).await;
        place.configure(&services.lines(&server.uri(), &server.uri(), &server.uri(), "data-center"), &services.team());
        let ended = place.night();
        place.ended_clean(&format!("run against broken answer {at}"), &ended);
        assert!([3, 4].contains(&ended.exit), "{ended:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g1_g9_stages_that_cannot_read_or_write_quote_nothing() {
    let mut place = Marked::new();
    let services = Services::start(&place).await;
    place.configure(&services.whole("cloud"), &services.team());
    let ended = place.night();
    assert_eq!(ended.exit, 0, "{ended:?}");
    let night = |place: &mut Marked, what: &str, exits: &[i32]| {
        let ended = place.night();
        place.ended_clean(what, &ended);
        assert!(exits.contains(&ended.exit), "{what}: {ended:?}");
    };
    let calendar_file = format!("in/{}.ics", mark("Calendar", 0));
    let broken = [
        format!("{HOSTILE} {}", mark("Event", 0)),
        calendar(0).replace("DTSTART:202611", &format!("DTSTART:{}", mark("Event", 0))),
        calendar(0).replace("UID:", &format!("RRULE:FREQ={}\r\nUID:", mark("Event", 0))),
        calendar(0).replace("DTSTART:", &format!("DTSTART;TZID={}:", mark("Place", 0))),
        calendar(0).replace("END:VEVENT", ""),
    ];
    for (at, text) in broken.iter().enumerate() {
        place.write(&calendar_file, text);
        night(&mut place, &format!("a calendar broken in way {at}"), &[0, 3]);
        place.clean(&[&["check"], &CONFIG[..]].concat());
    }
    std::fs::remove_file(place.path(&calendar_file)).unwrap();
    night(&mut place, "a calendar that is not there", &[3]);
    place.write("in/work/.git/HEAD", &mark("Branch", 0));
    night(&mut place, "a clone that cannot be read", &[3]);
    // What cannot be written: a file lies where a folder is needed, which stops an administrator as well.
    std::fs::remove_dir_all(place.path("out/report")).unwrap();
    place.write("out/report", "in the way");
    night(&mut place, "a report that cannot be written", &[6]);
    std::fs::remove_file(place.path("out/report")).unwrap();
    std::fs::rename(place.path("out/store/runs"), place.path("in/kept-runs")).unwrap();
    place.write("out/store/runs", "in the way");
    night(&mut place, "a run record that cannot be written", &[6]);
    std::fs::remove_file(place.path("out/store/runs")).unwrap();
    std::fs::rename(place.path("out/store/tables"), place.path("in/kept-tables")).unwrap();
    place.write("out/store/tables", "in the way");
    night(&mut place, "a store that cannot be read", &[6, 7]);
    std::fs::remove_file(place.path("out/store/tables")).unwrap();
    std::fs::rename(place.path("in/kept-tables"), place.path("out/store/tables")).unwrap();
    let manifest = place.read("out/store/MANIFEST");
    place.write("out/store/MANIFEST", "damaged");
    night(&mut place, "a damaged manifest", &[7]);
    place.write("out/store/MANIFEST", &manifest);
    std::fs::remove_dir_all(place.path("out/ledger")).unwrap_or_default();
    place.write("out/ledger", "in the way");
    night(&mut place, "an edition that cannot be written", &[3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn g1_g9_a_configuration_with_mistakes_is_told_by_place_and_key_and_never_by_what_stands_there() {
    let mut place = Marked::new();
    place.configure("", "");
    let good = place.read("in/undercurrent.toml");
    let id = format!("id = \"{}\"", mark("Id", 1));
    let (login, address) = (mark("Login", 1), mail(1));
    let person = |line: &str| good.replace(&id, &format!("{id}\n{line}"));
    let mistakes = [
        person(&format!("github = \"{login}\"")),
        person(&format!("nickname = \"{login}\"")),
        person(&format!("{login} = true")),
        person(&format!("calendar = \"ftp://{address}/x\"")),
        person(&format!("time-zone = \"{login}\"")),
        person(&format!("working-hours = \"{login}\"")),
        person(&format!("working-days = [\"{login}\"]")),
        person(&format!("holidays = \"{login}\"")),
        person(&format!("absences = [{{ from = \"{login}\", to = \"{login}\" }}]")),
        person(&format!("leave = \"{login}\"")),
        person("calendar = 7"),
        good.replace(&format!("jira = [\"{}\"]", mark("Tracker", 2)), &format!("jira = [\"{}\"]", mark("Tracker", 1))),
        good.replace(&mark("Id", 4), &mark("Id", 3)),
        good.replacen(&mark("Id", 4), &mark("Stranger", 0), 1),
        good.replace("members = [", &format!("members = [\"{}\", ", mark("Stranger", 0))),
        good.replace("members = [", &format!("members = [{{ person = \"{login}\", from = \"soon\" }}, ")),
        good.clone() + &format!("on-call = [{{ person = \"{login}\", from = \"x\", to = \"2026-10-01\" }}]\n"),
        good.clone() + &format!("recipients = [\"{}@@\"]\n", mark("Recipient", 0)),
        good.clone() + &format!("webhook = \"https://hooks.example/{}\"\n", mark("Hook", 0)),
        good.clone() + &format!("[[jira]]\nurl = \"http://{address}/\"\ntoken = \"{TOKEN}\"\nuser = 7\n"),
        good.clone() + &format!("[[github]]\nurl = \"https://{TOKEN}@github.example/\"\ntoken-env = \"{TOKEN}\"\n"),
        good.clone() + &format!("[[git]]\nurl-prefix = \"https://{login}:{TOKEN}@host/\"\ntoken-env = \"X\"\n"),
        good.clone() + &format!("git = [\"https://{login}:{TOKEN}@host.example/r.git\"]\n"),
        good.clone() + &format!("[delivery.smtp]\nhost = 7\nfrom = \"{login}\"\npassword = \"{TOKEN}\"\n"),
        good.replace(&id, &format!("{id} {login}")),
        good.replace(&id, &format!("id = \"{login}")),
        good.replace(&id, &format!("id = {login}")),
        good.replace("emails = [", &format!("emails = [\"{address}\", \"{address}\", 7, ")),
    ];
    for (at, text) in mistakes.iter().enumerate() {
        assert_ne!(*text, good, "mistake {at} is none");
        place.write("in/undercurrent.toml", text);
        for command in [["run"], ["check"]] {
            let ended = place.clean(&[&command, &CONFIG[..]].concat());
            let told = ended.complained.contains("undercurrent.toml:");
            assert!(ended.exit == 2 && told, "mistake {at} is not told: {ended:?}\n{text}");
        }
    }
    place.write("in/undercurrent.toml", &good);
    for text in [
        format!("[[identity]]\nperson = \"{login}\"\nkind = \"github\"\naccount = \"{login}\"\n"),
        format!("[[identity]]\nperson = \"{}\"\nkind = \"{login}\"\naccount = \"x\"\n", mark("Id", 0)),
        format!("[[identity]]\nperson = \"{}\"\nkind = \"github\"\naccount = \"{login}\"\n", mark("Id", 0)),
        format!("{login} = {address}"),
    ] {
        place.write("in/identities.toml", &text);
        assert_eq!(place.clean(&[&["check"], &CONFIG[..]].concat()).exit, 2, "{text}");
    }
    std::fs::remove_file(place.path("in/identities.toml")).unwrap();
    std::fs::create_dir(place.path("in/context")).unwrap();
    for label in [login.clone(), format!("with {address}"), format!("{login}\u{200b} is away")] {
        let entry = format!(
            "[[context]]\nfrom = \"2026-11-16\"\nto = \"2026-11-18\"\nlabel = \"{label}\"\nkind = \"{login}\"\n"
        );
        place.write("in/context/payments.toml", &entry);
        place.clean(&[&["run"], &CONFIG[..]].concat());
        place.clean(&[&["context", "payments"], &CONFIG[..]].concat());
    }
    place.write("in/context/payments.toml", &format!("{login} = [\"{address}\""));
    place.clean(&[&["run"], &CONFIG[..]].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn g1_g9_what_is_delivered_and_what_refuses_a_delivery_names_nobody() {
    let mut place = Marked::new();
    place.write("in/password.secret", &mark("Password", 0));
    for (at, status) in [200, 302, 401, 403, 404].into_iter().enumerate() {
        let manner = if at == 0 { Manner::default() } else { Manner { refuses: Some("Zq"), ..Manner::default() } };
        let mail = MailServer::start(manner).await;
        let channel = failing(hostile(status)).await;
        place.write("in/hook.secret", &format!("{}/{}", channel.uri(), mark("Hook", 0)));
        let login = if at == 0 {
            String::new()
        } else {
            format!("user = \"{}\"\npassword-file = \"password.secret\"", mark("SmtpUser", 0))
        };
        let lines =
            mail.lines(&format!("security = \"none\"\n{login}")) + "[delivery.ping]\nurl-file = \"hook.secret\"\n";
        let recipient = format!("{}@example.com", mark("Recipient", 0));
        place.configure(&lines, &format!("recipients = [\"{recipient}\"]\nwebhook = {{ url-file = \"hook.secret\" }}"));
        let night = format!("2026-11-{}T04:00:00Z", 20 + at);
        let ended = place.run(&[&["run", "--as-of", &night], &CONFIG[..]].concat());
        place.ended_clean(&format!("deliveries that end with {status}"), &ended);
        assert_eq!(ended.exit, if status == 200 { 0 } else { 3 }, "{ended:?}");
        place.clean(&[&["check"], &CONFIG[..]].concat());
        let mut sent: Vec<(String, Vec<u8>)> = Vec::new();
        for letter in mail.seen().letters {
            sent.push(("a letter".to_owned(), letter.data.replace("\r\n", "").replace("=\n", "").into_bytes()));
        }
        assert_eq!(sent.len(), usize::from(at == 0), "the letter arrives");
        for request in channel.received_requests().await.unwrap_or_default() {
            sent.push(("a message".to_owned(), request.body.clone()));
        }
        place.finds_nothing("a delivery", &sent, &["Recipient,"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g2_requests_ask_for_no_text_but_titles_and_branch_names() {
    let place = Marked::new();
    let services = Services::start(&place).await;
    for flavour in ["cloud", "data-center"] {
        place.configure(&services.whole(flavour), &services.team());
        // By the services' own clock, since a wrong one would be told.
        for (command, at) in [("run", NIGHT), ("check", "2026-11-24T03:00:00Z")] {
            let ended = place.run(&[&[command, "--as-of", at], &CONFIG[..]].concat());
            assert_eq!(ended.exit, 0, "{ended:?}");
        }
    }
    let asked: Vec<Request> = services.github.received_requests().await.unwrap();
    let mut questions = 0;
    for request in &asked {
        let path = request.url.path();
        if path == "/graphql" {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            asks_for_no_text(body["query"].as_str().unwrap());
            questions += 1;
        } else {
            assert!(["/rate_limit", "/meta", "/repos/harbor/payments/pulls/comments"].contains(&path), "{path}");
        }
    }
    assert!(questions > 5);
    for request in services.jira.received_requests().await.unwrap() {
        tracker_asks_for_no_text(&request);
    }
    for request in services.calendars.received_requests().await.unwrap() {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or(json!({}));
        let mask = [
            "timeMin",
            "timeMax",
            "timeZone",
            "items",
            "schedules",
            "startTime",
            "endTime",
            "availabilityViewInterval",
        ];
        for name in body.as_object().unwrap().keys() {
            assert!(mask.contains(&name.as_str()), "a calendar is asked for {name}");
        }
    }
}

/// Every word of a question outside of quotes and comments is on the list.
#[track_caller]
fn asks_for_no_text(question: &str) {
    const TEXTS: [&str; 26] = [
        "body",
        "bodyText",
        "bodyHTML",
        "message",
        "messageHeadline",
        "messageBody",
        "path",
        "files",
        "fileName",
        "diffHunk",
        "description",
        "descriptionHTML",
        "avatarUrl",
        "bio",
        "company",
        "location",
        "websiteUrl",
        "resourcePath",
        "url",
        "displayTitle",
        "titleHTML",
        "baseRefName",
        "committer",
        "patch",
        "emails",
        "status",
    ];
    let without_remarks: String = question.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    let without_texts: String = without_remarks.split('"').step_by(2).collect();
    let words: Vec<&str> = without_texts.split(|letter: char| !letter.is_alphanumeric() && letter != '_').collect();
    for text in TEXTS {
        assert!(!words.contains(&text), "a question asks for {text}: {question}");
    }
    // Titles and branch names of pull requests alone, and nothing of issues.
    let may = question.contains("query PullRequests");
    for text in ["title", "headRefName"] {
        assert!(may || !words.contains(&text), "a question asks for {text}: {question}");
    }
}

#[track_caller]
fn tracker_asks_for_no_text(request: &Request) {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let query: std::collections::BTreeMap<String, String> = request.url.query_pairs().into_owned().collect();
    let listed = body["fields"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
    let told = query.get("fields").map(|list| list.split(',').map(str::to_owned).collect::<Vec<_>>());
    let changed = body["fieldIds"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
    let mut fields: Vec<String> = listed.chain(told.into_iter().flatten()).chain(changed).collect();
    fields.retain(|field| !field.starts_with("customfield_"));
    const ALLOWED: [&str; 20] = [
        "status",
        "issuetype",
        "project",
        "priority",
        "created",
        "updated",
        "resolutiondate",
        "assignee",
        "reporter",
        "parent",
        "duedate",
        "fixVersions",
        "labels",
        "issuelinks",
        "resolution",
        "issueparentassociation",
        "Key",
        "Project",
        "id",
        "key",
    ];
    for field in fields {
        assert!(ALLOWED.contains(&field.as_str()), "{} asks for {field}", request.url.path());
    }
    let path = request.url.path();
    let searches = path.ends_with("/search") || path.ends_with("/search/jql");
    assert!(!searches || body.get("fields").is_some() || query.contains_key("fields"), "{path} asks for every field");
    for expand in [body["expand"].as_str().unwrap_or_default(), query.get("expand").map_or("", String::as_str)] {
        assert!(["", "changelog"].contains(&expand), "{path} expands {expand}");
    }
}
