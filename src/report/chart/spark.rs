//! The word-sized drawing: the last points over the band, without text; the sentence beside it says the same.

use plotters::prelude::*;

use super::svg::{Role, Svg};
use super::{DrawError, block, canvas, dot};

const SIZE: (u32, u32) = (132, 34);

/// Draws the shares (`None`: few) over the usual range; an open card's end is ochre.
///
/// # Errors
/// A failure inside plotters.
pub fn spark(shares: &[Option<f64>], band: Option<(f64, f64)>, open: bool) -> Result<String, DrawError> {
    let known: Vec<f64> = shares.iter().flatten().copied().collect();
    let top = known.iter().copied().chain(band.map(|(_, high)| high)).fold(0.01, f64::max) * 1.1;
    let last = shares.len().saturating_sub(1).max(1);
    let place = |at: usize, share: f64| {
        let across = f64::from(u32::try_from(at).unwrap_or(0)) / f64::from(u32::try_from(last).unwrap_or(1));
        (3.0 + across * 122.0, 30.0 - share / top * 26.0)
    };
    let mut marks = String::new();
    {
        let area = Svg::new(&mut marks, SIZE.0, SIZE.1).into_drawing_area();
        if let Some((low, high)) = band {
            block(&area, (1.0, place(0, high).1), (131.0, place(0, low).1), Role::Band)?;
        }
        let placed: Vec<(usize, (f64, f64))> =
            shares.iter().enumerate().filter_map(|(at, share)| Some((at, place(at, (*share)?)))).collect();
        let split = if open { shares.len().saturating_sub(2) } else { shares.len() };
        let part = |from: usize, to: usize| -> Vec<(i32, i32)> {
            placed.iter().filter(|(at, _)| (from..=to).contains(at)).map(|(_, place)| canvas(*place)).collect()
        };
        area.draw(&PathElement::new(part(0, split), Role::Line.stroke(15)))?;
        if open {
            area.draw(&PathElement::new(part(split, shares.len()), Role::Notice.stroke(20)))?;
        }
        if let Some((_, end)) = placed.last() {
            dot(&area, *end, 3.2, 4.6, if open { Role::Notice } else { Role::Line })?;
        }
    }
    Ok(format!("<svg class=\"spark\" viewBox=\"0 0 {} {}\" aria-hidden=\"true\">{marks}</svg>", SIZE.0, SIZE.1))
}
