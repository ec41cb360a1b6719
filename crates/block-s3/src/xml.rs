//! The XML that S3 answers with, as a tree, and the little that is sent.
//!
//! Texts are kept to the last blank: they may be keys of objects.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::BytesRef;
use quick_xml::events::Event;

/// Deeper than any answer of S3.
const MAX_DEPTH: usize = 32;

/// An element: its name without prefix, its text, its elements.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) name: String,
    text: String,
    children: Vec<Self>,
}

/// A document that is none.
#[derive(Debug, thiserror::Error)]
#[error("not the XML that was expected: {0}")]
pub(crate) struct InvalidXml(String);

impl Element {
    /// Reads a document, and returns its outermost element.
    pub(crate) fn parse(document: &str) -> Result<Self, InvalidXml> {
        let mut reader = Reader::from_str(document);
        let mut open = vec![Self::default()];
        loop {
            let event = reader.read_event().map_err(|error| InvalidXml(error.to_string()))?;
            if matches!(event, Event::Eof) {
                break;
            }
            take(&mut open, &event)?;
        }
        let root = open.pop().filter(|_| open.is_empty());
        root.and_then(|mut root| root.children.pop())
            .ok_or_else(|| InvalidXml("it ends too early".to_owned()))
    }

    /// The first element called `name`.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// All elements called `name`.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of the first element called `name`; empty where there is none.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.child(name).map_or("", |child| &child.text)
    }
}

fn take(open: &mut Vec<Element>, event: &Event<'_>) -> Result<(), InvalidXml> {
    let text: Cow<'_, str> = match event {
        Event::Start(start) => {
            if open.len() > MAX_DEPTH {
                return Err(InvalidXml("it is nested too deeply".to_owned()));
            }
            open.push(named(start.local_name().as_ref()));
            return Ok(());
        }
        Event::End(_) => return close(open),
        Event::Empty(empty) => {
            open.push(named(empty.local_name().as_ref()));
            return close(open);
        }
        Event::Text(text) => text.clone().into_inner(),
        Event::CData(text) => text.clone().into_inner(),
        Event::GeneralRef(reference) => resolve(reference)?.into(),
        _ => return Ok(()),
    };
    if let Some(innermost) = open.last_mut() {
        innermost.text.push_str(&text);
    }
    Ok(())
}

fn named(name: &str) -> Element {
    Element { name: name.to_owned(), ..Element::default() }
}

fn close(open: &mut Vec<Element>) -> Result<(), InvalidXml> {
    match (open.pop(), open.last_mut()) {
        (Some(closed), Some(outer)) => {
            outer.children.push(closed);
            Ok(())
        }
        _ => Err(InvalidXml("it closes what was not open".to_owned())),
    }
}

fn resolve(reference: &BytesRef<'_>) -> Result<String, InvalidXml> {
    let character = reference.resolve_char_ref().map_err(|error| InvalidXml(error.to_string()))?;
    let character = character.or(match reference.clone().into_inner().as_ref() {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "apos" => Some('\''),
        "quot" => Some('"'),
        _ => None,
    });
    character.map(String::from).ok_or_else(|| InvalidXml("unknown entity".to_owned()))
}

/// `text` as it may stand in an element.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_kept_to_the_last_blank() {
        let document = "<?xml version=\"1.0\"?>\n<List xmlns=\"http://s3/\">\n <Key> a&amp;b &#x41; \
                        </Key><Key/><Key><![CDATA[<&>]]></Key><E><Code>x</Code></E></List>";
        let list = Element::parse(document).unwrap();
        assert_eq!(list.name, "List");
        let keys: Vec<&str> = list.all("Key").map(|key| key.text.as_str()).collect();
        assert_eq!(keys, [" a&b A ", "", "<&>"]);
        assert_eq!(list.child("E").unwrap().text("Code"), "x");
        assert_eq!(list.text("Missing"), "");
    }

    #[test]
    fn what_is_cut_off_or_no_xml_is_refused() {
        for document in ["", "<a>", "<a><b></a>", "</a>", "text", "<a>&nothing;</a>"] {
            assert!(Element::parse(document).is_err(), "{document}");
        }
        let deep = "<a>".repeat(40) + &"</a>".repeat(40);
        assert!(Element::parse(&deep).is_err());
    }

    #[test]
    fn what_was_escaped_is_read_back() {
        let text = "a<b>&\"c\"&amp;";
        let read = Element::parse(&format!("<a><b>{}</b></a>", escape(text))).unwrap();
        assert_eq!(read.text("b"), text);
    }
}
