//! DNS messages on the wire (RFC 1035 §4).

mod answers;
mod details;
mod edns;
pub mod frame;
mod message;
mod query_options;
mod question;
mod rdata;

pub use answers::{AnswerError, Answers};
pub use edns::{EDNS_UDP_OCTETS, OptRecord};
pub use message::{Message, RecordView};
pub use query_options::QueryOptions;
pub use question::{MESSAGE_OCTETS_MAX, Question};
