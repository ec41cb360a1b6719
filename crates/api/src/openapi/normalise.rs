//! From the OpenAPI 3.1 that utoipa writes to the 3.0.3 that generators read.
//!
//! | written | becomes |
//! | --- | --- |
//! | `type: [T, "null"]` | `type: T`, `nullable: true` |
//! | `oneOf` of a schema and `null` | the schema alone; as a property, with `nullable: true` |
//! | `allOf` of a schema and words about it | the schema with the words |
//! | `$ref` with siblings | `$ref` alone: 3.0 ignores them, some generators do not |
//! | `propertyNames` | nothing: 3.0 has no rule for keys |
//! | `const` | an `enum` of one |
//! | empty `format` | nothing: how an integer without a format is written in Rust |
//! | a response without `description` | an empty one, which 3.0 requires |
//! | `security: [{}]` | `security: []` |
//! | `x-allow-empty-value` | `allowEmptyValue`, which 3.1 has no more |
//! | a license's `identifier` | nothing: 3.0 has none |
//! | `application/octet-stream` before `multipart/form-data` | the other way round: generators take the first |

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

/// Returns the document, or a piece of it, as OpenAPI 3.0.3.
pub(super) fn normalise(mut value: Value) -> Value {
    visit(&mut value);
    if value.get("openapi").is_some() {
        value["openapi"] = json!("3.0.3");
    }
    value
}

fn visit(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(visit),
        Value::Object(fields) => {
            fields.values_mut().for_each(visit);
            rewrite(fields);
        }
        _ => {}
    }
}

fn rewrite(fields: &mut Map<String, Value>) {
    null_as_type(fields);
    null_as_alternative(fields);
    words_beside(fields);
    fields.shift_remove("propertyNames");
    if fields.get("format").is_some_and(|format| format == "") {
        fields.shift_remove("format");
    }
    if let Some(constant) = fields.shift_remove("const") {
        fields.insert("enum".to_owned(), json!([constant]));
    }
    if fields.get("$ref").is_some_and(Value::is_string) {
        fields.retain(|name, _| name == "$ref");
    }
    if let Some(allowed) = fields.shift_remove("x-allow-empty-value") {
        fields.insert("allowEmptyValue".to_owned(), allowed);
    }
    if fields.get("security") == Some(&json!([{}])) {
        fields.insert("security".to_owned(), json!([]));
    }
    if let Some(license) = fields.get_mut("license").and_then(Value::as_object_mut) {
        license.shift_remove("identifier");
    }
    if let Some(responses) = fields.get_mut("responses").and_then(Value::as_object_mut) {
        responses.values_mut().filter_map(Value::as_object_mut).for_each(describe);
    }
    if let Some(content) = fields.get_mut("content").and_then(Value::as_object_mut) {
        multipart_first(content);
    }
}

fn null_as_type(fields: &mut Map<String, Value>) {
    let Some(Value::Array(types)) = fields.get("type") else { return };
    let others: Vec<Value> = types.iter().filter(|name| *name != "null").cloned().collect();
    let is_nullable = others.len() < types.len();
    if let [only] = &others[..] {
        fields.insert("type".to_owned(), only.clone());
    }
    if is_nullable {
        fields.insert("nullable".to_owned(), json!(true));
    }
}

fn null_as_alternative(fields: &mut Map<String, Value>) {
    let Some(Value::Array(alternatives)) = fields.get("oneOf") else { return };
    let is_null = |schema: &Value| *schema == json!({"type": "null"});
    if !alternatives.iter().any(is_null) {
        return;
    }
    let schema = alternatives.iter().find(|schema| !is_null(schema)).cloned();
    if let Some(Value::Object(schema)) = schema {
        *fields = schema;
    }
}

/// A field whose schema stands in its place and that is described as well.
fn words_beside(fields: &mut Map<String, Value>) {
    let Some(Value::Array(parts)) = fields.get("allOf") else { return };
    let [Value::Object(schema), Value::Object(about)] = &parts[..] else { return };
    if about.keys().all(|name| matches!(name.as_str(), "description" | "type")) {
        let mut merged = schema.clone();
        merged
            .extend(about.get("description").map(|text| ("description".to_owned(), text.clone())));
        *fields = merged;
    }
}

fn describe(response: &mut Map<String, Value>) {
    if !response.contains_key("$ref") && !response.contains_key("description") {
        response.insert("description".to_owned(), json!(""));
    }
}

fn multipart_first(content: &mut Map<String, Value>) {
    if let Some(form) = content.shift_remove("multipart/form-data") {
        content.shift_insert(0, "multipart/form-data".to_owned(), form);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_becomes_nullable() {
        assert_eq!(
            normalise(json!({"type": ["string", "null"]})),
            json!({"type": "string", "nullable": true})
        );
        let optional = json!({"oneOf": [{"type": "null"}, {"$ref": "#/x"}]});
        assert_eq!(normalise(optional), json!({"$ref": "#/x"}));
    }

    #[test]
    fn words_about_a_schema_go_into_it() {
        let beside = json!({"allOf": [
            {"type": "string", "enum": ["a"], "description": "of the type"},
            {"type": "object", "description": "of the field"},
        ]});
        assert_eq!(
            normalise(beside),
            json!({"type": "string", "enum": ["a"], "description": "of the field"})
        );
    }

    #[test]
    fn a_reference_stands_alone() {
        let described = json!({"$ref": "#/x", "description": "an x"});
        assert_eq!(normalise(described), json!({"$ref": "#/x"}));
    }

    #[test]
    fn forms_come_before_bytes() {
        let content = json!({"content": {"application/octet-stream": 1, "multipart/form-data": 2}});
        let normalised = normalise(content);
        let names: Vec<_> =
            normalised["content"].as_object().expect("an object").keys().cloned().collect();
        assert_eq!(names, ["multipart/form-data", "application/octet-stream"]);
    }

    #[test]
    fn what_31_writes_differently_is_rewritten() {
        let written = json!({
            "openapi": "3.1.0",
            "security": [{}],
            "responses": {"204": {}},
            "schema": {"const": "a", "format": "", "propertyNames": {"type": "string"}},
            "x-allow-empty-value": true,
        });
        assert_eq!(
            normalise(written),
            json!({
                "openapi": "3.0.3",
                "security": [],
                "responses": {"204": {"description": ""}},
                "schema": {"enum": ["a"]},
                "allowEmptyValue": true,
            })
        );
    }
}
