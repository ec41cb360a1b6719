//! Users, credentials, tokens and who may do what.
//!
//! [`Auth`] answers three questions: *is this installation set up* (and sets it up), *who sends this
//! request*, and *may they do that*. This is the basic mode: one **administrator**, who may do
//! everything, with one **key pair**. Their records are those of docs/formats/auth-records.md, so
//! that an installation can be taken over in place and given back.
//!
//! ```text
//! request ── Presented ──► Claim ──► Tokens      signs and checks JWTs and session cookies
//!                            │
//!                            └─────► Directory   users and key pairs: records, and a cache of them
//!                                       └─ Sealer   secrets at rest
//! ```
//!
//! A stored secret takes two milliseconds to decrypt. It is decrypted once, kept in memory, and
//! compared in constant time from then on ([`Auth::authenticate`]); see the module `directory` for
//! how long what is kept may be out of date. No secret is ever shown by `Debug`.
//!
//! This crate knows principals and resource names. It knows neither repositories nor HTTP: what a
//! request brought along comes in as a [`Presented`], what it may not do goes out as an [`AuthError`]
//! or a text.

mod adoption;
mod auth;
mod authenticate;
mod claim;
mod credentials;
mod directory;
mod error;
mod installation;
mod permission;
mod records;
mod sealer;
mod setup;
mod tokens;
mod user;
mod users;

pub use auth::Auth;
pub use auth::AuthSettings;
pub use auth::DEFAULT_LOGIN_DURATION;
pub use claim::Presented;
pub use credentials::Credentials;
pub use error::AuthError;
pub use installation::CommPrefs;
pub use permission::Permission;
pub use setup::Setup;
pub use tokens::Session;
pub use user::User;
pub use users::AccessKey;
