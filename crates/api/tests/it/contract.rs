//! The document against the pinned public contract.

use lakehold_api::contract::differences;
use lakehold_api::contract::unaccounted;
use serde_json::Value;

const CONTRACT: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/contract/api-contract.json"));

fn contract() -> Value {
    serde_json::from_str(CONTRACT).expect("the contract is JSON")
}

#[test]
fn our_operations_are_those_of_the_contract() {
    let found = differences(&lakehold_api::openapi(), &contract());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn each_operation_of_the_contract_is_implemented_or_listed() {
    let missing = unaccounted(&lakehold_api::openapi(), &contract());
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_document_is_openapi_303() {
    let document = lakehold_api::openapi();
    assert_eq!(document["openapi"], "3.0.3");
    let text = document.to_string();
    for forbidden in ["propertyNames", "\"null\"", "x-allow-empty-value", "\"const\""] {
        assert!(!text.contains(forbidden), "{forbidden}");
    }
}
