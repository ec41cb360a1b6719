//! What a server answered, and what a test says of it.
//!
//! The methods that check something fail the test, with the answer's text, where it is not so.

use bytes::Bytes;
use http::HeaderMap;
use http::StatusCode;
use serde_json::Value;

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    /// Status code.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Answer {
    /// The answer, if it has this status.
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self
    }

    /// The answer, if it is an error with this text.
    #[track_caller]
    pub fn fails(self, status: u16, message: &str) -> Self {
        let answer = self.is(status);
        assert_eq!(answer.json()["message"], message);
        assert_eq!(answer.header("content-type"), "application/json");
        answer
    }

    /// The answer, if it is an error whose text has this in it.
    #[track_caller]
    pub fn says(self, status: u16, fragment: &str) -> Self {
        let answer = self.is(status);
        assert!(answer.message().contains(fragment), "{} in {}", fragment, answer.message());
        answer
    }

    /// The text of an error; empty where there is none.
    pub fn message(&self) -> String {
        self.json()["message"].as_str().unwrap_or_default().to_owned()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).map_err(|_| self.text()).expect("JSON")
    }

    /// A header; empty where it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// `name` of each item of the list `list`.
    pub fn field(&self, list: &str, name: &str) -> Vec<String> {
        let items = self.json()[list].as_array().expect("a list").clone();
        items.iter().map(|item| item[name].as_str().unwrap_or_default().to_owned()).collect()
    }
}
