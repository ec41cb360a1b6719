//! The drivers from outside: the conformance suite, and what an ended process leaves behind.

mod cache;
mod conformance;
mod durability;
mod faults;
mod multipart;
mod sources;
