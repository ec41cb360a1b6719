//! Comparing our document with the pinned public contract.
//!
//! The contract is a compact form of the document that clients were generated from: for each operation
//! its method, path, tags, parameters in order, bodies and answers, and for each schema its properties,
//! without descriptions. [`differences`] brings our document into the same form and compares the
//! operations that we have. Where we differ on purpose, [`DEVIATIONS`] says so and why.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

/// A difference from the contract that is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deviation {
    /// The operation or schema, and what of it.
    pub what: &'static str,
    /// Why it is so.
    pub reason: &'static str,
}

/// All differences that are meant.
pub const DEVIATIONS: &[Deviation] = &[
    Deviation {
        what: "updateObjectUserMetadata: answers",
        reason: "the contract says 201, the server that clients know answers 204",
    },
    Deviation {
        what: "VersionConfig: properties",
        reason: "lakehold_version tells our own version beside the one that clients compare",
    },
    Deviation {
        what: "MergeResult: properties",
        reason: "summary is promised by documentation of older clients",
    },
    Deviation {
        what: "updatePullRequest: answers",
        reason: "the contract says 200, the server that clients know answers 204",
    },
    Deviation {
        what: "HookRun: properties",
        reason: "status can be skipped: servers say it, and a client without the word fails on it",
    },
    Deviation { what: "MergeResultSummary", reason: "the type of MergeResult's summary" },
];

/// What of the contract is not compared: words for people.
const DESCRIBING: [&str; 4] = ["description", "example", "title", "summary"];

/// Returns what of `document`, OpenAPI 3.0, is not as `contract` has it, one line each; empty if all
/// that differs is in [`DEVIATIONS`].
pub fn differences(document: &Value, contract: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (id, ours) in operations(document) {
        match contract["operations"].get(&id) {
            Some(theirs) => compare(&id, &ours, &of_contract(theirs), &mut found),
            None => found.push(format!("{id}: not an operation of the contract")),
        }
    }
    let schemas = document["components"]["schemas"].as_object().into_iter().flatten();
    for (name, schema) in schemas {
        match contract["schemas"].get(name) {
            Some(theirs) => compare(name, &comparable(schema), &comparable(theirs), &mut found),
            None => found.push(format!("{name}: not a schema of the contract")),
        }
    }
    found.retain(|line| !DEVIATIONS.iter().any(|meant| is_about(line, meant.what)));
    found
}

/// Returns the ids of the contract's operations that are neither in `document` nor in
/// [`UNIMPLEMENTED`](crate::UNIMPLEMENTED), or in both, or that the latter has wrong.
pub fn unaccounted(document: &Value, contract: &Value) -> Vec<String> {
    let ours: BTreeSet<String> = operations(document).into_keys().collect();
    let theirs = contract["operations"].as_object().into_iter().flatten();
    theirs
        .filter(|(id, operation)| {
            let listed = crate::UNIMPLEMENTED.iter().find(|it| it.id == *id);
            let is_right = listed.is_none_or(|it| {
                it.method == operation["method"]
                    && it.path == operation["path"]
                    && it.is_open == (operation["security"] == json!([]))
            });
            !is_right || ours.contains(*id) == listed.is_some()
        })
        .map(|(id, _)| id.clone())
        .collect()
}

fn is_about(line: &str, what: &str) -> bool {
    line.strip_prefix(what).is_some_and(|rest| rest.starts_with(':'))
}

/// One operation or schema, by what of it is compared.
type Facts = BTreeMap<&'static str, Value>;

fn compare(name: &str, ours: &Facts, theirs: &Facts, found: &mut Vec<String>) {
    for (what, wanted) in theirs {
        let have = ours.get(what).unwrap_or(&Value::Null);
        if have != wanted {
            found.push(format!("{name}: {what}: is {have}, the contract has {wanted}"));
        }
    }
}

/// Our operations, by their ids.
fn operations(document: &Value) -> BTreeMap<String, Facts> {
    let mut found = BTreeMap::new();
    for (path, methods) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            let id = operation["operationId"].as_str().unwrap_or("operation without id");
            found.insert(id.to_owned(), of_document(path, method, operation));
        }
    }
    found
}

fn of_document(path: &str, method: &str, operation: &Value) -> Facts {
    let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
    let body = operation.get("requestBody");
    let answers = operation["responses"].as_object().into_iter().flatten();
    Facts::from([
        ("method", json!(method.to_ascii_uppercase())),
        ("path", json!(path)),
        ("tags", operation["tags"].clone()),
        ("security", operation.get("security").cloned().unwrap_or(json!("default"))),
        ("deprecated", operation.get("deprecated").cloned().unwrap_or(json!(false))),
        ("parameters", parameters.iter().map(shape).collect()),
        ("body", body.map_or(Value::Null, body_shape)),
        ("answers", Value::Object(answers.map(|(s, a)| (s.clone(), answer(a))).collect())),
    ])
}

fn of_contract(operation: &Value) -> Facts {
    let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
    let body = operation.get("request_body");
    let answers = operation["responses"].as_object().into_iter().flatten();
    Facts::from([
        ("method", operation["method"].clone()),
        ("path", operation["path"].clone()),
        ("tags", operation["tags"].clone()),
        ("security", operation["security"].clone()),
        ("deprecated", operation.get("deprecated").cloned().unwrap_or(json!(false))),
        ("parameters", parameters.iter().map(shape).collect()),
        ("body", body.map_or(Value::Null, body_shape)),
        ("answers", Value::Object(answers.map(|(s, a)| (s.clone(), answer(a))).collect())),
    ])
}

fn body_shape(body: &Value) -> Value {
    let required = body["required"].as_bool().unwrap_or(false);
    json!({"required": required, "content": content(&body["content"])})
}

fn answer(answer: &Value) -> Value {
    let mut shape = Map::new();
    if answer.get("content").is_some() {
        shape.insert("content".to_owned(), content(&answer["content"]));
    }
    let headers = answer["headers"].as_object().into_iter().flatten();
    let names: Vec<_> = headers.map(|(name, _)| json!(name)).collect();
    shape.insert("headers".to_owned(), sorted(names));
    Value::Object(shape)
}

/// Media types and what they hold: in our document below `schema`, in the contract directly, a name
/// standing for a reference.
fn content(content: &Value) -> Value {
    let kinds = content.as_object().into_iter().flatten();
    let of = |held: &Value| match held {
        Value::String(name) => json!({"ref": name}),
        held => shape(held.get("schema").unwrap_or(held)),
    };
    Value::Object(kinds.map(|(kind, held)| (kind.clone(), of(held))).collect())
}

/// What is compared of a schema: its properties apart from the rest, for a shorter complaint.
fn comparable(schema: &Value) -> Facts {
    let mut rest = shape(schema);
    let properties = rest.as_object_mut().and_then(|fields| fields.remove("properties"));
    Facts::from([("properties", properties.unwrap_or(json!({}))), ("rules", rest)])
}

/// A schema or parameter without words for people, references written as the contract does.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            if let Some(name) = fields.get("$ref").and_then(Value::as_str) {
                return json!({"ref": name.rsplit('/').next()});
            }
            let kept = fields
                .iter()
                .filter(|(name, inner)| !DESCRIBING.contains(&name.as_str()) || inner.is_object());
            Value::Object(kept.map(|(name, inner)| (name.clone(), field(name, inner))).collect())
        }
        Value::Array(items) => items.iter().map(shape).collect(),
        other => other.clone(),
    }
}

fn field(name: &str, value: &Value) -> Value {
    match (name, value) {
        // Which properties are required has no order.
        ("required", Value::Array(names)) => sorted(names.clone()),
        _ => shape(value),
    }
}

fn sorted(mut values: Vec<Value>) -> Value {
    values.sort_by_key(Value::to_string);
    Value::Array(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contract() -> Value {
        json!({
            "operations": {"getThing": {
                "method": "GET", "path": "/thing", "tags": ["things"], "security": "default",
                "parameters": [
                    {"name": "id", "in": "query", "required": true, "schema": {"type": "string"}},
                ],
                "responses": {"200": {"content": {"application/json": "Thing"}}},
            }},
            "schemas": {"Thing": {
                "type": "object", "required": ["a", "b"],
                "properties": {"a": {"type": "string"}, "b": {"ref": "Thing"}},
            }},
        })
    }

    fn document() -> Value {
        json!({
            "paths": {"/thing": {"get": {
                "operationId": "getThing", "tags": ["things"],
                "parameters": [{
                    "name": "id", "in": "query", "required": true, "description": "which",
                    "schema": {"type": "string"},
                }],
                "responses": {"200": {
                    "description": "it",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}},
                }},
            }}},
            "components": {"schemas": {"Thing": {
                "type": "object", "required": ["b", "a"], "description": "A thing",
                "properties": {
                    "a": {"type": "string"}, "b": {"$ref": "#/components/schemas/Thing"},
                },
            }}},
        })
    }

    #[test]
    fn words_for_people_and_the_order_of_required_properties_do_not_count() {
        assert_eq!(differences(&document(), &contract()), Vec::<String>::new());
    }

    #[test]
    fn whatever_else_differs_is_said() {
        let mut other = document();
        other["paths"]["/thing"]["get"]["parameters"][0]["required"] = json!(false);
        other["components"]["schemas"]["Thing"]["properties"]["a"]["type"] = json!("integer");
        let found = differences(&other, &contract());
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("getThing: parameters: is "), "{found:?}");
        assert!(found[1].starts_with("Thing: properties: is "), "{found:?}");
    }
}
