//! HTTP/1.0 and 1.1 for clients (RFC 9110, RFC 9112), without IO.
//!
//! A [`Request`] writes itself; a [`ResponseReader`] reads the response to it, with the same result
//! however the octets are divided. Neither opens a connection, reads a clock or decides whether a
//! redirect is followed: the caller moves the octets and counts the hops. There is no HTTP/2, no
//! cache and no cookie jar.

mod body;
mod chunked;
mod coding;
#[cfg(any(test, feature = "corpus"))]
pub mod corpus;
mod fault;
mod folding;
mod framing;
mod head;
mod mend;
mod redirect;
mod request;
mod response;
mod scan;
mod settings;
mod status_line;
#[cfg(test)]
mod tests;
mod tls_notice;

pub use body::Counts;
pub use fault::HttpFault;
pub use head::Head;
pub use redirect::RedirectError;
pub use request::Request;
pub use response::{Progress, ResponseReader};
pub use settings::{
    HeaderError, HttpSettings, HttpVersion, MethodError, RequestHeader, parse_method,
};
