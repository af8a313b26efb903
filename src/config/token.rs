//! Where a token comes from: a file or an environment variable, never the configuration itself.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use secrecy::SecretString;

/// The place of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenPlace {
    /// The name of an environment variable.
    Environment(String),
    File(PathBuf),
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("the environment variable {0} is not set; export it with a read-only token, or use token-file")]
    NotSet(String),
    #[error("the token file {} cannot be read: {source}; put the token alone into it, mode 0600", path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("the token from {0} is empty")]
    Empty(String),
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
            Self::File(path) => {
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
