//! One request from its arrival to the end of its answer.

use std::any::Any;
use std::error::Error;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use futures::FutureExt as _;
use http::HeaderName;
use http::Response;
use http::StatusCode;
use http::request::Parts;
use tracing::Instrument as _;
use tracing::Level;
use tracing::debug_span;
use tracing::error;

use lakehold_api::Cause;
use lakehold_auth::Auth;
use lakehold_clock::Runtime;

use super::audit::Audit;
use super::body::ObservedBody;
use super::figures::Figures;
use super::figures::OperationFigures;
use super::figures::method_place;
use super::request_id::RequestId;
use super::request_id::RequestIds;
use crate::dispatch::Front;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// What a client that went away is counted as.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// Observes calls. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Telemetry {
    shared: Arc<Shared>,
}

struct Shared {
    runtime: Runtime,
    auth: Auth,
    ids: RequestIds,
    figures: Figures,
}

/// What is known of a request when it comes in.
pub(crate) struct Arrival<'a> {
    pub(crate) front: Front,
    pub(crate) operation: Option<&'static str>,
    pub(crate) head: &'a Parts,
    pub(crate) peer: SocketAddr,
}

/// A call that has begun. It is counted when this is dropped.
pub(crate) struct Call {
    shared: Arc<Shared>,
    id: RequestId,
    /// `None` where the request is not for the API.
    method: Option<usize>,
    operation: Option<Arc<OperationFigures>>,
    begun: Duration,
    status: StatusCode,
    audit: Option<Box<Audit>>,
}

impl Telemetry {
    pub(crate) fn new(runtime: &Runtime, auth: &Auth) -> Self {
        let shared = Shared {
            runtime: runtime.clone(),
            auth: auth.clone(),
            ids: RequestIds::new(runtime),
            figures: Figures::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    pub(crate) async fn begin(&self, arrival: &Arrival<'_>) -> Call {
        let shared = self.shared.clone();
        let is_api = matches!(arrival.front, Front::Api | Front::ApiAtRoot);
        let operation = arrival.operation.map(|id| shared.figures.operation(id));
        if let Some(operation) = &operation {
            operation.begin();
        }
        let mut call = Call {
            id: shared.ids.next_id(),
            method: is_api.then(|| method_place(&arrival.head.method)),
            operation,
            begun: shared.runtime.monotonic(),
            status: StatusCode::from_u16(CLIENT_CLOSED_REQUEST).unwrap_or_default(),
            audit: None,
            shared,
        };
        if tracing::enabled!(Level::DEBUG) {
            let audit = Audit::of(arrival.head, arrival.peer, &call.shared.auth).await;
            call.audit = Some(Box::new(audit));
        }
        call
    }
}

impl Call {
    /// Runs `work` and takes note of its answer. A panic is answered like any failure of ours.
    pub(crate) async fn observe(
        mut self,
        work: impl Future<Output = Response<Body>>,
    ) -> Response<Body> {
        let span = debug_span!("request", request.id = %self.id, operation = self.operation_id());
        let done = AssertUnwindSafe(work).catch_unwind().instrument(span).await;
        let mut response = done.unwrap_or_else(|panic| self.panicked(&*panic));
        self.status = response.status();
        if let Some(operation) = &self.operation {
            operation.first_byte(self.shared.runtime.monotonic().saturating_sub(self.begun));
        }
        if let Some(Cause(cause)) = response.extensions().get::<Cause>() {
            let (id, operation, status) = (&self.id, self.operation_id(), self.status.as_u16());
            let text = chain(&**cause);
            error!(request.id = %id, operation, status_code = status, "{operation} failed: {text}");
        }
        if let Some(id) = self.id.header() {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        response.map(|body| Body::new(ObservedBody::new(body, self)))
    }

    fn panicked(&self, panic: &(dyn Any + Send)) -> Response<Body> {
        let said = panic.downcast_ref::<&str>().copied();
        let text = said.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        let text = text.unwrap_or("a panic without words");
        error!(request.id = %self.id, operation = self.operation_id(), "request panicked: {text}");
        let mut response = Response::new(Body::from("{\"message\":\"internal error\"}\n"));
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        let json = http::HeaderValue::from_static("application/json");
        response.headers_mut().insert(http::header::CONTENT_TYPE, json);
        response
    }

    fn operation_id(&self) -> &'static str {
        self.operation.as_ref().map_or("", |operation| operation.id())
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let took = self.shared.runtime.monotonic().saturating_sub(self.begun);
        if let Some(method) = self.method {
            self.shared.figures.count(method, self.status);
        }
        if let Some(operation) = &self.operation {
            operation.end(self.status, took);
        }
        if let Some(audit) = &self.audit {
            audit.write(&self.id, self.operation_id(), self.status, took);
        }
    }
}

/// The error's text and those of what led to it.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(next) = source {
        text.push_str(": ");
        text.push_str(&next.to_string());
        source = next.source();
    }
    text
}

#[cfg(test)]
mod tests;
