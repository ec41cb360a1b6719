//! Events that clients count.

use serde::Deserialize;
use serde::Serialize;
use utoipa::ToSchema;

/// Events of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatsEventsList {
    /// The events.
    pub events: Vec<StatsEvent>,
}

/// An event, and how often it happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatsEvent {
    /// stats event class (e.g. "s3_gateway", "openapi_request", "experimental-feature", "ui-event")
    pub class: String,
    /// stats event name (e.g. "put_object", "create_repository", `<experimental-feature-name>`)
    pub name: String,
    /// number of events of the class and name
    #[schema(format = "")]
    pub count: i64,
}
