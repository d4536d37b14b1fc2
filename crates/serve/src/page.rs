//! The page: groups, and targets with their states.

mod content;
mod view;

pub(crate) use content::{Content, Filter};
