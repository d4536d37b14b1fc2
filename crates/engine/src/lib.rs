//! The mio event loop: shards, upstreams, windows.
