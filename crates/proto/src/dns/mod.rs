//! DNS messages on the wire (RFC 1035 §4).

mod answers;
mod finding;
pub mod frame;
mod message;
mod question;
mod rdata;
mod records;

pub use answers::{AnswerError, Answers};
pub use finding::Finding;
pub use message::{Message, RecordView};
pub use question::{EDNS_UDP_OCTETS, MESSAGE_OCTETS_MAX, Question};
