//! Whole responses. The first octet of the input is the size of the pieces they are read in.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((piece_octets, response)) = input.split_first() else {
        return;
    };
    canvass_proto_fuzz::check(response, *piece_octets);
});
