//! Rules over the real engine and block stores.

mod rules;
