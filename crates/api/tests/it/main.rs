//! Tests of the whole API: the real router over memory stores, in process.

mod actions;
mod authentication;
mod bodies;
mod contract;
mod fuzz;
mod gc_rules;
mod imports;
mod metadata;
mod missing_files;
mod objects;
mod parameters;
mod pulls;
mod references;
mod repositories;
mod routes;
mod users;
