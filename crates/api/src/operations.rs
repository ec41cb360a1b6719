//! Which operations there are, and which of them a path leads to.
//!
//! The router decides by itself where a request goes. This table answers what it cannot: which
//! operation a request was (for logs and metrics), and whether a path outside `/api/v1` is one of the
//! API.

use std::collections::HashMap;
use std::sync::LazyLock;

use http::Method;

use crate::openapi::document;
use crate::unimplemented::UNIMPLEMENTED;

/// An operation of the API, implemented or not.
#[derive(Debug)]
struct Operation {
    id: &'static str,
    method: Method,
    segments: Vec<Segment>,
}

/// A piece of a path between two slashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Segment {
    Literal(&'static str),
    Parameter,
}

/// All operations, by the number of their segments.
static OPERATIONS: LazyLock<HashMap<usize, Vec<Operation>>> = LazyLock::new(|| {
    let mut by_length: HashMap<usize, Vec<Operation>> = HashMap::new();
    for operation in implemented().chain(unimplemented()) {
        by_length.entry(operation.segments.len()).or_default().push(operation);
    }
    // Where a literal and a parameter would do, the literal is meant.
    for operations in by_length.values_mut() {
        operations.sort_by_key(|operation| {
            let is_parameter = |segment: &Segment| matches!(segment, Segment::Parameter);
            operation.segments.iter().map(is_parameter).collect::<Vec<_>>()
        });
    }
    by_length
});

fn implemented() -> impl Iterator<Item = Operation> {
    let paths = document()["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, methods)| {
        methods.as_object().into_iter().flatten().filter_map(|(method, operation)| {
            let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes()).ok()?;
            Some(Operation {
                id: operation["operationId"].as_str()?,
                method,
                segments: split(path),
            })
        })
    })
}

fn unimplemented() -> impl Iterator<Item = Operation> {
    UNIMPLEMENTED.iter().filter_map(|operation| {
        let method = Method::from_bytes(operation.method.as_bytes()).ok()?;
        Some(Operation { id: operation.id, method, segments: split(operation.path) })
    })
}

fn split(path: &'static str) -> Vec<Segment> {
    let segments = path.trim_start_matches('/').split('/');
    segments
        .map(|text| match text.starts_with('{') {
            true => Segment::Parameter,
            false => Segment::Literal(text),
        })
        .collect()
}

fn candidates(path: &str) -> impl Iterator<Item = &'static Operation> {
    let length = path.trim_start_matches('/').split('/').count();
    OPERATIONS.get(&length).into_iter().flatten()
}

impl Operation {
    fn matches(&self, path: &str) -> bool {
        let texts = path.strip_prefix('/').unwrap_or(path).split('/');
        self.segments.iter().zip(texts).all(|(segment, text)| match segment {
            Segment::Literal(literal) => *literal == text,
            Segment::Parameter => !text.is_empty(),
        })
    }
}

/// Returns the id of the operation that `method` on `path` (below the API's root) is.
pub fn operation_id(method: &Method, path: &str) -> Option<&'static str> {
    let mut matching = candidates(path).filter(|operation| operation.method == *method);
    matching.find(|operation| operation.matches(path)).map(|operation| operation.id)
}

/// Whether `path` is one of the API, seen from its root.
pub fn is_api_path(path: &str) -> bool {
    path.starts_with('/') && candidates(path).any(|operation| operation.matches(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_found_by_method_and_path() {
        let id = |method: Method, path| operation_id(&method, path);
        assert_eq!(id(Method::GET, "/repositories/r/branches/main"), Some("getBranch"));
        assert_eq!(id(Method::HEAD, "/repositories/r/refs/main/objects"), Some("headObject"));
        assert_eq!(id(Method::PUT, "/repositories/r/refs/dump"), Some("dumpRefs"));
        assert_eq!(id(Method::GET, "/repositories/r/pulls"), Some("listPullRequests"));
        assert_eq!(id(Method::GET, "/repositories/r/"), None);
        assert_eq!(id(Method::GET, "/nosuch"), None);
    }

    #[test]
    fn paths_of_the_api_are_told_from_others() {
        for path in ["/repositories", "/repositories/r", "/user", "/config/version"] {
            assert!(is_api_path(path), "{path}");
        }
        for path in
            ["", "/", "/index.html", "/repositories/", "/repositories/r/x/y", "repositories"]
        {
            assert!(!is_api_path(path), "{path}");
        }
    }
}
