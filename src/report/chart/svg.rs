//! An SVG backend for plotters: colours are roles written as classes, coordinates have a tenth of a unit, and text is
//! measured by a small table, so that a drawing is the same on every machine and follows the style sheet.

use std::convert::Infallible;
use std::fmt::Write;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingErrorKind, FontStyle};

/// Canvas units per unit of the drawing.
pub const SCALE: i32 = 10;

/// What a colour stands for; the style sheet gives it its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Role {
    Ink = 1,
    Muted,
    Grid,
    Band,
    Line,
    Notice,
    Wash,
    Dot,
    Paper,
    Mid,
}

const ROLES: [(Role, &str); 10] = [
    (Role::Ink, "ink"),
    (Role::Muted, "muted"),
    (Role::Grid, "grid"),
    (Role::Band, "band"),
    (Role::Line, "line"),
    (Role::Notice, "notice"),
    (Role::Wash, "wash"),
    (Role::Dot, "dot"),
    (Role::Paper, "paper"),
    (Role::Mid, "mid"),
];
/// Marks a colour as a role; the red part carries the number.
const MARK: (u8, u8) = (0xC0, 0xDE);

impl Role {
    /// The reserved colour that carries this role through plotters.
    #[must_use]
    pub fn color(self) -> RGBColor {
        RGBColor(self as u8, MARK.0, MARK.1)
    }

    /// A filled style.
    #[must_use]
    pub fn fill(self) -> ShapeStyle {
        self.color().filled()
    }

    /// A stroke, its width in tenths.
    #[must_use]
    pub fn stroke(self, tenths: u32) -> ShapeStyle {
        Color::stroke_width(&self.color(), tenths)
    }
}

fn class(color: BackendColor) -> &'static str {
    let (number, green, blue) = color.rgb;
    debug_assert!((green, blue) == MARK, "a raw colour reached the page");
    ROLES.iter().find(|(role, _)| *role as u8 == number).map_or("ink", |(_, name)| *name)
}

/// Collects the elements of a drawing.
pub struct Svg<'a> {
    out: &'a mut String,
    size: (u32, u32),
}

impl<'a> Svg<'a> {
    /// A drawing of this many units.
    pub fn new(out: &'a mut String, width: u32, height: u32) -> Self {
        Self { out, size: (width * SCALE.unsigned_abs(), height * SCALE.unsigned_abs()) }
    }

    /// A transparent area whose title is shown while the pointer rests on it.
    pub fn hit(&mut self, from: BackendCoord, to: BackendCoord, title: &str) {
        let (x, y, width, height) = (units(from.0), units(from.1), units(to.0 - from.0), units(to.1 - from.1));
        let title = escape(title);
        self.write(format_args!(
            "<g><title>{title}</title><rect class=\"hit\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/></g>"
        ));
    }

    fn write(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing into a String cannot fail.
        let _ = self.out.write_fmt(text);
    }

    fn points(path: impl IntoIterator<Item = BackendCoord>) -> String {
        let mut points = String::new();
        for (at, (x, y)) in path.into_iter().enumerate() {
            let _ = write!(points, "{}{},{}", if at == 0 { "" } else { " " }, units(x), units(y));
        }
        points
    }
}

/// A length in units, without needless digits.
fn units(canvas: i32) -> String {
    let (whole, tenth) = (canvas.div_euclid(SCALE), canvas.rem_euclid(SCALE));
    if tenth == 0 { whole.to_string() } else { format!("{}", f64::from(canvas) / f64::from(SCALE)) }
}

/// Escapes text for markup, without control characters.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars().filter(|character| !character.is_control()) {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '=' => escaped.push_str("&#61;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// The width of a text, slightly generous, in the unit of `size`.
#[must_use]
pub fn text_width(text: &str, size: f64) -> f64 {
    text.chars().map(character_width).sum::<f64>() * size
}

fn character_width(character: char) -> f64 {
    match character {
        'i' | 'j' | 'l' | '\'' | '.' | ',' | ':' | ';' | '|' | '!' => 0.29,
        ' ' | 'f' | 'r' | 't' | 'I' | '-' | '(' | ')' | '/' => 0.36,
        'm' | 'M' | 'W' | 'w' | '%' | '@' => 0.92,
        'A'..='Z' | '#' | '&' => 0.70,
        '0'..='9' => 0.60,
        'a'..='z' => 0.57,
        _ => 0.75,
    }
}

impl DrawingBackend for Svg<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Result<(), DrawingErrorKind<Infallible>> {
        Ok(())
    }

    fn present(&mut self) -> Result<(), DrawingErrorKind<Infallible>> {
        Ok(())
    }

    fn draw_pixel(&mut self, point: BackendCoord, color: BackendColor) -> Result<(), DrawingErrorKind<Infallible>> {
        let (x, y) = (units(point.0), units(point.1));
        self.write(format_args!("<rect class=\"f{}\" x=\"{x}\" y=\"{y}\" width=\".1\" height=\".1\"/>", class(color)));
        Ok(())
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        self.draw_path([from, to], style)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        let (class, width) = (class(style.color()), units(i32::try_from(style.stroke_width()).unwrap_or(SCALE)));
        let points = Self::points(path);
        self.write(format_args!("<polyline class=\"s{class}\" stroke-width=\"{width}\" points=\"{points}\"/>"));
        Ok(())
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        upper_left: BackendCoord,
        lower_right: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        let (x, y) = (units(upper_left.0.min(lower_right.0)), units(upper_left.1.min(lower_right.1)));
        let width = units((lower_right.0 - upper_left.0).abs());
        let height = units((lower_right.1 - upper_left.1).abs());
        let kind = if fill { 'f' } else { 's' };
        let class = class(style.color());
        self.write(format_args!(
            "<rect class=\"{kind}{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>"
        ));
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        center: BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        let (x, y, r) = (units(center.0), units(center.1), units(i32::try_from(radius).unwrap_or(SCALE)));
        let kind = if fill { 'f' } else { 's' };
        let class = class(style.color());
        self.write(format_args!("<circle class=\"{kind}{class}\" cx=\"{x}\" cy=\"{y}\" r=\"{r}\"/>"));
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        vertices: I,
        style: &S,
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        let (class, points) = (class(style.color()), Self::points(vertices));
        self.write(format_args!("<polygon class=\"f{class}\" points=\"{points}\"/>"));
        Ok(())
    }

    fn draw_text<T: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &T,
        at: BackendCoord,
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        let size = style.size();
        let anchor = match style.anchor().h_pos {
            HPos::Left => "",
            HPos::Center => " text-anchor=\"middle\"",
            HPos::Right => " text-anchor=\"end\"",
        };
        let drop = match style.anchor().v_pos {
            VPos::Top => 0.76,
            VPos::Center => 0.355,
            VPos::Bottom => -0.2,
        };
        #[expect(clippy::cast_possible_truncation, reason = "text sizes are around a hundred canvas units")]
        let baseline = at.1 + (drop * size).round() as i32;
        let weight = if matches!(style.style(), FontStyle::Bold) { " b" } else { "" };
        let (class, x, y) = (class(style.color()), units(at.0), units(baseline));
        let size = size / f64::from(SCALE);
        self.write(format_args!(
            "<text class=\"t{class}{weight}\" x=\"{x}\" y=\"{y}\" font-size=\"{size}\"{anchor}>{}</text>",
            escape(text)
        ));
        Ok(())
    }

    fn estimate_text_size<T: BackendTextStyle>(
        &self,
        text: &str,
        style: &T,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "widths are positive and below the canvas"
        )]
        let size = (text_width(text, style.size()).ceil() as u32, style.size().ceil() as u32);
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_holds_classes_and_tenths_and_no_colours() {
        let mut out = String::new();
        {
            let area = Svg::new(&mut out, 10, 10).into_drawing_area();
            area.draw(&Circle::new((15, 22), 38, Role::Notice.fill())).unwrap();
            area.draw(&PathElement::new(vec![(0, 0), (95, 7)], Role::Line.stroke(22))).unwrap();
        }
        assert_eq!(
            out,
            "<circle class=\"fnotice\" cx=\"1.5\" cy=\"2.2\" r=\"3.8\"/>\
             <polyline class=\"sline\" stroke-width=\"2.2\" points=\"0,0 9.5,0.7\"/>"
        );
    }

    #[test]
    fn text_from_outside_stays_text() {
        assert_eq!(escape("<script>\u{7}&\"'a=b"), "&lt;script&gt;&amp;&quot;&#39;a&#61;b");
    }
}
