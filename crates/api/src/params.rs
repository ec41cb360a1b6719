//! What a request says in its path, query and headers.
//!
//! Each operation has one struct that [`params!`] makes: its fields in the order of the contract, each
//! with the declaration of a parameter. That declaration is the only one: the extractor reads the
//! request by it, and the OpenAPI document shows it. So what is documented is what is checked.
//!
//! ```text
//! params! { GetObject { reference: RefExpr = path::REF, path: String = query::PATH, ... } }
//!     ├─ a struct with these fields
//!     ├─ FromRequestParts: reads them, in order; the first that is wrong is a 400
//!     └─ IntoParams: their documentation
//! ```
//!
//! Checks come before authentication, as clients know it. Percent escapes are decoded once;
//! everything else is left as it is. What is not declared is ignored.

pub(crate) mod header;
pub(crate) mod path;
mod problem;
pub(crate) mod query;
mod source;
mod spec;

pub(crate) use problem::described;
pub(crate) use source::Source;
pub(crate) use spec::Spec;

/// Declares what an operation reads of path, query and headers, in the order of the contract.
macro_rules! params {
    ($(#[$meta:meta])* $name:ident { $($field:ident: $type:ty = $spec:expr),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug)]
        pub(crate) struct $name {
            $(pub(crate) $field: $type,)*
        }

        impl utoipa::IntoParams for $name {
            fn into_params(
                _: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
            ) -> Vec<utoipa::openapi::path::Parameter> {
                vec![$($crate::params::Spec::document(&$spec)),*]
            }
        }

        impl axum::extract::FromRequestParts<$crate::Api> for $name {
            type Rejection = $crate::error::ApiError;

            async fn from_request_parts(
                parts: &mut http::request::Parts,
                _: &$crate::Api,
            ) -> Result<Self, Self::Rejection> {
                let source = $crate::params::Source::of(parts);
                Ok(Self { $($field: $crate::params::Spec::read(&$spec, &source)?,)* })
            }
        }
    };
}
pub(crate) use params;
