//! Bodies with content codings. The first octet of the input selects them, the second is the size
//! of the pieces the response is read in.

#![no_main]

const CODINGS: [&str; 8] = [
    "gzip",
    "deflate",
    "br",
    "zstd",
    "gzip, br",
    "deflate, zstd",
    "zstd, gzip",
    "br, deflate",
];

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some(([coding, piece_octets], body)) = input.split_first_chunk() else {
        return;
    };
    let coding = CODINGS[usize::from(*coding) % CODINGS.len()];
    let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\n\r\n");
    canvass_proto_fuzz::check(&[head.as_bytes(), body].concat(), *piece_octets);
});
