//! Mirrors of a repository that a small server of static files shows on this machine.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrecy::SecretString;
use undercurrent::collect::git::{GitError, MirrorError, Remote, read_mirror, update};
use undercurrent::model::Pseudonyms;
use url::Url;

use crate::git::{git, sandbox};

/// A server of the files of a folder; with a key it answers 401 to requests without it. Ends with the test process.
pub struct Server {
    pub url: Url,
    requests: Arc<Mutex<Vec<String>>>,
}

pub fn serve(folder: PathBuf, key: Option<&'static str>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = Url::parse(&format!("http://{}/r.git", listener.local_addr().unwrap())).unwrap();
    let requests = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&requests);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // One connection may wait idly while another asks.
            let (folder, log) = (folder.clone(), Arc::clone(&log));
            std::thread::spawn(move || {
                let head = answer(stream, &folder, key);
                log.lock().unwrap().push(head);
            });
        }
    });
    Server { url, requests }
}

fn answer(mut stream: TcpStream, folder: &Path, key: Option<&str>) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or("/").split('?').next().unwrap_or("/").to_owned();
    let file = std::fs::read(folder.join(path.trim_start_matches('/')));
    let (status, body) = match (key.is_none_or(|key| head.contains(key)), file) {
        (false, _) => ("401 Unauthorized", Vec::new()),
        (true, Ok(body)) => ("200 OK", body),
        (true, Err(_)) => ("404 Not Found", Vec::new()),
    };
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    // A client that went away is its own affair.
    let _ = stream.write_all(answer.as_bytes()).and_then(|()| stream.write_all(&body));
    head
}

const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn a_mirror_follows_its_source_and_keeps_the_heads_of_pull_requests() {
    let Some(sandbox) = sandbox() else { return };
    let work = sandbox.repository("work", 3);
    git(sandbox.path(), &["clone", "-q", "--bare", "work", "r.git"]);
    let bare = sandbox.path().join("r.git");
    git(&work, &["checkout", "-q", "-b", "feature"]);
    git(&work, &["commit", "-q", "--allow-empty", "-m", "squashed later"]);
    let publish = |from: &str, to: &str| {
        git(&work, &["push", "-q", "../r.git", &format!("+{from}:{to}")]);
        git(&bare, &["update-server-info"]);
    };
    publish("feature", "refs/pull/1/head");
    let server = serve(sandbox.path().to_path_buf(), None);
    let remote = Remote { url: server.url.clone(), token: None };
    let mirror = sandbox.path().join("mirrors/one.git");
    let names = Pseudonyms::new([7; 32]);
    update(&remote, &mirror, LIMIT).unwrap();
    let first = read_mirror(&mirror, None, &names).unwrap();
    let on_default = |reading: &undercurrent::collect::git::Reading| {
        reading.commits.iter().filter(|commit| commit.on_default).count()
    };
    assert_eq!((first.commits.len(), on_default(&first)), (4, 3));

    update(&remote, &mirror, LIMIT).unwrap();
    let unchanged = read_mirror(&mirror, Some(&first.head), &names).unwrap();
    assert_eq!((unchanged.commits.len(), unchanged.continues), (0, true));

    git(&work, &["checkout", "-q", "main"]);
    git(&work, &["commit", "-q", "--allow-empty", "-m", "next day"]);
    publish("main", "refs/heads/main");
    update(&remote, &mirror, LIMIT).unwrap();
    let second = read_mirror(&mirror, Some(&first.head), &names).unwrap();
    assert_eq!((second.commits.len(), on_default(&second)), (5, 4));
    assert_eq!(second.repository_id, first.repository_id);
}

#[test]
fn a_failing_fetch_leaves_the_mirror_as_it_was() {
    let Some(sandbox) = sandbox() else { return };
    sandbox.repository("work", 2);
    git(sandbox.path(), &["clone", "-q", "--bare", "work", "r.git"]);
    let bare = sandbox.path().join("r.git");
    git(&bare, &["update-server-info"]);
    let server = serve(sandbox.path().to_path_buf(), None);
    let remote = Remote { url: server.url.clone(), token: None };
    let mirror = sandbox.path().join("mirror.git");
    update(&remote, &mirror, LIMIT).unwrap();
    std::fs::rename(&bare, sandbox.path().join("gone.git")).unwrap();
    assert!(matches!(update(&remote, &mirror, LIMIT).unwrap_err(), MirrorError::NotFound));
    assert_eq!(read_mirror(&mirror, None, &Pseudonyms::new([7; 32])).unwrap().commits.len(), 2);
}

#[test]
fn a_private_repository_needs_its_token_which_no_file_of_the_mirror_holds() {
    let Some(sandbox) = sandbox() else { return };
    sandbox.repository("work", 1);
    git(sandbox.path(), &["clone", "-q", "--bare", "work", "r.git"]);
    git(&sandbox.path().join("r.git"), &["update-server-info"]);
    // The base64 of "x-access-token:s3cret".
    let server = serve(sandbox.path().to_path_buf(), Some("Authorization: Basic eC1hY2Nlc3MtdG9rZW46czNjcmV0"));
    let mirror = sandbox.path().join("mirror.git");
    let token = |text: Option<&str>| text.map(|text| SecretString::from(text.to_owned()));
    for wrong in [None, Some("other")] {
        let remote = Remote { url: server.url.clone(), token: token(wrong) };
        assert!(matches!(update(&remote, &mirror, LIMIT).unwrap_err(), MirrorError::Refused), "{wrong:?}");
    }
    let remote = Remote { url: server.url.clone(), token: token(Some("s3cret")) };
    update(&remote, &mirror, LIMIT).unwrap();
    assert_eq!(read_mirror(&mirror, None, &Pseudonyms::new([7; 32])).unwrap().commits.len(), 1);
    let held = std::fs::read_to_string(mirror.join("config")).unwrap();
    assert!(!held.contains("eC1hY2Nlc3M") && !held.contains("Authorization"), "{held}");
    assert!(server.requests.lock().unwrap().iter().all(|head| !head.contains("s3cret")));
}

#[test]
fn a_fetch_that_takes_too_long_is_stopped() {
    let Some(sandbox) = sandbox() else { return };
    // It takes connections and never answers.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = Url::parse(&format!("http://{}/r.git", listener.local_addr().unwrap())).unwrap();
    let remote = Remote { url, token: None };
    let mirror = sandbox.path().join("mirror.git");
    let error = update(&remote, &mirror, Duration::from_secs(1)).unwrap_err();
    assert!(matches!(error, MirrorError::TooLong(_)), "{error}");
    let read = read_mirror(&mirror, None, &Pseudonyms::new([7; 32]));
    assert!(matches!(read, Ok(_) | Err(GitError::History(_))));
}
