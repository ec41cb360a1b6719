//! Who sends a request, and logging in.

use std::sync::Arc;

use lakehold_clock::uuid_v4;
use secrecy::SecretString;

use crate::Auth;
use crate::AuthError;
use crate::Presented;
use crate::Session;
use crate::User;
use crate::claim::Claim;
use crate::error::Result;

impl Auth {
    /// The user, `None` where nothing was presented, NotAuthenticated where what was presented is
    /// wrong.
    pub async fn authenticate(&self, presented: &Presented<'_>) -> Result<Option<Arc<User>>> {
        match Claim::of(presented, &self.parts.tokens) {
            None => Ok(None),
            Some(Claim::Unreadable) => Err(AuthError::NotAuthenticated),
            Some(Claim::Token(token)) => self.user_of_token(&token).await.map(Some),
            Some(Claim::KeyPair { access_key_id, secret }) => {
                self.parts.directory.verify(&access_key_id, &secret).await.map(Some)
            }
        }
    }

    /// Exchanges a key pair for a token and a session cookie.
    ///
    /// Fails with [`AuthError::NotAuthenticated`] where the key is unknown or the secret wrong.
    pub async fn login(&self, access_key_id: &str, secret_access_key: &str) -> Result<Session> {
        let secret = SecretString::from(secret_access_key);
        let user = self.parts.directory.verify(access_key_id, &secret).await?;
        let now = self.parts.runtime.now();
        let expires = now.plus(self.parts.login_duration).seconds;
        let id = uuid_v4(&self.parts.runtime);
        Ok(self.parts.tokens.session(&user.id, &id, now, expires))
    }

    async fn user_of_token(&self, token: &str) -> Result<Arc<User>> {
        let now = self.parts.runtime.now();
        let name = self.parts.tokens.user_of(token, now).ok_or(AuthError::NotAuthenticated)?;
        let user = self.parts.directory.user(&name).await?;
        user.ok_or(AuthError::NotAuthenticated)
    }
}
