//! The periods in which a signal tells its past: weeks, as most do, or longer ones for what is looked at seldom.

/// In which periods a series tells its past, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Periods {
    /// ISO weeks; the windows are ten and five working days, looked at every night.
    #[default]
    Weeks,
    /// Two weeks at a time, for what swings with the halves of a sprint of two weeks; windows as with weeks.
    Fortnights,
    /// Sprints; the one window is the plan of a sprint, looked at on its first night.
    Sprints,
    /// Four weeks at a time; the one window is the last three of them, looked at on the first night of a quarter.
    FourWeeks,
}

/// All periods with their words in files.
const WORDS: [(&str, Periods); 4] = [
    ("weeks", Periods::Weeks),
    ("fortnights", Periods::Fortnights),
    ("sprints", Periods::Sprints),
    ("four-weeks", Periods::FourWeeks),
];

impl Periods {
    /// The periods of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        WORDS.iter().find(|(known, _)| *known == word).map(|(_, periods)| *periods)
    }

    /// Their word.
    #[must_use]
    pub fn word(self) -> &'static str {
        WORDS.iter().find(|(_, periods)| *periods == self).map_or("", |(word, _)| word)
    }

    /// Periods of the past that count at most; only the newest do.
    #[must_use]
    pub fn most(self) -> usize {
        match self {
            Self::Weeks | Self::Fortnights => 26,
            Self::Sprints => 12,
            Self::FourWeeks => 20,
        }
    }

    /// Usable periods without which nothing is said.
    #[must_use]
    pub fn fewest(self) -> usize {
        match self {
            Self::Sprints => 6,
            Self::Weeks | Self::Fortnights | Self::FourWeeks => 8,
        }
    }

    /// Periods that stand side by side with the window in "k of the last K".
    #[must_use]
    pub fn together(self) -> usize {
        match self {
            Self::Weeks => 2,
            Self::Fortnights | Self::Sprints => 1,
            Self::FourWeeks => 3,
        }
    }

    /// The length of the long window in periods.
    #[must_use]
    pub fn window(self) -> f64 {
        match self {
            Self::Weeks => 2.0,
            Self::Fortnights | Self::Sprints => 1.0,
            Self::FourWeeks => 3.0,
        }
    }
}
