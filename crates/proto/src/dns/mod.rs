//! DNS messages on the wire (RFC 1035 §4).

mod answers;
mod details;
mod edns;
mod finding;
pub mod frame;
mod message;
mod names;
mod query_options;
mod question;
mod rdata;
mod record_view;
mod records;

pub use answers::{AnswerError, Answers};
pub use edns::{EDNS_UDP_OCTETS, OptRecord};
pub use finding::Finding;
pub use message::Message;
pub use query_options::QueryOptions;
pub use question::{MESSAGE_OCTETS_MAX, Question};
pub use record_view::RecordView;
