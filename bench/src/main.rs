//! Bare socket floors.
fn main() {}
