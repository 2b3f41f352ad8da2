//! The growth as a picture: a panel for each curve, both axes logarithmic, each receiver a line.

use std::fmt::Write;

use super::{Curve, Results};

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 190.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = 40.0;

/// The floors' colors, then ours.
const COLORS: [&str; 3] = ["#9aa5b1", "#b0853c", "#2f6fb0"];

/// Draws all curves.
pub fn growth_svg(results: &Results) -> String {
    let curves = results.curves();
    let mut out = String::new();
    draw(&curves, &mut out).expect("a String takes everything");
    out
}

fn draw(curves: &[Curve], out: &mut String) -> std::fmt::Result {
    let height = HEIGHT * curves.len().max(1) as f64;
    writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">"#
    )?;
    writeln!(out, r#"<rect width="{WIDTH}" height="{height}" fill="white"/>"#)?;
    for (index, curve) in curves.iter().enumerate() {
        writeln!(out, r#"<g transform="translate(0 {})">"#, HEIGHT * index as f64)?;
        panel(curve, out)?;
        writeln!(out, "</g>")?;
    }
    writeln!(out, "</svg>")
}

/// A logarithmic axis over whole decades, between two places of the picture.
struct Axis {
    first: i32,
    last: i32,
    from: f64,
    to: f64,
}

impl Axis {
    fn over(values: impl Iterator<Item = f64> + Clone, from: f64, to: f64) -> Self {
        let logs = values.filter(|value| *value > 0.0).map(f64::log10);
        let first = logs.clone().fold(f64::INFINITY, f64::min).floor();
        let last = logs.fold(f64::NEG_INFINITY, f64::max).ceil();
        let (first, last) = if first <= last { (first as i32, last as i32) } else { (0, 1) };
        Self { first, last: last.max(first + 1), from, to }
    }

    fn place(&self, value: f64) -> f64 {
        let part = (value.log10() - f64::from(self.first)) / f64::from(self.last - self.first);
        self.from + part * (self.to - self.from)
    }

    fn decades(&self) -> impl Iterator<Item = f64> {
        (self.first..=self.last).map(|power| 10f64.powi(power))
    }
}

fn panel(curve: &Curve, out: &mut String) -> std::fmt::Result {
    writeln!(
        out,
        r#"<text x="10" y="26" font-size="15">ns an event, by {}</text>"#,
        curve.title()
    )?;
    let x = Axis::over(curve.points.iter().map(|point| point.x as f64), LEFT, WIDTH - RIGHT);
    let y = Axis::over(curve.points.iter().map(|it| it.each().median), HEIGHT - BOTTOM, TOP);
    for decade in x.decades() {
        let at = x.place(decade);
        line((at, HEIGHT - BOTTOM), (at, TOP), "#e3e7eb", out)?;
        let label = HEIGHT - BOTTOM + 18.0;
        let text = rounded(decade);
        writeln!(out, r#"<text x="{at:.1}" y="{label}" text-anchor="middle">{text}</text>"#)?;
    }
    for decade in y.decades() {
        let at = y.place(decade);
        line((LEFT, at), (WIDTH - RIGHT, at), "#e3e7eb", out)?;
        let text = rounded(decade);
        writeln!(
            out,
            r#"<text x="{}" y="{:.1}" text-anchor="end">{text}</text>"#,
            LEFT - 8.0,
            at + 4.0
        )?;
    }
    let names = curve.names();
    for (index, name) in names.iter().enumerate() {
        // Ours is the last, whether there are one or two floors.
        let color = if index + 1 == names.len() { COLORS[2] } else { COLORS[index.min(1)] };
        let places: Vec<(f64, f64)> = curve
            .of(name)
            .map(|point| (x.place(point.x as f64), y.place(point.each().median)))
            .filter(|(_, y)| y.is_finite())
            .collect();
        let text: Vec<_> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        writeln!(
            out,
            r#"<polyline points="{}" fill="none" stroke="{color}" stroke-width="2"/>"#,
            text.join(" ")
        )?;
        for (x, y) in &places {
            writeln!(out, r#"<circle cx="{x:.1}" cy="{y:.1}" r="3" fill="{color}"/>"#)?;
        }
        let label = TOP + 14.0 + 18.0 * index as f64;
        writeln!(
            out,
            r#"<text x="{}" y="{label}" fill="{color}">{name}</text>"#,
            WIDTH - RIGHT + 16.0
        )?;
    }
    Ok(())
}

fn line(from: (f64, f64), to: (f64, f64), color: &str, out: &mut String) -> std::fmt::Result {
    writeln!(
        out,
        r#"<line x1="{:.1}" y1="{:.1}" x2="{:.1}" y2="{:.1}" stroke="{color}"/>"#,
        from.0, from.1, to.0, to.1
    )
}

fn rounded(value: f64) -> String {
    match value {
        _ if value >= 1e6 => format!("{} M", value / 1e6),
        _ if value >= 1e3 => format!("{} k", value / 1e3),
        _ => format!("{value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clocks::Clocks;
    use crate::results::Point;

    #[test]
    fn a_decade_more_is_the_same_way_further() {
        let point = |x, wall_ns| Point {
            x,
            name: "tokio/count".into(),
            events: 1,
            rounds: vec![Clocks { wall_ns, cpu_ns: 1 }],
        };
        let points = vec![point(1, 100), point(10, 1_000), point(100, 10_000)];
        let growth = vec![Curve { name: "channels".into(), points }];
        let svg = growth_svg(&Results { growth, ..Results::default() });
        assert!(svg.contains(r#"points="70.0,260.0 390.0,152.0 710.0,44.0""#), "{svg}");
        assert!(svg.contains("tokio/count"), "{svg}");
    }

    #[test]
    fn nothing_is_a_picture_too() {
        assert!(growth_svg(&Results::default()).contains("</svg>"));
    }
}
