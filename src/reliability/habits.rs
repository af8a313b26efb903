//! What is assumed of an ordinary team: how much of everything happens, how often it goes the signal's way, and how much
//! both swing from week to week.
//!
//! The figures are those that the signals gave for simulated organisations of six teams and sixty weeks (a simulator of
//! its own behind faithful GitHub, Jira and calendar interfaces) and for the sample organisation. They are measured on
//! no real team. `docs/noticing.md` prints them beside what follows from them.

/// How opportunities arise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Volume {
    /// So many a person and day.
    Work(f64),
    /// Every available person-day is one.
    PersonDays,
    /// So many items exist for every member at any time; looked at day by day.
    Stock(f64),
    /// Events beside the exposure of available person-days.
    Events,
    /// Things that exist, beside five times the available people.
    StockBesidePeople,
    /// So many a person at the end of each fortnight where the team works in sprints, else spread over the days.
    Planned(f64),
    /// At the begin of each sprint of two weeks a plan, at its end what was finished: a plan is so many times as large.
    Sprints(f64),
}

/// The habits of ordinary teams for one signal.
#[derive(Clone, Copy, Debug)]
pub struct Habit {
    pub slug: &'static str,
    pub volume: Volume,
    /// The usual share, or the events for each unit of exposure.
    pub usual: f64,
    /// Standard deviation of the team's swing from week to week, in log odds (shares) or logarithms (rates).
    pub swing: f64,
}

const fn habit(slug: &'static str, volume: Volume, usual: f64, swing: f64) -> Habit {
    Habit { slug, volume, usual, swing }
}

/// In catalogue order.
pub const HABITS: &[Habit] = &[
    habit("stalled_work", Volume::Stock(1.3), 0.22, 0.3),
    habit("waiting_for_review", Volume::Work(0.40), 0.16, 0.5),
    habit("quiet_approvals", Volume::Work(0.23), 0.23, 0.3),
    habit("moving_dates", Volume::Planned(5.0), 0.25, 0.4),
    habit("outside_usual_hours", Volume::PersonDays, 0.08, 0.5),
    habit("no_quiet_block", Volume::PersonDays, 0.05, 0.5),
    habit("meeting_load", Volume::PersonDays, 0.15, 0.9),
    habit("unplanned_work", Volume::Work(0.34), 0.16, 0.5),
    habit("returning_work", Volume::Work(0.65), 0.04, 0.3),
    habit("waiting_on_others", Volume::Events, 0.05, 0.6),
    habit("fewer_voices", Volume::Events, 1.2, 0.4),
    habit("hanging_threads", Volume::Work(0.75), 0.08, 0.7),
    habit("too_much_at_once", Volume::StockBesidePeople, 0.30, 0.3),
    habit("overfull_plan", Volume::Sprints(1.2), 0.20, 0.2),
    habit("moving_goals", Volume::Work(0.34), 0.08, 0.3),
    habit("late_disagreement", Volume::Work(0.30), 0.03, 0.3),
    habit("fast_approvals", Volume::Work(0.08), 0.05, 0.3),
    habit("incident_interruptions", Volume::Events, 0.025, 0.3),
    habit("retry_friction", Volume::Work(0.30), 0.09, 0.3),
    habit("early_rewriting", Volume::Work(0.25), 0.05, 0.3),
    habit("unlinked_work", Volume::Work(0.30), 0.11, 0.3),
    habit("review_concentration", Volume::Work(0.45), 0.72, 0.2),
];
