//! A report for people.

use std::fmt;

use crate::Report;

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if self.deep { ", with the bytes of objects" } else { "" };
        writeln!(out, "Examined in {}{how}:", seconds(self.duration_ms))?;
        writeln!(out)?;
        for (label, number) in self.examined.labelled() {
            if number > 0 {
                writeln!(out, "  {:>15}  {label}", grouped(number))?;
            }
        }
        for sentence in &self.not_examined {
            writeln!(out, "\nNot examined: {sentence}")?;
        }
        writeln!(out, "\n{}", self.summary())?;
        for finding in &self.findings {
            writeln!(out, "\n{finding}")?;
        }
        if self.left_out > 0 {
            writeln!(out, "\n{} more findings are not shown.", grouped(self.left_out))?;
        }
        Ok(())
    }
}

impl Report {
    /// One line that says how bad it is.
    pub fn summary(&self) -> String {
        let numbers = [(self.errors, "error"), (self.warnings, "warning"), (self.infos, "piece")];
        let parts: Vec<String> = numbers
            .iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, name)| {
                let plural = if *number == 1 { "" } else { "s" };
                let of = if *name == "piece" { " of information" } else { "" };
                format!("{} {name}{plural}{of}", grouped(*number))
            })
            .collect();
        if parts.is_empty() {
            return "Nothing is wrong.".to_owned();
        }
        let verdict = if self.errors + self.warnings == 0 { "Nothing is wrong. " } else { "" };
        format!("{verdict}Found {}.", parts.join(", "))
    }
}

fn seconds(milliseconds: u64) -> String {
    format!("{}.{} s", milliseconds / 1_000, milliseconds % 1_000 / 100)
}

/// Digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stand_in_groups_of_three() {
        let shown = [0, 12, 999, 1_000, 123_456, 1_234_567].map(grouped);
        assert_eq!(shown, ["0", "12", "999", "1,000", "123,456", "1,234,567"]);
    }
}
