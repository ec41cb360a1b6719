//! The binary as a user runs it: started, asked over HTTP, stopped.

mod process;
mod serve;
mod trouble;
