//! Medians with their ranges, paired ratios, one table.

use super::programs::machine;
use crate::process::{command, output_of, root};
use std::cmp::Ordering;
use std::fmt::Write;

const DOCUMENT: &str = "docs/performance.md";
const BEGIN: &str = "<!-- measured: begin -->";
const END: &str = "<!-- measured: end -->";

pub struct Report {
    words: String,
    rows: Vec<String>,
    /// Tables with a column for each size: their head, and their rows.
    curves: Vec<(String, Vec<String>)>,
    charts: Vec<String>,
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
            charts: Vec::new(),
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

    /// Figures over sizes as lines of a chart, which Markdown viewers draw from its text (Mermaid). It has no legend, so
    /// the lines are named in words, in the order of their ends, the largest first.
    pub fn chart(&mut self, title: &str, sizes: &[u64], lines: &[(&str, Vec<f64>)]) {
        let mut lines: Vec<_> = lines.iter().filter(|(_, line)| line.len() == sizes.len()).collect();
        if sizes.len() < 2 || lines.is_empty() {
            return;
        }
        lines.sort_by(|(_, a), (_, b)| b.last().partial_cmp(&a.last()).unwrap_or(Ordering::Equal));
        let columns = sizes.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
        let names = lines.iter().map(|(name, _)| *name).collect::<Vec<_>>().join("; ");
        let mut chart = format!("{title}, at the right end from above: {names}.\n\n```mermaid\nxychart-beta\n");
        let _ = writeln!(
            chart,
            "    title \"{title}\"\n    x-axis [{columns}]\n    y-axis \"ms\" 0 --> {}",
            {
                let most = lines.iter().flat_map(|(_, line)| line.iter().copied());
                short(most.fold(0.1, f64::max) * 1.1)
            }
        );
        for (_, line) in lines {
            let points = line.iter().map(|v| format!("{v:.3}")).collect::<Vec<_>>().join(", ");
            let _ = writeln!(chart, "    line [{points}]");
        }
        chart.push_str("```");
        self.charts.push(chart);
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
        for chart in &self.charts {
            let _ = writeln!(out, "\n{chart}");
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
    use super::{Report, Series};

    #[test]
    fn medians_and_ratios() {
        let a = Series(vec![10.0, 30.0, 20.0]);
        let b = Series(vec![5.0, 10.0, 20.0]);
        assert_eq!(a.shown(), "20.0 [10.0-30.0]");
        assert_eq!(a.over(&b).shown(), "2.00 [1.00-3.00]");
        assert_eq!(Series(vec![1.0, 2.0]).shown(), "1.50 [1.00-2.00]");
    }
    #[test]
    fn a_chart_names_its_lines_from_above() {
        let mut report = Report::new("bench");
        let lines = [("low", vec![0.1, 0.2]), ("high", vec![0.1, 0.5]), ("torn", vec![1.0])];
        report.chart("p99 CPU, ms", &[10, 100], &lines);
        let chart = report.charts.pop().expect("one");
        let head = "p99 CPU, ms, at the right end from above: high; low.\n\n```mermaid\nxychart-beta\n";
        assert!(chart.starts_with(head), "{chart}");
        let body =
            "    x-axis [10, 100]\n    y-axis \"ms\" 0 --> 0.55\n    line [0.100, 0.500]\n    line [0.100, 0.200]\n```";
        assert!(chart.ends_with(body), "{chart}");
        report.chart("of one size", &[10], &[("low", vec![0.1])]);
        assert!(report.charts.is_empty(), "a point is no curve");
    }
}
