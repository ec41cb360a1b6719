//! Tests of the embedded key-value store, on real directories.

mod concurrency;
mod damage;
mod durability;
mod full_disk;
mod model;
mod support;
