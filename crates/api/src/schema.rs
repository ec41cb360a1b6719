//! Checking a JSON body against its schema.
//!
//! The schema is the one of the OpenAPI document, so what is documented is what is checked. The order
//! of checks and the texts are those that clients know: first the type, then the properties that are
//! there, then those that are missing. Only what our schemas use is known here; a test checks that they
//! use nothing else.
//!
//! `null` is refused, except where the schema allows it or names a default: there it counts as absent,
//! and [`check`] removes it.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::params::described;
use crate::params::header::is_range;

/// Words that a schema may use: those that are checked, and those that only describe.
#[cfg(test)]
const CHECKED: [&str; 14] = [
    "$ref",
    "additionalProperties",
    "allOf",
    "default",
    "enum",
    "items",
    "maximum",
    "minLength",
    "minimum",
    "nullable",
    "pattern",
    "properties",
    "required",
    "type",
];

/// What a value breaks, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    /// Names and places on the way to the value, the innermost last.
    way: Vec<String>,
    text: String,
}

impl Broken {
    fn here(reason: &str, schema: &Value, value: &Value) -> Self {
        Self { way: Vec::new(), text: described(reason, schema, value) }
    }

    fn below(mut self, step: impl Into<String>) -> Self {
        self.way.insert(0, step.into());
        self
    }
}

impl std::fmt::Display for Broken {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.way.is_empty() {
            write!(out, "Error at \"/{}\": ", self.way.join("/"))?;
        }
        out.write_str(&self.text)
    }
}

/// Checks `value` against `schema`, whose references lead into `schemas`.
pub(crate) fn check(schemas: &Value, schema: &Value, value: &mut Value) -> Result<(), Broken> {
    let schema = resolve(schemas, schema);
    if value.is_null() {
        return match schema["nullable"].as_bool() {
            Some(true) => Ok(()),
            _ => Err(Broken::here("Value is not nullable", schema, value)),
        };
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        check(schemas, part, value)?;
    }
    match schema["type"].as_str() {
        Some("object") => check_object(schemas, schema, value),
        // What an object must have says nothing of other values.
        None if value.is_object() => check_object(schemas, schema, value),
        Some("array") => check_array(schemas, schema, value),
        Some("string") => check_string(schema, value),
        Some("integer") => check_integer(schema, value),
        Some("boolean") if !value.is_boolean() => {
            Err(Broken::here("value must be a boolean", schema, value))
        }
        _ => Ok(()),
    }
}

fn resolve<'a>(schemas: &'a Value, schema: &'a Value) -> &'a Value {
    let name = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next());
    name.map_or(schema, |name| &schemas[name])
}

fn check_object(schemas: &Value, schema: &Value, value: &mut Value) -> Result<(), Broken> {
    let Value::Object(fields) = value else {
        return Err(Broken::here("value must be an object", schema, value));
    };
    let properties = &schema["properties"];
    drop_nulls_with_default(schemas, properties, fields);
    for (name, field) in fields.iter_mut() {
        let rule = match &properties[name] {
            Value::Null => &schema["additionalProperties"],
            rule => rule,
        };
        if rule.is_object() {
            check(schemas, rule, field).map_err(|broken| broken.below(name))?;
        }
    }
    let required = schema["required"].as_array().map_or(&[][..], Vec::as_slice);
    let missing =
        required.iter().filter_map(Value::as_str).find(|name| !fields.contains_key(*name));
    match missing {
        Some(name) => {
            let reason = format!("property \"{name}\" is missing");
            Err(Broken::here(&reason, schema, value).below(name))
        }
        None => Ok(()),
    }
}

/// `null` for a property with a default is as if the property were not there.
fn drop_nulls_with_default(schemas: &Value, properties: &Value, fields: &mut Map<String, Value>) {
    if fields.values().any(Value::is_null) {
        fields.retain(|name, field| {
            !field.is_null() || resolve(schemas, &properties[name]).get("default").is_none()
        });
    }
}

fn check_array(schemas: &Value, schema: &Value, value: &mut Value) -> Result<(), Broken> {
    let Value::Array(items) = value else {
        return Err(Broken::here("value must be an array", schema, value));
    };
    for (place, item) in items.iter_mut().enumerate() {
        check(schemas, &schema["items"], item).map_err(|broken| broken.below(place.to_string()))?;
    }
    Ok(())
}

fn check_string(schema: &Value, value: &Value) -> Result<(), Broken> {
    let Value::String(text) = value else {
        return Err(Broken::here("value must be a string", schema, value));
    };
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        let allowed = json!(allowed);
        let reason = format!("value is not one of the allowed values {allowed}");
        return Err(Broken::here(&reason, schema, value));
    }
    let length = schema["minLength"].as_u64().unwrap_or(0);
    if (text.chars().count() as u64) < length {
        let reason = format!("minimum string length is {length}");
        return Err(Broken::here(&reason, schema, value));
    }
    match schema["pattern"].as_str() {
        Some(pattern) if !matches(pattern, text) => {
            let reason = format!("string doesn't match the regular expression \"{pattern}\"");
            Err(Broken::here(&reason, schema, value))
        }
        _ => Ok(()),
    }
}

fn check_integer(schema: &Value, value: &Value) -> Result<(), Broken> {
    let Some(number) = value.as_i64() else {
        return Err(Broken::here("value must be an integer", schema, value));
    };
    match (schema["minimum"].as_i64(), schema["maximum"].as_i64()) {
        (Some(least), _) if number < least => {
            Err(Broken::here(&format!("number must be at least {least}"), schema, value))
        }
        (_, Some(most)) if number > most => {
            Err(Broken::here(&format!("number must be at most {most}"), schema, value))
        }
        _ => Ok(()),
    }
}

/// The contract has these three patterns; none needs a library.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern {
        "^[a-z0-9][a-z0-9-]{2,62}$" => lakehold_catalog::RepositoryId::parse(text).is_ok(),
        "^(s3|gs|https?|mem|local|transient)://.*$" => {
            // `.` is no line break.
            let scheme = text.split_once("://").filter(|(_, rest)| !rest.contains('\n'));
            let schemes = ["s3", "gs", "http", "https", "mem", "local", "transient"];
            scheme.is_some_and(|(scheme, _)| schemes.contains(&scheme))
        }
        crate::params::header::RANGE_PATTERN => is_range(text),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(schema: &Value, mut value: Value) -> String {
        let schemas = json!({"Name": {"type": "string", "minLength": 1}});
        let broken = check(&schemas, schema, &mut value).expect_err("must be refused");
        broken.to_string().lines().next().unwrap_or_default().to_owned()
    }

    #[test]
    fn the_first_broken_rule_is_named_with_its_place() {
        let schema = json!({
            "type": "object",
            "required": ["name", "tags"],
            "properties": {
                "name": {"$ref": "#/components/schemas/Name"},
                "tags": {"type": "array", "items": {"type": "string"}},
                "size": {"type": "integer", "minimum": 0, "maximum": 1},
                "kind": {"type": "string", "enum": ["a", "b"]},
            },
        });
        assert_eq!(broken(&schema, json!([])), "value must be an object");
        assert_eq!(broken(&schema, json!(null)), "Value is not nullable");
        assert_eq!(
            broken(&schema, json!({"name": 7})),
            "Error at \"/name\": value must be a string"
        );
        assert_eq!(
            broken(&schema, json!({"name": ""})),
            "Error at \"/name\": minimum string length is 1"
        );
        assert_eq!(
            broken(&schema, json!({"name": "n"})),
            "Error at \"/tags\": property \"tags\" is missing"
        );
        assert_eq!(
            broken(&schema, json!({"name": "n", "tags": [1]})),
            "Error at \"/tags/0\": value must be a string"
        );
        assert_eq!(
            broken(&schema, json!({"size": 2})),
            "Error at \"/size\": number must be at most 1"
        );
        assert_eq!(
            broken(&schema, json!({"size": 1.5})),
            "Error at \"/size\": value must be an integer"
        );
        assert_eq!(
            broken(&schema, json!({"kind": "c"})),
            "Error at \"/kind\": value is not one of the allowed values [\"a\",\"b\"]"
        );
    }

    #[test]
    fn null_counts_as_absent_only_where_there_is_a_default() {
        let schema = json!({
            "type": "object",
            "properties": {
                "hidden": {"type": "boolean", "default": false},
                "message": {"type": "string"},
            },
        });
        let mut value = json!({"hidden": null});
        assert_eq!(check(&json!({}), &schema, &mut value), Ok(()));
        assert_eq!(value, json!({}));
        assert_eq!(
            broken(&schema, json!({"message": null})),
            "Error at \"/message\": Value is not nullable"
        );
    }

    #[test]
    fn a_value_keeps_all_of_several_rules() {
        let schema = json!({"allOf": [
            {"type": "object", "properties": {"a": {"type": "string"}}},
            {"required": ["a"]},
        ]});
        assert_eq!(check(&json!({}), &schema, &mut json!({"a": "x"})), Ok(()));
        assert_eq!(broken(&schema, json!({})), "Error at \"/a\": property \"a\" is missing");
        assert_eq!(broken(&schema, json!({"a": 1})), "Error at \"/a\": value must be a string");
    }

    #[test]
    fn our_schemas_use_only_words_that_are_checked() {
        fn visit(schema: &Value) {
            let describing = ["description", "format", "example", "deprecated"];
            for (word, inner) in schema.as_object().into_iter().flatten() {
                assert!(
                    CHECKED.contains(&word.as_str()) || describing.contains(&word.as_str()),
                    "{word} in {schema}"
                );
                match word.as_str() {
                    "properties" => {
                        inner.as_object().into_iter().flatten().for_each(|(_, s)| visit(s));
                    }
                    "items" | "additionalProperties" => visit(inner),
                    "allOf" => inner.as_array().into_iter().flatten().for_each(visit),
                    "pattern" => {
                        let pattern = inner.as_str().unwrap_or_default();
                        assert!(!matches(pattern, "\0"), "unknown pattern {pattern}");
                    }
                    _ => {}
                }
            }
        }
        let document = crate::openapi();
        let schemas = document["components"]["schemas"].as_object().expect("schemas");
        schemas.values().for_each(visit);
    }
}
