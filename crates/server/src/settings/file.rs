//! Reading a file of settings: YAML, with every name checked against the table.
//!
//! The file is walked, not deserialized into something: a wrong name or value is met where it stands,
//! so that the error can say the line. A value is taken as the text that is written there, and read
//! as a text from the environment would be.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize as _;
use serde::Deserializer;
use serde::de::DeserializeSeed;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;
use serde_json::Value as Json;

use super::known;
use super::known::Kind;
use super::known::Known;
use super::nearest;
use super::value;
use super::value::Value;

/// What is in a file: values by their names.
pub(super) type Given = BTreeMap<String, Value>;

/// Reads `text`. Fails, with what is wrong and the line it is in, where it is no YAML, has a name
/// that is not known, or a value of the wrong kind.
pub(super) fn read(text: &str) -> Result<Given, String> {
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(Given::new());
    }
    let reading = Reading::default();
    let document = yaml_serde::Deserializer::from_str(text);
    let read = Node { reading: &reading, path: String::new() }.deserialize(document);
    if let Err(error) = read {
        let line = error.location().map(|location| format!("line {}: ", location.line()));
        let found = reading.problem.take().unwrap_or_else(|| error.to_string());
        return Err(line.unwrap_or_default() + &found);
    }
    Ok(reading.given.into_inner())
}

#[derive(Default)]
struct Reading {
    given: RefCell<Given>,
    /// What was found to be wrong, in our words. The error of the YAML library has the line.
    problem: RefCell<Option<String>>,
}

impl Reading {
    fn refuse<E: serde::de::Error>(&self, problem: String) -> E {
        self.problem.replace(Some(problem));
        E::custom("refused")
    }

    /// Says what is wrong where it is not known yet, at the place of `error`.
    fn explain<E>(&self, problem: String, error: E) -> E {
        self.problem.borrow_mut().get_or_insert(problem);
        error
    }

    fn has(&self, path: &str) -> bool {
        self.given.borrow().contains_key(path)
    }
}

/// A section or a value.
struct Node<'a> {
    reading: &'a Reading,
    path: String,
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, found: D) -> Result<(), D::Error> {
        // A name that is followed by nothing is as if it were not there.
        found.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a section or a value")
    }

    fn visit_none<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, found: D) -> Result<(), D::Error> {
        let Self { reading, path } = &self;
        let Some(known) = known::find(path) else {
            let place = if path.is_empty() { "the file" } else { path };
            let problem =
                format!("{place}: expected a section (`name: value` lines), got something else");
            return found
                .deserialize_map(Section(&self))
                .map_err(|error| reading.explain(problem, error));
        };
        let value = match known.kind {
            Kind::Any => Json::deserialize(found).map(Value::Any),
            Kind::List => found.deserialize_any(Texts).map(Value::List),
            _ => found.deserialize_str(Text { reading, path, known }),
        };
        let problem = || format!("{path}: expected {}, got something else", known.kind.expected());
        let value = value.map_err(|error| reading.explain(problem(), error))?;
        reading.given.borrow_mut().insert(path.clone(), value);
        Ok(())
    }
}

/// Names with what belongs to them.
struct Section<'a>(&'a Node<'a>);

impl<'de> Visitor<'de> for Section<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a section")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Node { reading, path } = self.0;
        while let Some(path) = map.next_key_seed(Name { reading, section: path })? {
            map.next_value_seed(Node { reading, path })?;
        }
        Ok(())
    }
}

/// One value, as it is written.
struct Text<'a> {
    reading: &'a Reading,
    path: &'a str,
    known: &'a Known,
}

impl Visitor<'_> for Text<'_> {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.known.kind.expected())
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Value, E> {
        let Self { reading, path, known } = self;
        Value::parse(known.kind, text)
            .map_err(|_| reading.refuse(format!("{path}: {}", known.refusal(text))))
    }
}

/// Several values: a list, or one text with commas.
struct Texts;

impl<'de> Visitor<'de> for Texts {
    type Value = Vec<String>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of texts")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Vec<String>, E> {
        Ok(value::list(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<String>, A::Error> {
        let mut texts = Vec::new();
        while let Some(text) = list.next_element()? {
            texts.push(text);
        }
        Ok(texts)
    }
}

/// A name in a section, checked when it is met.
struct Name<'a> {
    reading: &'a Reading,
    section: &'a str,
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, found: D) -> Result<String, D::Error> {
        found.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = String;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the name of a setting")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<String, E> {
        // lakeFS does not tell small letters from capital ones.
        let name = name.to_lowercase();
        let path = if self.section.is_empty() { name } else { format!("{}.{name}", self.section) };
        if self.reading.has(&path) {
            return Err(self.reading.refuse(format!("{path} is there twice")));
        }
        if known::find(&path).is_some() || known::is_section(&path) {
            return Ok(path);
        }
        Err(self.reading.refuse(unknown(&path)))
    }
}

/// What is said of a name that is not known.
fn unknown(path: &str) -> String {
    match nearest::setting(path) {
        Some(near) => format!("unknown setting {path}: did you mean {near}?"),
        None => format!("unknown setting {path}: `lakehold config keys` lists all there are"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(given: &Given, path: &str) -> String {
        given.get(path).map_or_else(String::new, |value| value.json().to_string())
    }

    #[test]
    fn sections_names_and_values_are_read() {
        let given = read(
            "database: {type: local, local: {path: ~/kv}}\n\
             # a comment\n\
             blockstore:\n  type: local\n  local:\n    allowed_external_prefixes: [/a, /b]\n\
             auth: {encrypt: {secret_key: 0123}}\n\
             committed.permanent.max_range_size_bytes: 65536\n\
             LISTEN_ADDRESS: ':80'\n\
             ui: {snippets: [{id: a, code: b}]}\n\
             logging:\ngraveler: {repository_cache: ~}\n",
        )
        .expect("valid");
        assert_eq!(text(&given, "database.type"), r#""local""#);
        assert_eq!(text(&given, "database.local.path"), r#""~/kv""#);
        assert_eq!(text(&given, "blockstore.local.allowed_external_prefixes"), r#"["/a","/b"]"#);
        assert_eq!(text(&given, "auth.encrypt.secret_key"), r#""0123""#, "as it is written");
        assert_eq!(text(&given, "committed.permanent.max_range_size_bytes"), "65536");
        assert_eq!(text(&given, "listen_address"), r#"":80""#);
        assert_eq!(text(&given, "ui.snippets"), r#"[{"id":"a","code":"b"}]"#);
        assert_eq!(given.len(), 8);
    }

    #[test]
    fn nothing_is_nothing() {
        for empty in ["", "\n", "# only a comment\n\n", "---\n", "---\n# comment", "~"] {
            assert_eq!(read(empty), Ok(Given::new()), "{empty:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (file, said) in [
            ("a: 1", "line 1: unknown setting a: `lakehold config keys`"),
            (
                "database:\n  type: local\n  postgres:\n    conection_string: x",
                "line 4: unknown setting database.postgres.conection_string: did you mean \
                 database.postgres.connection_string?",
            ),
            (
                "database:\n  type: dynamodb",
                "line 2: database.type: expected one of local, postgres, mem, got \"dynamodb\"",
            ),
            (
                "\nactions: {enabled: yes}",
                "line 2: actions.enabled: expected true or false, got \"yes\"",
            ),
            ("database: postgres", "line 1: database: expected a section"),
            ("- a", "line 1: the file: expected a section"),
            ("database:\n  type: {a: b}", "line 2: database.type: expected one of"),
            ("database:\n  type: [local]", "line 2: database.type: expected one of"),
            ("listen_address: a\nlisten_address: b", "line 2: listen_address is there twice"),
            ("auth.login_duration: 5", "line 1: auth.login_duration: expected a time"),
            (
                "auth: {encrypt: {secret_key: [s3cret]}}",
                "line 1: auth.encrypt.secret_key: expected a text",
            ),
        ] {
            let refused = read(file).expect_err(file);
            assert!(refused.starts_with(said), "{file:?}: {refused}");
            assert!(!refused.contains("s3cret"), "{refused}");
        }
        assert!(read("a: [").expect_err("no YAML").contains("line "));
    }
}
