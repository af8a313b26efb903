//! The ageing of open work: one dot an item on an axis of working days, over the time that 85 in 100 needed.

use plotters::style::text_anchor::{HPos, VPos};

use super::svg::{Role, text_width};
use super::{Area, DrawError, Drawing, Frame, block, dot, drawing, label, name, rule};
use crate::report::input::Ageing;

/// More than this is left to the table.
const MOST: usize = 60;
/// Working days of a week.
const WEEK: f64 = 5.0;
const PITCH: f64 = 11.5;
/// The distance of stacked dots, so that two names fit above each other.
const ROW: f64 = 14.0;
/// Room on the right for the name of the oldest item.
const NAME_ROOM: f64 = 70.0;
/// Where the youngest item lies.
const INSET: f64 = 8.0;

/// Draws what is in progress, in both widths; ochre only where a card about it is open.
///
/// # Errors
/// A failure inside plotters.
pub fn ageing(id: &str, ageing: &Ageing, open: bool, words: &Words<'_>) -> Result<Drawing, DrawError> {
    let draw = |area: &Area<'_>, frame: Frame| draw(area, frame, ageing, open, words);
    let height = |width: i32| {
        let tallest = columns(ageing, f64::from(width) - NAME_ROOM).into_iter().map(|(_, _, row)| row).max();
        let rows = i32::try_from(tallest.unwrap_or(0)).unwrap_or(0) + 1;
        (rows * 14 + 96).max(160)
    };
    Ok(Drawing {
        wide: drawing(Frame { width: 720, height: height(720), phone: false }, id, draw)?,
        phone: drawing(Frame { width: 344, height: height(344), phone: true }, id, draw)?,
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

/// Each item's place: how far along, which item, and the lowest row in which no other dot is in the way.
fn columns(ageing: &Ageing, width: f64) -> Vec<(f64, usize, usize)> {
    let reach = reach(ageing);
    let mut places: Vec<(f64, usize, usize)> = Vec::new();
    for (at, open) in ageing.items.iter().take(MOST).enumerate() {
        let days = f64::from(i32::try_from(open.item.working_days.unwrap_or(0)).unwrap_or(0));
        let x = days / reach * width;
        let mut row = 0;
        while places.iter().any(|(other, _, taken)| *taken == row && (other - x).abs() < PITCH) {
            row += 1;
        }
        places.push((x, at, row));
    }
    places
}

fn draw(area: &Area<'_>, frame: Frame, ageing: &Ageing, open: bool, words: &Words<'_>) -> Result<(), DrawError> {
    let end = f64::from(frame.width);
    let (left, right) = (0.0, end - NAME_ROOM);
    let (top, bottom) = (if ageing.limit_days.is_some() { 30.0 } else { 10.0 }, f64::from(frame.height) - 44.0);
    let reach = reach(ageing);
    if let Some(limit) = ageing.limit_days {
        let days = f64::from(i32::try_from(limit).unwrap_or(0)) + 0.5;
        let edge = (left + days / reach * (right - left) + INSET).min(end);
        block(area, (left, top), (edge, bottom), Role::Band)?;
        rule(area, (edge, top - 6.0), (edge, bottom), Role::Mid, 12)?;
        let text = words.limit.replace("{day}", &limit.to_string());
        let fits = edge + text_width(&text, 12.0) < end;
        let (place, anchor) = if fits { (edge - 2.0, HPos::Left) } else { (end - 2.0, HPos::Right) };
        label(area, &text, (place, top - 8.0), Role::Muted, (anchor, VPos::Bottom), false)?;
    }
    rule(area, (left, top), (end, top), Role::Grid, 10)?;
    rule(area, (left, bottom), (end, bottom), Role::Grid, 10)?;
    axis(area, frame, (left, right, bottom), reach, words)?;
    dots(area, end, (left + INSET, bottom - 10.0), ageing, open, words)
}

/// The dots, and beside those beyond the limit their names where there is room.
fn dots(
    area: &Area<'_>,
    end: f64,
    (left, foot): (f64, f64),
    ageing: &Ageing,
    open: bool,
    words: &Words<'_>,
) -> Result<(), DrawError> {
    let places: Vec<(f64, f64, usize)> = columns(ageing, end - NAME_ROOM)
        .into_iter()
        .map(|(across, at, row)| (left + across, foot - f64::from(u32::try_from(row).unwrap_or(0)) * ROW, at))
        .collect();
    let mut taken: Vec<(f64, f64, f64)> = places.iter().map(|(x, y, _)| (*y, x - 6.0, x + 6.0)).collect();
    for (own, (x, y, at)) in places.iter().enumerate() {
        let Some(item) = ageing.items.get(*at) else { continue };
        let radius = if item.beyond { 5.6 } else { 4.6 };
        dot(area, (*x, *y), radius, radius + 1.0, if item.beyond && open { Role::Notice } else { Role::Dot })?;
        if !item.beyond {
            continue;
        }
        let days = item.item.working_days.unwrap_or(0);
        let text = if item.item.key.is_empty() { format!("{days} {}", words.days) } else { item.item.key.clone() };
        let wide = text_width(&text, 12.0);
        let free = |start: f64| {
            let clear = |(at, (row, from, to)): (usize, &(f64, f64, f64))| {
                at == own || (row - y).abs() > 10.5 || start > *to + 2.0 || start + wide + 2.0 < *from
            };
            start >= 0.0 && start + wide <= end && taken.iter().enumerate().all(clear)
        };
        // Always in the same order: right, then left; an item without room for its name is in the table.
        if let Some(start) = [x + 9.0, x - 9.0 - wide].into_iter().find(|start| free(*start)) {
            name(area, &text, (start, *y), Role::Ink)?;
            taken.push((*y, start, start + wide));
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
        let x = left + f64::from(week) * WEEK / reach * (right - left) + INSET;
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
