//! Values of settings: from text, and back to what a file may contain.

use std::time::Duration;

use serde_json::Value as Json;

use super::duration;
use super::known::Kind;

/// A checked value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// Of [`Kind::Text`], [`Kind::Path`] and [`Kind::Choice`].
    Text(String),
    /// Of [`Kind::Flag`].
    Flag(bool),
    /// Of [`Kind::Integer`].
    Integer(i64),
    /// Of [`Kind::Number`].
    Number(f64),
    /// Of [`Kind::Duration`].
    Duration(Duration),
    /// Of [`Kind::List`].
    List(Vec<String>),
    /// Of [`Kind::Any`].
    Any(Json),
}

impl Value {
    /// The value that `text` stands for, in the environment, on the command line, or as one value of
    /// a file. Fails where it stands for none.
    pub(super) fn parse(kind: Kind, text: &str) -> Result<Self, NotThat> {
        let trimmed = text.trim();
        let value = match kind {
            Kind::Text | Kind::Path => Some(Self::Text(text.to_owned())),
            Kind::Flag => flag(trimmed).map(Self::Flag),
            Kind::Integer => trimmed.parse().ok().map(Self::Integer),
            Kind::Number => {
                trimmed.parse().ok().filter(|number: &f64| number.is_finite()).map(Self::Number)
            }
            Kind::Duration => duration::parse(trimmed).map(Self::Duration),
            Kind::Choice(choices) => choice(choices, trimmed).map(Self::Text),
            Kind::List => Some(Self::List(list(trimmed))),
            Kind::Any => Some(Self::Any(Json::String(text.to_owned()))),
        };
        value.ok_or(NotThat)
    }

    /// The value as JSON.
    pub(super) fn json(&self) -> Json {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Flag(flag) => (*flag).into(),
            Self::Integer(number) => (*number).into(),
            Self::Number(number) => (*number).into(),
            Self::Duration(time) => duration::text(*time).into(),
            Self::List(texts) => texts.iter().map(String::as_str).collect(),
            Self::Any(json) => json.clone(),
        }
    }
}

/// A text that is no value of the kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotThat;

/// The spellings that lakeFS takes.
fn flag(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "True" | "TRUE" => Some(true),
        "0" | "f" | "F" | "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

fn choice(choices: &[&str], text: &str) -> Option<String> {
    let found = choices.iter().find(|choice| choice.eq_ignore_ascii_case(text))?;
    Some((*found).to_owned())
}

/// A JSON array, or texts with commas between them.
pub(super) fn list(text: &str) -> Vec<String> {
    if text.starts_with('[')
        && let Ok(texts) = serde_json::from_str(text)
    {
        return texts;
    }
    let texts = text.split(',').map(str::trim).filter(|text| !text.is_empty());
    texts.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_values_of_their_kind() {
        let parse = |kind, text| Value::parse(kind, text).ok();
        assert_eq!(parse(Kind::Flag, " True "), Some(Value::Flag(true)));
        assert_eq!(parse(Kind::Flag, "yes"), None);
        assert_eq!(parse(Kind::Integer, "-7"), Some(Value::Integer(-7)));
        assert_eq!(parse(Kind::Integer, "7.5"), None);
        assert_eq!(parse(Kind::Number, "0.5"), Some(Value::Number(0.5)));
        assert_eq!(parse(Kind::Number, "inf"), None);
        assert_eq!(parse(Kind::Choice(&["local", "s3"]), "S3"), Some(Value::Text("s3".into())));
        assert_eq!(parse(Kind::Choice(&["local", "s3"]), "gs"), None);
        assert_eq!(parse(Kind::Text, " kept "), Some(Value::Text(" kept ".into())));
    }

    #[test]
    fn a_list_has_commas_or_is_json() {
        let texts = |text| match Value::parse(Kind::List, text) {
            Ok(Value::List(texts)) => texts,
            other => panic!("{other:?}"),
        };
        assert_eq!(texts("a, b,,c"), ["a", "b", "c"]);
        assert_eq!(texts(r#"["a,b", "c"]"#), ["a,b", "c"]);
        assert_eq!(texts("[a"), ["[a"]);
        assert_eq!(texts(" "), [""; 0]);
    }
}
