//! The page about reliability, in Markdown.

use super::habits::{HABITS, Volume};
use super::{Found, Line, Reliability};
use crate::notice::usual_range::Kind;

const OPENING: &str = "\
# What is noticed, and what is not

This page is made by the program itself: `undercurrent reliability > docs/noticing.md` writes it again, figure for figure.
Troubles of stated sizes are planted in simulated teams; counted is how many open a card that names them, and how soon.
Calm teams, in which nothing is planted, show how often a card opens without a reason.

The *evidence* is simulated, with the habits that stand at the end; everything after it is the program as it runs every
night: windows, usual range, effect floors, three people behind a number, no single person decisive, one new card a
fortnight, memory. So the page tells what can be noticed in numbers of this kind. It does not tell how well tickets,
reviews and calendars show what happens in a team, and no figure here was measured on a real team.
";

impl Reliability {
    /// The whole page.
    #[must_use]
    pub fn page(&self) -> String {
        let mut page = OPENING.to_owned();
        self.one_signal(&mut page);
        self.three_signals(&mut page);
        self.calm_teams(&mut page);
        self.assumptions(&mut page);
        page
    }

    fn one_signal(&self, page: &mut String) {
        add(
            page,
            &format!(
                "\n## One signal changes\n\n{} teams of 5 to 12 people for each cell. In each, one signal changes on one day \
                 and stays changed; all others go on as usual, with all signals switched on. A cell says how large the change \
                 is, how many of 100 are noticed within 10 and within 20 working days, and the median of the working days \
                 that it took.\n\n",
                self.teams
            ),
        );
        add(page, "| signal | moderate | large | very large |\n|---|---|---|---|\n");
        for line in &self.lines {
            let cells: Vec<String> = line.sizes.iter().map(|found| cell(line, found)).collect();
            add(page, &format!("| `{}` | {} |\n", line.slug, cells.join(" | ")));
        }
        add(
            page,
            "\nSmall numbers set the limit: a signal that has ten opportunities in two weeks cannot show a moderate change, \
             whatever the method.\n",
        );
    }

    fn three_signals(&self, page: &mut String) {
        add(
            page,
            "\n## Three signals change together\n\nThe three of a theme change on the same day, each by itself as moderately \
             or as largely as above. Noticed: a card names at least one of them.\n\n",
        );
        add(page, "| theme | signals | moderate | large |\n|---|---|---|---|\n");
        for (name, signals, found) in &self.themes {
            let cells: Vec<String> = found.iter().map(noticed).collect();
            add(page, &format!("| {name} | {} | {} |\n", signals.join(", "), cells.join(" | ")));
        }
    }

    fn calm_teams(&self, page: &mut String) {
        let rate = |cards: usize| as_f64(cards) / as_f64(self.calm_quarters);
        add(
            page,
            &format!(
                "\n## Nothing changes\n\n{} calm teams were watched for two quarters each. With all signals on, {} cards \
                 opened: {:.2} a team and quarter. With the core alone, {} cards: {:.2} a team and quarter. They are chance, \
                 and look like any other card; that is why a card asks and does not tell.\n\n",
                self.teams,
                self.calm_cards[0],
                rate(self.calm_cards[0]),
                self.calm_cards[1],
                rate(self.calm_cards[1]),
            ),
        );
        add(page, "| signal | named on a card in 100 calm team-quarters |\n|---|---|\n");
        for line in &self.lines {
            add(page, &format!("| `{}` | {:.0} |\n", line.slug, 100.0 * rate(line.calm_cards)));
        }
    }

    fn assumptions(&self, page: &mut String) {
        add(
            page,
            "\n## What is assumed of ordinary teams\n\nMembers are there on 92 of 100 working days. Every member's own \
             habit differs from the team's with a standard deviation of 0.5, the team's own swings from week to week as \
             stated (half of a week's swing stays in the next), both in log odds for shares and in logarithms for rates. \
             The volumes and shares are those that the signals gave for simulated organisations.\n\n",
        );
        add(page, "| signal | opportunities | usual | swing |\n|---|---|---|---|\n");
        for habit in HABITS {
            let usual = match habit.volume {
                Volume::Events | Volume::StockBesidePeople | Volume::Sprints(_) => format!("{}", habit.usual),
                _ => percent(habit.usual),
            };
            add(page, &format!("| `{}` | {} | {usual} | {} |\n", habit.slug, volume(habit.volume), habit.swing));
        }
        if !self.left_out.is_empty() {
            let names = self.left_out.join("`, `");
            add(
                page,
                &format!(
                    "\nNot simulated: `{names}`, which is looked at once a quarter over twelve weeks, so that nothing can be \
                     said of it after 20 working days.\n"
                ),
            );
        }
    }
}

fn volume(volume: Volume) -> String {
    match volume {
        Volume::Work(each) => format!("{each} a person and day"),
        Volume::PersonDays => "every person-day".to_owned(),
        Volume::Stock(each) => format!("{each} open for every member"),
        Volume::Events => "events for every person-day".to_owned(),
        Volume::StockBesidePeople => "open items for five times the people".to_owned(),
        Volume::Planned(each) => format!("{each} a person and fortnight"),
        Volume::Sprints(larger) => format!("items finished for every person-day; a plan is {larger} times as large"),
    }
}

fn cell(line: &Line, found: &Found) -> String {
    let (from, to) = found.from_to;
    let change = match line.kind {
        Kind::Share => format!("{} to {}", percent(from), percent(to)),
        Kind::Rate => format!("{from:.2} to {to:.2}"),
    };
    format!("{change}: {}", noticed(found))
}

fn noticed(found: &Found) -> String {
    let of_hundred = |count: usize| 100.0 * as_f64(count) / as_f64(found.teams);
    let days = found.median_days.map_or_else(String::new, |days| format!(", {days} days"));
    format!("**{:.0} / {:.0}**{days}", of_hundred(found.within[0]), of_hundred(found.within[1]))
}

fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}

fn add(page: &mut String, text: &str) {
    page.push_str(text);
}

#[expect(clippy::cast_precision_loss, reason = "counts of teams and cards stay far below 2^53")]
fn as_f64(count: usize) -> f64 {
    count as f64
}
