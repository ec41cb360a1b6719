//! The list of all settings for people: `lakehold config keys`, and docs/guide/settings.md.

use super::known;
use super::known::Fate;
use super::known::Known;

/// All settings with default and meaning, as Markdown.
pub fn guide() -> String {
    let mut text = String::new();
    for (subject, settings) in known::subjects() {
        text += &format!(
            "## {subject}\n\n| setting | default | what it decides |\n| --- | --- | --- |\n"
        );
        settings
            .iter()
            .filter(|known| known.fate == Fate::Used)
            .for_each(|known| text += &row(known));
        text.push('\n');
    }
    text += "## Accepted, without effect\n\n";
    text += "| setting of lakeFS | why it decides nothing |\n| --- | --- |\n";
    for known in known::all().filter(|known| known.fate != Fate::Used) {
        let refused = match known.fate {
            Fate::RefusedUnless("") => "; refused where it is set".to_owned(),
            Fate::RefusedUnless(only) => format!("; anything but `{only}` is refused"),
            Fate::Used | Fate::Ignored => String::new(),
        };
        text += &format!("| `{}` | {}{refused} |\n", known.path, known.meaning);
    }
    text
}

fn row(known: &Known) -> String {
    let ours = if known.ours { " ¹" } else { "" };
    let short = known.short.map(|name| format!("<br>also `{name}`")).unwrap_or_default();
    let default = match (known.default, known.lakefs_default) {
        ("", None) => String::new(),
        (default, None) => format!("`{default}`"),
        ("", Some(_)) if known.secret => "²".to_owned(),
        ("", Some(other)) => format!("² `{other}`"),
        (default, Some(other)) => format!("`{default}`, ² `{other}`"),
    };
    format!("| `{}`{ours}{short} | {default} | {} |\n", known.path, known.meaning)
}
