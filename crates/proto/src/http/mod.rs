//! HTTP/1.0 and 1.1 for clients (RFC 9110, RFC 9112), without IO.
//!
//! A [`Request`] writes itself; a [`ResponseReader`] reads the response to it, with the same result
//! however the octets are divided. Neither opens a connection, reads a clock or decides whether a
//! redirect is followed: the caller moves the octets and counts the hops. A [`CookieJar`] holds
//! cookies for the caller's next requests. There is no HTTP/2 and no cache.

mod authorization;
mod body;
mod chunked;
mod coding;
mod cookies;
#[cfg(any(test, feature = "corpus"))]
pub mod corpus;
mod extras;
mod fault;
mod favicon;
mod folding;
mod framing;
mod head;
mod kept;
mod mend;
mod redirect;
mod request;
mod response;
mod scan;
mod settings;
mod status_line;
#[cfg(test)]
mod tests;
mod title;
mod tls_notice;

pub use authorization::Authorization;
pub use body::Counts;
pub use cookies::CookieJar;
pub use extras::Extras;
pub use fault::HttpFault;
pub(crate) use favicon::favicon_mmh3;
pub use head::Head;
pub use redirect::RedirectError;
pub(crate) use request::USER_AGENT;
pub use request::{Request, RequestContext};
pub use response::{Progress, ResponseReader};
pub use settings::{
    HeaderError, HttpSettings, HttpVersion, MethodError, RequestHeader, parse_method,
};
