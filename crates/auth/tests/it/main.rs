//! The service over memory stores, and over the records of a real installation.

mod adoption;
mod copies;
mod fixture;
mod schemes;
mod setup;
mod stored;
mod users;
