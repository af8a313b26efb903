//! Drawings: each twice, 720 and 344 units wide. A drawing that fails is left out; its sentence and table remain.

mod ageing;
mod series;
mod spark;
pub mod svg;

pub use ageing::{Words as AgeingWords, ageing};
pub use series::{SeriesChart, series};
pub use spark::spark;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use svg::{Role, SCALE, Svg};

/// A drawing in both widths, as markup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drawing {
    pub wide: String,
    pub phone: String,
}

/// The size of a drawing and its role in the page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub width: i32,
    pub height: i32,
    pub phone: bool,
}

/// A failure inside plotters.
pub type DrawError = DrawingAreaErrorKind<std::convert::Infallible>;
type Area<'a> = DrawingArea<Svg<'a>, Shift>;

/// Draws into a frame and wraps the marks in an accessible root.
pub(super) fn drawing(
    frame: Frame,
    id: &str,
    draw: impl Fn(&Area<'_>, Frame) -> Result<(), DrawError>,
) -> Result<String, DrawError> {
    let mut marks = String::new();
    {
        let area = Svg::new(&mut marks, frame.width.unsigned_abs(), frame.height.unsigned_abs()).into_drawing_area();
        draw(&area, frame)?;
    }
    let class = if frame.phone { "phone" } else { "wide" };
    let (width, height) = (frame.width, frame.height);
    Ok(format!(
        "<svg class=\"chart {class}\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"{id}-t\" \
         aria-describedby=\"{id}-s\">{marks}</svg>"
    ))
}

/// Text at a place, in units: 12 high, or 13 and semi-bold for a value.
pub(super) fn label(
    area: &Area<'_>,
    text: &str,
    at: (f64, f64),
    role: Role,
    anchor: (HPos, VPos),
    bold: bool,
) -> Result<(), DrawError> {
    write(area, text, at, role, anchor, if bold { (13, FontStyle::Bold) } else { (12, FontStyle::Normal) })
}

/// The name of a mark, to the right of a place.
pub(super) fn name(area: &Area<'_>, text: &str, at: (f64, f64), role: Role) -> Result<(), DrawError> {
    write(area, text, at, role, (HPos::Left, VPos::Center), (12, FontStyle::Bold))
}

fn write(
    area: &Area<'_>,
    text: &str,
    at: (f64, f64),
    role: Role,
    anchor: (HPos, VPos),
    (size, weight): (i32, FontStyle),
) -> Result<(), DrawError> {
    let font = FontDesc::new(FontFamily::SansSerif, f64::from(size * SCALE), weight);
    let color = role.color();
    let style = TextStyle::from(font).color(&color).pos(Pos::new(anchor.0, anchor.1));
    area.draw(&Text::new(text.to_owned(), canvas(at), style))
}

/// A horizontal or vertical line, in units.
pub(super) fn rule(
    area: &Area<'_>,
    from: (f64, f64),
    to: (f64, f64),
    role: Role,
    tenths: u32,
) -> Result<(), DrawError> {
    area.draw(&PathElement::new(vec![canvas(from), canvas(to)], role.stroke(tenths)))
}

/// A filled rectangle, in units.
pub(super) fn block(area: &Area<'_>, from: (f64, f64), to: (f64, f64), role: Role) -> Result<(), DrawError> {
    area.draw(&Rectangle::new([canvas(from), canvas(to)], role.fill()))
}

/// A dot in a paper-coloured ring, radii in units.
pub(super) fn dot(area: &Area<'_>, at: (f64, f64), radius: f64, ring: f64, role: Role) -> Result<(), DrawError> {
    area.draw(&Circle::new(canvas(at), tenths(ring), Role::Paper.fill()))?;
    area.draw(&Circle::new(canvas(at), tenths(radius), role.fill()))
}

fn canvas((x, y): (f64, f64)) -> (i32, i32) {
    (round(x * f64::from(SCALE)), round(y * f64::from(SCALE)))
}

fn tenths(units: f64) -> u32 {
    round(units * f64::from(SCALE)).unsigned_abs()
}

#[expect(clippy::cast_possible_truncation, reason = "a drawing is a few thousand canvas units wide")]
fn round(value: f64) -> i32 {
    value.round() as i32
}
