//! A mail server in memory: it speaks enough SMTP to collect letters, and can refuse, stall, or talk nonsense.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What a hostile server says with each answer; nobody may ever read it.
pub const HOSTILE: &str = "canary-of-the-server \u{1b}[31m";

/// How the server behaves.
#[derive(Clone, Debug, Default)]
pub struct Manner {
    /// The password that it asks for, after `AUTH PLAIN`.
    pub password: Option<&'static str>,
    /// Recipients whose address begins so are refused.
    pub refuses: Option<&'static str>,
    /// So many letters are put off at first (451).
    pub puts_off: usize,
    /// It says nothing at all.
    pub silent: bool,
}

/// A letter as it arrived.
#[derive(Clone, Debug)]
pub struct Letter {
    pub to: Vec<String>,
    pub data: String,
}

/// What the server saw.
#[derive(Debug, Default)]
pub struct Seen {
    pub letters: Vec<Letter>,
    /// Every line of a client but the lines of letters.
    pub lines: Vec<String>,
    pub connections: usize,
}

/// A running server.
pub struct Server {
    pub port: u16,
    seen: Arc<Mutex<Seen>>,
}

impl Server {
    pub async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port for the test");
        let port = listener.local_addr().expect("the port is known").port();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let shared = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.lock().unwrap().connections += 1;
                tokio::spawn(serve(stream, manner.clone(), Arc::clone(&shared)));
            }
        });
        Self { port, seen }
    }

    /// Hands over what was seen, and begins anew.
    pub fn seen(&self) -> Seen {
        std::mem::take(&mut self.seen.lock().unwrap())
    }

    /// The configuration of this server, with more lines.
    pub fn lines(&self, more: &str) -> String {
        let port = self.port;
        format!(
            "[delivery]\npatience-seconds = 5\n[delivery.smtp]\nhost = \"127.0.0.1\"\nport = {port}\n\
             from = \"reports@example.com\"\n{more}\n"
        )
    }
}

async fn serve(stream: TcpStream, manner: Manner, seen: Arc<Mutex<Seen>>) {
    if manner.silent {
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    // A client that goes away ends the talk.
    let _ = talk(stream, manner, seen).await;
}

async fn talk(stream: TcpStream, manner: Manner, seen: Arc<Mutex<Seen>>) -> std::io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    writer.write_all(format!("220 {HOSTILE}\r\n").as_bytes()).await?;
    let mut to = Vec::new();
    while let Some(line) = lines.next_line().await? {
        seen.lock().unwrap().lines.push(line.clone());
        let upper = line.to_uppercase();
        let answer = if upper.starts_with("EHLO") {
            "250-mail.example.com\r\n250-8BITMIME\r\n250 AUTH PLAIN".to_owned()
        } else if upper.starts_with("AUTH PLAIN ") {
            let given = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, &line[11..]);
            let given = String::from_utf8(given.unwrap_or_default()).unwrap_or_default();
            let right = manner.password.is_some_and(|password| given.ends_with(password));
            format!("{} {HOSTILE}", if right { 235 } else { 535 })
        } else if upper.starts_with("RCPT TO:<") {
            let address = line[9..].split('>').next().unwrap_or_default().to_owned();
            let refused = manner.refuses.is_some_and(|begin| address.starts_with(begin));
            to.push(address);
            format!("{} {HOSTILE}", if refused { 550 } else { 250 })
        } else if upper == "DATA" {
            writer.write_all(b"354 go on\r\n").await?;
            let mut data = String::new();
            while let Some(line) = lines.next_line().await? {
                if line == "." {
                    break;
                }
                data.push_str(line.strip_prefix('.').unwrap_or(&line));
                data.push('\n');
            }
            let mut seen = seen.lock().unwrap();
            let put_off = seen.lines.iter().filter(|line| *line == "DATA").count() <= manner.puts_off;
            if !put_off {
                seen.letters.push(Letter { to: std::mem::take(&mut to), data });
            }
            format!("{} {HOSTILE}", if put_off { 451 } else { 250 })
        } else if upper == "QUIT" {
            writer.write_all(b"221 bye\r\n").await?;
            return Ok(());
        } else {
            format!("250 {HOSTILE}")
        };
        writer.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
    Ok(())
}
