//! Loopback peers with impairments to probe against.
