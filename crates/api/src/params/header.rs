//! Parameters in headers.

use serde_json::json;
use utoipa::openapi::ObjectBuilder;
use utoipa::openapi::path::Parameter;
use utoipa::openapi::schema::Type;

use super::Source;
use super::Spec;
use super::problem::described;
use super::problem::invalid;
use super::spec::About;
use super::spec::allowing_empty;
use super::spec::text;
use crate::error::ApiError;

/// The pattern of `Range`.
pub(crate) const RANGE_PATTERN: &str = r"^bytes=((\d*-\d*,? ?)+)$";

/// A header that may be there, but not empty.
#[derive(Debug)]
pub(crate) struct Header {
    about: About,
    /// The document allows it to be empty; the server that clients know never did.
    documented_as_empty: bool,
}

impl Spec for Header {
    type Value = Option<String>;

    fn read(&self, source: &Source<'_>) -> Result<Option<String>, ApiError> {
        match source.header(self.about.name)? {
            Some("") => Err(invalid(self.about.name, "header", "empty value is not allowed")),
            found => Ok(found.map(str::to_owned)),
        }
    }

    fn document(&self) -> Parameter {
        let parameter = self.about.in_header(text());
        if self.documented_as_empty { allowing_empty(parameter) } else { parameter }
    }
}

/// The header `Range`: only its form is checked here, the bytes it asks for when the object is known.
#[derive(Debug)]
pub(crate) struct RangeHeader;

const RANGE_ABOUT: About = About { name: "Range", description: "Byte range to retrieve" };

impl Spec for RangeHeader {
    type Value = Option<String>;

    fn read(&self, source: &Source<'_>) -> Result<Option<String>, ApiError> {
        let Some(value) = source.header(RANGE_ABOUT.name)? else { return Ok(None) };
        if is_range(value) {
            return Ok(Some(value.to_owned()));
        }
        let schema = json!({"type": "string", "pattern": RANGE_PATTERN});
        let reason = format!("string doesn't match the regular expression \"{RANGE_PATTERN}\"");
        Err(invalid(RANGE_ABOUT.name, "header", &described(&reason, &schema, &json!(value))))
    }

    fn document(&self) -> Parameter {
        let schema =
            ObjectBuilder::new().schema_type(Type::String).pattern(Some(RANGE_PATTERN)).build();
        RANGE_ABOUT.in_header(schema)
    }
}

/// Whether the value has the form of [`RANGE_PATTERN`].
pub(crate) fn is_range(value: &str) -> bool {
    let Some(mut rest) = value.strip_prefix("bytes=") else { return false };
    loop {
        let Some(after_first) = digits(rest).strip_prefix('-') else { return false };
        rest = digits(after_first);
        rest = rest.strip_prefix(',').unwrap_or(rest);
        rest = rest.strip_prefix(' ').unwrap_or(rest);
        if rest.is_empty() {
            return true;
        }
    }
}

fn digits(text: &str) -> &str {
    text.trim_start_matches(|character: char| character.is_ascii_digit())
}

pub(crate) const RANGE: RangeHeader = RangeHeader;
pub(crate) const IF_NONE_MATCH: Header = Header {
    about: About {
        name: "If-None-Match",
        description: "Set to \"*\" to atomically allow the upload only if the key has no object \
                      yet. Other values are not supported.",
    },
    documented_as_empty: false,
};
pub(crate) const IF_NONE_MATCH_ETAG: Header = Header {
    about: About {
        name: "If-None-Match",
        description: "Returns response only if the object does not have a matching ETag",
    },
    documented_as_empty: false,
};
pub(crate) const IF_MATCH: Header = Header {
    about: About {
        name: "If-Match",
        description: "Set to the object's ETag to atomically allow operations only if the object's \
                      current ETag matches the provided value.",
    },
    documented_as_empty: false,
};
pub(crate) const IF_MATCH_RULES: Header = Header {
    about: About {
        name: "If-Match",
        description: "if provided, the branch protection rules will be updated only if the current \
                      ETag match the provided value",
    },
    documented_as_empty: true,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_form_of_a_range_is_checked() {
        for good in ["bytes=0-1", "bytes=-3", "bytes=7-", "bytes=-", "bytes=5-2", "bytes=0-1, 3-4"]
        {
            assert!(is_range(good), "{good}");
        }
        for bad in ["", "bytes", "bytes=", "items=0-1", "bytes=a-b", "bytes=1", "bytes=0-1;"] {
            assert!(!is_range(bad), "{bad}");
        }
    }
}
