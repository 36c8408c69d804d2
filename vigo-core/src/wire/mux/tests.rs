use super::machine::{CREDIT, RESET};
use super::*;
use crate::limits::{FRAME_BYTES_MAX, STREAM_CREDIT, STREAMS_MAX};
use crate::wire::WireError;
use alloc::vec;
use alloc::vec::Vec;
use proptest::prelude::*;

const MAX: usize = 1 << 20;

fn pair() -> (Mux, Mux) {
    (Mux::new(Side::Agent, MAX), Mux::new(Side::Server, MAX))
}

/// Moves all that either side has to say, in pieces of `piece` bytes, and returns what each saw.
fn talk(agent: &mut Mux, server: &mut Mux, piece: usize) -> (Vec<MuxEvent>, Vec<MuxEvent>) {
    let (mut at_agent, mut at_server) = (Vec::new(), Vec::new());
    loop {
        let mut bytes = [Vec::new(), Vec::new()];
        agent.poll_output(&mut bytes[0]);
        server.poll_output(&mut bytes[1]);
        if bytes.iter().all(Vec::is_empty) {
            return (at_agent, at_server);
        }
        bytes[0].chunks(piece).for_each(|b| server.handle(b).unwrap());
        bytes[1].chunks(piece).for_each(|b| agent.handle(b).unwrap());
        at_agent.extend(core::iter::from_fn(|| agent.poll_event()));
        at_server.extend(core::iter::from_fn(|| server.poll_event()));
    }
}

fn frame_of(stream: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u16).to_be_bytes();
    [&stream.to_be_bytes()[..], &[flags], &length, payload].concat()
}

#[test]
fn the_bytes_of_a_message_are_what_they_always_were() {
    let (mut agent, mut server) = pair();
    assert_eq!(agent.open(b"ab".to_vec()), Ok(1));
    let mut bytes = Vec::new();
    agent.poll_output(&mut bytes);
    assert_eq!(bytes, [0, 0, 0, 1, 1, 0, 6, 0, 0, 0, 2, b'a', b'b']);
    server.handle(&bytes).unwrap();
    assert_eq!(server.poll_event(), Some(MuxEvent::Message { stream: 1, bytes: b"ab".to_vec() }));
    server.answer(1, b"c".to_vec());
    let mut bytes = Vec::new();
    server.poll_output(&mut bytes);
    assert_eq!(bytes, [0, 0, 0, 1, 1, 0, 5, 0, 0, 0, 1, b'c']);
    agent.handle(&bytes).unwrap();
    assert_eq!(agent.poll_event(), Some(MuxEvent::Message { stream: 1, bytes: b"c".to_vec() }));
    assert!(agent.is_idle() && server.is_idle());
}

#[test]
fn a_small_message_overtakes_a_large_one() {
    let (mut agent, mut server) = pair();
    agent.open(vec![1; MAX]).unwrap();
    let mut first = Vec::new();
    agent.poll_output(&mut first);
    agent.open(vec![2; 10]).unwrap();
    server.handle(&first).unwrap();
    let (_, came) = talk(&mut agent, &mut server, 1000);
    let streams: Vec<u32> =
        came.iter().map(|e| if let MuxEvent::Message { stream, .. } = e { *stream } else { 0 }).collect();
    assert_eq!(streams, [3, 1]);
}

#[test]
fn a_side_that_reads_nothing_makes_the_other_hold_a_credit_each() {
    let (mut agent, _) = pair();
    for _ in 0..STREAMS_MAX {
        agent.open(vec![0; MAX]).unwrap();
    }
    assert_eq!(agent.open(Vec::new()), Err(MuxError::TooManyStreams));
    let mut sent = 0;
    loop {
        let mut bytes = Vec::new();
        agent.poll_output(&mut bytes);
        assert!(bytes.len() < (64 << 10) + FRAME_BYTES_MAX + 7, "a driver writes in between");
        if bytes.is_empty() {
            break;
        }
        sent += bytes.len();
    }
    let frames = STREAM_CREDIT / FRAME_BYTES_MAX;
    assert_eq!(sent, STREAMS_MAX * (STREAM_CREDIT + frames * 7));
}

#[test]
fn only_one_large_message_is_taken_in_at_a_time() {
    let (_, mut server) = pair();
    let large = [&(MAX as u32).to_be_bytes()[..], &[0; 16_000]].concat();
    for stream in [1, 3, 5] {
        for _ in 0..4 {
            server.handle(&frame_of(stream, 0, &large)).unwrap();
        }
    }
    let mut bytes = Vec::new();
    server.poll_output(&mut bytes);
    let granted: Vec<u8> = bytes.chunks(11).map(|f| f[3]).collect();
    assert!(!granted.is_empty() && granted.iter().all(|s| *s == 1), "{granted:?}");
    server.handle(&frame_of(1, RESET, &[])).unwrap();
    bytes.clear();
    server.poll_output(&mut bytes);
    assert!(bytes.chunks(11).all(|f| f[3] == 3) && !bytes.is_empty(), "the next one's turn");
}

#[test]
fn what_is_against_the_rules_ends_it() {
    let large = frame_of(3, 0, &(MAX as u32).to_be_bytes().repeat(4096));
    let cases: &[(&str, Vec<u8>, MuxError)] = &[
        ("flags", frame_of(1, 3, b""), MuxError::UnknownFlags { flags: 3, bytes: 0 }),
        ("a reset with bytes", frame_of(1, RESET, b"x"), MuxError::UnknownFlags { flags: 2, bytes: 1 }),
        ("a credit of three bytes", frame_of(1, CREDIT, b"xxx"), MuxError::UnknownFlags { flags: 4, bytes: 3 }),
        (
            "a long frame",
            frame_of(1, 0, &[0; FRAME_BYTES_MAX + 1]),
            MuxError::FrameTooLong { found: FRAME_BYTES_MAX + 1 },
        ),
        ("stream 0", frame_of(0, 0, b""), MuxError::NotOpened { stream: 0 }),
        ("our stream", frame_of(2, 0, b""), MuxError::NotOpened { stream: 2 }),
        ("a reset of nothing", frame_of(1, RESET, b""), MuxError::NotOpened { stream: 1 }),
        ("behind the end", [frame_of(1, 1, &[0; 4]), frame_of(1, 0, b"x")].concat(), MuxError::Overrun { stream: 1 }),
        (
            "beyond its credit",
            [&frame_of(1, 0, &[0, 1, 0, 0]), &*large.repeat(5)].concat(),
            MuxError::Overrun { stream: 3 },
        ),
        ("too many", (0..65).flat_map(|n| frame_of(2 * n + 1, 0, b"")).collect(), MuxError::TooManyStreams),
    ];
    for (name, bytes, expected) in cases {
        let (_, mut server) = pair();
        assert_eq!(server.handle(bytes).as_ref(), Err(expected), "{name}");
    }
}

#[test]
fn a_stream_that_holds_no_message_is_given_up_alone() {
    let too_large = |max, found| WireError::TooLarge { max, found };
    let cases: &[(&str, Vec<u8>, WireError)] = &[
        ("too long", frame_of(1, 0, &(MAX as u32 + 1).to_be_bytes()), too_large(MAX, MAX + 1)),
        ("beyond its length", frame_of(1, 0, &[0, 0, 0, 1, 9, 9]), too_large(1, 2)),
        ("cut", frame_of(1, 1, &[0, 0, 0, 3, 9]), WireError::Short { expected: 3, found: 1 }),
        ("without a length", frame_of(1, 1, &[0, 0]), WireError::Short { expected: 4, found: 2 }),
    ];
    for (name, bytes, why) in cases {
        let (_, mut server) = pair();
        server.handle(&[&bytes[..], &frame_of(1, 0, b"late"), &frame_of(3, 1, &[0, 0, 0, 0])].concat()).unwrap();
        let broken = MuxEvent::Broken { stream: 1, why: Broken::Message(why.clone()) };
        assert_eq!(server.poll_event(), Some(broken), "{name}");
        assert_eq!(server.poll_event(), Some(MuxEvent::Message { stream: 3, bytes: Vec::new() }), "{name}");
        let mut said = Vec::new();
        server.poll_output(&mut said);
        assert_eq!(said, frame_of(1, RESET, &[]), "{name}");
    }
}

#[test]
fn either_side_gives_a_stream_up() {
    let (mut agent, mut server) = pair();
    let reset = |stream| MuxEvent::Broken { stream, why: Broken::Reset };
    agent.open(vec![1; 10]).unwrap();
    agent.reset(1);
    assert!(agent.is_idle(), "the server has not heard of it");
    agent.open(vec![1; MAX]).unwrap();
    let mut bytes = Vec::new();
    agent.poll_output(&mut bytes);
    server.handle(&bytes).unwrap();
    assert_eq!(server.receiving(), Some(3));
    agent.reset(3);
    assert_eq!(talk(&mut agent, &mut server, 100), (vec![], vec![reset(3)]));
    agent.open(vec![1; 10]).unwrap();
    talk(&mut agent, &mut server, 100);
    assert_eq!(server.receiving(), None);
    server.reset(5);
    assert_eq!(talk(&mut agent, &mut server, 100), (vec![reset(5)], vec![]));
    server.answer(5, vec![2]);
    assert!(agent.is_idle() && server.is_idle());
}

#[test]
fn an_answer_before_the_question_is_over_stops_the_question() {
    let (mut agent, _) = pair();
    agent.open(vec![1; MAX]).unwrap();
    let mut bytes = Vec::new();
    agent.poll_output(&mut bytes);
    agent.handle(&frame_of(1, 1, &[0, 0, 0, 0])).unwrap();
    assert_eq!(agent.poll_event(), Some(MuxEvent::Message { stream: 1, bytes: Vec::new() }));
    bytes.clear();
    agent.poll_output(&mut bytes);
    assert_eq!(bytes, frame_of(1, RESET, &[]));
    assert!(agent.is_idle());
}

#[test]
fn who_sends_and_does_not_read_is_not_read_either() {
    let (_, mut server) = pair();
    let mut stream = 1;
    while server.wants_input() {
        server.handle(&frame_of(stream, 1, b"")).unwrap();
        stream += 2;
        assert!(stream < 10_000);
    }
    server.poll_output(&mut Vec::new());
    assert!(server.wants_input());
}

proptest! {
    #[test]
    fn every_message_arrives_whole_and_once(
        sizes in prop::collection::vec(prop_oneof![0..200usize, 60_000..140_000usize], 1..12),
        piece in prop_oneof![1..40usize, 1000..70_000usize],
    ) {
        let (mut agent, mut server) = pair();
        for (at, size) in sizes.iter().enumerate() {
            prop_assert_eq!(agent.open(vec![at as u8; *size]), Ok(2 * at as u32 + 1));
        }
        let (_, came) = talk(&mut agent, &mut server, piece);
        prop_assert_eq!(came.len(), sizes.len());
        for event in came {
            let MuxEvent::Message { stream, bytes } = event else { return Err(TestCaseError::fail("broken")) };
            let at = (stream / 2) as usize;
            prop_assert!(bytes == vec![at as u8; sizes[at]]);
            server.answer(stream, bytes);
        }
        let (came, _) = talk(&mut agent, &mut server, piece);
        prop_assert_eq!(came.len(), sizes.len());
        for event in came {
            let MuxEvent::Message { stream, bytes } = event else { return Err(TestCaseError::fail("broken")) };
            prop_assert_eq!(bytes.len(), sizes[(stream / 2) as usize]);
        }
        prop_assert!(agent.is_idle() && server.is_idle());
    }

    #[test]
    fn no_bytes_make_it_hold_more_than_it_may(bytes in prop::collection::vec(
        (0..10u32, prop_oneof![Just(0u8), Just(1), Just(2), Just(4), any::<u8>()], prop::collection::vec(0..3u8, 0..9)), 0..60,
    )) {
        let (mut agent, mut server) = pair();
        agent.open(vec![5; 100_000]).unwrap();
        for mux in [&mut agent, &mut server] {
            for (stream, flags, payload) in &bytes {
                if mux.handle(&frame_of(*stream, *flags, payload)).is_err() {
                    break;
                }
                while mux.poll_event().is_some() {}
                let mut said = Vec::new();
                mux.poll_output(&mut said);
                prop_assert!(said.len() < 200_000);
            }
        }
    }
}
