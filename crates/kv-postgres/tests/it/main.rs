//! Tests of the store on PostgreSQL, against a real server.

mod contract;
mod existing;
mod gathering;
mod interruptions;
mod limits;
mod lost_answers;
mod proxy;
mod server;
mod sharing;
mod support;
mod tls;
