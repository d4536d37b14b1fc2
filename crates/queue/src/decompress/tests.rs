use super::*;
use crate::pieces::Pieces;
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use std::io::Write;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

/// What was read before the end or an error.
fn read_all(reader: impl Read) -> (Vec<u8>, Option<String>) {
    let mut reader = Decompressed::new(reader);
    let (mut all, mut buffer) = (Vec::new(), vec![0; 5_000]);
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return (all, None),
            Ok(count) => all.extend_from_slice(&buffer[..count]),
            Err(error) => return (all, Some(error.to_string())),
        }
    }
}

fn list() -> Vec<u8> {
    (0..20_000u32)
        .flat_map(|bits| format!("{}\n", std::net::Ipv4Addr::from_bits(bits * 7919)).into_bytes())
        .collect()
}

#[test]
fn every_format_is_read_in_pieces_of_any_size() {
    let list = list();
    let (gzip_half, zstd_half) = (gzip(&list[..99_999]), zstd(&list[..99_999]));
    let skippable = [&[0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
    let forms = [
        list.clone(),
        gzip(&list),
        zstd(&list),
        [
            gzip_half.clone(),
            gzip(b""),
            gzip(&list[99_999..]),
            vec![0; 700],
        ]
        .concat(),
        [
            &skippable[..],
            &zstd_half,
            &skippable,
            &zstd(&list[99_999..]),
        ]
        .concat(),
    ];
    for (form, bytes) in forms.iter().enumerate() {
        for piece in [1, 3, 4_096, usize::MAX] {
            let (read, error) = read_all(Pieces { bytes, piece });
            assert_eq!(error, None, "{form}");
            assert!(read == list, "{form} in pieces of {piece}");
        }
    }
}

#[test]
fn what_only_begins_as_a_magic_number_is_plain() {
    for text in ["", "(", "P", "P*M", "\u{1f}", "(a)\n", "192.0.2.1"] {
        for piece in [1, 100] {
            let bytes = text.as_bytes();
            let (read, error) = read_all(Pieces { bytes, piece });
            assert_eq!((&read[..], error), (bytes, None));
        }
    }
}

#[test]
fn the_format_is_recognised_whatever_the_size_of_the_first_read() {
    for whole in [
        gzip(b"192.0.2.1\n"),
        zstd(b"192.0.2.1\n"),
        b"192.0.2.1\n".to_vec(),
    ] {
        let mut reader = Decompressed::new(&whole[..]);
        assert_eq!(reader.read(&mut []).unwrap(), 0);
        let mut all = Vec::new();
        let mut octet = [0];
        while reader.read(&mut octet).unwrap() == 1 {
            all.extend(octet);
        }
        assert_eq!(all, b"192.0.2.1\n");
    }
}

#[test]
fn what_precedes_a_cut_is_given() {
    let list = list();
    for (whole, name) in [(gzip(&list), "gzip"), (zstd(&list), "zstd")] {
        for cut in [5, whole.len() / 2, whole.len() - 1] {
            let (read, error) = read_all(&whole[..cut]);
            let error = error.unwrap();
            assert_eq!(
                error,
                format!("the {name} data end early, after {cut} octets")
            );
            assert!(list.starts_with(&read));
            // zstd gives whole blocks, of which each is at most 128 KiB.
            let least = (list.len() * cut / whole.len()).saturating_sub(200_000);
            assert!(read.len() >= least, "{name} {cut}: {}", read.len());
        }
    }
    assert!(
        read_all(&gzip(&list)[..100_000.min(gzip(&list).len() / 2)])
            .0
            .len()
            > 50_000
    );
}

#[test]
fn corrupt_data_are_an_error_at_a_place() {
    let list = list();
    let mut corrupt = gzip(&list);
    let end = corrupt.len();
    corrupt[end - 6] ^= 1;
    let (read, error) = read_all(&corrupt[..]);
    assert!(read == list);
    let error = error.unwrap();
    assert!(
        error.starts_with("corrupt gzip data near octet "),
        "{error}"
    );
    let mut trailing = gzip(&list);
    trailing.extend_from_slice(b"192.0.2.1\n");
    let (read, error) = read_all(&trailing[..]);
    assert!(read == list && error.unwrap().contains("invalid gzip header"));
    let mut corrupt = zstd(&list);
    let end = corrupt.len();
    corrupt[end - 1] ^= 1;
    let (read, error) = read_all(&corrupt[..]);
    assert!(read == list);
    assert!(error.unwrap().contains("a checksum is wrong"));
    let mut trailing = zstd(&list);
    trailing.extend_from_slice(b"192.0.2.1\n");
    let (read, error) = read_all(&trailing[..]);
    assert!(read == list);
    assert!(error.unwrap().starts_with("corrupt zstd data near octet "));
}

#[test]
fn a_window_has_a_limit() {
    // A frame header with a window of 2^28 octets (RFC 8878 §3.1.1.1.2).
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0, 18 << 3, 1, 0, 0];
    let error = read_all(&frame[..]).1.unwrap();
    assert!(error.contains("268435456"), "{error}");
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0, 17 << 3, 1, 0, 0];
    assert_eq!(read_all(&frame[..]), (Vec::new(), None));
}

#[test]
fn an_error_of_the_system_stays_what_it_is() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _buffer: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    for whole in [gzip(&list()), zstd(&list())] {
        let error = read_all(whole[..whole.len() / 2].chain(Failing)).1;
        assert_eq!(error.as_deref(), Some("the disk is gone"));
    }
}

proptest! {
    #[test]
    fn no_octets_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), at in 0usize..4_000, format in 0..3) {
        let mut whole = match format {
            0 => gzip(&list()[..10_000]),
            1 => zstd(&list()[..10_000]),
            _ => ZSTD_MAGIC.to_vec(),
        };
        let at = at.min(whole.len());
        let end = whole.len().min(at + bytes.len());
        whole.splice(at..end, bytes);
        read_all(&whole[..]);
    }
}
