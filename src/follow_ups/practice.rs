//! How the record was used: whether cards were talked about, whether promises were kept in time, and which signals were
//! set aside as measured wrongly. It is told to the leader alone, from the leader's own file.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::civil::Date;

use super::{Did, Entry, Reason, Standing, State};

/// A talk counts for a card until so many days after it opened (ten working days).
pub const TALKED_WITHIN: i64 = 14;
/// A follow-up was asked in time until so many days after the day that was set.
pub const ASKED_WITHIN: i64 = 7;
/// A signal is doubted from so many noted cards on, where more than one in [`DOUBTED_SHARE`] was measured wrongly.
const FEWEST_NOTED: usize = 3;
const DOUBTED_SHARE: usize = 3;

/// A card that opened, whether or not anything was noted of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    pub card: String,
    pub on: Date,
}

/// So many of so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    pub of: usize,
    pub were: usize,
}

/// How a leader's record was used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Practice {
    /// Cards whose two weeks are over, and how many were talked about in them.
    pub talked: Share,
    /// Follow-ups whose day and week of grace are over, or that were asked about; how many in time.
    pub asked: Share,
    /// By signal: cards of which anything was noted, and how many were set aside as measured wrongly.
    pub measured_wrongly: BTreeMap<String, Share>,
}

impl Practice {
    /// What entries and the cards of the same teams come to on a day. Entries stand in the order in which they were made.
    #[must_use]
    pub fn of(entries: &[Entry], cards: &[Opened], today: Date) -> Self {
        Self {
            talked: talked(entries, cards, today),
            asked: asked(entries, today),
            measured_wrongly: measured_wrongly(entries),
        }
    }

    /// Signals of which more than one noted card in three was measured wrongly: better switched off, or looked into.
    pub fn doubted(&self) -> impl Iterator<Item = (&String, Share)> {
        let often = |share: &Share| share.of >= FEWEST_NOTED && share.were * DOUBTED_SHARE > share.of;
        self.measured_wrongly.iter().map(|(slug, share)| (slug, *share)).filter(move |(_, share)| often(share))
    }
}

fn talked(entries: &[Entry], cards: &[Opened], today: Date) -> Share {
    let over: Vec<&Opened> = cards.iter().filter(|card| card.on + TALKED_WITHIN.days() < today).collect();
    let in_time = |card: &&&Opened| {
        let about_it = |entry: &Entry| matches!(&entry.did, Did::Talked { about, .. } if about.card == card.card);
        entries.iter().any(|entry| about_it(entry) && entry.on <= card.on + TALKED_WITHIN.days())
    };
    Share { of: over.len(), were: over.iter().filter(in_time).count() }
}

/// Every day that was set is one promise. It ends with the next entry about its follow-up, or with another talk about the
/// same card.
fn asked(entries: &[Entry], today: Date) -> Share {
    let mut share = Share::default();
    let mut count = |again: Date, on: Option<Date>| {
        let last = again + ASKED_WITHIN.days();
        if on.is_some() || last < today {
            share.of += 1;
            share.were += usize::from(on.is_some_and(|on| on <= last));
        }
    };
    let mut standing = Standing::default();
    for entry in entries {
        let ended = standing.follow_ups.iter().filter(|one| match &entry.did {
            Did::Asked { of, .. } | Did::Closed { of } => one.id == *of,
            Did::Talked { about, .. } => one.about.card == about.card,
            // What is set aside needs no asking, and nothing was promised before.
            Did::SetAside(..) | Did::Seen(_) => false,
        });
        ended.filter_map(|one| one.again).for_each(|again| count(again, Some(entry.on)));
        standing.play(entry);
    }
    standing.follow_ups.iter().filter_map(|one| one.again).for_each(|again| count(again, None));
    share
}

fn measured_wrongly(entries: &[Entry]) -> BTreeMap<String, Share> {
    let standing = Standing::of(entries);
    let mut by_signal: BTreeMap<String, Share> = BTreeMap::new();
    let mut known = BTreeSet::new();
    let abouts = entries.iter().filter_map(|entry| match &entry.did {
        Did::Seen(about) | Did::Talked { about, .. } | Did::SetAside(about, _) => Some(about),
        Did::Asked { .. } | Did::Closed { .. } => None,
    });
    for about in abouts.filter(|about| known.insert(&about.card)) {
        let wrong = standing.state(&about.card) == State::SetAside(Reason::MeasuredWrongly);
        for slug in &about.signals {
            let share = by_signal.entry(slug.clone()).or_default();
            share.of += 1;
            share.were += usize::from(wrong);
        }
    }
    by_signal
}

#[cfg(test)]
mod tests {
    use super::super::About;
    use super::*;

    const MONDAY: Date = Date::constant(2026, 11, 9);

    fn about(card: &str) -> About {
        About { team: "payments".to_owned(), card: card.to_owned(), signals: vec!["moving_dates".to_owned()] }
    }

    fn on(days: i64, did: Did) -> Entry {
        Entry { on: MONDAY + days.days(), did }
    }

    fn talk(days: i64, card: &str, id: i64, again: Option<i64>) -> Entry {
        let again = again.map(|days| MONDAY + days.days());
        on(days, Did::Talked { about: about(card), id, agreed: None, mine: again.map(|_| "I ask".to_owned()), again })
    }

    fn opened(card: &str, days: i64) -> Opened {
        Opened { card: card.to_owned(), on: MONDAY + days.days() }
    }

    #[test]
    fn a_talk_counts_for_two_weeks_and_younger_cards_are_not_counted_yet() {
        let cards = [opened("a", 0), opened("b", 0), opened("c", 0), opened("d", 20)];
        let entries = [talk(14, "a", 1, None), talk(15, "b", 2, None)];
        let practice = Practice::of(&entries, &cards, MONDAY + 34.days());
        assert_eq!(practice.talked, Share { of: 3, were: 1 });
        assert_eq!(Practice::of(&entries, &cards, MONDAY + 35.days()).talked, Share { of: 4, were: 1 });
    }

    #[test]
    fn every_day_that_was_set_is_a_promise_with_a_week_of_grace() {
        let kept = [talk(0, "a", 1, Some(14)), on(21, Did::Asked { of: 1, again: MONDAY + 60.days() })];
        assert_eq!(Practice::of(&kept, &[], MONDAY + 30.days()).asked, Share { of: 1, were: 1 });
        assert_eq!(
            Practice::of(&kept, &[], MONDAY + 67.days()).asked,
            Share { of: 1, were: 1 },
            "the week is not over"
        );
        assert_eq!(Practice::of(&kept, &[], MONDAY + 68.days()).asked, Share { of: 2, were: 1 });
        let late = [talk(0, "a", 1, Some(14)), on(22, Did::Closed { of: 1 })];
        assert_eq!(Practice::of(&late, &[], MONDAY + 30.days()).asked, Share { of: 1, were: 0 });
        let again = [talk(0, "a", 1, Some(14)), talk(10, "a", 2, None)];
        assert_eq!(Practice::of(&again, &[], MONDAY + 30.days()).asked, Share { of: 1, were: 1 }, "another talk");
    }

    #[test]
    fn a_signal_is_doubted_where_more_than_one_noted_card_in_three_was_measured_wrongly() {
        let wrong = |card: &str| on(1, Did::SetAside(about(card), Reason::MeasuredWrongly));
        let mut entries = vec![wrong("a"), wrong("b")];
        assert_eq!(Practice::of(&entries, &[], MONDAY).doubted().count(), 0, "two cards say nothing");
        entries.extend([on(1, Did::Seen(about("c"))), talk(2, "d", 1, None), talk(2, "e", 2, None)]);
        let practice = Practice::of(&entries, &[], MONDAY);
        let doubted: Vec<_> = practice.doubted().collect();
        assert_eq!(doubted, [(&"moving_dates".to_owned(), Share { of: 5, were: 2 })]);
        // Whoever talks about it after all takes the verdict back.
        entries.push(talk(3, "a", 3, None));
        assert_eq!(Practice::of(&entries, &[], MONDAY).doubted().count(), 0);
    }
}
