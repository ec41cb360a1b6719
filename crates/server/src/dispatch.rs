//! The front door: one listener, and who answers what comes in.
//!
//! Each request is told apart once, by its host, its signature, its path and what it would like to
//! read, and goes to one [`Front`]. A request signed the way S3 clients sign is theirs whatever its
//! path says, since bucket names look like paths (docs/design/0009-front-door.md).

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use axum::body::Body;
use bytes::Bytes;
use http::Method;
use http::Request;
use http::Response;
use http::request::Parts;

use lakehold_api::ApiRouter;
use lakehold_api::Matched;
use lakehold_clock::Runtime;

use crate::telemetry::Arrival;
use crate::telemetry::Rendered;
use crate::telemetry::Telemetry;
use crate::wiring::Stack;

mod answers;
mod s3;

const API_ROOT: &str = "/api/v1";

/// Who answers a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Front {
    /// The HTTP API, at [`API_ROOT`].
    Api,
    /// The HTTP API, for clients that were given no path and ask for JSON.
    ApiAtRoot,
    /// The description of the API.
    OpenApi,
    /// The S3 gateway.
    S3,
    /// Figures for Prometheus.
    Metrics,
    /// Whether the server is alive.
    Health,
    /// Ends a session of the web pages.
    Logout,
    /// The Iceberg catalog, which this server does not have.
    Iceberg,
    /// Everything else: the web pages.
    Ui,
}

impl Front {
    /// Who answers this request.
    pub(crate) fn of(head: &Parts) -> Self {
        let path = head.uri.path();
        if s3::is_for_gateway(head) {
            return Self::S3;
        }
        match path {
            "/openapi.json" => Self::OpenApi,
            "/metrics" => Self::Metrics,
            "/_health" => Self::Health,
            "/logout" => Self::Logout,
            _ if is_below(path, "/api") => Self::Api,
            _ if is_below(path, "/iceberg") || is_below(path, "/mds/iceberg") => Self::Iceberg,
            _ if prefers_json(head) && Matched::find(path, "").is_some() => Self::ApiAtRoot,
            _ => Self::Ui,
        }
    }
}

/// Answers every request of the server. Cheap to clone.
#[derive(Clone)]
pub(crate) struct FrontDoor {
    rooms: Arc<Rooms>,
}

/// What is behind the door.
struct Rooms {
    api: ApiRouter,
    installation_id: String,
    open_api: Bytes,
    metrics: Rendered,
    telemetry: Telemetry,
}

impl FrontDoor {
    pub(crate) async fn new(
        stack: &Stack,
        metrics: Rendered,
        runtime: &Runtime,
    ) -> anyhow::Result<Self> {
        let installation_id =
            stack.auth.installation_id().await.context("reading the id of the installation")?;
        let rooms = Rooms {
            api: stack.api.clone(),
            installation_id,
            open_api: stack.open_api.clone(),
            metrics,
            telemetry: Telemetry::new(runtime, &stack.auth),
        };
        Ok(Self { rooms: Arc::new(rooms) })
    }

    /// Answers `request`, which came from `peer`.
    pub(crate) async fn answer(&self, request: Request<Body>, peer: SocketAddr) -> Response<Body> {
        let (head, body) = request.into_parts();
        let front = Front::of(&head);
        let matched = match front {
            Front::Api => Matched::find(head.uri.path(), API_ROOT),
            Front::ApiAtRoot => Matched::find(head.uri.path(), ""),
            _ => None,
        };
        let operation = matched.and_then(|matched| matched.operation_id(&head.method));
        let arrival = Arrival { front, operation, head: &head, peer };
        let call = self.rooms.telemetry.begin(&arrival).await;
        call.observe(self.pass_on(front, matched, Request::from_parts(head, body))).await
    }

    async fn pass_on(
        &self,
        front: Front,
        matched: Option<Matched>,
        request: Request<Body>,
    ) -> Response<Body> {
        match front {
            Front::Api | Front::ApiAtRoot => self.rooms.api.answer(matched, request).await,
            Front::OpenApi => answers::json(self.rooms.open_api.clone()),
            Front::S3 => s3::not_there(request.uri().path()),
            Front::Metrics => answers::metrics(self.rooms.metrics.text()),
            Front::Health => answers::alive(&self.rooms.installation_id),
            Front::Logout => answers::logout(),
            Front::Iceberg => answers::no_iceberg(),
            Front::Ui if matches!(*request.method(), Method::GET | Method::HEAD) => answers::page(),
            Front::Ui => answers::no_such_endpoint(),
        }
    }
}

fn is_below(path: &str, root: &str) -> bool {
    path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Browsers accept HTML and get the pages; clients generated from the API's description accept JSON
/// and nothing of the kind.
fn prefers_json(head: &Parts) -> bool {
    let accepted = head.headers.get(http::header::ACCEPT).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|types| types.contains("application/json") && !types.contains("text/html"))
}

#[cfg(test)]
mod tests;
