//! The fortnight series: past fortnights and the present window as shares, over the usual range.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::svg::{Role, text_width};
use super::{Area, DrawError, Drawing, Frame, block, canvas, dot, drawing, label, rule};

/// What is drawn; all figures are rounded as they are displayed.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesChart {
    /// Shares between 0 and 1, oldest first, the present window last; `None`: few.
    pub shares: Vec<Option<f64>>,
    /// The values are counts instead.
    pub counts: bool,
    /// The name of each point, shown while the pointer rests on it.
    pub names: Vec<String>,
    /// Month names to be written below some points.
    pub months: Vec<(usize, String)>,
    /// The usual range of the window as shares.
    pub band: Option<(f64, f64)>,
    pub band_label: String,
    /// The window of an open card, with the sentence above it.
    pub window: Option<String>,
    /// What the topmost label on the axis says after the number.
    pub unit: String,
    /// Declared events: the point in whose span they begin, with the part of that span gone by then.
    pub events: Vec<(f64, String)>,
}

/// Draws the series in both widths.
///
/// # Errors
/// A failure inside plotters.
pub fn series(id: &str, chart: &SeriesChart) -> Result<Drawing, DrawError> {
    let draw = |area: &Area<'_>, frame: Frame| draw(area, frame, chart);
    Ok(Drawing {
        wide: drawing(Frame { width: 720, height: 272, phone: false }, id, draw)?,
        phone: drawing(Frame { width: 344, height: 252, phone: true }, id, draw)?,
    })
}

/// Room for the last value beside the line, also in a wide substitute font.
const VALUE_ROOM: f64 = 44.0;

/// Where things lie in a frame.
struct Layout {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    ceiling: f64,
    points: usize,
}

impl Layout {
    fn x(&self, at: usize) -> f64 {
        self.along(f64::from(u32::try_from(at).unwrap_or(0)) + 0.5)
    }

    /// The place of a moment, counted in spans from the beginning of the first.
    fn along(&self, spans: f64) -> f64 {
        let all = f64::from(u32::try_from(self.points.max(1)).unwrap_or(1));
        self.left + (self.right - self.left) / all * spans
    }

    fn y(&self, share: f64) -> f64 {
        self.bottom - (self.bottom - self.top) * (share / self.ceiling).min(1.0)
    }

    fn half_step(&self) -> f64 {
        (self.x(1) - self.x(0)) / 2.0
    }
}

/// A round share above the largest value, and the distance of the hairlines.
fn ceiling(chart: &SeriesChart) -> (f64, f64) {
    let largest = chart.shares.iter().flatten().copied().chain(chart.band.map(|(_, high)| high)).fold(0.0, f64::max);
    let fits = |step: &f64| largest * 1.08 <= step * 4.0;
    let step = if chart.counts {
        let tens = (0..6).map(|power| 10.0_f64.powi(power));
        let most = 1e6;
        tens.flat_map(|ten| [ten, 2.0 * ten, 5.0 * ten]).find(fits).unwrap_or(most)
    } else {
        [0.02, 0.05, 0.1, 0.2, 0.25].into_iter().find(fits).unwrap_or(0.25)
    };
    let lines = (largest * 1.08 / step).ceil().clamp(2.0, 4.0);
    (step * lines, step)
}

fn draw(area: &Area<'_>, frame: Frame, chart: &SeriesChart) -> Result<(), DrawError> {
    let (ceiling, step) = ceiling(chart);
    let layout = Layout {
        left: 46.0,
        right: f64::from(frame.width) - VALUE_ROOM,
        // Without a sentence above it a drawing needs no more than half a line of room.
        top: if chart.window.is_some() { 34.0 } else { 12.0 },
        bottom: f64::from(frame.height) - 30.0,
        ceiling,
        points: chart.shares.len(),
    };
    window(area, &layout, chart)?;
    band(area, &layout, chart)?;
    grid(area, &layout, chart, step)?;
    for (at, name) in &chart.events {
        event(area, &layout, *at, name)?;
    }
    line(area, &layout, chart)?;
    if !frame.phone {
        hover(area, &layout, chart)?;
    }
    Ok(())
}

fn event(area: &Area<'_>, layout: &Layout, at: f64, name: &str) -> Result<(), DrawError> {
    let x = layout.along(at);
    rule(area, (x, layout.top), (x, layout.bottom), Role::Muted, 10)?;
    let wide = text_width(name, 12.0) + 4.0;
    let (place, anchor) = if x + wide < layout.right {
        (x + 4.0, HPos::Left)
    } else if x - wide > layout.left {
        (x - 4.0, HPos::Right)
    } else {
        // A name longer than the drawing stands in the card's readings alone.
        return Ok(());
    };
    label(area, name, (place, layout.top + 3.0), Role::Muted, (anchor, VPos::Top), false)
}

fn window(area: &Area<'_>, layout: &Layout, chart: &SeriesChart) -> Result<(), DrawError> {
    let Some(sentence) = chart.window.as_ref().filter(|_| !chart.shares.is_empty()) else { return Ok(()) };
    let x = layout.x(chart.shares.len() - 1);
    block(area, (x - layout.half_step(), layout.top), (x + layout.half_step(), layout.bottom), Role::Wash)?;
    // On a phone there is room for the count alone; the sentence stands in the card.
    let fits = text_width(sentence, 13.0) * 1.2 < layout.right;
    let short = sentence.split_once(": ").map_or(sentence.as_str(), |(_, count)| count);
    let shown = if fits { sentence.as_str() } else { short };
    label(area, shown, (layout.right, layout.top - 8.0), Role::Notice, (HPos::Right, VPos::Bottom), true)
}

fn band(area: &Area<'_>, layout: &Layout, chart: &SeriesChart) -> Result<(), DrawError> {
    let Some((low, high)) = chart.band else { return Ok(()) };
    let (low, high) = (layout.y(low), layout.y(high));
    block(area, (layout.left, high), (layout.right, low), Role::Band)?;
    rule(area, (layout.left, high), (layout.right, high), Role::Mid, 10)?;
    rule(area, (layout.left, low), (layout.right, low), Role::Mid, 10)?;
    // Above the band where the first points leave room, else inside its upper edge.
    let above = chart.shares.iter().take(5).flatten().all(|share| layout.y(*share) > high);
    let (y, anchor) = if above { (high - 4.0, VPos::Bottom) } else { (high + 3.0, VPos::Top) };
    label(area, &chart.band_label, (layout.left + 4.0, y), Role::Muted, (HPos::Left, anchor), false)
}

fn grid(area: &Area<'_>, layout: &Layout, chart: &SeriesChart, step: f64) -> Result<(), DrawError> {
    let mut share = 0.0;
    while share <= layout.ceiling + step / 2.0 {
        let y = layout.y(share);
        rule(area, (layout.left, y), (layout.right, y), Role::Grid, 10)?;
        let top = share + step > layout.ceiling + step / 2.0;
        let text = value(chart, share, top);
        label(area, &text, (layout.left - 6.0, y), Role::Muted, (HPos::Right, VPos::Center), false)?;
        share += step;
    }
    if !chart.unit.is_empty() && chart.window.is_none() {
        label(area, &chart.unit, (layout.left, layout.top - 12.0), Role::Muted, (HPos::Left, VPos::Bottom), false)?;
    }
    let mut free_from = 0.0;
    for (at, month) in &chart.months {
        let x = layout.x(*at);
        let half = text_width(month, 12.0) / 2.0;
        if x - half > free_from && x + half < layout.right + 4.0 {
            label(area, month, (x, layout.bottom + 8.0), Role::Muted, (HPos::Center, VPos::Top), false)?;
            free_from = x + half + 8.0;
        }
    }
    Ok(())
}

/// A value as it stands beside an axis or a line.
fn value(chart: &SeriesChart, value: f64, whole: bool) -> String {
    match (chart.counts, whole) {
        (true, _) => format!("{value:.0}"),
        (false, true) => format!("{:.0} %", value * 100.0),
        (false, false) => format!("{:.0}", value * 100.0),
    }
}

fn line(area: &Area<'_>, layout: &Layout, chart: &SeriesChart) -> Result<(), DrawError> {
    let last = chart.shares.len().saturating_sub(1);
    let mut stretch: Vec<(i32, i32)> = Vec::new();
    for (at, share) in chart.shares.iter().enumerate() {
        match share {
            Some(share) => stretch.push(canvas((layout.x(at), layout.y(*share)))),
            None => {
                draw_stretch(area, std::mem::take(&mut stretch))?;
                // Few: somewhere between none and two, so a short rule at the foot and no point.
                let (x, y) = (layout.x(at), layout.bottom - 3.0);
                rule(area, (x - 4.0, y), (x + 4.0, y), Role::Dot, 20)?;
            }
        }
    }
    draw_stretch(area, stretch)?;
    let Some(share) = chart.shares.get(last).copied().flatten() else { return Ok(()) };
    let end = (layout.x(last), layout.y(share));
    let role = if chart.window.is_some() { Role::Notice } else { Role::Line };
    if let (Some(before), true) =
        (last.checked_sub(1).and_then(|at| Some((at, chart.shares[at]?))), chart.window.is_some())
    {
        let from = canvas((layout.x(before.0), layout.y(before.1)));
        area.draw(&PathElement::new(vec![from, canvas(end)], Role::Notice.stroke(22)))?;
    }
    dot(area, end, 3.8, 5.2, role)?;
    let text = value(chart, share, true);
    label(area, &text, (layout.right + 4.0, end.1), role, (HPos::Left, VPos::Center), true)
}

/// A line through points; one alone between two that read few is a dot, or it would be invisible.
fn draw_stretch(area: &Area<'_>, points: Vec<(i32, i32)>) -> Result<(), DrawError> {
    match points.as_slice() {
        [] => Ok(()),
        [only] => area.draw(&Circle::new(*only, 22, Role::Line.fill())),
        _ => area.draw(&PathElement::new(points, Role::Line.stroke(18))),
    }
}

/// A transparent column a point, so that its name shows under the pointer.
fn hover(area: &Area<'_>, layout: &Layout, chart: &SeriesChart) -> Result<(), DrawError> {
    for (at, name) in chart.names.iter().enumerate() {
        let x = layout.x(at);
        area.draw(&Column {
            from: canvas((x - layout.half_step(), layout.top)),
            to: canvas((x + layout.half_step(), layout.bottom)),
            title: name.clone(),
        })?;
    }
    Ok(())
}

/// The hit area of a point.
struct Column {
    from: (i32, i32),
    to: (i32, i32),
    title: String,
}

impl<'a> plotters::element::PointCollection<'a, (i32, i32)> for &'a Column {
    type Point = &'a (i32, i32);
    type IntoIter = [&'a (i32, i32); 2];

    fn point_iter(self) -> Self::IntoIter {
        [&self.from, &self.to]
    }
}

impl plotters::element::Drawable<super::svg::Svg<'_>> for Column {
    fn draw<I: Iterator<Item = (i32, i32)>>(
        &self,
        _places: I,
        backend: &mut super::svg::Svg<'_>,
        _size: (u32, u32),
    ) -> Result<(), plotters_backend::DrawingErrorKind<std::convert::Infallible>> {
        backend.hit(self.from, self.to, &self.title);
        Ok(())
    }
}
