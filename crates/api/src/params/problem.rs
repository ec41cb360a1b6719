//! How a parameter or a body that breaks a rule is described.

use serde_json::Value;

use crate::error::ApiError;

/// 400 for the parameter `name` in `place` (`path`, `query` or `header`).
pub(crate) fn invalid(name: &str, place: &str, reason: &str) -> ApiError {
    ApiError::bad_request(format!("parameter \"{name}\" in {place} has an error: {reason}"))
}

/// `reason`, followed by the schema that was broken and by the value that broke it.
pub(crate) fn described(reason: &str, schema: &Value, value: &Value) -> String {
    let schema = indented(schema);
    let value = indented(value);
    format!("{reason}\nSchema:\n  {schema}\n\nValue:\n  {value}\n")
}

/// JSON with sorted keys and without secrets, two blanks before each line but the first.
fn indented(value: &Value) -> String {
    let mut sorted = value.clone();
    hide_secrets(&mut sorted);
    sorted.sort_all_objects();
    // Every value can be written: there are no keys other than texts.
    let text = serde_json::to_string_pretty(&sorted).unwrap_or_default();
    text.replace('\n', "\n  ")
}

/// A client may write the text of an error somewhere; a secret that it sent must not be in it.
fn hide_secrets(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(hide_secrets),
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                match field {
                    Value::String(secret) if name == "secret_access_key" => {
                        secret.clear();
                        secret.push_str("...");
                    }
                    other => hide_secrets(other),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use serde_json::json;

    #[test]
    fn a_secret_is_not_shown() {
        let body = json!({"key": {"secret_access_key": "hidden"}});
        let text = described("wrong", &json!({}), &body);
        assert!(!text.contains("hidden"), "{text}");
    }

    #[test]
    fn a_broken_bound_is_described_as_clients_know_it() {
        let schema = json!({"type": "integer", "minimum": -1, "maximum": 1000, "default": 100});
        let text = described("number must be at most 1000", &schema, &json!(1001));
        assert_eq!(
            text,
            "number must be at most 1000\nSchema:\n  {\n    \"default\": 100,\n    \
             \"maximum\": 1000,\n    \"minimum\": -1,\n    \"type\": \"integer\"\n  }\n\n\
             Value:\n  1001\n"
        );
    }
}
