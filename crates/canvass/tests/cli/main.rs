//! Black-box tests of the command: arguments and input, output, messages and exit status.
//!
//! All traffic is on loopback: to the lab, to peers of the tests that misbehave, and to servers that are
//! not part of canvass.

mod bad_input;
mod certificate;
mod common;
mod compare;
mod completeness;
mod dedup;
mod delays;
mod dig_habits;
mod dns;
mod dovecot;
mod exim;
mod explain;
mod formats;
mod guide;
mod hostile;
mod html;
mod http_bodies;
mod http_faults;
mod http_formats;
mod http_peers;
mod http_redirects;
mod http_repeat;
mod http_requests;
mod http_rig;
mod http_targets;
mod httpbin;
mod knot;
mod lab;
mod latency_files;
mod line_resolvers;
mod lists;
mod manners;
mod nginx;
mod open_rate;
mod peers;
mod probe_peers;
mod probe_targets;
mod probing;
mod records;
mod report;
mod resolver_files;
mod selftest;
mod signals;
mod sockets;
mod talk;
mod talk_credentials;
mod targets;
mod tcp;
mod tcp_faults;
mod tls;
mod trace;
mod udp;
mod unicode_names;
