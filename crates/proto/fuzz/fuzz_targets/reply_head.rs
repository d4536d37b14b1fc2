//! Answers from their first octet on. The first octet of the input says how they are cut up.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((piece_octets, response)) = input.split_first() else {
        return;
    };
    canvass_proto_fuzz::check(response, *piece_octets);
});
