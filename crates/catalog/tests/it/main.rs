//! The catalog over the real engine and memory stores.

#![expect(clippy::panic, reason = "what a test calls may fail it, too")]

mod copies;
mod deletions;
mod differences;
mod expiry;
mod imports;
mod lake;
mod links;
mod listings;
mod local_store;
mod metadata;
mod old_forms;
mod parts;
mod protections;
mod pull_requests;
mod repositories;
mod sample_data;
mod stagings;
mod uploads;
