//! Medians with their ranges, paired ratios, one table.

use super::programs::machine;
use crate::process::{command, output_of, root};
use std::fmt::Write;

const DOCUMENT: &str = "docs/performance.md";
const BEGIN: &str = "<!-- measured: begin -->";
const END: &str = "<!-- measured: end -->";

pub struct Report {
    words: String,
    rows: Vec<String>,
    /// Tables with a column for each size: their head, and their rows.
    curves: Vec<(String, Vec<String>)>,
}

/// The figures of the rounds, in their order.
#[derive(Default, Clone)]
pub struct Series(Vec<f64>);

impl Series {
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    fn sorted(&self) -> Vec<f64> {
        let mut values = self.0.clone();
        values.sort_by(f64::total_cmp);
        values
    }

    pub fn median(&self) -> f64 {
        let values = self.sorted();
        let middle = values.len() / 2;
        match (values.get(middle), values.len() % 2) {
            (Some(upper), 0) => f64::midpoint(*upper, values[middle - 1]),
            (Some(value), _) => *value,
            (None, _) => f64::NAN,
        }
    }

    /// Median and, in brackets, the least and the most.
    pub fn shown(&self) -> String {
        let values = self.sorted();
        match (values.first(), values.last()) {
            (Some(least), Some(most)) if values.len() > 1 => {
                format!("{} [{}-{}]", short(self.median()), short(*least), short(*most))
            }
            (Some(only), _) => short(*only),
            (None, _) => "-".into(),
        }
    }

    /// The median alone.
    pub fn brief(&self) -> String {
        short(self.median())
    }

    /// Round by round: this one divided by the other.
    pub fn over(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a / b).collect())
    }
}

fn short(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

impl Report {
    pub fn new(words: &str) -> Self {
        Self {
            words: words.to_owned(),
            rows: Vec::new(),
            curves: Vec::new(),
        }
    }

    pub fn row(&mut self, what: &str, ours: &str, baseline: &str, ratio: &str, target: &str) {
        println!("{what}: {ours} | baseline {baseline} | ratio {ratio} (target {target})");
        self.rows
            .push(format!("| {what} | {ours} | {baseline} | {ratio} | {target} |"));
    }

    /// One figure at each size, and how it grows from the least to the largest.
    pub fn curve(&mut self, table: &str, sizes: &[u64], what: &str, cells: &[String], growth: &str, target: &str) {
        println!(
            "{table}, {what}, at {sizes:?}: {} | grows {growth} (target {target})",
            cells.join(" | ")
        );
        let columns = sizes.iter().map(u64::to_string).collect::<Vec<_>>().join(" | ");
        let rule = "---|".repeat(sizes.len() + 3);
        let head = format!("| {table} | {columns} | grows | target |\n|{rule}");
        let row = format!("| {what} | {} | {growth} | {target} |", cells.join(" | "));
        match self.curves.iter_mut().find(|(known, _)| *known == head) {
            Some((_, rows)) => rows.push(row),
            None => self.curves.push((head, vec![row])),
        }
    }

    /// Us, the baseline, and us divided by it.
    pub fn pair(&mut self, what: &str, ours: &Series, baseline: &Series, target: &str) {
        self.row(
            what,
            &ours.shown(),
            &baseline.shown(),
            &ours.over(baseline).shown(),
            target,
        );
    }

    pub fn text(&self) -> String {
        let date = output_of(command("date", &["+%Y-%m-%d"], "")).unwrap_or_default();
        let mut out = format!(
            "{}. {date}, `{}`.\n\nMedian [least-most] of the rounds; a ratio is ours divided by the baseline's of the \
             same round.\n\n",
            machine(),
            self.words
        );
        out.push_str("| what | Countersign | baseline | ratio | target |\n|---|---|---|---|---|\n");
        for row in &self.rows {
            let _ = writeln!(out, "{row}");
        }
        for (head, rows) in &self.curves {
            let _ = writeln!(out, "\n{head}\n{}", rows.join("\n"));
        }
        out
    }

    /// Puts the tables between the marks of the document.
    pub fn write(&self) -> Result<(), String> {
        let path = root().join(DOCUMENT);
        let document = std::fs::read_to_string(&path).map_err(|e| format!("{DOCUMENT}: {e}"))?;
        let (Some(begin), Some(end)) = (document.find(BEGIN), document.find(END)) else {
            return Err(format!("{DOCUMENT} has lost its marks {BEGIN} and {END}"));
        };
        let text = format!("{}{BEGIN}\n\n{}\n{}", &document[..begin], self.text(), &document[end..]);
        std::fs::write(&path, text).map_err(|e| format!("{DOCUMENT}: {e}"))
    }
}

#[cfg(test)]
mod tests {
    use super::Series;

    #[test]
    fn medians_and_ratios() {
        let a = Series(vec![10.0, 30.0, 20.0]);
        let b = Series(vec![5.0, 10.0, 20.0]);
        assert_eq!(a.shown(), "20.0 [10.0-30.0]");
        assert_eq!(a.over(&b).shown(), "2.00 [1.00-3.00]");
        assert_eq!(Series(vec![1.0, 2.0]).shown(), "1.50 [1.00-2.00]");
    }
}
