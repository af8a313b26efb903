//! A server between the program and the doubles of its services, which spoils answers by a script. It tells the time by the
//! clock on which the program's waits pass, so that an hour's limit costs a test nothing.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The server's time before any wait: 2026-11-25T03:00:00Z.
pub const BEGIN: i64 = 1_795_575_600;

/// A request.
#[derive(Clone, Debug)]
pub struct Asked {
    /// With its query.
    pub path: String,
    pub body: String,
    pub authorization: String,
}

/// A whole answer.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    /// An answer with a status and a body.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: vec![("content-type".to_owned(), "application/json".to_owned())], body: body.into() }
    }

    /// The same answer with a header more, in the place of one of that name.
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }
}

/// How an answer is sent.
#[derive(Clone, Debug)]
pub enum Sent {
    Whole(Reply),
    /// Half of the announced body, and the connection is closed.
    Cut(Reply),
    /// The connection is closed without an answer.
    Closed,
    /// No answer, for longer than anybody waits.
    Silence,
    /// A byte now and then, for longer than anybody waits.
    Trickle(Reply),
    /// A body without an end.
    Endless,
}

/// When a fault strikes, among the requests that it concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    Always,
    /// The first so many.
    First(usize),
    /// All from this one on, counted from 0.
    From(usize),
    /// Two of three pass.
    EveryThird,
    /// As long as the clock of the waits shows less than so many seconds.
    Until(u64),
}

/// What a fault is told when it strikes.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The server's time, in seconds since 1970.
    pub now: i64,
    /// How often the fault struck before.
    pub number: usize,
}

/// A fault.
#[derive(Clone, Copy)]
pub struct Fault {
    pub concerns: fn(&Asked) -> bool,
    pub when: When,
    pub act: fn(&Asked, Reply, Moment) -> Sent,
    /// What the service understands in the place of the request's head.
    pub heard: fn(&str) -> String,
}

/// Where good answers come from.
#[derive(Clone, Debug, Default)]
pub struct World {
    pub github: String,
    pub jira: String,
    pub calendar: String,
}

#[derive(Default)]
struct State {
    world: World,
    /// Each with how often it was concerned.
    faults: Vec<(Fault, usize)>,
    struck: usize,
    /// Whole days after [`BEGIN`].
    day: i64,
    /// The address in answers, where the server stands in the place of another one.
    shown: Option<String>,
    asked: Vec<Asked>,
}

/// The server; it stops answering when it is dropped, with the process at the latest.
#[derive(Clone)]
pub struct Faulty {
    pub url: String,
    /// Milliseconds that the program has waited.
    pub clock: Arc<AtomicU64>,
    state: Arc<Mutex<State>>,
}

impl Faulty {
    /// Starts a server without any fault.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let url = format!("http://{}", listener.local_addr().expect("it has an address"));
        let faulty = Self { url, clock: Arc::default(), state: Arc::default() };
        let serving = faulty.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let serving = serving.clone();
                std::thread::spawn(move || serving.serve(&stream));
            }
        });
        faulty
    }

    /// Another world, another fault, and a clock set back to its begin.
    pub fn set(&self, world: &World, fault: Option<Fault>) {
        self.set_all(world, &fault.into_iter().collect::<Vec<_>>());
    }

    /// The same with several faults: of those that strike, the first does.
    pub fn set_all(&self, world: &World, faults: &[Fault]) {
        self.set_at(world, faults, 0);
    }

    /// The same so many days later.
    pub fn set_at(&self, world: &World, faults: &[Fault], day: u64) {
        self.clock.store(0, Ordering::SeqCst);
        let faults = faults.iter().map(|fault| (*fault, 0)).collect();
        let day = i64::try_from(day).expect("days are few");
        *self.lock() = State { world: world.clone(), faults, day, ..State::default() };
    }

    /// Answers as if it were the service at another address, as a proxy does.
    pub fn shown_as(&self, address: &str) {
        self.lock().shown = Some(address.to_owned());
    }

    /// How often the fault struck, and what was asked in all.
    pub fn seen(&self) -> (usize, Vec<Asked>) {
        let state = self.lock();
        (state.struck, state.asked.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn serve(&self, stream: &TcpStream) {
        let mut reader = BufReader::new(stream);
        while let Some((head, body)) = request(&mut reader) {
            let head = without_address(&head);
            let header = |name: &str| {
                let lines = head.lines().filter_map(|line| line.split_once(':'));
                let mut found = lines.filter(|(known, _)| known.eq_ignore_ascii_case(name));
                found.next().map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
            };
            let asked = Asked {
                path: head.split(' ').nth(1).unwrap_or_default().to_owned(),
                body: String::from_utf8_lossy(&body).into_owned(),
                authorization: header("authorization"),
            };
            let sent = self.answer(asked, &head, &body);
            if !send(stream, sent) {
                break;
            }
        }
    }

    fn answer(&self, asked: Asked, head: &str, body: &[u8]) -> Sent {
        let seconds = self.clock.load(Ordering::SeqCst) / 1000;
        let (world, strikes, moment) = {
            let mut state = self.lock();
            state.asked.push(asked.clone());
            let mut strikes = None;
            for (fault, concerned) in state.faults.iter_mut().filter(|(fault, _)| (fault.concerns)(&asked)) {
                let number = *concerned;
                *concerned += 1;
                let now = match fault.when {
                    When::Always => true,
                    When::First(count) => number < count,
                    When::From(first) => number >= first,
                    When::EveryThird => number % 3 == 2,
                    When::Until(end) => seconds < end,
                };
                if now && strikes.is_none() {
                    strikes = Some(*fault);
                }
            }
            let now = BEGIN + 86_400 * state.day + i64::try_from(seconds).unwrap_or(i64::MAX / 2);
            let moment = Moment { number: state.struck, now };
            state.struck += usize::from(strikes.is_some());
            (state.world.clone(), strikes, moment)
        };
        let head = strikes.map_or_else(|| head.to_owned(), |fault| (fault.heard)(head));
        let good = self.good(&world, &asked, &head, body, moment);
        let date = jiff::Timestamp::from_second(moment.now).expect("a time of this century");
        let date = date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let dated = good.with("date", &date);
        let Some(fault) = strikes else { return Sent::Whole(dated) };
        let told = |reply: Reply| {
            let is_told = reply.headers.iter().any(|(name, _)| name == "date");
            if is_told { reply } else { reply.with("date", &date) }
        };
        match (fault.act)(&asked, dated, moment) {
            Sent::Whole(reply) => Sent::Whole(told(reply)),
            Sent::Cut(reply) => Sent::Cut(told(reply)),
            Sent::Trickle(reply) => Sent::Trickle(told(reply)),
            other => other,
        }
    }

    /// What the service would have answered.
    fn good(&self, world: &World, asked: &Asked, head: &str, body: &[u8], moment: Moment) -> Reply {
        if asked.path.ends_with("/serverInfo") {
            let at = jiff::Timestamp::from_second(moment.now).expect("a time of this century");
            let told = serde_json::json!({ "deploymentType": "Cloud", "serverTime": at });
            return Reply::new(200, told.to_string());
        }
        if asked.path.starts_with("/calendars/") {
            let reply = Reply::new(200, world.calendar.as_bytes());
            return reply.with("content-type", "text/calendar");
        }
        let upstream = if asked.path.starts_with("/rest/") { &world.jira } else { &world.github };
        let shown = self.lock().shown.clone().unwrap_or_else(|| self.url.clone());
        let own = |text: &str| text.replace(upstream.as_str(), &shown);
        let mut reply = exchange(upstream, head, body);
        reply.headers.iter_mut().for_each(|(_, value)| *value = own(value));
        if let Ok(text) = std::str::from_utf8(&reply.body) {
            reply.body = own(text).into_bytes();
        }
        reply
    }
}

/// A request's head and body; `None` where the connection is over.
fn request(reader: &mut BufReader<&TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut head = String::new();
    loop {
        let before = head.len();
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
        if head.len() - before <= 2 {
            break;
        }
    }
    let mut body = vec![0; length(&head)];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

/// The head with a path alone in its first line; a proxy is told whole addresses.
fn without_address(head: &str) -> String {
    let Some((method, rest)) = head.split_once(' ') else { return head.to_owned() };
    let path = rest.strip_prefix("http://").and_then(|rest| rest.find('/').map(|at| &rest[at..]));
    path.map_or_else(|| head.to_owned(), |path| format!("{method} {path}"))
}

fn length(head: &str) -> usize {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    let mut told = lines.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    told.next().and_then(|(_, value)| value.trim().parse().ok()).unwrap_or(0)
}

/// Asks the double behind, on a connection of its own.
fn exchange(upstream: &str, head: &str, body: &[u8]) -> Reply {
    let place = upstream.trim_start_matches("http://");
    let mut stream = TcpStream::connect(place).expect("the double stands");
    let drop = ["connection:", "host:", "accept-encoding:"];
    let kept = head.trim_end().lines().filter(|line| !drop.iter().any(|name| line.to_lowercase().starts_with(name)));
    let lines: Vec<&str> = kept.collect();
    let head = format!("{}\r\nhost: {place}\r\nconnection: close\r\n\r\n", lines.join("\r\n"));
    stream.write_all(&[head.as_bytes(), body].concat()).expect("the double reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the double answers");
    let at = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("an answer has a head");
    let head = String::from_utf8_lossy(&answer[..at]).into_owned();
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).expect("an answer has a status");
    let skipped = ["content-length", "connection", "transfer-encoding"];
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()));
    Reply {
        status,
        headers: headers.filter(|(name, _)| !skipped.contains(&name.as_str())).collect(),
        body: answer[at + 4..].to_vec(),
    }
}

impl Reply {
    fn head(&self, length: usize) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} x\r\n", self.status);
        self.headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
        head.push_str(&format!("content-length: {length}\r\n\r\n"));
        head.into_bytes()
    }
}

/// Sends an answer; whether the connection goes on. A client that went away is its own affair.
fn send(mut stream: &TcpStream, sent: Sent) -> bool {
    match sent {
        Sent::Whole(reply) => stream.write_all(&[reply.head(reply.body.len()), reply.body].concat()).is_ok(),
        Sent::Cut(reply) => {
            let half = reply.body.len() / 2;
            let _ = stream.write_all(&[reply.head(reply.body.len()), reply.body[..half].to_vec()].concat());
            false
        }
        Sent::Closed => false,
        Sent::Silence => {
            std::thread::sleep(Duration::from_secs(10));
            false
        }
        Sent::Trickle(reply) => {
            let mut alive = stream.write_all(&reply.head(reply.body.len() + 1_000_000)).is_ok();
            while alive {
                std::thread::sleep(Duration::from_millis(100));
                alive = stream.write_all(b" ").is_ok();
            }
            false
        }
        Sent::Endless => {
            let head = b"HTTP/1.1 200 x\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n[";
            let mut alive = stream.write_all(head).is_ok();
            let part = b"0,".repeat(32 * 1024);
            while alive {
                alive = stream.write_all(&part).is_ok();
            }
            false
        }
    }
}
