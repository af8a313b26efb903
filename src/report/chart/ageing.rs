//! The ageing of open work: one dot an item on an axis of working days, over the time that 85 in 100 needed.

use plotters::style::text_anchor::{HPos, VPos};

use super::svg::{Role, text_width};
use super::{Area, DrawError, Drawing, Frame, block, dot, drawing, label, rule};
use crate::report::input::Ageing;

/// More than this is left to the table.
const MOST: usize = 60;
/// Working days of a week.
const WEEK: f64 = 5.0;
const PITCH: f64 = 11.5;

/// Draws what is in progress, in both widths; ochre only where a card about it is open.
///
/// # Errors
/// A failure inside plotters.
pub fn ageing(id: &str, ageing: &Ageing, open: bool, words: &Words<'_>) -> Result<Drawing, DrawError> {
    let draw = |area: &Area<'_>, frame: Frame| draw(area, frame, ageing, open, words);
    let height = |width: i32, left: f64| {
        let tallest =
            columns(ageing, f64::from(width) - left - 70.0).into_iter().map(|(_, _, row)| row).max().unwrap_or(0);
        let rows = i32::try_from(tallest).unwrap_or(0) + 1;
        (rows * 12 + 96).max(180)
    };
    Ok(Drawing {
        wide: drawing(Frame { width: 720, height: height(720, 8.0), phone: false }, id, draw)?,
        phone: drawing(Frame { width: 344, height: height(344, 8.0), phone: true }, id, draw)?,
    })
}

/// The words inside the drawing.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    pub today: &'a str,
    pub week: &'a str,
    pub weeks: &'a str,
    pub axis: &'a str,
    /// "85 in 100 are done by day {day}".
    pub limit: &'a str,
    pub days: &'a str,
}

/// The longest age on the axis, in working days: five weeks, or more where the work is older.
fn reach(ageing: &Ageing) -> f64 {
    let oldest = ageing.items.iter().filter_map(|open| open.item.working_days).max().unwrap_or(0);
    let weeks = f64::from(i32::try_from(oldest).unwrap_or(0)) / WEEK;
    (weeks.ceil() * WEEK).max(5.0 * WEEK)
}

/// Each item's place: horizontal position, whether beyond, and its row in the stack of its column.
fn columns(ageing: &Ageing, width: f64) -> Vec<(f64, usize, usize)> {
    let reach = reach(ageing);
    let mut taken: std::collections::BTreeMap<i32, usize> = std::collections::BTreeMap::new();
    let mut places = Vec::new();
    for (at, open) in ageing.items.iter().take(MOST).enumerate() {
        let days = f64::from(i32::try_from(open.item.working_days.unwrap_or(0)).unwrap_or(0));
        let x = days / reach * width;
        #[expect(clippy::cast_possible_truncation, reason = "a drawing is a few hundred units wide")]
        let column = (x / PITCH).round() as i32;
        let row = taken.entry(column).or_default();
        places.push((f64::from(column) * PITCH, at, *row));
        *row += 1;
    }
    places
}

fn draw(area: &Area<'_>, frame: Frame, ageing: &Ageing, words: &Words<'_>) -> Result<(), DrawError> {
    let (left, right) = (8.0, f64::from(frame.width) - 62.0);
    let (top, bottom) = (34.0, f64::from(frame.height) - 44.0);
    let width = right - left;
    let reach = reach(ageing);
    let x = |days: f64| left + days / reach * width;
    if let Some(limit) = ageing.limit_days {
        let edge = x(f64::from(i32::try_from(limit).unwrap_or(0)) + 0.5).min(right);
        block(area, (left, top), (edge, bottom), Role::Band)?;
        rule(area, (edge, top - 6.0), (edge, bottom), Role::Mid, 12)?;
        let text = words.limit.replace("{day}", &limit.to_string());
        let fits = edge + text_width(&text, 12.0) < f64::from(frame.width);
        let (place, anchor) = if fits { (edge - 2.0, HPos::Left) } else { (f64::from(frame.width) - 2.0, HPos::Right) };
        label(area, &text, (place, top - 10.0), Role::Muted, (anchor, VPos::Bottom), false)?;
    }
    rule(area, (left, top), (f64::from(frame.width), top), Role::Grid, 10)?;
    rule(area, (left, bottom), (f64::from(frame.width), bottom), Role::Grid, 10)?;
    axis(area, frame, (left, right, bottom), reach, words)?;
    let mut labelled: Vec<(f64, f64, f64)> = Vec::new();
    for (place, at, row) in columns(ageing, width) {
        let open = &ageing.items[at];
        let (cx, cy) = (left + place + 6.0, bottom - 9.0 - f64::from(u32::try_from(row).unwrap_or(0)) * 12.0);
        let (radius, role) = if open.beyond { (5.6, Role::Notice) } else { (4.6, Role::Dot) };
        dot(area, (cx, cy), radius, radius + 1.0, role)?;
        if open.beyond {
            let days = open.item.working_days.unwrap_or(0);
            let text = if open.item.key.is_empty() { format!("{days} {}", words.days) } else { open.item.key.clone() };
            let wide = text_width(&text, 12.0);
            let fits = cx + 9.0 + wide < f64::from(frame.width);
            let start = if fits { cx + 9.0 } else { cx - 9.0 - wide };
            let free =
                labelled.iter().all(|(y, from, to)| (y - cy).abs() > 11.0 || start > *to || start + wide < *from);
            let over_dot = columns(ageing, width).iter().any(|(other, index, other_row)| {
                *index != at
                    && *other_row == row
                    && (left + other + 6.0 > start - 6.0)
                    && (left + other + 6.0 < start + wide + 6.0)
            });
            if free && !over_dot {
                label(area, &text, (start, cy), Role::Ink, (HPos::Left, VPos::Center), false)?;
                labelled.push((cy, start, start + wide));
            }
        }
    }
    Ok(())
}

fn axis(
    area: &Area<'_>,
    frame: Frame,
    (left, right, bottom): (f64, f64, f64),
    reach: f64,
    words: &Words<'_>,
) -> Result<(), DrawError> {
    let mut week = 0;
    let mut free_from = 0.0;
    while f64::from(week) * WEEK <= reach {
        let x = left + f64::from(week) * WEEK / reach * (right - left) + 6.0;
        let text = match week {
            0 => words.today.to_owned(),
            1 => format!("1 {}", words.week),
            _ => format!("{week} {}", words.weeks),
        };
        let wide = text_width(&text, 12.0);
        let start = if week == 0 { left } else { x - wide / 2.0 };
        if start >= free_from && start + wide < f64::from(frame.width) {
            label(area, &text, (start, bottom + 8.0), Role::Muted, (HPos::Left, VPos::Top), false)?;
            free_from = start + wide + 10.0;
        }
        week += 1;
    }
    let end = f64::from(frame.width);
    label(area, words.axis, (end, bottom + 26.0), Role::Muted, (HPos::Right, VPos::Top), false)
}
