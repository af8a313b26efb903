//! What is wrong with a configuration: every problem at once, each with its line, its column and the way out.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// One problem of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Counted from 1; 0 where the whole file is meant.
    pub line: usize,
    /// Counted from 1.
    pub column: usize,
    /// What is wrong and what to do. Values that point at people are never quoted.
    pub message: String,
    /// The line of the file; left out where it may hold a secret or a person.
    excerpt: Option<String>,
}

/// All problems of a configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems {
    pub file: PathBuf,
    pub all: Vec<Problem>,
}

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.all.iter().enumerate() {
            if at > 0 {
                writeln!(formatter)?;
            }
            let file = self.file.display();
            if problem.line == 0 {
                write!(formatter, "{file}: {}", problem.message)?;
                continue;
            }
            write!(formatter, "{file}:{}:{}: {}", problem.line, problem.column, problem.message)?;
            if let Some(excerpt) = &problem.excerpt {
                write!(formatter, "\n    {excerpt}\n    {}^", " ".repeat(problem.column.saturating_sub(1)))?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

impl Problems {
    /// A problem of the file as a whole.
    #[must_use]
    pub fn of_file(file: &Path, message: String) -> Self {
        let all = vec![Problem { line: 0, column: 0, message, excerpt: None }];
        Self { file: file.to_path_buf(), all }
    }
}

/// Collects problems while a file is read.
pub(super) struct Notes<'a> {
    pub text: &'a str,
    pub all: Vec<Problem>,
    /// What is read now is about people, teams or services: no line of it is shown, since a whole table may stand in one.
    pub about_people: bool,
}

impl Notes<'_> {
    /// The line of a byte position, counted from 1.
    pub fn line(&self, position: usize) -> usize {
        self.text.get(..position).unwrap_or(self.text).matches('\n').count() + 1
    }

    /// Notes a problem at a place, with the line shown below it.
    pub fn add(&mut self, span: Range<usize>, message: impl Into<String>) {
        self.push(span, message.into(), true);
    }

    /// Notes a problem at a place whose line may hold a secret or point at a person: the line is not shown.
    pub fn add_private(&mut self, span: Range<usize>, message: impl Into<String>) {
        self.push(span, message.into(), false);
    }

    fn push(&mut self, span: Range<usize>, message: String, show: bool) {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let excerpt = self.text.get(start..).unwrap_or_default().lines().next().unwrap_or_default();
        let column = self.text.get(start..span.start).unwrap_or_default().chars().count() + 1;
        self.all.push(Problem {
            line: self.line(span.start),
            column,
            message,
            excerpt: (show && !self.about_people).then(|| excerpt.to_owned()),
        });
    }
}
