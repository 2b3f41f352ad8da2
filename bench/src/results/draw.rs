//! The results as a picture: for each size of frames, how fast each receiver is.

use std::fmt::Write;

use super::budgets::is_floor;
use super::{Cell, Results};

const WIDTH: usize = 900;
const LABEL: usize = 220;
const NUMBER: usize = 210;
const BAR: usize = 16;
const LINE: usize = 20;
const TITLE: usize = 48;

/// Draws all floods as bars: the longest is the fastest.
pub fn svg(results: &Results) -> String {
    let panels: Vec<(String, Vec<&Cell>)> = results
        .groups()
        .into_iter()
        .filter(|(section, _)| *section != "bad")
        .map(|(section, group)| {
            let over = if section == "tls" { " over TLS" } else { "" };
            let cells = results.cells.iter();
            let cells = cells.filter(|cell| cell.section == section && cell.group == group);
            (format!("Events a second, frames of {group} bytes{over}"), cells.collect())
        })
        .collect();
    let height: usize = panels.iter().map(|(_, cells)| TITLE + cells.len() * LINE).sum();
    let mut out = String::new();
    draw(&panels, height + LINE, &mut out).expect("a String takes everything");
    out
}

fn draw(panels: &[(String, Vec<&Cell>)], height: usize, out: &mut String) -> std::fmt::Result {
    writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">"#
    )?;
    writeln!(out, r#"<rect width="{WIDTH}" height="{height}" fill="white"/>"#)?;
    let mut top = 0;
    for (title, cells) in panels {
        panel(title, cells, top, out)?;
        top += TITLE + cells.len() * LINE;
    }
    writeln!(out, "</svg>")
}

fn panel(title: &str, cells: &[&Cell], top: usize, out: &mut String) -> std::fmt::Result {
    writeln!(out, r#"<text x="10" y="{}" font-size="15">{}</text>"#, top + 30, escaped(title))?;
    let per_second = |cell: &Cell| 1e9 / cell.wall().median;
    let most = cells.iter().map(|cell| per_second(cell)).fold(f64::MIN_POSITIVE, f64::max);
    for (index, cell) in cells.iter().enumerate() {
        let y = top + TITLE + index * LINE;
        let speed = per_second(cell);
        let longest = (WIDTH - LABEL - NUMBER) as f64;
        let length = if speed.is_finite() { (speed / most * longest).max(1.0) } else { 1.0 };
        let color = match () {
            () if cell.is_peer() => "#b0533c",
            () if is_floor(&cell.name) => "#9aa5b1",
            () => "#2f6fb0",
        };
        writeln!(
            out,
            r#"<text x="{}" y="{}" text-anchor="end">{}</text>"#,
            LABEL - 8,
            y + 12,
            escaped(&cell.name)
        )?;
        writeln!(
            out,
            r#"<rect x="{LABEL}" y="{y}" width="{length:.1}" height="{BAR}" fill="{color}"/>"#
        )?;
        writeln!(
            out,
            r#"<text x="{:.1}" y="{}">{} a second, {:.0} ns each</text>"#,
            LABEL as f64 + length + 6.0,
            y + 12,
            rounded(speed),
            cell.wall().median
        )?;
    }
    Ok(())
}

fn rounded(speed: f64) -> String {
    match speed {
        _ if speed >= 1e6 => format!("{:.2} M", speed / 1e6),
        _ if speed >= 1e3 => format!("{:.0} k", speed / 1e3),
        _ => format!("{speed:.0}"),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Sample;

    #[test]
    fn a_receiver_that_is_half_as_fast_has_half_a_bar() {
        let cell = |name: &str, wall_ns| Cell {
            section: "flood".into(),
            group: "208".into(),
            name: name.into(),
            frames: 10,
            samples: vec![Sample {
                wall_ns,
                cpu_ns: 1,
                peak_kib: 1,
                server_cpu_ns: 1,
                server_frames: 1,
            }],
        };
        let cells = vec![cell("tokio/count", 1_000), cell("tokio/subscription", 2_000)];
        let svg = svg(&Results { cells, ..Results::default() });
        assert!(svg.contains(r#"width="470.0""#) && svg.contains(r#"width="235.0""#), "{svg}");
        assert!(svg.contains("10.00 M a second, 100 ns each"), "{svg}");
    }
}
