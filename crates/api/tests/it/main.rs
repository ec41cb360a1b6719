//! Tests of the whole API: the real router over memory stores, in process.

mod authentication;
mod bodies;
mod contract;
mod fuzz;
mod objects;
mod parameters;
mod references;
mod repositories;
mod routes;
