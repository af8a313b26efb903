//! Follow-ups: the record of what a leader talked about, what the leader said to do, and when to come back to it. A small
//! file of the leader's own, which collecting never reads. Only its entries move a state; nothing is inferred.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{Span, ToSpan};

mod file;
mod practice;

pub use crate::language::Names;
pub use file::{Ledger, LedgerError, file, write};
pub use practice::{Opened, Practice, Share, TALKED_WITHIN};

/// At most this many characters in what was agreed, and in what the leader will do.
pub const MOST_CHARACTERS: usize = 200;
/// When to come back where nothing else is said: one full window.
pub const FIRST_AGAIN: &str = "2w";
/// When to come back once more after having asked.
pub const ONCE_MORE: &str = "6w";
/// New cards wait while this many follow-ups are due.
pub const MOST_DUE: usize = 2;
/// The signal that is counted from the record itself: no query can see it.
pub const DUE: &str = "due_follow_ups";
/// What [`DUE`] counts, as `signals` explains it.
pub const DUE_DEFINITION: &str = "due_follow_ups: of the open follow-ups in the leader's own record, how many have reached the \
day that was set.\nGrain: one figure for a team, in the leader's edition alone.\nCannot see: what was settled without a note.\n\
Counted by the program from the record; a query never sees it.";

/// Why a card was set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    KnownEvent,
    MeasuredWrongly,
    AlreadyTalked,
}

impl Reason {
    /// All reasons with their words.
    pub const ALL: [(Self, &'static str); 3] = [
        (Self::KnownEvent, "known-event"),
        (Self::MeasuredWrongly, "measured-wrongly"),
        (Self::AlreadyTalked, "already-talked"),
    ];

    /// The word that the record has for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// The reason of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == word).map(|(reason, _)| *reason)
    }
}

/// Which card an entry is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    pub team: String,
    pub card: String,
    /// One signal, or the three of a joint card.
    pub signals: Vec<String>,
}

/// What the leader did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Did {
    Seen(About),
    /// `again` is there where there is something to come back to: what the leader will do.
    Talked {
        about: About,
        id: i64,
        agreed: Option<String>,
        mine: Option<String>,
        again: Option<Date>,
    },
    /// Came back to a follow-up, and will do so once more.
    Asked {
        of: i64,
        again: Date,
    },
    Closed {
        of: i64,
    },
    SetAside(About, Reason),
}

/// One entry of the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub on: Date,
    pub did: Did,
}

/// How far a card has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing is noted of it.
    New,
    Seen,
    Talked,
    Agreed,
    AskedAgain,
    Closed,
    Reopened,
    SetAside(Reason),
}

impl State {
    /// The word for it, as JSON and the page's texts have it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Seen => "seen",
            Self::Talked => "talked",
            Self::Agreed => "agreed",
            Self::AskedAgain => "asked again",
            Self::Closed => "closed",
            Self::Reopened => "reopened",
            Self::SetAside(_) => "set aside",
        }
    }
}

/// A talk and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowUp {
    pub id: i64,
    pub about: About,
    pub talked_on: Date,
    pub agreed: Option<String>,
    pub mine: Option<String>,
    /// When to come back; `None` where there is nothing to come back to, or no longer.
    pub again: Option<Date>,
    pub state: State,
}

impl FollowUp {
    /// There is something to come back to.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.again.is_some()
    }

    /// The day that was set has come.
    #[must_use]
    pub fn is_due(&self, today: Date) -> bool {
        self.again.is_some_and(|again| again <= today)
    }

    fn end(&mut self, state: State) {
        self.state = state;
        self.again = None;
    }
}

/// What a record says: every talk in its order, and the state of every card.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    pub follow_ups: Vec<FollowUp>,
    cards: BTreeMap<String, State>,
}

impl Standing {
    /// Plays the entries in their order.
    #[must_use]
    pub fn of(entries: &[Entry]) -> Self {
        let mut standing = Self::default();
        for entry in entries {
            standing.play(entry);
        }
        standing
    }

    fn play(&mut self, entry: &Entry) {
        match &entry.did {
            Did::Seen(about) => {
                self.cards.entry(about.card.clone()).or_insert(State::Seen);
            }
            Did::SetAside(about, reason) => {
                self.end(&about.card);
                self.cards.insert(about.card.clone(), State::SetAside(*reason));
            }
            Did::Talked { about, id, agreed, mine, again } => {
                let state = match (self.state(&about.card), agreed) {
                    (State::Closed | State::SetAside(_), _) => State::Reopened,
                    (_, Some(_)) => State::Agreed,
                    (_, None) => State::Talked,
                };
                // A new talk about the same card takes the place of what was agreed before.
                self.end(&about.card);
                self.cards.insert(about.card.clone(), state);
                self.follow_ups.push(FollowUp {
                    id: *id,
                    about: about.clone(),
                    talked_on: entry.on,
                    agreed: agreed.clone(),
                    mine: mine.clone(),
                    again: *again,
                    state,
                });
            }
            Did::Asked { of, again } => self.moved(*of, State::AskedAgain, Some(*again)),
            Did::Closed { of } => self.moved(*of, State::Closed, None),
        }
    }

    fn end(&mut self, card: &str) {
        self.follow_ups
            .iter_mut()
            .filter(|one| one.about.card == card && one.state != State::Closed)
            .for_each(|one| one.end(State::Closed));
    }

    fn moved(&mut self, id: i64, state: State, again: Option<Date>) {
        if let Some(one) = self.follow_ups.iter_mut().find(|one| one.id == id) {
            (one.state, one.again) = (state, again);
            self.cards.insert(one.about.card.clone(), state);
        }
    }

    /// How far a card has come.
    #[must_use]
    pub fn state(&self, card: &str) -> State {
        self.cards.get(card).copied().unwrap_or(State::New)
    }

    /// A talk by its number.
    #[must_use]
    pub fn follow_up(&self, id: i64) -> Option<&FollowUp> {
        self.follow_ups.iter().find(|one| one.id == id)
    }

    /// The open follow-ups of a team: the longest due first, then the others by their day.
    #[must_use]
    pub fn open(&self, team: &str) -> Vec<&FollowUp> {
        let mut open: Vec<&FollowUp> =
            self.follow_ups.iter().filter(|one| one.about.team == team && one.is_open()).collect();
        open.sort_by_key(|one| (one.again, one.id));
        open
    }
}

/// The day that `2w`, `10d` or a date means.
///
/// # Errors
/// A sentence about what is accepted.
pub fn day_of(text: &str, today: Date) -> Result<Date, String> {
    let form = || format!("{text:?} is no time to come back: give 2w, 10d or a date such as 2026-12-07, within a year");
    let span = |number: &str, of: fn(i64) -> Span| number.parse().ok().filter(|n| *n > 0).map(of);
    let date = if let Some(span) = text.strip_suffix('w').and_then(|weeks| span(weeks, |weeks| weeks.min(99).weeks())) {
        today.checked_add(span).ok()
    } else if let Some(span) = text.strip_suffix('d').and_then(|days| span(days, |days| days.min(999).days())) {
        today.checked_add(span).ok()
    } else {
        text.parse().ok()
    };
    let year = today.checked_add(366.days()).map_err(|_| form())?;
    date.filter(|date| *date > today && *date <= year).ok_or_else(form)
}

/// What is wrong with a text of the record. It never repeats the text.
///
/// # Errors
/// A sentence with the way out.
pub fn accepts(text: &str, names: &Names) -> Result<(), String> {
    let length = text.chars().count();
    if text.trim().is_empty() {
        return Err("is empty".to_owned());
    }
    if length > MOST_CHARACTERS {
        return Err(format!("has {length} characters; at most {MOST_CHARACTERS} are kept"));
    }
    if text.chars().any(char::is_control) {
        return Err("must be one line without control characters".to_owned());
    }
    if names.appear_in(text) {
        return Err("holds a name, login or address of somebody in the roster, or an @; \
                    the record is about work, never about people: say what the work needs"
            .to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONDAY: Date = Date::constant(2026, 11, 9);

    fn about(card: &str) -> About {
        About { team: "payments".to_owned(), card: card.to_owned(), signals: vec!["stalled_work".to_owned()] }
    }

    fn talked(id: i64, card: &str, agreed: Option<&str>, again: Option<Date>) -> Entry {
        let agreed = agreed.map(str::to_owned);
        let mine = again.map(|_| "I ask for access".to_owned());
        Entry { on: MONDAY, did: Did::Talked { about: about(card), id, agreed, mine, again } }
    }

    fn entry(did: Did) -> Entry {
        Entry { on: MONDAY, did }
    }

    #[track_caller]
    fn check(entries: &[Entry], state: State, open: &[i64]) {
        let standing = Standing::of(entries);
        assert_eq!(standing.state("a"), state);
        assert_eq!(standing.open("payments").iter().map(|one| one.id).collect::<Vec<_>>(), open);
    }

    #[test]
    fn only_entries_move_a_card_from_state_to_state() {
        let again = MONDAY + 14.days();
        let mut entries = Vec::new();
        check(&entries, State::New, &[]);
        entries.push(entry(Did::Seen(about("a"))));
        check(&entries, State::Seen, &[]);
        entries.push(talked(1, "a", None, None));
        check(&entries, State::Talked, &[]);
        entries.push(talked(2, "a", Some("less at a time"), Some(again)));
        check(&entries, State::Agreed, &[2]);
        entries.push(entry(Did::Seen(about("a"))));
        check(&entries, State::Agreed, &[2]);
        entries.push(entry(Did::Asked { of: 2, again: again + 42.days() }));
        check(&entries, State::AskedAgain, &[2]);
        entries.push(entry(Did::Closed { of: 2 }));
        check(&entries, State::Closed, &[]);
        entries.push(talked(3, "a", Some("again"), Some(again)));
        check(&entries, State::Reopened, &[3]);
        entries.push(entry(Did::SetAside(about("a"), Reason::KnownEvent)));
        check(&entries, State::SetAside(Reason::KnownEvent), &[]);
    }

    #[test]
    fn the_longest_due_comes_first_and_the_day_itself_is_due() {
        let entries = [talked(1, "a", None, Some(MONDAY + 20.days())), talked(2, "b", None, Some(MONDAY + 10.days()))];
        check(&entries, State::Talked, &[2, 1]);
        let standing = Standing::of(&entries);
        let due = |days: i64| standing.follow_ups.iter().filter(|one| one.is_due(MONDAY + days.days())).count();
        assert_eq!([due(9), due(10), due(20)], [0, 1, 2]);
        assert!(standing.open("other").is_empty());
    }

    #[test]
    fn a_time_to_come_back_is_weeks_days_or_a_date_within_a_year() {
        let date = |text| day_of(text, MONDAY).ok();
        assert_eq!(date("2w"), Some(Date::constant(2026, 11, 23)));
        assert_eq!(date("10d"), Some(Date::constant(2026, 11, 19)));
        assert_eq!(date("2026-12-01"), Some(Date::constant(2026, 12, 1)));
        for wrong in ["", "w", "0w", "-1d", "2026-11-09", "60w", "soon", "99999999999999999999w", "é"] {
            assert!(day_of(wrong, MONDAY).unwrap_err().contains("10d"), "{wrong}");
        }
    }
}
