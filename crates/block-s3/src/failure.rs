//! Why a request was not answered as it should have been, and what that means.

use std::fmt;

use http::HeaderMap;
use http::StatusCode;
use lakehold_block::Error;

use crate::credentials::NoCredentials;
use crate::http_client::HttpError;
use crate::place::Place;
use crate::xml::Element;
use crate::xml::InvalidXml;

/// Why one request failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// It could not be signed.
    #[error(transparent)]
    Credentials(#[from] NoCredentials),
    /// The store did not answer.
    #[error("{service}: {source}")]
    Http {
        /// Where it was sent.
        service: String,
        /// What happened.
        #[source]
        source: HttpError,
    },
    /// The store said no.
    #[error(transparent)]
    Refused(#[from] Box<Refusal>),
    /// The store said something else.
    #[error("{0}")]
    Answer(String),
    /// What was to be sent could not be had.
    #[error(transparent)]
    Body(Error),
}

impl From<InvalidXml> for Failure {
    fn from(error: InvalidXml) -> Self {
        Self::Answer(error.to_string())
    }
}

/// An error as S3 tells it.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// S3's code, such as `NoSuchKey`; made up from the status where there is none.
    pub(crate) code: String,
    message: String,
    request_id: String,
    /// The region that the bucket is in, where that is what was wrong.
    pub(crate) region: Option<String>,
    action: &'static str,
    bucket: String,
    access_key_id: String,
}

impl Refusal {
    /// What `document` (which may be anything) and `headers` tell.
    pub(crate) fn new(
        status: StatusCode,
        headers: &HeaderMap,
        document: &str,
        (action, place): (&'static str, &Place),
    ) -> Self {
        let error = Element::parse(document).ok().filter(|root| root.name == "Error");
        let error = error.unwrap_or_default();
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let or = |text: &str, other: Option<&str>| match text {
            "" => other.unwrap_or_default().to_owned(),
            text => text.to_owned(),
        };
        let region = header("x-amz-bucket-region").map(str::to_owned);
        Self {
            status,
            code: or(error.text("Code"), Some(code_of(status))),
            message: or(error.text("Message"), status.canonical_reason()),
            request_id: or(error.text("RequestId"), header("x-amz-request-id")),
            region: region
                .or_else(|| Some(error.text("Region").to_owned()).filter(|r| !r.is_empty())),
            action,
            bucket: place.bucket.clone(),
            access_key_id: String::new(),
        }
    }

    /// Remembers who asked, for the message.
    pub(crate) fn asked_by(self, access_key_id: &str) -> Self {
        Self { access_key_id: access_key_id.to_owned(), ..self }
    }

    fn hint(&self) -> Option<String> {
        let Self { bucket, access_key_id, action, .. } = self;
        let hint = match self.code.as_str() {
            "NoSuchBucket" => format!(
                "create bucket {bucket:?}, or check the storage namespace and blockstore.s3.endpoint"
            ),
            "SignatureDoesNotMatch" => {
                format!("check the secret access key of {access_key_id}, and the machine's clock")
            }
            "InvalidAccessKeyId" => format!("check the access key id {access_key_id}"),
            "RequestTimeTooSkewed" => "check the machine's clock".to_owned(),
            "ExpiredToken" => "the session token has expired: renew the credentials".to_owned(),
            _ if self.status == StatusCode::FORBIDDEN => format!(
                "check that {access_key_id} may {action} on bucket {bucket:?}: its policies, the \
                 bucket's policy, and the key policy if the bucket is encrypted with KMS"
            ),
            _ if self.status.is_redirection() => {
                "check blockstore.s3.region, blockstore.s3.endpoint and \
                 blockstore.s3.discover_bucket_region"
                    .to_owned()
            }
            _ => return None,
        };
        Some(hint)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, code, message, request_id, action, .. } = self;
        write!(out, "{action} was answered {} {code}", status.as_u16())?;
        if !request_id.is_empty() {
            write!(out, " (request {request_id})")?;
        }
        write!(out, ": {}", message.trim_end_matches('.'))?;
        self.hint().map_or(Ok(()), |hint| write!(out, "; {hint}"))
    }
}

impl std::error::Error for Refusal {}

/// The code for an answer without a body.
fn code_of(status: StatusCode) -> &'static str {
    match status.as_u16() {
        301 => "PermanentRedirect",
        307 => "TemporaryRedirect",
        403 => "AccessDenied",
        404 => "NotFound",
        409 => "Conflict",
        412 => "PreconditionFailed",
        416 => "InvalidRange",
        429 => "TooManyRequests",
        500 => "InternalError",
        503 => "ServiceUnavailable",
        _ => "UnknownError",
    }
}

impl Failure {
    /// S3's code, where it said one.
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => Some(&refusal.code),
            _ => None,
        }
    }

    /// Whether this is an answer with that status.
    pub(crate) fn is(&self, status: StatusCode) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.status == status)
    }

    /// Whether there is no such object.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self.code(), Some("NoSuchKey" | "NotFound"))
    }

    /// Whether there is no such upload in parts. (Some stores say that there is no such key.)
    pub(crate) fn is_missing_upload(&self) -> bool {
        self.code() == Some("NoSuchUpload") || self.is_missing()
    }

    /// Whether the store asks to be called less often.
    pub(crate) fn is_throttling(&self) -> bool {
        let codes = ["SlowDown", "TooManyRequests", "Throttling", "RequestLimitExceeded"];
        self.code().is_some_and(|code| codes.contains(&code))
    }

    /// Whether the same request may be answered if it is sent again.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Http { source: HttpError::TooLong(_), .. } => false,
            Self::Http { .. } | Self::Answer(_) => true,
            Self::Refused(refusal) => {
                let codes = ["RequestTimeout", "ConditionalRequestConflict", "OperationAborted"];
                let status = refusal.status;
                (status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED)
                    || self.is_throttling()
                    || codes.contains(&refusal.code.as_str())
            }
            Self::Credentials(_) | Self::Body(_) => false,
        }
    }

    /// Whether the request may have been carried out, or may yet be.
    pub(crate) fn may_have_been_done(&self) -> bool {
        match self {
            Self::Http { source: HttpError::Connect(_), .. } | Self::Credentials(_) => false,
            Self::Http { .. } | Self::Answer(_) => true,
            Self::Refused(refusal) => refusal.status.is_server_error() && !self.is_throttling(),
            // A body that is not sent to its end is not stored.
            Self::Body(_) => false,
        }
    }

    /// The error for whoever called the store about `place`.
    pub(crate) fn about(self, place: &Place) -> Error {
        let location = place.to_string();
        match self {
            Self::Body(error) => error,
            failure if failure.is_throttling() => Error::Throttled(location),
            failure if failure.code() == Some("NoSuchKey") => Error::NotFound(location),
            failure => Error::Io { location, source: Box::new(failure) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, document: &str) -> Refusal {
        let place = Place { bucket: "lake".to_owned(), key: "main/x".to_owned() };
        let status = StatusCode::from_u16(status).unwrap();
        Refusal::new(status, &HeaderMap::new(), document, ("s3:PutObject", &place))
            .asked_by("AKIA1")
    }

    #[test]
    fn a_refusal_says_who_may_not_do_what_and_what_to_check() {
        let denied = refusal(
            403,
            "<Error><Code>AccessDenied</Code><Message>Access Denied.</Message>\
             <RequestId>ABC1</RequestId></Error>",
        );
        assert_eq!(
            denied.to_string(),
            "s3:PutObject was answered 403 AccessDenied (request ABC1): Access Denied; check that \
             AKIA1 may s3:PutObject on bucket \"lake\": its policies, the bucket's policy, and the \
             key policy if the bucket is encrypted with KMS"
        );
        let missing =
            refusal(404, "<Error><Code>NoSuchBucket</Code><Message>gone</Message></Error>");
        assert!(missing.to_string().contains("create bucket \"lake\""), "{missing}");
    }

    #[test]
    fn an_error_without_a_document_is_told_by_its_status() {
        for (status, code) in
            [(403, "AccessDenied"), (404, "NotFound"), (503, "ServiceUnavailable")]
        {
            assert_eq!(refusal(status, "").code, code);
            assert_eq!(refusal(status, "<html>proxy</html>").code, code);
        }
    }

    #[test]
    fn what_may_be_tried_again_and_what_may_have_been_done() {
        let failure = |status, code: &str| {
            let document = format!("<Error><Code>{code}</Code></Error>");
            Failure::from(Box::new(refusal(status, &document)))
        };
        for (status, code, transient, done) in [
            (500, "InternalError", true, true),
            (503, "SlowDown", true, false),
            (503, "ServiceUnavailable", true, true),
            (501, "NotImplemented", false, true),
            (400, "RequestTimeout", true, false),
            (409, "ConditionalRequestConflict", true, false),
            (403, "AccessDenied", false, false),
            (412, "PreconditionFailed", false, false),
        ] {
            let failure = failure(status, code);
            assert_eq!(failure.is_transient(), transient, "{code}");
            assert_eq!(failure.may_have_been_done(), done, "{code}");
        }
        let source = HttpError::Connect("refused".into());
        let unsent = Failure::Http { service: "minio".to_owned(), source };
        assert!(unsent.is_transient() && !unsent.may_have_been_done());
    }
}
