//! A whole server over memory stores, for tests: nothing listens, nothing touches the disk.
//!
//! [`TestServer`] is the real API router over the real catalog, engine and authentication; only the
//! stores below are in memory, and time stands still. A test reads like a conversation:
//!
//! ```
//! # tokio_test().block_on(async {
//! use lakehold_testkit::TestServer;
//! use serde_json::json;
//!
//! let server = TestServer::new().await;
//! let new = json!({"name": "dev", "source": "main"});
//! server.post("/repositories/lake/branches", new).await.is(201);
//! server.get("/repositories/lake/branches/dev").await.is(200);
//! # });
//! # fn tokio_test() -> tokio::runtime::Runtime { tokio::runtime::Runtime::new().unwrap() }
//! ```

mod answer;
#[cfg(test)]
mod every_fault;
mod fates;
#[cfg(feature = "power-cut")]
pub mod power_cut;
mod server;
mod simulation;

pub use answer::Answer;
pub use server::ACCESS_KEY;
pub use server::SECRET_KEY;
pub use server::TestServer;
pub use server::basic;
pub use simulation::Sabotage;
pub use simulation::SimulationFailure;
pub use simulation::SimulationReport;
pub use simulation::SimulationSettings;
pub use simulation::simulate;
