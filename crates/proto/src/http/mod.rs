//! HTTP/1.0 and 1.1 as a client speaks it (RFC 9110, RFC 9112), without IO.
//!
//! An [`Order`] is one request and writes itself; an [`Exchange`] reads the one answer to it, octet
//! by octet or all at once with the same end. Neither opens a connection, reads a clock or decides
//! whether a redirect is followed: the caller moves the octets and counts the hops. There is no
//! HTTP/2, no cache and no cookie jar here.

mod chunked;
mod coding;
#[cfg(any(test, feature = "corpus"))]
pub mod corpus;
mod exchange;
mod fault;
mod framing;
mod head;
mod order;
mod redirect;
mod settings;
#[cfg(test)]
mod tests;

pub use exchange::{Counts, Exchange, Progress};
pub use fault::HttpFault;
pub use head::Head;
pub use order::Order;
pub use redirect::RedirectError;
pub use settings::{
    HeaderError, HttpSettings, HttpVersion, MethodError, RequestHeader, parse_method,
};
