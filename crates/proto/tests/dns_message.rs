//! The law that the fuzz target `dns_message` holds the message view to, over random messages.

#[expect(unreachable_pub, reason = "the fuzz targets are another crate")]
#[path = "../fuzz/src/dns_message.rs"]
mod dns_message;

use proptest::prelude::*;

/// The data of a record: octets that may point anywhere, or EDNS(0) options, which may lie.
fn data() -> impl Strategy<Value = Vec<u8>> {
    let octet = prop_oneof![Just(0u8), Just(0xc0), 0u8..16, any::<u8>()];
    let option = (
        prop_oneof![Just(3u16), Just(8), Just(15), any::<u16>()],
        prop::collection::vec(any::<u8>(), 0..20),
        prop_oneof![9 => Just(0i32), 1 => -1i32..=1],
    )
        .prop_map(|(code, data, length_off)| {
            let length = (data.len() as i32 + length_off).max(0) as u16;
            [&code.to_be_bytes(), &length.to_be_bytes(), &data[..]].concat()
        });
    prop_oneof![
        prop::collection::vec(octet, 0..40),
        prop::collection::vec(option, 0..4).prop_map(|options| options.concat()),
    ]
}

/// A reply to a question for a short name: flags, counts, and records whose owner and data may
/// point anywhere.
fn replies() -> impl Strategy<Value = Vec<u8>> {
    let record = (
        prop_oneof![
            Just(vec![0xc0, 12]),
            (0u8..80).prop_map(|to| vec![0xc0, to]),
            prop::collection::vec(any::<u8>(), 0..4),
        ],
        prop_oneof![
            Just(1u16),
            Just(28),
            Just(5),
            Just(12),
            Just(16),
            Just(33),
            Just(41),
            Just(47),
            Just(64),
            any::<u16>()
        ],
        data(),
        -1i32..=1,
    );
    let records = prop::collection::vec(record, 0..4);
    (
        prop::collection::vec(any::<u8>(), 0..9),
        any::<[u8; 2]>(),
        -1i32..=1,
        (records, any::<[prop::sample::Index; 2]>()),
        prop::collection::vec(any::<u8>(), 0..4),
    )
        .prop_map(|(name, flags, count_off, (records, ends), tail)| {
            let mut input = vec![name.len() as u8];
            input.extend(name);
            let count = (records.len() as i32 + count_off).max(0) as u8;
            // Where the answer and the authority section end.
            let mut ends = ends.map(|end| end.index(usize::from(count) + 1) as u8);
            ends.sort_unstable();
            let [answers, authority] = [ends[0], ends[1] - ends[0]];
            let additional = count - ends[1];
            input.extend([0, 0, flags[0], flags[1] & 0x93, 0, 1]);
            input.extend([0, answers, 0, authority, 0, additional]);
            for (owner, record_type, data, length_off) in records {
                input.extend(owner);
                input.extend(record_type.to_be_bytes());
                input.extend([0, 1, 0, 0, 1, 0x90]);
                let length = (data.len() as i32 + length_off).max(0) as u16;
                input.extend(length.to_be_bytes());
                input.extend(data);
            }
            input.extend(tail);
            input
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_octets_keep_the_law(input in prop::collection::vec(any::<u8>(), 0..200)) {
        dns_message::check(&input);
    }

    #[test]
    fn replies_keep_the_law(input in replies()) {
        dns_message::check(&input);
    }
}
