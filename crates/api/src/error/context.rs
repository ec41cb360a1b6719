//! What an operation adds to the text of an error.
//!
//! The table in [`wire`](super::wire) says `not found`; clients of some operations look for
//! `source reference 'x': not found`. Here is who says what: each function takes the catalog's error
//! and gives the answer of one group of operations.

use lakehold_catalog::CatalogError;
use lakehold_catalog::EngineError;
use lakehold_catalog::InvalidId;

use super::ApiError;

/// `argument branch: branch id: invalid value: validation error`
pub(crate) fn argument(name: &'static str) -> impl Fn(InvalidId) -> ApiError {
    move |error| ApiError::from(error).prefixed(&format!("argument {name}: "))
}

/// Puts `prefix` before the text where the error is about a reference.
pub(crate) fn about_reference(
    prefix: impl FnOnce() -> String,
) -> impl FnOnce(CatalogError) -> ApiError {
    move |error| match bad_reference(&error) {
        Some(_) => ApiError::from(error).prefixed(&prefix()),
        None => ApiError::from(error),
    }
}

/// The reference that the error is about.
pub(crate) fn bad_reference(error: &CatalogError) -> Option<String> {
    let CatalogError::Engine(error) = error else { return None };
    match error {
        EngineError::RefNotFound(reference) | EngineError::NotACommit(reference) => {
            Some(reference.as_str().to_owned())
        }
        EngineError::InvalidRef { reference, .. } => Some(reference.clone()),
        _ => None,
    }
}

/// Puts `prefix` before the text where there is nothing to do, or too much.
pub(crate) fn about_changes(prefix: &str, error: CatalogError) -> ApiError {
    match is_about_changes(&error) {
        true => ApiError::from(error).prefixed(prefix),
        false => ApiError::from(error),
    }
}

fn is_about_changes(error: &CatalogError) -> bool {
    matches!(error, CatalogError::Engine(EngineError::NoChanges | EngineError::Conflict { .. }))
}

/// `branch 'dev' not found`, as writers of objects say it.
pub(crate) fn on_branch(error: CatalogError) -> ApiError {
    match &error {
        CatalogError::Engine(EngineError::BranchNotFound(branch)) => {
            let message = format!("branch '{branch}' not found");
            ApiError::from(error).reworded(message)
        }
        _ => ApiError::from(error),
    }
}

/// As [`on_branch`]; and of a condition that did not hold, which one.
pub(crate) fn on_upload(error: CatalogError) -> ApiError {
    match &error {
        CatalogError::Engine(EngineError::PreconditionFailed(_)) => {
            ApiError::from(error).reworded("path already exists")
        }
        _ => on_branch(error),
    }
}

/// `should point to a commit`, where only a commit will do.
pub(crate) fn wants_commit(error: CatalogError) -> ApiError {
    match &error {
        CatalogError::Engine(EngineError::NotACommit(_)) => ApiError::from(error)
            .reworded("ref: invalid value: validation error: should point to a commit"),
        _ => ApiError::from(error),
    }
}

/// Of a revert or cherry-pick: which commit it was to be, or what became of the branch.
pub(crate) fn applying(reference: &str, error: CatalogError) -> ApiError {
    match bad_reference(&error) {
        Some(_) => ApiError::from(error).prefixed(&format!("get commit from ref {reference}: ")),
        None => about_changes("update branch: ", error),
    }
}
