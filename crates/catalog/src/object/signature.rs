//! Signatures of link addresses (docs/formats/addresses.md).
//!
//! Who asks for an address to upload to, gets a fresh name with a signature behind a comma:
//! `data/<partition>/<xid>,<signature>`. The signature is an HMAC-SHA256 over repository, branch,
//! path and name, so the address can only be linked where it was asked for, and nobody has to
//! remember that it was given out. Signature and comma are part of the name that the bytes are stored
//! under.
//!
//! What is signed is JSON as Go's standard library writes it, with `<`, `>`, `&` and two line
//! separators escaped: addresses given out by one server must be accepted by the other.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Hmac;
use hmac::KeyInit as _;
use hmac::Mac as _;
use serde::Serialize;
use sha2::Sha256;

use crate::LinkProblem;

/// What stands between name and signature.
const SEPARATOR: char = ',';

/// What a link address is signed for. The order of fields is the order in the JSON.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Signed<'a> {
    pub(crate) repository: &'a str,
    pub(crate) branch: &'a str,
    pub(crate) path: &'a str,
    /// The name without signature, relative to the namespace.
    pub(crate) physical_address: &'a str,
}

/// Makes and checks signatures.
pub(crate) struct Signer {
    keyed: Hmac<Sha256>,
}

impl Signer {
    pub(crate) fn new(key: &[u8]) -> Self {
        let keyed = Hmac::new_from_slice(key).expect("an HMAC takes a key of any length");
        Self { keyed }
    }

    /// The name to store under: the signed one, a comma, the signature.
    pub(crate) fn sign(&self, signed: &Signed<'_>) -> String {
        let signature = self.mac_of(signed).finalize().into_bytes();
        let signature = URL_SAFE_NO_PAD.encode(signature);
        format!("{}{SEPARATOR}{signature}", signed.physical_address)
    }

    /// Checks the signature that stands behind the comma of a name.
    pub(crate) fn check(&self, signed: &Signed<'_>, signature: &str) -> Result<(), LinkProblem> {
        let given = URL_SAFE_NO_PAD.decode(signature).map_err(|_| LinkProblem::Malformed)?;
        self.mac_of(signed).verify_slice(&given).map_err(|_| LinkProblem::WrongSignature)
    }

    fn mac_of(&self, signed: &Signed<'_>) -> Hmac<Sha256> {
        let json = serde_json::to_string(signed).expect("four strings are valid JSON");
        let mut mac = self.keyed.clone();
        mac.update(escape_like_go(&json).as_bytes());
        mac
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Signer").finish_non_exhaustive()
    }
}

/// Splits a name into what was signed and the signature.
pub(crate) fn split(name: &str) -> Result<(&str, &str), LinkProblem> {
    name.split_once(SEPARATOR).ok_or(LinkProblem::NotSigned)
}

/// Escapes what Go escapes beyond the need of JSON. Outside of strings none of it occurs.
fn escape_like_go(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '<' => escaped.push_str("\\u003c"),
            '>' => escaped.push_str("\\u003e"),
            '&' => escaped.push_str("\\u0026"),
            '\u{2028}' => escaped.push_str("\\u2028"),
            '\u{2029}' => escaped.push_str("\\u2029"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    const VECTOR: Signed<'_> = Signed {
        repository: "repo",
        branch: "main",
        path: "a&b/c.txt",
        physical_address: "data/g3rsqmo1081g01o00010/d5bjb981081g01o00010",
    };

    #[test]
    fn a_signature_is_the_one_of_the_stored_format() {
        let signer = Signer::new(b"OVERRIDE_THIS_SIGNING_SECRET_DEFAULT");
        assert_eq!(
            signer.sign(&VECTOR),
            "data/g3rsqmo1081g01o00010/d5bjb981081g01o00010,\
             ypHUfneZgtc87yTtRbifLcjBUzQntdYlAn8_mqYvIC4"
        );
    }

    #[test]
    fn json_is_escaped_like_go_does() {
        let given = Signed { path: "<\u{2028}é\"\\\n\u{8}\u{1}\u{7f}>", ..VECTOR };
        let json = escape_like_go(&serde_json::to_string(&given).expect("serializes"));
        assert!(
            json.contains("\"Path\":\"\\u003c\\u2028é\\\"\\\\\\n\\b\\u0001\u{7f}\\u003e\""),
            "{json}"
        );
    }

    #[test]
    fn a_signature_for_something_else_is_refused() {
        let signer = Signer::new(b"key");
        let name = signer.sign(&VECTOR);
        let (_, signature) = split(&name).expect("is signed");
        assert_eq!(signer.check(&VECTOR, signature), Ok(()));
        for other in [
            Signed { repository: "other", ..VECTOR },
            Signed { branch: "dev", ..VECTOR },
            Signed { path: "a&b/d.txt", ..VECTOR },
            Signed { physical_address: "data/x", ..VECTOR },
        ] {
            assert_eq!(signer.check(&other, signature), Err(LinkProblem::WrongSignature));
        }
        let other_key = Signer::new(b"other").check(&VECTOR, signature);
        assert_eq!(other_key, Err(LinkProblem::WrongSignature));
    }

    #[test]
    fn what_is_no_signature_is_told_apart() {
        assert_eq!(split("data/a/b"), Err(LinkProblem::NotSigned));
        let signer = Signer::new(b"key");
        assert_eq!(signer.check(&VECTOR, "a+b="), Err(LinkProblem::Malformed));
        assert_eq!(signer.check(&VECTOR, "YWJj"), Err(LinkProblem::WrongSignature));
    }
}
