//! From a call to a signed request.
//!
//! Over TLS a body is not signed: nobody between can change it. Without, bytes in memory are signed by
//! their hash, and a stream chunk by chunk, so that it need not be held.

use chrono::DateTime;
use http::Request;
use http::header::CONTENT_LENGTH;
use http::header::HOST;
use http::header::USER_AGENT;
use lakehold_clock::Runtime;
use lakehold_clock::Timestamp;
use secrecy::ExposeSecret as _;

use super::Call;
use super::S3Client;
use crate::body::Payload;
use crate::body::encoded_length;
use crate::credentials::Keys;
use crate::endpoint::Target;
use crate::failure::Failure;
use crate::http_client::OutBody;
use crate::http_client::Progress;
use crate::sigv4;
use crate::sigv4::CanonicalRequest;
use crate::sigv4::ChunkSigner;
use crate::sigv4::Scope;
use crate::sigv4::SigningKey;

const PRODUCT: &str = concat!("lakehold/", env!("CARGO_PKG_VERSION"));

/// The time as requests spell it: `YYYYMMDDTHHMMSSZ`.
pub(crate) fn spelled(time: Timestamp) -> String {
    let time = DateTime::from_timestamp(time.seconds, 0).unwrap_or_default();
    time.format("%Y%m%dT%H%M%SZ").to_string()
}

/// What a request sent at `time` is signed for.
pub(crate) fn scope_at(time: &str, region: &str) -> Scope {
    let day = time.get(..8).unwrap_or_default().to_owned();
    Scope { day, region: region.to_owned(), service: "s3".to_owned() }
}

impl S3Client {
    /// The signed request for `call`.
    pub(super) async fn request(
        &self,
        call: &Call<'_>,
        target: &Target,
        keys: &Keys,
        region: &str,
        progress: &Progress,
    ) -> Result<Request<OutBody>, Failure> {
        let time = spelled(self.runtime.now());
        let scope = scope_at(&time, region);
        let is_signed = !target.tls && self.settings.tuning.sign_bodies;
        let payload = payload_hash(&self.runtime, &call.payload, is_signed).await;
        let is_chunked = payload == sigv4::STREAMING_PAYLOAD;
        let length = call.payload.length();

        let mut headers = Vec::with_capacity(call.headers.len() + 6);
        let mut set = |name: &str, value: &str| headers.push((name.to_owned(), value.to_owned()));
        set("host", &target.host);
        set("x-amz-content-sha256", &payload);
        set("x-amz-date", &time);
        if let Some(token) = &keys.token {
            set("x-amz-security-token", token.expose_secret());
        }
        if is_chunked {
            set("content-encoding", "aws-chunked");
            set("x-amz-decoded-content-length", &length.to_string());
        }
        let named = |(name, value): &(&str, String)| ((*name).to_owned(), value.clone());
        headers.extend(call.headers.iter().map(named));

        let pairs = call.query.iter().map(|(name, value)| (*name, value.as_str()));
        let query = sigv4::canonical_query(pairs);
        let request = CanonicalRequest {
            method: call.method.as_str(),
            path: &target.path,
            query: &query,
            headers: &headers,
            payload: &payload,
        };
        let key = SigningKey::derive(keys.secret.expose_secret(), &scope);
        let signature = key.sign(&sigv4::string_to_sign(&time, &scope, &request));
        let authorization = format!(
            "{} Credential={}/{}, SignedHeaders={}, Signature={signature}",
            sigv4::ALGORITHM,
            keys.access_key_id,
            scope.text(),
            sigv4::signed_headers(&headers),
        );
        let signer = is_chunked.then(|| ChunkSigner::new(key, &time, scope, signature));
        let body = call.payload.body(&self.runtime, signer, progress.clone());

        let sent = if is_chunked { encoded_length(length) } else { length };
        let mut builder = Request::builder()
            .method(call.method.clone())
            .uri(target.url(&query))
            .header(USER_AGENT, PRODUCT)
            .header("authorization", authorization);
        for (name, value) in headers {
            builder = builder.header(name, value);
        }
        if call.method != http::Method::GET && call.method != http::Method::HEAD {
            // Also where there is nothing to send: some stores insist.
            builder = builder.header(CONTENT_LENGTH, sent);
        }
        debug_assert!(builder.headers_ref().is_none_or(|headers| headers.contains_key(HOST)));
        builder.body(body).map_err(|error| Failure::Answer(format!("cannot be asked: {error}")))
    }
}

async fn payload_hash(runtime: &Runtime, payload: &Payload, is_signed: bool) -> String {
    match payload {
        Payload::Whole(pieces) if pieces.is_empty() => sigv4::EMPTY_PAYLOAD.to_owned(),
        _ if !is_signed => sigv4::UNSIGNED_PAYLOAD.to_owned(),
        Payload::Whole(pieces) => {
            let pieces = pieces.clone();
            runtime.blocking(move || sigv4::sha256_of(&pieces)).await
        }
        Payload::Stream(_) => sigv4::STREAMING_PAYLOAD.to_owned(),
    }
}
