//! The catalog over the real engine and memory stores.

mod copies;
mod deletions;
mod differences;
mod lake;
mod links;
mod listings;
mod local_store;
mod metadata;
mod protections;
mod repositories;
mod sample_data;
mod stagings;
mod uploads;
