//! Conversations with peers whose every octet is written here.

mod binary;
mod blackbox;
mod datagrams;
mod given_text;
mod laws;
mod modules;
mod presets;
mod quiet;
mod rig;
mod scripts;
mod secrets;
mod services;
mod starttls;
mod steps;
