//! Conversations with peers whose every octet is written here.

mod blackbox;
mod datagrams;
mod laws;
mod presets;
mod rig;
mod scripts;
mod secrets;
mod steps;
