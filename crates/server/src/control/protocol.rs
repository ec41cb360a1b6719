//! What is said over the control socket: one line of JSON each.

use serde::Deserialize;
use serde::Serialize;

use lakehold_doctor::Options;
use lakehold_doctor::Progress;
use lakehold_doctor::Report;

/// What a client wants.
#[derive(Debug, Deserialize, Serialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub(super) enum Request {
    /// To have the installation examined.
    Doctor(DoctorRequest),
}

/// How it is to be examined. What is left out is as usual.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct DoctorRequest {
    deep: bool,
    repositories: Option<Vec<String>>,
}

/// How many requests an examination sends to the block store at a time: fewer than usual, because
/// clients are served as well.
const BESIDE_CLIENTS: usize = 8;

impl From<&Options> for DoctorRequest {
    fn from(options: &Options) -> Self {
        Self { deep: options.deep, repositories: options.repositories.clone() }
    }
}

impl From<DoctorRequest> for Options {
    fn from(request: DoctorRequest) -> Self {
        Self {
            deep: request.deep,
            repositories: request.repositories,
            concurrency: BESIDE_CLIENTS,
            ..Self::default()
        }
    }
}

/// What the server says.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    /// It goes on.
    Progress(Progress),
    /// The outcome; nothing follows.
    Report(Box<Report>),
    /// Why there is none; nothing follows.
    Error(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_what_the_documents_say() {
        let request = serde_json::from_str(r#"{"command":"doctor","deep":true}"#);
        let Request::Doctor(request) = request.expect("a request");
        let options = Options::from(request);
        assert!(options.deep && options.repositories.is_none());
        let written = Request::Doctor(DoctorRequest::from(&options));
        let written = serde_json::to_string(&written).expect("JSON");
        assert_eq!(written, r#"{"command":"doctor","deep":true,"repositories":null}"#);
        assert!(serde_json::from_str::<Request>(r#"{"command":"stop"}"#).is_err());
    }
}
