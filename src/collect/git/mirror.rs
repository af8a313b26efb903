//! Copies of remote repositories, fetched by the `git` command: bare, with commits alone where the server can do that.
//!
//! A commit holds names, addresses and a message, which the data folder must not hold. Therefore a copy is fetched only
//! where a tip has moved, and removed as soon as it has been read.
//!
//! The command gets a safe environment: no prompts, no hooks, no helpers, no configuration of the machine, and one
//! protocol. The token stands in its environment, never in an argument, an address or a file.

use std::io::{Read, Seek};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

/// Where a copy comes from.
#[derive(Clone, Debug)]
pub struct Remote {
    /// https, or http of this machine; the configuration refuses everything else.
    pub url: Url,
    pub token: Option<SecretString>,
}

/// What is kept: branches, the heads of pull requests (else squashed and deleted branches are lost between two nights),
/// and which branch is the default.
const KEPT: [&str; 3] =
    ["+HEAD:refs/undercurrent/HEAD", "+refs/heads/*:refs/heads/*", "+refs/pull/*/head:refs/pull/*/head"];
/// Variables that would lead git elsewhere, or write down what it sends.
const REMOVED: [&str; 17] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_CONFIG",
    "GIT_CONFIG_PARAMETERS",
    "GIT_ASKPASS",
    "SSH_ASKPASS",
    "GIT_EXEC_PATH",
    "GIT_TEMPLATE_DIR",
    "GIT_SSL_NO_VERIFY",
    "GIT_TRACE",
    "GIT_TRACE_CURL",
    "GIT_CURL_VERBOSE",
];

/// Why a remote could not be asked or copied. Holds nothing that git or the server said.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    #[error("there is no git command on this machine; install git, or clone the repository and name the folder")]
    NoCommand,
    #[error("the folder for copies of repositories cannot be written ({0}); make room, or correct its rights")]
    Folder(std::io::Error),
    #[error("the service asks for credentials or refuses them; name a read-only token for it under [[git]]")]
    Refused,
    #[error("there is no such repository, or the token cannot see it; correct the address or the token's rights")]
    NotFound,
    #[error("the host cannot be reached; what was read before is shown")]
    Unreachable,
    #[error("it redirects elsewhere, where no token is sent; correct its address")]
    Redirects,
    #[error("it has no commits yet")]
    Empty,
    #[error("fetching took longer than {} minutes and was stopped; it goes on next night", .0.as_secs().div_ceil(60))]
    TooLong(Duration),
    #[error("git fetch failed; run `git ls-remote` with this address to see why")]
    Failed,
}

/// The tips of a remote, as one line of the service's own answer each: what HEAD names first, then the others, sorted.
///
/// # Errors
/// [`MirrorError`].
pub fn tips(remote: &Remote, limit: Duration) -> Result<Vec<String>, MirrorError> {
    let mut list = command(remote);
    list.args(["ls-remote", "--quiet", "--", remote.url.as_str(), "HEAD", "refs/heads/*", "refs/pull/*/head"]);
    let told = finish(list, Instant::now() + limit, limit)?;
    let lines = told.lines().filter_map(|line| line.split_once('\t'));
    let (head, others): (Vec<_>, Vec<_>) = lines.partition(|(_, name)| *name == "HEAD");
    let head = head.first().ok_or(MirrorError::Empty)?.0.to_owned();
    let mut others: Vec<String> = others.into_iter().map(|(id, _)| id.to_owned()).chain([head.clone()]).collect();
    others.sort();
    others.dedup();
    Ok(std::iter::once(head).chain(others).collect())
}

/// Fetches into a copy at a folder, and makes it where there is none.
///
/// # Errors
/// [`MirrorError`].
pub fn update(remote: &Remote, folder: &Path, limit: Duration) -> Result<(), MirrorError> {
    let deadline = Instant::now() + limit;
    if !folder.join("HEAD").exists() {
        std::fs::create_dir_all(folder).map_err(MirrorError::Folder)?;
        let mut init = command(remote);
        init.args(["init", "--quiet", "--bare", "--template=", "--"]).arg(folder);
        finish(init, deadline, limit)?;
        // The default branch of the service is what counts as HEAD here.
        std::fs::write(folder.join("HEAD"), "ref: refs/undercurrent/HEAD\n").map_err(MirrorError::Folder)?;
    }
    let mut fetch = command(remote);
    fetch.arg("--git-dir").arg(folder).args([
        "fetch",
        "--quiet",
        "--prune",
        "--no-tags",
        "--no-write-fetch-head",
        "--no-recurse-submodules",
        "--no-auto-maintenance",
        "--filter=tree:0",
        "--",
        "origin",
    ]);
    fetch.args(KEPT);
    finish(fetch, deadline, limit).map(drop)
}

/// Git with an environment in which it asks nobody, runs nothing and speaks one protocol.
fn command(remote: &Remote) -> Command {
    let mut command = Command::new("git");
    for name in REMOVED {
        command.env_remove(name);
    }
    command.envs([
        ("GIT_TERMINAL_PROMPT", "0"),
        // Files are left out on purpose: nothing may fetch them one by one, or a fetch could call another for ever.
        ("GIT_NO_LAZY_FETCH", "1"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_ALLOW_PROTOCOL", remote.url.scheme()),
        ("LC_ALL", "C"),
    ]);
    let mut settings = vec![
        ("core.hooksPath".to_owned(), "/dev/null".to_owned()),
        ("credential.helper".to_owned(), String::new()),
        ("http.followRedirects".to_owned(), "false".to_owned()),
        ("remote.origin.url".to_owned(), remote.url.to_string()),
        ("remote.origin.promisor".to_owned(), "true".to_owned()),
        ("remote.origin.partialCloneFilter".to_owned(), "tree:0".to_owned()),
    ];
    if let Some(token) = &remote.token {
        let pair = STANDARD.encode(format!("x-access-token:{}", token.expose_secret()));
        let host = remote.url.origin().ascii_serialization();
        settings.push((format!("http.{host}/.extraHeader"), format!("Authorization: Basic {pair}")));
    }
    command.env("GIT_CONFIG_COUNT", settings.len().to_string());
    for (at, (key, value)) in settings.into_iter().enumerate() {
        command.env(format!("GIT_CONFIG_KEY_{at}"), key).env(format!("GIT_CONFIG_VALUE_{at}"), value);
    }
    command
}

/// Runs a command to its end, or stops it at the deadline. Gives what it printed.
fn finish(mut command: Command, deadline: Instant, limit: Duration) -> Result<String, MirrorError> {
    // Files without a name: what is in them is gone with the run, however it ends.
    let mut said = tempfile::tempfile().map_err(MirrorError::Folder)?;
    let mut printed = tempfile::tempfile().map_err(MirrorError::Folder)?;
    let errors = said.try_clone().map_err(MirrorError::Folder)?;
    command.stdin(Stdio::null()).stdout(printed.try_clone().map_err(MirrorError::Folder)?).stderr(errors);
    let mut child = command.spawn().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => MirrorError::NoCommand,
        _ => MirrorError::Folder(error),
    })?;
    let status = wait(&mut child, deadline).map_err(MirrorError::Folder)?.ok_or(MirrorError::TooLong(limit))?;
    let mut text = String::new();
    if status.success() {
        printed.rewind().and_then(|()| printed.read_to_string(&mut text)).map_err(MirrorError::Folder)?;
        return Ok(text);
    }
    // What git said only tells which sentence of ours fits; without it the general one stands.
    let _ = said.rewind().and_then(|()| said.read_to_string(&mut text));
    Err(reason(&text))
}

/// The exit status, or `None` for a command that had to be stopped.
fn wait(child: &mut Child, deadline: Instant) -> std::io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Which failure git's own words stand for.
fn reason(text: &str) -> MirrorError {
    let text = text.to_lowercase();
    let says = |parts: &[&str]| parts.iter().any(|part| text.contains(part));
    if says(&["authentication failed", "could not read username", "error: 401", "error: 403"]) {
        MirrorError::Refused
    } else if says(&["unable to update url base from redirection", "error: 301", "error: 302", "error: 307"]) {
        MirrorError::Redirects
    } else if says(&["not found", "error: 404"]) {
        MirrorError::NotFound
    } else if says(&["could not resolve", "failed to connect", "couldn't connect", "could not connect", "timed out"]) {
        MirrorError::Unreachable
    } else if says(&["couldn't find remote ref head"]) {
        MirrorError::Empty
    } else {
        MirrorError::Failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_stands_in_the_environment_alone_and_for_its_host_alone() {
        let remote = Remote {
            url: Url::parse("https://git.example.com/harbor/web.git").unwrap(),
            token: Some("s3cret".to_owned().into()),
        };
        let command = command(&remote);
        let pair = STANDARD.encode("x-access-token:s3cret");
        assert!(command.get_args().all(|argument| !argument.to_string_lossy().contains(&pair)));
        let values: Vec<(String, String)> = command
            .get_envs()
            .filter_map(|(key, value)| Some((key.to_string_lossy().into(), value?.to_string_lossy().into())))
            .collect();
        let holding = values.iter().filter(|(_, value)| value.contains(&pair)).count();
        assert_eq!(holding, 1);
        assert!(values.iter().any(|(_, value)| value == "http.https://git.example.com/.extraHeader"));
        assert!(values.contains(&("GIT_ALLOW_PROTOCOL".to_owned(), "https".to_owned())));
    }

    #[test]
    fn what_git_says_is_told_apart_and_never_repeated() {
        let check = |text: &str, expected: &str| {
            let told = reason(text).to_string();
            assert!(told.contains(expected) && !told.contains("harbor"), "{told}");
        };
        check("fatal: Authentication failed for 'https://x/harbor/'", "read-only token");
        check("fatal: could not read Username for 'https://x': terminal prompts disabled", "read-only token");
        check("fatal: repository 'https://x/harbor.git/' not found", "no such repository");
        check("fatal: unable to access: Could not resolve host: x", "cannot be reached");
        check("fatal: couldn't find remote ref HEAD", "no commits yet");
        check("fatal: something else about harbor", "git ls-remote");
    }
}
