//! Tests of submitter and workers together.

mod simulated;
mod with_redis;
