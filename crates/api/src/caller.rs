//! Who sends a request, and whether they may do what it asks.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::HeaderValue;
use http::StatusCode;
use http::header;
use http::request::Parts;
use lakehold_auth::Permission;
use lakehold_auth::Presented;
use lakehold_auth::User;

use crate::Api;
use crate::error::ApiError;

/// What a request brought along to prove who sends it; not looked at before it is asked.
///
/// A handler asks after its request turned out to be valid, so that an invalid one is a 400 whoever
/// sends it. Operations that never look at credentials do not take a `Caller`.
#[derive(Debug)]
pub(crate) struct Caller {
    api: Api,
    authorization: Option<HeaderValue>,
    cookies: Vec<HeaderValue>,
}

impl Caller {
    /// What `headers` say of the sender.
    pub(crate) fn of(api: &Api, headers: &HeaderMap) -> Self {
        Self {
            api: api.clone(),
            authorization: headers.get(header::AUTHORIZATION).cloned(),
            cookies: headers.get_all(header::COOKIE).iter().cloned().collect(),
        }
    }

    /// The user, or `None` where nothing was presented. Fails where what was presented is wrong.
    pub(crate) async fn identify(&self) -> Result<Option<Arc<User>>, ApiError> {
        let authorization = self.authorization.as_ref().and_then(|value| value.to_str().ok());
        let cookies = self.cookies.iter().filter_map(|value| value.to_str().ok()).collect();
        let presented = Presented { authorization, cookies };
        Ok(self.api.auth.authenticate(&presented).await?)
    }

    /// The user. Fails where nothing was presented, too.
    pub(crate) async fn user(&self) -> Result<Arc<User>, ApiError> {
        self.identify().await?.ok_or_else(ApiError::unauthenticated)
    }

    /// The user, if they may do all of these.
    pub(crate) async fn require(&self, permissions: &[Permission]) -> Result<Arc<User>, ApiError> {
        let user = self.user().await?;
        match self.api.auth.authorize(&user, permissions).await? {
            Ok(()) => Ok(user),
            Err(reason) => Err(ApiError::new(
                // Clients tell this from a failed login by its text alone.
                StatusCode::UNAUTHORIZED,
                format!("insufficient permissions: {reason}"),
            )),
        }
    }

    /// Which of these `user` may do, one by one.
    pub(crate) async fn allowed(
        &self,
        user: &User,
        permissions: &[Permission],
    ) -> Result<Vec<bool>, ApiError> {
        if self.api.auth.authorize(user, permissions).await?.is_ok() {
            return Ok(vec![true; permissions.len()]);
        }
        let mut allowed = Vec::with_capacity(permissions.len());
        for permission in permissions {
            let answer = self.api.auth.authorize(user, std::slice::from_ref(permission)).await?;
            allowed.push(answer.is_ok());
        }
        Ok(allowed)
    }
}

impl FromRequestParts<Api> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Infallible> {
        Ok(Self::of(api, &parts.headers))
    }
}
