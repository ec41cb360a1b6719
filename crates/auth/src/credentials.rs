//! Key pairs, and how fresh ones are made.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use lakehold_clock::Runtime;
use lakehold_clock::Timestamp;

/// What an access key id is made of, between its fixed beginning and end: 32 characters, so that a
/// random byte picks each with the same chance.
const ACCESS_KEY_ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const ACCESS_KEY_RANDOM_CHARACTERS: usize = 14;
const SECRET_BYTES: usize = 30;

/// A key pair; the secret is shown only when it is made.
#[derive(Clone)]
pub struct Credentials {
    /// The public half: `AKIAJ`, 14 characters of `A-Z2-7`, `Q`, unless it was given.
    pub access_key_id: String,
    /// The secret half.
    pub secret_access_key: String,
    /// When the pair was made.
    pub creation_date: Timestamp,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Credentials")
            .field("access_key_id", &self.access_key_id)
            .field("creation_date", &self.creation_date)
            .finish_non_exhaustive()
    }
}

/// A fresh access key id. Clients check its form.
pub(crate) fn fresh_access_key_id(runtime: &Runtime) -> String {
    let chance: [u8; ACCESS_KEY_RANDOM_CHARACTERS] = runtime.random_bytes();
    let characters =
        chance.iter().map(|byte| char::from(ACCESS_KEY_ALPHABET[usize::from(byte % 32)]));
    format!("AKIAJ{}Q", characters.collect::<String>())
}

/// A fresh secret access key of 40 characters.
pub(crate) fn fresh_secret(runtime: &Runtime) -> String {
    STANDARD.encode(runtime.random_bytes::<SECRET_BYTES>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_keys_have_the_form_that_clients_insist_on() {
        let (runtime, _) = Runtime::seeded(1);
        for _ in 0..100 {
            let id = fresh_access_key_id(&runtime);
            let middle = id.strip_prefix("AKIAJ").and_then(|rest| rest.strip_suffix('Q'));
            let middle = middle.expect("AKIAJ...Q");
            assert_eq!(middle.len(), 14);
            assert!(middle.bytes().all(|c| c.is_ascii_uppercase() || (b'2'..=b'7').contains(&c)));
            assert_eq!(fresh_secret(&runtime).len(), 40);
        }
    }

    #[test]
    fn keys_of_equal_chance_are_equal_and_others_are_not() {
        let key = |seed| fresh_access_key_id(&Runtime::seeded(seed).0);
        assert_eq!(key(1), key(1));
        assert_ne!(key(1), key(2));
    }

    #[test]
    fn debug_shows_no_secret() {
        let secret_access_key = "wJalrXUtnFEMI".to_owned();
        let access_key_id = "AKIAJ".to_owned();
        let pair =
            Credentials { access_key_id, secret_access_key, creation_date: Timestamp::default() };
        assert!(!format!("{pair:?}").contains("wJalr"));
    }
}
