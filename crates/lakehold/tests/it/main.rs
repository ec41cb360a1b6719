//! The binary as a user runs it: started, asked over HTTP, stopped.

mod config;
mod doctor;
mod process;
mod serve;
mod takeover;
mod trouble;
