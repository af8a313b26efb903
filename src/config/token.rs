//! Where a token comes from: a file, a credential of the service manager, an environment variable or a command, never the
//! configuration itself.

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use secrecy::SecretString;

/// The place of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenPlace {
    /// The name of an environment variable.
    Environment(String),
    /// A file; one of the same name among the credentials of the service manager comes first.
    File(PathBuf),
    /// A program and its arguments, which prints the token. No shell is asked.
    Command(Vec<String>),
}

/// The folder in which systemd lays down credentials of a unit.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";
/// How long a command may take: it must not ask anybody anything.
const PATIENCE: Duration = Duration::from_secs(30);
const LARGEST: u64 = 64 * 1024;

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("the environment variable {0} is not set; export it with a read-only token, or use token-file")]
    NotSet(String),
    #[error("the token file {} cannot be read: {source}; put the token alone into it, mode 0600", path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("the token from {0} is empty")]
    Empty(String),
    #[error("the command {program} gives no token: {reason}; run it by hand as the same user")]
    Command { program: String, reason: String },
}

impl TokenPlace {
    /// Fetches the token. `environment` looks up a variable.
    ///
    /// # Errors
    /// [`TokenError`] names the variable or file, never a value.
    pub fn token(&self, environment: &dyn Fn(&str) -> Option<String>) -> Result<SecretString, TokenError> {
        let (text, name) = match self {
            Self::Environment(name) => {
                (environment(name).ok_or_else(|| TokenError::NotSet(name.clone()))?, name.clone())
            }
            Self::Command(words) => {
                let program = words.first().cloned().unwrap_or_default();
                let told = printed(words);
                (told.map_err(|reason| TokenError::Command { program: program.clone(), reason })?, program)
            }
            Self::File(path) => {
                let given = environment(CREDENTIALS).and_then(|folder| credential(&folder, path));
                let path = given.as_ref().unwrap_or(path);
                let failed = |source| TokenError::File { path: path.clone(), source };
                if std::fs::metadata(path).map_err(failed)?.permissions().mode() & 0o077 != 0 {
                    tracing::warn!(file = %path.display(), "the token file can be read by others; run `chmod 600` on it");
                }
                (std::fs::read_to_string(path).map_err(failed)?, path.display().to_string())
            }
        };
        let token = text.trim();
        if token.is_empty() { Err(TokenError::Empty(name)) } else { Ok(SecretString::from(token.to_owned())) }
    }
}

/// The credential of a file's name, where the service manager gave one.
fn credential(folder: &str, path: &Path) -> Option<PathBuf> {
    let place = Path::new(folder).join(path.file_name()?);
    place.is_file().then_some(place)
}

/// What a command prints. What it complains about is left out: it may hold the secret.
fn printed(words: &[String]) -> Result<String, String> {
    let (program, arguments) = words.split_first().ok_or("it is empty")?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let pipe = child.stdout.take().ok_or("it has no output")?;
    // Read beside the waiting, so that a command that prints much is not held up.
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        pipe.take(LARGEST).read_to_string(&mut text).map(|_| text)
    });
    let begun = Instant::now();
    let status = loop {
        match child.try_wait().map_err(|error| error.to_string())? {
            Some(status) => break status,
            None if begun.elapsed() > PATIENCE => {
                // It may have ended by itself meanwhile.
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("it took longer than {} seconds", PATIENCE.as_secs()));
            }
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    let text = reading.join().map_err(|_| "its output cannot be read")?.map_err(|_| "its output is no text")?;
    if status.success() { Ok(text) } else { Err(format!("it ended with {status}")) }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn told(place: &TokenPlace, folder: Option<&str>) -> Result<String, String> {
        let environment = |name: &str| (name == CREDENTIALS).then(|| folder.map(str::to_owned)).flatten();
        place.token(&environment).map(|token| token.expose_secret().to_owned()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_credential_of_the_service_manager_comes_before_the_file_of_that_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("github-token");
        std::fs::write(&file, "of the file\n").unwrap();
        let place = TokenPlace::File(file);
        assert_eq!(told(&place, None).unwrap(), "of the file");
        let given = tempfile::tempdir().unwrap();
        assert_eq!(told(&place, given.path().to_str()).unwrap(), "of the file");
        std::fs::write(given.path().join("github-token"), "of systemd\n").unwrap();
        assert_eq!(told(&place, given.path().to_str()).unwrap(), "of systemd");
    }

    #[test]
    fn a_command_prints_a_token_without_a_shell_and_its_failure_quotes_nothing() {
        let command =
            |words: &[&str]| told(&TokenPlace::Command(words.iter().map(ToString::to_string).collect()), None);
        assert_eq!(command(&["printf", "%s\n", "a $HOME b"]).unwrap(), "a $HOME b");
        let failed = command(&["sh", "-c", "echo secret-text; echo secret-text >&2; exit 3"]).unwrap_err();
        assert!(
            failed.contains("sh gives no token: it ended with exit status: 3") && !failed.contains("secret"),
            "{failed}"
        );
        assert!(command(&["no-such-program-here"]).unwrap_err().contains("no-such-program-here gives no token"));
        assert!(command(&["true"]).unwrap_err().contains("the token from true is empty"));
    }
}
