//! The line that shows a night's reading to somebody who watches at a terminal; nothing is drawn anywhere else.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::pipeline::collect::Progress;

/// How often the line moves while nothing arrives.
const TICK: Duration = Duration::from_millis(200);

/// A line with the time that has passed, what was asked and what came; it is wiped when it is dropped.
pub(super) struct ProgressLine(ProgressBar);

impl ProgressLine {
    /// A line that is drawn only where somebody watches.
    pub(super) fn new(watched: bool) -> Self {
        if !watched {
            return Self(ProgressBar::hidden());
        }
        // A wrong template falls back to the library's own line.
        let style = ProgressStyle::with_template("{spinner} {elapsed_precise} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = ProgressBar::new_spinner().with_style(style).with_message("reading the sources");
        bar.enable_steady_tick(TICK);
        Self(bar)
    }

    /// Shows how far the reading has come.
    pub(super) fn show(&self, progress: Progress) {
        self.0.set_message(told(progress));
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn told(progress: Progress) -> String {
    format!("reading the sources: {} requests, {} rows", progress.requests, progress.rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_counts_and_names_nobody_and_is_hidden_where_nobody_watches() {
        assert_eq!(told(Progress { requests: 3, rows: 40 }), "reading the sources: 3 requests, 40 rows");
        assert!(ProgressLine::new(false).0.is_hidden());
    }
}
