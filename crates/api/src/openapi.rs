//! The OpenAPI document of the operations that there are.
//!
//! Handlers and body types write it (utoipa, OpenAPI 3.1); [`normalise`] turns it into OpenAPI 3.0.3
//! in one place, because that is what clients are generated from.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use lakehold_api_types::ErrorBody;
use serde_json::Value;
use utoipa::IntoResponses;
use utoipa::Modify;
use utoipa::OpenApi;
use utoipa::ToSchema;
use utoipa::openapi::ContentBuilder;
use utoipa::openapi::Ref;
use utoipa::openapi::RefOr;
use utoipa::openapi::Response;
use utoipa::openapi::ResponseBuilder;
use utoipa::openapi::security::ApiKey;
use utoipa::openapi::security::ApiKeyValue;
use utoipa::openapi::security::HttpAuthScheme;
use utoipa::openapi::security::HttpBuilder;
use utoipa::openapi::security::SecurityScheme;

mod normalise;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let document = crate::routes().into_openapi();
    let written = serde_json::to_value(document).expect("a document is plain data");
    normalise::normalise(written)
});

/// Returns the document, OpenAPI 3.0.3.
pub fn openapi() -> Value {
    DOCUMENT.clone()
}

/// The document, for those who only look.
pub(crate) fn document() -> &'static Value {
    &DOCUMENT
}

/// What comes before the operations.
#[derive(Debug, OpenApi)]
#[openapi(
    info(
        title = "Lakehold API",
        description = "Data version control over HTTP; compatible with the lakeFS API 1.84",
        version = "1.84.0",
        license(name = "Apache 2.0", url = "https://www.apache.org/licenses/LICENSE-2.0.html"),
    ),
    servers((url = "/api/v1", description = "this server")),
    security(
        ("jwt_token" = []),
        ("basic_auth" = []),
        ("cookie_auth" = []),
        ("oidc_auth" = []),
        ("saml_auth" = []),
    ),
    components(schemas(ErrorBody)),
    modifiers(&SecuritySchemes),
)]
pub(crate) struct Base;

#[derive(Debug)]
struct SecuritySchemes;

impl Modify for SecuritySchemes {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let http = |scheme| HttpBuilder::new().scheme(scheme);
        let jwt = http(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        components.add_security_scheme(
            "basic_auth",
            SecurityScheme::Http(http(HttpAuthScheme::Basic).build()),
        );
        components.add_security_scheme("jwt_token", SecurityScheme::Http(jwt));
        for kind in ["internal", "oidc", "saml"] {
            let scheme = if kind == "internal" { "cookie" } else { kind };
            let cookie = ApiKey::Cookie(ApiKeyValue::new(format!("{kind}_auth_session")));
            components
                .add_security_scheme(format!("{scheme}_auth"), SecurityScheme::ApiKey(cookie));
        }
    }
}

/// How the schema of a body is called in messages, all schemas, and the schema itself.
pub(crate) fn schema_of<T: ToSchema>() -> (String, &'static Value, Cow<'static, Value>) {
    let schemas = &document()["components"]["schemas"];
    let name = T::name();
    match schemas.get(&*name) {
        Some(schema) => (format!(" #/components/schemas/{name}"), schemas, Cow::Borrowed(schema)),
        None => {
            let written = serde_json::to_value(T::schema()).expect("a schema is plain data");
            (String::new(), schemas, Cow::Owned(normalise::normalise(written)))
        }
    }
}

/// What every operation that looks something up may answer instead.
#[derive(Debug)]
pub(crate) struct Failures;

impl IntoResponses for Failures {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let mut responses = FailuresButNotFound::responses();
        responses.insert("404".to_owned(), failure("Resource Not Found"));
        responses
    }
}

/// What operations answer that look nothing up.
#[derive(Debug)]
pub(crate) struct FailuresButNotFound;

impl IntoResponses for FailuresButNotFound {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let mut responses = OpenFailures::responses();
        responses.insert("400".to_owned(), failure("Validation Error"));
        responses.insert("401".to_owned(), failure("Unauthorized"));
        responses
    }
}

/// What operations answer that look at no credentials.
#[derive(Debug)]
pub(crate) struct OpenFailures;

impl IntoResponses for OpenFailures {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let too_many = ResponseBuilder::new().description("too many requests").build();
        BTreeMap::from([
            ("429".to_owned(), RefOr::T(too_many)),
            ("default".to_owned(), failure("Internal Server Error")),
        ])
    }
}

/// What operations answer that are asked for nothing.
#[derive(Debug)]
pub(crate) struct InternalFailure;

impl IntoResponses for InternalFailure {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        BTreeMap::from([("default".to_owned(), failure("Internal Server Error"))])
    }
}

fn failure(description: &str) -> RefOr<Response> {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Error"))).build();
    let response = ResponseBuilder::new().description(description);
    RefOr::T(response.content("application/json", content).build())
}
