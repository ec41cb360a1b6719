//! Which operations there are, and which of them a request is for.
//!
//! One table, made of the paths of the OpenAPI document and of [`UNIMPLEMENTED`], and looked up once
//! for a request: by the front door, which needs the operation's name before anything else. What it
//! found goes with the request to the handlers' router and to the parameters in the path.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use http::Method;
use percent_encoding::percent_decode_str;

use crate::openapi::document;
use crate::unimplemented::UNIMPLEMENTED;

static TABLE: LazyLock<Table> = LazyLock::new(Table::build);

/// All paths of the API.
struct Table {
    /// Finds the place of a path among the resources.
    places: matchit::Router<usize>,
    resources: Vec<Resource>,
}

/// A path of the API, and what can be done there.
#[derive(Debug)]
pub(crate) struct Resource {
    /// Its place among all.
    pub(crate) place: usize,
    /// The path, with parameters in braces.
    pub(crate) path: &'static str,
    /// Names of the parameters, and which segment of the path each stands for.
    parameters: Vec<(&'static str, usize)>,
    operations: Vec<(Method, &'static str)>,
}

impl Table {
    fn build() -> Self {
        let mut operations: BTreeMap<&'static str, Vec<(Method, &'static str)>> = BTreeMap::new();
        for (path, method, id) in implemented().chain(unimplemented()) {
            operations.entry(path).or_default().push((method, id));
        }
        let mut places = matchit::Router::new();
        let mut resources = Vec::new();
        for (place, (path, operations)) in operations.into_iter().enumerate() {
            places.insert(path, place).expect("the contract's paths can be told from each other");
            resources.push(Resource { place, path, parameters: parameters(path), operations });
        }
        Self { places, resources }
    }
}

/// Path, method and id of each operation with a handler.
fn implemented() -> impl Iterator<Item = (&'static str, Method, &'static str)> {
    let paths = document()["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, methods)| {
        methods.as_object().into_iter().flatten().filter_map(move |(method, operation)| {
            let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes()).ok()?;
            Some((path.as_str(), method, operation["operationId"].as_str()?))
        })
    })
}

fn unimplemented() -> impl Iterator<Item = (&'static str, Method, &'static str)> {
    UNIMPLEMENTED.iter().filter_map(|operation| {
        let method = Method::from_bytes(operation.method.as_bytes()).ok()?;
        Some((operation.path, method, operation.id))
    })
}

fn parameters(path: &'static str) -> Vec<(&'static str, usize)> {
    let segments = path.split('/').enumerate();
    let name = |text: &'static str| text.strip_prefix('{')?.strip_suffix('}');
    segments.filter_map(|(index, text)| Some((name(text)?, index))).collect()
}

/// All paths of the API.
pub(crate) fn resources() -> &'static [Resource] {
    &TABLE.resources
}

/// What a path leads to.
#[derive(Clone, Copy, Debug)]
pub struct Matched {
    pub(crate) resource: &'static Resource,
    /// Length of what stands before the API's own path.
    root: usize,
}

impl Matched {
    /// What `path` leads to where the API is at `root`. `None` where that is nothing of the API.
    pub fn find(path: &str, root: &str) -> Option<Self> {
        let found = TABLE.places.at(path.strip_prefix(root)?).ok()?;
        let resource = TABLE.resources.get(*found.value)?;
        Some(Self { resource, root: root.len() })
    }

    /// The id of the operation that `method` is here; `None` where there is none.
    pub fn operation_id(self, method: &Method) -> Option<&'static str> {
        let mut operations = self.resource.operations.iter();
        operations.find(|(of, _)| of == method).map(|(_, id)| *id)
    }

    /// The segment of `path` that the parameter `name` stands for, decoded. Empty where it is empty
    /// or there is no such parameter; `None` where it is no text.
    pub(crate) fn segment<'a>(self, path: &'a str, name: &str) -> Option<Cow<'a, str>> {
        let mut parameters = self.resource.parameters.iter();
        let index = parameters.find(|(parameter, _)| *parameter == name).map(|(_, index)| *index);
        let segments = path.get(self.root..).unwrap_or_default();
        let text = index.and_then(|index| segments.split('/').nth(index)).unwrap_or_default();
        if !text.contains('%') {
            return Some(Cow::Borrowed(text));
        }
        percent_decode_str(text).decode_utf8().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(method: &Method, path: &str) -> Option<&'static str> {
        Matched::find(path, "")?.operation_id(method)
    }

    #[test]
    fn an_operation_is_found_by_method_and_path() {
        assert_eq!(id(&Method::GET, "/repositories/r/branches/main"), Some("getBranch"));
        assert_eq!(id(&Method::HEAD, "/repositories/r/refs/main/objects"), Some("headObject"));
        assert_eq!(id(&Method::PUT, "/repositories/r/refs/dump"), Some("dumpRefs"));
        assert_eq!(id(&Method::GET, "/repositories/r/pulls"), Some("listPullRequests"));
        assert_eq!(id(&Method::HEAD, "/repositories"), None);
        assert_eq!(id(&Method::GET, "/repositories/r/"), None);
        assert_eq!(id(&Method::GET, "/nosuch"), None);
    }

    #[test]
    fn paths_of_the_api_are_told_from_others() {
        for path in ["/repositories", "/repositories/r", "/user", "/config/version"] {
            assert!(Matched::find(path, "").is_some(), "{path}");
            assert!(Matched::find(&format!("/api/v1{path}"), "/api/v1").is_some(), "{path}");
        }
        for path in
            ["", "/", "/index.html", "/repositories/", "/repositories/r/x/y", "repositories"]
        {
            assert!(Matched::find(path, "").is_none(), "{path}");
            assert!(Matched::find(&format!("/api/v1{path}"), "/api/v1").is_none(), "{path}");
        }
        assert!(Matched::find("/repositories", "/api/v1").is_none());
    }

    #[test]
    fn every_operation_leads_to_itself() {
        for resource in resources() {
            let matched = Matched::find(resource.path, "").expect("a path of the table");
            assert_eq!(matched.resource.path, resource.path);
        }
    }

    #[test]
    fn parameters_are_the_segments_that_they_stand_for() {
        let path = "/api/v1/repositories/a%2Fb/refs/m%61in/objects/stat";
        let matched = Matched::find(path, "/api/v1").expect("statObject");
        assert_eq!(matched.segment(path, "repository").as_deref(), Some("a/b"));
        assert_eq!(matched.segment(path, "ref").as_deref(), Some("main"));
        assert_eq!(matched.segment(path, "branch").as_deref(), Some(""));
        let path = "/repositories/%FF";
        let matched = Matched::find(path, "").expect("getRepository");
        assert_eq!(matched.segment(path, "repository"), None);
    }
}
