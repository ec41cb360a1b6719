//! Declarations of parameters: how they are read, and how they are documented.

use serde_json::json;
use utoipa::openapi::Object;
use utoipa::openapi::ObjectBuilder;
use utoipa::openapi::RefOr;
use utoipa::openapi::Required;
use utoipa::openapi::Schema;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::Parameter;
use utoipa::openapi::path::ParameterBuilder;
use utoipa::openapi::path::ParameterIn;
use utoipa::openapi::schema::Type;

use super::Source;
use crate::error::ApiError;

/// The declaration of a parameter.
pub(crate) trait Spec {
    /// What handlers get.
    type Value;

    /// Reads and checks the parameter.
    fn read(&self, source: &Source<'_>) -> Result<Self::Value, ApiError>;

    /// Returns its documentation.
    fn document(&self) -> Parameter;
}

/// What all declarations have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
}

impl About {
    /// A parameter in the path.
    pub(crate) fn in_path(&self) -> Parameter {
        self.documented(ParameterIn::Path, true, text())
    }

    /// A parameter in the query.
    pub(crate) fn in_query(&self, required: bool, schema: impl Into<RefOr<Schema>>) -> Parameter {
        self.documented(ParameterIn::Query, required, schema)
    }

    /// A parameter in a header.
    pub(crate) fn in_header(&self, schema: impl Into<RefOr<Schema>>) -> Parameter {
        self.documented(ParameterIn::Header, false, schema)
    }

    fn documented(
        &self,
        place: ParameterIn,
        required: bool,
        schema: impl Into<RefOr<Schema>>,
    ) -> Parameter {
        let required = if required { Required::True } else { Required::False };
        let description = Some(self.description).filter(|text| !text.is_empty());
        ParameterBuilder::new()
            .name(self.name)
            .parameter_in(place)
            .required(required)
            .description(description)
            .schema(Some(schema))
            .build()
    }
}

/// A text without further rules.
pub(crate) fn text() -> Object {
    ObjectBuilder::new().schema_type(Type::String).build()
}

/// Says that the parameter may be there and empty. OpenAPI 3.1 has no such field, so it is written
/// as an extension, which the normaliser turns into the field of 3.0.
pub(crate) fn allowing_empty(mut parameter: Parameter) -> Parameter {
    let extension = ExtensionsBuilder::new().add("x-allow-empty-value", json!(true)).build();
    parameter.extensions = Some(extension);
    parameter
}
