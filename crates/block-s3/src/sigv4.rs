//! AWS Signature Version 4, for whoever signs requests and whoever checks them.
//!
//! Self-contained: texts in, texts out. What is signed is the *canonical request*, in which path, query
//! and headers have one spelling only:
//!
//! ```text
//! request ── canonical_request ── string_to_sign(time, scope) ── SigningKey::sign ── 64 hex digits
//! ```
//!
//! Keys of objects are taken as they are: a path is percent-encoded once and never normalised, so
//! that `a//b`, `..` and a slash at the end are what they look like. A body that is sent while it is
//! being made is signed chunk by chunk ([`ChunkSigner`]), each signature covering the one before.

use std::borrow::Cow;

use bytes::Bytes;
use hmac::Hmac;
use hmac::KeyInit as _;
use hmac::Mac as _;
use sha2::Digest as _;
use sha2::Sha256;

/// What signatures of this kind call themselves.
pub const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Stands for the hash of a body that is not signed.
pub const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// Stands for the hash of a body that is signed chunk by chunk.
pub const STREAMING_PAYLOAD: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";

/// The SHA-256 of no bytes.
pub const EMPTY_PAYLOAD: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const HEX_UPPER: &[u8; 16] = b"0123456789ABCDEF";

/// What a signature is good for: a day, a region, a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The day, as `YYYYMMDD`.
    pub day: String,
    /// The region, such as `us-east-1`.
    pub region: String,
    /// The service, such as `s3`.
    pub service: String,
}

impl Scope {
    /// The scope as part of a credential: `20130524/us-east-1/s3/aws4_request`.
    pub fn text(&self) -> String {
        let Self { day, region, service } = self;
        format!("{day}/{region}/{service}/aws4_request")
    }
}

/// The key that everything in one scope is signed with.
#[derive(Clone)]
pub struct SigningKey([u8; 32]);

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("SigningKey(hidden)")
    }
}

impl SigningKey {
    /// The key that follows from a secret access key for `scope`.
    pub fn derive(secret: &str, scope: &Scope) -> Self {
        let secret = format!("AWS4{secret}");
        let day = hmac(secret.as_bytes(), scope.day.as_bytes());
        let region = hmac(&day, scope.region.as_bytes());
        let service = hmac(&region, scope.service.as_bytes());
        Self(hmac(&service, b"aws4_request"))
    }

    /// The signature of `text`, in 64 hexadecimal digits.
    pub fn sign(&self, text: &str) -> String {
        hex::encode(hmac(&self.0, text.as_bytes()))
    }
}

/// A request as it is signed.
#[derive(Clone, Debug)]
pub struct CanonicalRequest<'a> {
    /// The method in upper case.
    pub method: &'a str,
    /// The path, percent-encoded by [`encode_path`].
    pub path: &'a str,
    /// The parameters, by [`canonical_query`].
    pub query: &'a str,
    /// The signed headers: names in lower case and values, in any order. Values of a repeated header
    /// are joined in the order given.
    pub headers: &'a [(String, String)],
    /// The hash of the body, or what stands for it.
    pub payload: &'a str,
}

impl CanonicalRequest<'_> {
    /// The text whose hash is signed.
    pub fn text(&self) -> String {
        let mut headers: Vec<(&str, Cow<'_, str>)> = Vec::with_capacity(self.headers.len());
        for (name, value) in sorted(self.headers) {
            let value = trim_inner(value);
            match headers.last_mut() {
                Some((before, values)) if *before == name => {
                    *values = format!("{values},{value}").into();
                }
                _ => headers.push((name, value)),
            }
        }
        let lines: String =
            headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let Self { method, path, query, payload, .. } = self;
        let signed = signed_headers(self.headers);
        format!("{method}\n{path}\n{query}\n{lines}\n{signed}\n{payload}")
    }
}

/// The names of `headers`, sorted and joined by semicolons.
pub fn signed_headers(headers: &[(String, String)]) -> String {
    let mut names: Vec<&str> = sorted(headers).into_iter().map(|(name, _)| name).collect();
    names.dedup();
    names.join(";")
}

fn sorted(headers: &[(String, String)]) -> Vec<(&str, &str)> {
    let mut sorted: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    sorted.sort_by_key(|(name, _)| *name);
    sorted
}

/// A header's value without blanks at its ends, runs of inner ones as one.
fn trim_inner(value: &str) -> Cow<'_, str> {
    let value = value.trim();
    if !value.contains("  ") {
        return value.into();
    }
    value.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ").into()
}

/// The text that is signed for `request`, sent at `time` (`YYYYMMDDTHHMMSSZ`).
pub fn string_to_sign(time: &str, scope: &Scope, request: &CanonicalRequest<'_>) -> String {
    let hash = sha256(request.text().as_bytes());
    format!("{ALGORITHM}\n{time}\n{}\n{hash}", scope.text())
}

/// Signs the chunks of a body, one after the other.
#[derive(Clone, Debug)]
pub struct ChunkSigner {
    key: SigningKey,
    time: String,
    scope: Scope,
    previous: String,
}

impl ChunkSigner {
    /// Signs the chunks of the body of a request that was signed with `seed`.
    pub fn new(key: SigningKey, time: &str, scope: Scope, seed: String) -> Self {
        Self { key, time: time.to_owned(), scope, previous: seed }
    }

    /// The signature of the next chunk. The last chunk of a body is an empty one.
    pub fn sign(&mut self, chunk: &[u8]) -> &str {
        self.sign_hash(&sha256(chunk))
    }

    /// The signature of the next chunk, whose SHA-256 in hexadecimal digits is `hash`.
    pub fn sign_hash(&mut self, hash: &str) -> &str {
        let Self { key, time, scope, previous } = self;
        let scope = scope.text();
        let text =
            format!("{ALGORITHM}-PAYLOAD\n{time}\n{scope}\n{previous}\n{EMPTY_PAYLOAD}\n{hash}");
        *previous = key.sign(&text);
        previous
    }
}

/// The parameters of a query in their one spelling: encoded, sorted, joined.
pub fn canonical_query<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let encode = |(name, value)| (encode(name), encode(value));
    let mut pairs: Vec<(String, String)> = parameters.into_iter().map(encode).collect();
    pairs.sort();
    let pairs: Vec<String> =
        pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// `text` with everything but `A-Z a-z 0-9 - _ . ~` percent-encoded.
pub fn encode(text: &str) -> String {
    encode_keeping(text, |byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte))
}

/// A path with everything but `A-Z a-z 0-9 - _ . ~ /` percent-encoded.
pub fn encode_path(path: &str) -> String {
    encode_keeping(path, |byte| byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte))
}

fn encode_keeping(text: &str, keep: impl Fn(u8) -> bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if keep(byte) {
            encoded.push(char::from(byte));
        } else {
            let digit = |half: u8| char::from(HEX_UPPER[usize::from(half)]);
            encoded.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    encoded
}

/// The SHA-256 of `bytes`, in 64 hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// The SHA-256 of `pieces`, one after the other.
pub fn sha256_of(pieces: &[Bytes]) -> String {
    let mut hash = Sha256::new();
    pieces.iter().for_each(|piece| hash.update(piece));
    hex::encode(hash.finalize())
}

fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests;
