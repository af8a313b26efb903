//! The integration tests: one binary, one module a subject.
#![forbid(unsafe_code)]

mod github_issues;
mod jira;
mod jira_double;
