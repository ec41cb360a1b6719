//! The block store driver over S3, and whatever else speaks its protocol.
//!
//! A thin client: some fifteen requests, each built where it is needed. Keys are verbatim
//! ([`sigv4::encode_path`]); bodies stream; who we are is found out as Amazon's tools do.
//!
//! ```text
//! S3BlockStore ── put, put_parts, parts, download, copy, list, presign    what an operation takes
//!      └─ client       a call: sent to its bucket's region, tried again, answered
//!           ├─ sigv4       signatures; self-contained
//!           ├─ credentials, endpoint, place
//!           ├─ body        in memory or streamed, signed chunk by chunk where there is no TLS
//!           └─ http_client connections, TLS, the limit on silence
//! ```
//!
//! Two rules hold everywhere. An attempt whose answer was lost may have been carried out: whatever is
//! not the same twice finds out ([`lakehold_block::Error::OutcomeUnknown`] where it cannot). And an
//! error says what to check: bucket, right, request id (docs/design/0013-s3.md).

mod body;
mod client;
mod copy;
mod credentials;
mod download;
mod endpoint;
mod failure;
mod http_client;
mod list;
mod parts;
mod place;
mod presign;
mod put;
mod put_parts;
mod settings;
pub mod sigv4;
mod store;
mod times;
mod tls;
mod xml;

pub use settings::S3Credentials;
pub use settings::S3Settings;
pub use settings::Tuning;
pub use store::S3BlockStore;
