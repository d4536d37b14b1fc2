//! Messages from resolvers. The input is a question and a message: see
//! `canvass_proto_fuzz::dns_message::check`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| canvass_proto_fuzz::dns_message::check(input));
