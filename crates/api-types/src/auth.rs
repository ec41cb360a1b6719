//! Setting up, logging in, and who one is.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Pagination;

/// What the first administrator is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Setup {
    /// an identifier for the user (e.g. jane.doe)
    pub username: String,
    /// Keys to take instead of fresh ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub key: Option<AccessKeyCredentials>,
    /// the provided first name
    #[serde(rename = "firstName", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub first_name: Option<String>,
    /// the provided last name
    #[serde(rename = "lastName", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub last_name: Option<String>,
    /// the provided email
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub email: Option<String>,
    /// the provided company name
    #[serde(rename = "companyName", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub company_name: Option<String>,
    /// user preference to receive feature updates
    #[serde(rename = "featureUpdates", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub feature_updates: Option<bool>,
    /// Deprecated: no longer used
    #[serde(rename = "securityUpdates", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, deprecated)]
    pub security_updates: Option<bool>,
}

/// A key pair chosen by the caller.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessKeyCredentials {
    /// access key ID to set for user for use in integration testing.
    #[schema(min_length = 1, example = "AKIAIOSFODNN7EXAMPLE")]
    pub access_key_id: String,
    /// secret access key to set for user for use in integration testing.
    #[schema(min_length = 1, example = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")]
    pub secret_access_key: String,
}

impl fmt::Debug for AccessKeyCredentials {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("AccessKeyCredentials")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

/// Whom to write to about the product, and about what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CommPrefsInput {
    /// the provided first name
    #[serde(rename = "firstName", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub first_name: Option<String>,
    /// the provided last name
    #[serde(rename = "lastName", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub last_name: Option<String>,
    /// the provided email
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub email: Option<String>,
    /// the provided company name
    #[serde(rename = "companyName", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub company_name: Option<String>,
    /// user preference to receive feature updates
    #[serde(rename = "featureUpdates")]
    pub feature_updates: bool,
    /// Deprecated: no longer used
    #[serde(rename = "securityUpdates")]
    #[schema(deprecated)]
    pub security_updates: bool,
}

/// A key pair, shown once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CredentialsWithSecret {
    /// The public half.
    pub access_key_id: String,
    /// The secret half.
    pub secret_access_key: String,
    /// Unix Epoch in seconds
    pub creation_date: i64,
}

impl fmt::Debug for CredentialsWithSecret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("CredentialsWithSecret")
            .field("access_key_id", &self.access_key_id)
            .field("creation_date", &self.creation_date)
            .finish_non_exhaustive()
    }
}

/// Whether the installation has an administrator, and how one logs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SetupState {
    /// Whether there is an administrator.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(inline, nullable = false)]
    pub state: Option<State>,
    /// true if the comm prefs are missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub comm_prefs_missing: Option<bool>,
    /// How one logs in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub login_config: Option<LoginConfig>,
}

/// How one logs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LoginConfig {
    /// RBAC will remain enabled on GUI if "external". That only works with an external auth
    /// service.
    #[serde(rename = "RBAC", skip_serializing_if = "Option::is_none")]
    #[schema(inline, nullable = false)]
    pub rbac: Option<Rbac>,
    /// Placeholder text to display in the username field of the login form.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub username_ui_placeholder: Option<String>,
    /// Placeholder text to display in the password field of the login form.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub password_ui_placeholder: Option<String>,
    /// Primary URL to use for login.
    pub login_url: String,
    /// Defines login behavior when login_url is set. - none: For OSS users. - redirect:
    /// Auto-redirect to login_url. - select: Show a page to choose between logging in via login_url
    /// or with lakeFS credentials. Ignored if login_url is not configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(inline, nullable = false)]
    pub login_url_method: Option<LoginUrlMethod>,
    /// Message to display to users who fail to login; a full sentence that is rendered in HTML and
    /// may contain a link to a secondary login method
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub login_failed_message: Option<String>,
    /// Secondary URL to offer users to use for login.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub fallback_login_url: Option<String>,
    /// Label to place on fallback_login_url.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub fallback_login_label: Option<String>,
    /// Cookie names used to store JWT
    pub login_cookie_names: Vec<String>,
    /// URL to use for logging out.
    pub logout_url: String,
}

/// A key pair to log in with.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LoginInformation {
    /// The public half.
    pub access_key_id: String,
    /// The secret half.
    pub secret_access_key: String,
}

impl fmt::Debug for LoginInformation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("LoginInformation")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

/// What a login gives.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuthenticationToken {
    /// a JWT token that could be used to authenticate requests
    pub token: String,
    /// Unix Epoch in seconds
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub token_expiration: Option<i64>,
}

impl fmt::Debug for AuthenticationToken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("AuthenticationToken")
            .field("token_expiration", &self.token_expiration)
            .finish_non_exhaustive()
    }
}

/// Who sends the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CurrentUser {
    /// The sender; without an id where nothing was presented.
    pub user: User,
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct User {
    /// A unique identifier for the user. Cannot be edited.
    pub id: String,
    /// Unix Epoch in seconds
    pub creation_date: i64,
    /// A shorter name for the user than the id. Unlike id it does not identify the user (it might
    /// not be unique). Used in some places in the UI.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub friendly_name: Option<String>,
    /// The email address of the user. If API authentication is enabled, this field is mandatory and
    /// will be invited to login. If API authentication is disabled, this field will be ignored. All
    /// current APIAuthenticators require the email to be lowercase and unique, although custom
    /// authenticators may not enforce this.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub email: Option<String>,
}

/// A page of users.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserList {
    /// Where this page lies.
    pub pagination: Pagination,
    /// What is on this page.
    pub results: Vec<User>,
}

/// What a user is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserCreation {
    /// a unique identifier for the user.
    pub id: String,
    /// Whether to invite the user by e-mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub invite_user: Option<bool>,
}

/// A key pair without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Credentials {
    /// The public half.
    pub access_key_id: String,
    /// Unix Epoch in seconds
    pub creation_date: i64,
}

/// What the user administration can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuthCapabilities {
    /// Whether users can be invited by e-mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub invite_user: Option<bool>,
    /// Whether a forgotten password can be replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub forgot_password: Option<bool>,
}

/// Whether the installation has an administrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It has.
    Initialized,
    /// It has not.
    NotInitialized,
}

/// How much of user administration there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rbac {
    /// None.
    None,
    /// Groups with levels of access.
    Simplified,
    /// Policies, kept by the server.
    Internal,
    /// Policies, kept elsewhere.
    External,
}

/// How a browser gets to the login page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoginUrlMethod {
    /// None.
    None,
    /// By a redirect.
    Redirect,
    /// By choosing.
    Select,
}
