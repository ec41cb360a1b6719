//! The doctor over real installations in memory, healthy and damaged.

mod auth;
mod files;
mod healthy;
mod lake;
mod objects;
mod partitions;
mod races;
mod real_install;
mod records;
mod references;
mod trees;
