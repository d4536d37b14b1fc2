use std::borrow::Cow;

use canvass_model::Cause;

use super::*;
use crate::tls::tests::{Server, client, trusting};

/// What a peer sends: three messages, one of them empty.
const STREAM: &[u8] = b"\0\x05first\0\0\0\x06second";
const MESSAGES: [&[u8]; 3] = [b"first", b"", b"second"];

fn messages(connection: &mut Connection<LengthPrefixed>, octets: &[u8]) -> Vec<Vec<u8>> {
    let received = connection.received(octets);
    assert_eq!(received.fault, None);
    let mut frames = received.frames;
    std::iter::from_fn(|| frames.next_message().map(<[u8]>::to_vec)).collect()
}

/// Carries octets to and fro until both sides are silent; to the client in pieces.
fn converse<F: Framing>(
    connection: &mut Connection<F>,
    server: &mut Server,
    piece_octets: usize,
    mut on_frames: impl FnMut(F::Frames<'_>),
) -> Option<TlsFault> {
    let mut fault = None;
    loop {
        let to_server = connection.outgoing().to_vec();
        connection.wrote(to_server.len());
        let to_client = server.received(&to_server);
        if to_server.is_empty() && to_client.is_empty() {
            return fault;
        }
        for piece in to_client.chunks(piece_octets) {
            let received = connection.received(piece);
            on_frames(received.frames);
            fault = fault.or(received.fault);
        }
    }
}

fn over_tls<F: Framing>() -> Connection<F> {
    let mut connection = Connection::default();
    connection.start_tls(client(&trusting(), "berry.example"));
    connection
}

#[test]
fn messages_cut_at_every_octet_are_the_same() {
    for cut in 0..=STREAM.len() {
        for second_cut in cut..=STREAM.len() {
            let mut connection = Connection::default();
            let mut all = messages(&mut connection, &STREAM[..cut]);
            all.extend(messages(&mut connection, &STREAM[cut..second_cut]));
            all.extend(messages(&mut connection, &STREAM[second_cut..]));
            assert_eq!(all, MESSAGES, "cut at {cut} and {second_cut}");
        }
    }
    let mut connection = Connection::default();
    let octets = STREAM.chunks(1);
    let all: Vec<_> = octets
        .flat_map(|octet| messages(&mut connection, octet))
        .collect();
    assert_eq!(all, MESSAGES);
}

#[test]
fn whole_messages_are_borrowed_from_what_was_read() {
    let mut connection = Connection::<LengthPrefixed>::default();
    let octets = [STREAM, b"\0"].concat();
    let mut frames = connection.received(&octets).frames;
    let mut at = 0;
    for message in MESSAGES {
        let next = frames.next_message().unwrap();
        assert_eq!(next, message);
        assert_eq!(next.as_ptr(), octets[at + 2..].as_ptr());
        at += 2 + message.len();
    }
    assert!(frames.is_empty());
    assert_eq!(frames.next_message(), None);
    // The octet that was left over begins the next message.
    assert_eq!(connection.partial_frame(), Some(&b""[..]));
    assert_eq!(messages(&mut connection, b"\x02x"), [b""; 0]);
    assert_eq!(connection.partial_frame(), Some(&b"x"[..]));
    assert_eq!(messages(&mut connection, b"y"), [b"xy"]);
    assert_eq!(connection.partial_frame(), None);
}

#[test]
fn messages_are_written_behind_their_length() {
    let mut connection = Connection::<LengthPrefixed>::default();
    for message in MESSAGES {
        connection.send(|out| out.extend_from_slice(message));
    }
    let mut written = Vec::new();
    while connection.has_outgoing() {
        written.push(connection.outgoing()[0]);
        connection.wrote(1);
    }
    assert_eq!(written, STREAM);
}

#[test]
fn what_was_written_is_dropped_in_the_middle_of_a_long_buffer() {
    let content: Vec<u8> = (0..200_000_u32).map(|at| at as u8).collect();
    let mut connection = Connection::<Octets>::default();
    connection.send(|out| out.extend_from_slice(&content));
    let mut written = Vec::new();
    while connection.has_outgoing() {
        let octets = connection.outgoing().len().min(40_000);
        written.extend_from_slice(&connection.outgoing()[..octets]);
        connection.wrote(octets);
        assert!(connection.written < WRITTEN_OCTETS_KEPT.max(connection.out.len() / 2));
    }
    assert_eq!(written, content);
    assert_eq!(connection.out.len(), 0);
}

#[test]
fn messages_are_the_same_over_tls_however_it_is_cut() {
    for piece_octets in [1, 7, usize::MAX] {
        let (mut connection, mut server) = (over_tls::<LengthPrefixed>(), Server::good());
        // What is sent before the handshake is over follows it.
        for message in MESSAGES {
            connection.send(|out| out.extend_from_slice(message));
        }
        let mut all = Vec::new();
        server.send(&STREAM[..4]);
        server.send(&STREAM[4..]);
        let fault = converse(&mut connection, &mut server, piece_octets, |mut frames| {
            while let Some(message) = frames.next_message() {
                all.push(message.to_vec());
            }
        });
        assert_eq!(fault, None);
        assert_eq!(server.plain, STREAM);
        assert_eq!(all, MESSAGES);
    }
}

#[test]
fn tls_may_start_in_the_middle() {
    let (mut connection, mut server) = (Connection::<Octets>::default(), Server::good());
    connection.send(|out| out.extend_from_slice(b"STARTTLS\r\n"));
    assert_eq!(connection.outgoing(), b"STARTTLS\r\n");
    connection.wrote(10);
    let received = connection.received(b"220 go\r\n");
    assert!(matches!(received.frames, Cow::Borrowed(b"220 go\r\n")));
    connection.start_tls(client(&trusting(), "berry.example"));
    assert!(connection.tls().unwrap().is_handshaking());
    connection.send(|out| out.extend_from_slice(b"EHLO\r\n"));
    server.send(b"250 ok\r\n");
    let mut plain = Vec::new();
    let fault = converse(&mut connection, &mut server, 5, |octets| {
        plain.extend_from_slice(&octets);
    });
    assert_eq!(fault, None);
    assert_eq!(
        (&server.plain[..], &plain[..]),
        (&b"EHLO\r\n"[..], &b"250 ok\r\n"[..])
    );
}

#[test]
fn a_stream_ends_in_order_or_truncated() {
    assert_eq!(
        Connection::<Octets>::default().ended(),
        Ok(StreamEnd::Complete)
    );
    let closed = over_tls::<Octets>().ended().unwrap_err();
    assert_eq!(closed.cause, Cause::Closed);
    for notified in [false, true] {
        let (mut connection, mut server) = (over_tls::<Octets>(), Server::good());
        assert_eq!(
            converse(&mut connection, &mut server, usize::MAX, |_| ()),
            None
        );
        if notified {
            server.close();
        }
        assert_eq!(
            converse(&mut connection, &mut server, usize::MAX, |_| ()),
            None
        );
        assert_eq!(connection.is_ended_by_tls(), notified);
        let end = if notified {
            StreamEnd::Complete
        } else {
            StreamEnd::Truncated
        };
        assert_eq!(connection.ended(), Ok(end));
    }
}

#[test]
fn the_writing_side_closes_after_the_last_octet() {
    let mut connection = Connection::<Octets>::default();
    assert!(!connection.take_shutdown());
    connection.send(|out| out.extend_from_slice(b"bye"));
    connection.shut_write();
    assert!(!connection.take_shutdown());
    connection.wrote(2);
    assert!(!connection.take_shutdown());
    connection.wrote(1);
    assert!(connection.take_shutdown());
    assert!(!connection.take_shutdown());

    let (mut connection, mut server) = (over_tls::<Octets>(), Server::good());
    assert_eq!(
        converse(&mut connection, &mut server, usize::MAX, |_| ()),
        None
    );
    connection.shut_write();
    assert!(!connection.take_shutdown(), "close_notify goes first");
    assert_eq!(
        converse(&mut connection, &mut server, usize::MAX, |_| ()),
        None
    );
    assert!(connection.take_shutdown());
    assert!(server.is_notified());
}
