//! The `canvass` command.
fn main() {}
