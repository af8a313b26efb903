//! The integration tests: one binary, one module a subject.
#![forbid(unsafe_code)]

mod calendar_again;
mod calendar_bombs;
mod calendars;
mod cli;
mod context;
mod deliver;
mod deliver_tls;
mod faults;
mod free_busy;
mod git;
mod github;
mod github_issues;
mod graphql;
mod jira;
mod jira_double;
mod ledger;
mod memory;
mod mending;
mod mirror;
mod night;
mod own_pages;
mod recorded;
mod rewrites;
mod split;
mod support;
mod tidy;
mod trust_canaries;
mod trust_forget;
mod trust_hours;
mod trust_key;
mod trust_mirror;
mod trust_nights;
mod trust_pages;
mod trust_scopes;
mod trust_strict;
