//! Clones as they are found: made with the `git` command in a temporary folder, read by the collector.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use undercurrent::collect::git::{GitError, Reading, newest, read};
use undercurrent::model::Pseudonyms;

/// A repository in a folder of its own that goes with it.
pub struct Sandbox {
    folder: tempfile::TempDir,
}

/// A fresh sandbox, or `None` with a printed reason where there is no `git` command.
pub fn sandbox() -> Option<Sandbox> {
    if Command::new("git").arg("--version").output().is_err() {
        println!("skipped: there is no git command on this machine");
        return None;
    }
    Some(Sandbox { folder: tempfile::tempdir().unwrap() })
}

fn command(at: &Path) -> Command {
    let mut command = Command::new("git");
    command.current_dir(at).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    command.envs([
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_AUTHOR_NAME", "A"),
        ("GIT_AUTHOR_EMAIL", "a@example.com"),
        ("GIT_COMMITTER_NAME", "C"),
        ("GIT_COMMITTER_EMAIL", "c@example.com"),
        ("GIT_AUTHOR_DATE", "1700000000 +0530"),
        ("GIT_COMMITTER_DATE", "1700000001 -0800"),
    ]);
    command
}

/// Runs git, which must succeed, and gives what it printed.
#[track_caller]
pub fn git(at: &Path, arguments: &[&str]) -> String {
    let output = command(at).args(arguments).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// The same at a moment, in seconds since 1970, for author and committer.
#[track_caller]
pub fn git_on(at: &Path, seconds: i64, arguments: &[&str]) -> String {
    let mut command = command(at);
    let moment = format!("{seconds} +0000");
    command.args(arguments).env("GIT_AUTHOR_DATE", &moment).env("GIT_COMMITTER_DATE", &moment);
    let output = command.output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

impl Sandbox {
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A repository with a number of empty commits.
    pub fn repository(&self, name: &str, commits: usize) -> PathBuf {
        let path = self.path().join(name);
        git(self.path(), &["init", "-q", "-b", "main", name]);
        for number in 0..commits {
            git(&path, &["commit", "-q", "--allow-empty", "-m", &format!("c{number}")]);
        }
        path
    }
}

/// Writes the bytes of a commit, whatever they are, and gives its name.
#[track_caller]
fn raw_commit(at: &Path, head: &[u8]) -> String {
    let tree = git(at, &["hash-object", "-t", "tree", "-w", "/dev/null"]);
    let mut child = command(at)
        .args(["hash-object", "-t", "commit", "-w", "--literally", "--stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let text = [format!("tree {tree}\n").as_bytes(), head, b"\n\nmessage\n"].concat();
    child.stdin.take().unwrap().write_all(&text).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn reading(path: &Path) -> Result<Reading, GitError> {
    read(path, None, &Pseudonyms::new([7; 32]))
}

/// The collector reads as many commits as git lists.
#[track_caller]
fn check_count(path: &Path, expected: usize) {
    assert_eq!(git(path, &["rev-list", "--count", "HEAD"]), expected.to_string());
    assert_eq!(reading(path).unwrap().commits.len(), expected);
}

#[track_caller]
fn check_refused(path: &Path, expected: &str) {
    for error in [reading(path).map(drop).unwrap_err(), newest(path).map(drop).unwrap_err()] {
        assert!(error.to_string().contains(expected), "{error}, expected: {expected}");
    }
}

#[test]
fn times_parents_and_the_authors_offset_are_those_of_git() {
    let Some(sandbox) = sandbox() else { return };
    let path = sandbox.repository("r", 2);
    let commits = reading(&path).unwrap().commits;
    for commit in &commits {
        assert_eq!((commit.authored_at.0, commit.committed_at.0), (1_700_000_000_000, 1_700_000_001_000));
        assert_eq!(commit.utc_offset_minutes, 330);
        assert!(commit.author.is_some());
    }
    assert_eq!(commits.iter().map(|commit| commit.parents).sum::<i64>(), 1);
    assert_eq!(newest(&path).unwrap().unwrap().0, 1_700_000_001_000);
}

#[test]
fn odd_commit_heads_are_survived_with_dates_as_git_shows_them() {
    let Some(sandbox) = sandbox() else { return };
    let path = sandbox.repository("r", 0);
    let line = |author: &[u8]| [b"author ", author, b"\ncommitter C <c@example.com> 1700000000 +0000"].concat();
    let check = |head: &[u8], seconds: i64, minutes: i64, has_author: bool| {
        let sha = raw_commit(&path, head);
        git(&path, &["update-ref", "--no-deref", "HEAD", &sha]);
        let commits = reading(&path).unwrap().commits;
        let [commit] = commits.as_slice() else { panic!("{} commits", commits.len()) };
        let found = (commit.authored_at.0, commit.utc_offset_minutes, commit.author.is_some());
        assert_eq!(found, (seconds * 1000, minutes, has_author), "{}", String::from_utf8_lossy(head));
    };
    check(&line(b"J\xf6rg <j\xf6rg@example.com> 1700000000 +0100"), 1_700_000_000, 60, true);
    check(&line(b"A\r <a@example.com>\r 1700000000 +0100"), 1_700_000_000, 60, true);
    check(&line(b"A\0B <a@example.com> 1700000000 -0330"), 1_700_000_000, -210, true);
    check(&line(b"A <a@example.com> 1700000000 +9999"), 1_700_000_000, 0, true);
    check(&line(b"A <a@example.com> 1700000000 --700"), 1_700_000_000, 0, true);
    check(&line(b"A <a@example.com> -86400 +0000"), -86_400, 0, true);
    check(&line(b"A <a@example.com> 4102444800 +0000"), 4_102_444_800, 0, true);
    check(&line(b"A <a@example.com> 999999999999999 +0000"), 0, 0, true);
    check(&line(b"A <a@example.com> 99999999999999999999999 +0000"), 0, 0, true);
    check(&line(b"A <> 1700000000 +0000"), 1_700_000_000, 0, false);
    check(b"committer C <c@example.com> 1700000000 +0000", 0, 0, false);
    check(b"", 0, 0, false);
}

#[test]
fn repositories_of_every_layout_are_read() {
    let Some(sandbox) = sandbox() else { return };
    let path = sandbox.repository("r", 3);
    check_count(&path, 3);
    git(&path, &["worktree", "add", "-q", "--detach", "../linked", "HEAD~1"]);
    check_count(&sandbox.path().join("linked"), 2);
    git(sandbox.path(), &["clone", "-q", "--bare", "r", "bare.git"]);
    check_count(&sandbox.path().join("bare.git"), 3);
    git(sandbox.path(), &["clone", "-q", "--shared", "r", "alternates"]);
    check_count(&sandbox.path().join("alternates"), 3);
    git(&path, &["checkout", "-q", "--detach", "HEAD~2"]);
    check_count(&path, 1);
}

#[test]
fn an_octopus_merge_and_a_second_root_are_read_with_their_parents() {
    let Some(sandbox) = sandbox() else { return };
    let path = sandbox.repository("r", 1);
    for branch in ["a", "b"] {
        git(&path, &["checkout", "-q", "-b", branch, "main"]);
        git(&path, &["commit", "-q", "--allow-empty", "-m", branch]);
    }
    git(&path, &["checkout", "-q", "--orphan", "other"]);
    git(&path, &["commit", "-q", "--allow-empty", "-m", "root"]);
    git(&path, &["checkout", "-q", "main"]);
    let tree = git(&path, &["rev-parse", "HEAD^{tree}"]);
    let parents = ["-p", "a", "-p", "b", "-p", "other"];
    let merge = git(&path, &[&["commit-tree", &tree, "-m", "all"], parents.as_slice()].concat());
    git(&path, &["reset", "-q", "--hard", &merge]);
    check_count(&path, 5);
    assert_eq!(reading(&path).unwrap().commits.iter().map(|commit| commit.parents).max(), Some(3));
}

#[test]
fn replaced_commits_are_followed_as_git_follows_them() {
    let Some(sandbox) = sandbox() else { return };
    let path = sandbox.repository("r", 4);
    git(&path, &["replace", "--graft", "HEAD~1"]);
    check_count(&path, 2);
}

#[test]
fn empty_repositories_have_no_commits_and_no_newest_one() {
    let Some(sandbox) = sandbox() else { return };
    let path = sandbox.repository("r", 0);
    let reading = reading(&path).unwrap();
    assert_eq!((reading.commits.len(), reading.head.as_str()), (0, ""));
    assert_eq!(newest(&path).unwrap(), None);
    let unborn = sandbox.repository("unborn", 2);
    git(&unborn, &["symbolic-ref", "HEAD", "refs/heads/nowhere"]);
    assert!(self::reading(&unborn).unwrap().commits.is_empty());
}

#[test]
fn a_shallow_clone_is_refused_with_the_way_out() {
    let Some(sandbox) = sandbox() else { return };
    let path = sandbox.repository("r", 3);
    let address = format!("file://{}", path.display());
    git(sandbox.path(), &["clone", "-q", "--depth", "1", &address, "shallow"]);
    check_refused(&sandbox.path().join("shallow"), "git fetch --unshallow");
}

#[test]
fn a_repository_with_sha_256_names_is_refused_by_that_reason() {
    let Some(sandbox) = sandbox() else { return };
    let made = command(sandbox.path()).args(["init", "-q", "--object-format=sha256", "long"]).output().unwrap();
    if !made.status.success() {
        println!("skipped: this git knows no SHA-256 repositories");
        return;
    }
    check_refused(&sandbox.path().join("long"), "SHA-256");
}

#[test]
fn damaged_histories_are_errors_with_the_way_out() {
    let Some(sandbox) = sandbox() else { return };
    let path = sandbox.repository("missing", 3);
    let middle = git(&path, &["rev-parse", "HEAD~1"]);
    std::fs::remove_file(path.join(".git/objects").join(&middle[..2]).join(&middle[2..])).unwrap();
    let error = reading(&path).unwrap_err();
    assert!(error.to_string().contains("git fsck"), "{error}");

    let path = sandbox.repository("packed", 20);
    git(&path, &["gc", "-q"]);
    for entry in std::fs::read_dir(path.join(".git/objects/pack")).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_some_and(|ending| ending == "pack") {
            let mut bytes = std::fs::read(&file).unwrap();
            let end = bytes.len() - 20;
            bytes[12..end].fill(0xA5);
            std::fs::remove_file(&file).unwrap();
            std::fs::write(&file, bytes).unwrap();
        }
    }
    check_refused(&path, "git fsck");
}

#[test]
fn a_rewritten_branch_is_read_anew_and_an_unchanged_one_not_at_all() {
    let Some(sandbox) = sandbox() else { return };
    let path = sandbox.repository("r", 3);
    let names = Pseudonyms::new([7; 32]);
    let first = reading(&path).unwrap();
    let again = read(&path, Some(&first.head), &names).unwrap();
    assert_eq!((again.commits.len(), again.continues), (0, true));
    git(&path, &["commit", "-q", "--amend", "--allow-empty", "-m", "rewritten"]);
    let rewritten = read(&path, Some(&first.head), &names).unwrap();
    assert_eq!((rewritten.commits.len(), rewritten.continues), (3, false));
    assert_eq!(rewritten.repository_id, first.repository_id);
}
