//! The table of figures.

use std::fmt;
use std::time::Duration;

/// Lines of figures, each with its floor and its target where it has them.
#[derive(Debug, Default)]
pub struct Table {
    lines: Vec<[String; 5]>,
}

impl Table {
    /// Adds a line: what was measured, the figure, its floor, the ratio of both, the target.
    pub fn line(&mut self, what: &str, figure: String, floor: &str, ratio: String, target: &str) {
        self.lines.push([what.to_owned(), figure, floor.to_owned(), ratio, target.to_owned()]);
    }

    /// Adds a line for a figure that has no floor.
    pub fn figure(&mut self, what: &str, figure: String, target: &str) {
        self.line(what, figure, "", String::new(), target);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["benchmark", "figure", "floor", "ratio", "target"].map(str::to_owned);
        let lines = || std::iter::once(&head).chain(&self.lines);
        let widths: [usize; 5] = std::array::from_fn(|column| {
            lines().map(|line| line[column].chars().count()).max().unwrap_or(0)
        });
        let [what, figure, floor, ratio, _] = widths;
        for line in lines() {
            writeln!(
                f,
                "{:what$}  {:>figure$}  {:>floor$}  {:>ratio$}  {}",
                line[0], line[1], line[2], line[3], line[4]
            )?;
        }
        Ok(())
    }
}

/// A time in milliseconds.
pub fn milliseconds(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1000.0;
    if milliseconds < 10.0 {
        format!("{milliseconds:.1} ms")
    } else {
        format!("{milliseconds:.0} ms")
    }
}

/// A size in megabytes.
pub fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes.div_ceil(1_000_000))
}

/// How often one time goes into another.
pub fn ratio(time: Duration, floor: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() / floor.as_secs_f64())
}
