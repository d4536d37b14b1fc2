//! Chunked bodies. The first octet of the input is the size of the pieces the response is read in.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((piece_octets, body)) = input.split_first() else {
        return;
    };
    let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    canvass_proto_fuzz::check(&[head, body].concat(), *piece_octets);
});
