//! Plots, as plain SVG: one figure per file, lines with their names at their ends.
use crate::client::Failed;
use std::fmt::Write;
use std::path::Path;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 130.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 50.0;
const COLOURS: [&str; 6] = ["#1b6ca8", "#c8553d", "#2d936c", "#7b4b94", "#b8860b", "#555555"];

/// A line of a plot.
pub struct Line {
    /// Its name.
    pub name: String,
    /// Its points.
    pub points: Vec<(f64, f64)>,
}

/// An axis.
pub struct Axis {
    /// What it shows.
    pub name: &'static str,
    /// Whether it is divided by powers of ten.
    pub log: bool,
}

struct Scale {
    from: f64,
    to: f64,
    log: bool,
    start: f64,
    length: f64,
}

impl Scale {
    fn new(values: impl Iterator<Item = f64> + Clone, log: bool, start: f64, length: f64) -> Self {
        let (mut from, mut to) =
            (values.clone().fold(f64::MAX, f64::min), values.fold(f64::MIN, f64::max));
        if log {
            (from, to) = (
                10_f64.powf(from.max(1e-9).log10().floor()),
                10_f64.powf(to.max(1e-9).log10().ceil()),
            );
            to = to.max(from * 10.0);
        } else {
            (from, to) = (0.0, if to > 0.0 { to * 1.05 } else { 1.0 });
        }
        Self { from, to, log, start, length }
    }

    fn place(&self, value: f64) -> f64 {
        let part = if self.log {
            (value.max(self.from) / self.from).log10() / (self.to / self.from).log10()
        } else {
            (value - self.from) / (self.to - self.from)
        };
        self.start + part * self.length
    }

    fn marks(&self) -> Vec<f64> {
        let mut marks = Vec::new();
        if self.log {
            let mut mark = self.from;
            while mark <= self.to * 1.001 {
                marks.push(mark);
                mark *= 10.0;
            }
            return marks;
        }
        let rough = self.to / 5.0;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .map(|n| n * power)
            .find(|step| *step >= rough)
            .unwrap_or(rough);
        let mut mark = 0.0;
        while mark <= self.to {
            marks.push(mark);
            mark += step;
        }
        marks
    }
}

fn shown(value: f64) -> String {
    match value {
        value if value >= 1e6 => format!("{}M", value / 1e6),
        value if value >= 1e3 => format!("{}k", value / 1e3),
        value => format!("{}", (value * 1e6).round() / 1e6),
    }
}

/// Writes a plot.
pub fn plot(file: &Path, title: &str, x: &Axis, y: &Axis, lines: &[Line]) -> Result<(), Failed> {
    let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
    let all = || lines.iter().flat_map(|line| line.points.iter().copied());
    let across = Scale::new(all().map(|(x, _)| x), x.log, LEFT, right - LEFT);
    let up = Scale::new(all().map(|(_, y)| y), y.log, bottom, TOP - bottom);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"{LEFT}\" y=\"22\" font-size=\"14\">{title}</text>\n"
    );
    for mark in across.marks() {
        let at = across.place(mark);
        writeln!(
            out,
            "<path d=\"M{at:.1} {TOP}V{bottom}\" stroke=\"#ddd\"/><text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            bottom + 18.0,
            shown(mark)
        )?;
    }
    for mark in up.marks() {
        let at = up.place(mark);
        writeln!(
            out,
            "<path d=\"M{LEFT} {at:.1}H{right}\" stroke=\"#ddd\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 6.0,
            at + 4.0,
            shown(mark)
        )?;
    }
    writeln!(
        out,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
        f64::midpoint(LEFT, right),
        HEIGHT - 10.0,
        x.name
    )?;
    writeln!(
        out,
        "<text transform=\"translate(16 {:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
        f64::midpoint(TOP, bottom),
        y.name
    )?;
    for (line, colour) in lines.iter().zip(COLOURS.iter().cycle()) {
        let points: Vec<String> = line
            .points
            .iter()
            .map(|(x, y)| format!("{:.1},{:.1}", across.place(*x), up.place(*y)))
            .collect();
        writeln!(
            out,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            points.join(" ")
        )?;
        for point in &points {
            let (x, y) = point.split_once(',').ok_or("a point")?;
            writeln!(out, "<circle cx=\"{x}\" cy=\"{y}\" r=\"3\" fill=\"{colour}\"/>")?;
        }
        if let Some((x, y)) = line.points.last() {
            writeln!(
                out,
                "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{colour}\">{}</text>",
                across.place(*x) + 8.0,
                up.place(*y) + 4.0,
                line.name
            )?;
        }
    }
    out.push_str("</svg>\n");
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    Ok(std::fs::write(file, out)?)
}
