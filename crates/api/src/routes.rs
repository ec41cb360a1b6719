//! From an operation to its handler.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Body;
use axum::response::IntoResponse as _;
use axum::routing::MethodRouter;
use http::Request;
use http::Response;
use tower::Service as _;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::router::UtoipaMethodRouter;

use crate::Api;
use crate::error::ApiError;
use crate::operations::Matched;
use crate::operations::resources;

/// Handlers by the path they answer, and their documentation.
pub(crate) struct Routes {
    documented: OpenApiRouter<Api>,
    handlers: HashMap<String, MethodRouter<Api>>,
}

impl Routes {
    /// None.
    pub(crate) fn new() -> Self {
        Self::documented_in(OpenApi::default())
    }

    /// None yet; the document is to begin with `base`.
    pub(crate) fn documented_in(base: OpenApi) -> Self {
        Self { documented: OpenApiRouter::with_openapi(base), handlers: HashMap::new() }
    }

    /// Adds the handlers of one path, as `utoipa_axum::routes!` collects them.
    pub(crate) fn routes(mut self, (schemas, paths, handlers): UtoipaMethodRouter<Api>) -> Self {
        for path in paths.paths.keys() {
            self = self.undocumented(path, handlers.clone());
        }
        self.documented = self.documented.routes((schemas, paths, handlers));
        self
    }

    /// Adds handlers of `path` that the document does not show.
    pub(crate) fn undocumented(mut self, path: &str, handlers: MethodRouter<Api>) -> Self {
        let known = self.handlers.remove(path).unwrap_or_default();
        self.handlers.insert(path.to_owned(), known.merge(handlers));
        self
    }

    /// Adds those of `others`.
    pub(crate) fn merge(mut self, others: Self) -> Self {
        for (path, handlers) in others.handlers {
            self = self.undocumented(&path, handlers);
        }
        self.documented = self.documented.merge(others.documented);
        self
    }

    /// The document.
    pub(crate) fn into_openapi(self) -> OpenApi {
        self.documented.into_openapi()
    }
}

/// Answers requests to the API. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ApiRouter {
    /// In the order of the resources.
    handlers: Arc<[MethodRouter]>,
}

impl ApiRouter {
    pub(crate) fn new(mut routes: Routes, api: &Api) -> Self {
        let handlers = resources().iter().map(|resource| {
            let handlers = routes.handlers.remove(resource.path).unwrap_or_default();
            handlers.with_state(api.clone())
        });
        Self { handlers: handlers.collect() }
    }

    /// Answers `request`, whose path leads to `matched`.
    ///
    /// Everything that is no operation is answered 404, a wrong method too. Bodies have no limit here:
    /// objects pass piece by piece, and JSON has a limit of its own.
    pub async fn answer(
        &self,
        matched: Option<Matched>,
        mut request: Request<Body>,
    ) -> Response<Body> {
        // Asked first, since axum would let the handler of GET answer HEAD.
        let matched = matched.filter(|found| found.operation_id(request.method()).is_some());
        let handlers = matched.and_then(|found| self.handlers.get(found.resource.place));
        let (Some(matched), Some(handlers)) = (matched, handlers) else {
            return ApiError::no_such_operation().into_response();
        };
        request.extensions_mut().insert(matched);
        let Ok(response) = handlers.clone().call(request).await;
        response
    }
}
