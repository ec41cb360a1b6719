//! Secrets at rest: encrypted with a key that is stretched from the installation's secret key.
//!
//! ```text
//! stored = salt (8, random)  nonce (24, random)  NaCl secretbox (tag 16, then the secret's text)
//! key    = scrypt(secret key of the installation, salt, N = 512, r = 8, p = 1), 32 bytes
//! ```
//!
//! The secret has to be had in the clear (signatures of S3 requests are made with it), hence no hash.
//! Stretching takes about two milliseconds: callers run it where it holds up no task.

use crypto_secretbox::KeyInit as _;
use crypto_secretbox::Nonce;
use crypto_secretbox::XSalsa20Poly1305;
use crypto_secretbox::aead::Aead as _;
use scrypt::Params;
use secrecy::ExposeSecret as _;
use secrecy::SecretSlice;
use secrecy::SecretString;

const SALT_BYTES: usize = 8;
const NONCE_BYTES: usize = 24;
const SCRYPT_LOG_N: u8 = 9;
const SCRYPT_R: u32 = 8;
const SCRYPT_P: u32 = 1;

/// Seals and opens secrets with the installation's secret key.
pub(crate) struct Sealer {
    secret_key: SecretSlice<u8>,
}

/// What must never be used twice: random bytes for one sealed secret.
pub(crate) struct Chance {
    pub(crate) salt: [u8; SALT_BYTES],
    pub(crate) nonce: [u8; NONCE_BYTES],
}

impl Sealer {
    pub(crate) fn new(secret_key: Vec<u8>) -> Self {
        Self { secret_key: secret_key.into() }
    }

    /// Returns the stored form of `secret`.
    pub(crate) fn seal(&self, secret: &SecretString, chance: &Chance) -> Vec<u8> {
        let sealed = self
            .cipher(&chance.salt)
            .encrypt(Nonce::from_slice(&chance.nonce), secret.expose_secret().as_bytes())
            .expect("memory holds the secret and its tag");
        [&chance.salt[..], &chance.nonce, &sealed].concat()
    }

    /// Returns the secret whose stored form this is, or `None` where it was sealed with another key,
    /// was changed, or is no text.
    pub(crate) fn open(&self, stored: &[u8]) -> Option<SecretString> {
        let (salt, rest) = stored.split_at_checked(SALT_BYTES)?;
        let (nonce, sealed) = rest.split_at_checked(NONCE_BYTES)?;
        let secret = self.cipher(salt).decrypt(Nonce::from_slice(nonce), sealed).ok()?;
        String::from_utf8(secret).ok().map(SecretString::from)
    }

    fn cipher(&self, salt: &[u8]) -> XSalsa20Poly1305 {
        let params =
            Params::new(SCRYPT_LOG_N, SCRYPT_R, SCRYPT_P).expect("the parameters are valid");
        let mut key = crypto_secretbox::Key::default();
        scrypt::scrypt(self.secret_key.expose_secret(), salt, &params, &mut key)
            .expect("32 bytes are a valid length");
        XSalsa20Poly1305::new(&key)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const VECTORS: &str =
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/hash-vectors.json"));

    fn vector(name: &str) -> String {
        let all: serde_json::Value = serde_json::from_str(VECTORS).expect("JSON");
        all["crypt"][name].as_str().expect("a text").to_owned()
    }

    fn bytes<const N: usize>(name: &str) -> [u8; N] {
        let bytes = hex::decode(vector(name)).expect("hex");
        bytes.try_into().expect("the vector has the length of the format")
    }

    #[test]
    fn sealing_is_the_one_of_the_stored_format() {
        let sealer = Sealer::new(vector("secret_key").into());
        let chance = Chance { salt: bytes("salt_hex"), nonce: bytes("nonce_hex") };
        let sealed = sealer.seal(&vector("plaintext").into(), &chance);
        assert_eq!(hex::encode(&sealed), vector("stored_hex"));
        assert_eq!(sealer.open(&sealed).expect("just sealed").expose_secret(), vector("plaintext"));
    }

    #[test]
    fn a_changed_byte_anywhere_and_another_key_open_nothing() {
        let sealer = Sealer::new(b"key".to_vec());
        let chance = Chance { salt: [1; SALT_BYTES], nonce: [2; NONCE_BYTES] };
        let sealed = sealer.seal(&"secret".into(), &chance);
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(sealer.open(&changed).is_none(), "byte {place}");
        }
        assert!(Sealer::new(b"other".to_vec()).open(&sealed).is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn any_bytes_open_or_do_not(stored in prop::collection::vec(any::<u8>(), 0..120)) {
            prop_assert!(Sealer::new(b"key".to_vec()).open(&stored).is_none());
        }

        #[test]
        fn every_secret_is_read_back(secret in ".{0,60}", salt: [u8; 8], nonce: [u8; 24]) {
            let sealer = Sealer::new(b"key".to_vec());
            let sealed = sealer.seal(&secret.clone().into(), &Chance { salt, nonce });
            let opened = sealer.open(&sealed).expect("just sealed");
            prop_assert_eq!(opened.expose_secret(), &secret);
        }
    }
}
