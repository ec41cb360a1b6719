//! The driver against moto (or the S3 at `LAKEHOLD_TEST_S3`), against a proxy that loses and cuts what
//! passes through it, and against a server that only counts bytes.

mod conditional;
mod conformance;
mod credentials;
mod faults;
mod keys;
mod presigned;
mod proxy;
mod regions;
mod sink;
mod streaming;
mod support;
mod tls;
