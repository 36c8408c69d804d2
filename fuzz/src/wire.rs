//! What comes over the network, and what is signed.

use vigo_core::bundle::{
    Assignment, KeySet, Order, ProgramManifest, ProgramReader, Purpose, Signed, SigningKey, verify,
};
use vigo_core::entropy::Entropy;
use vigo_core::id::EnvoyId;
use vigo_core::secret::{MasterKey, OpeningKey, SealContext, SecretValue, VaultRecord, seal};
use vigo_core::server::{ApiTokenText, Network, TokenText, claim};
use vigo_core::wire::message::{
    Answer, Awaited, CheckIn, Enrol, Enrolled, GetKeySet, KeySetAnswer, OrderResult, OrderTaken, Refused,
    RenewCertificate, Renewed, Report, ReportTaken, ResolveSecrets, SealedSecrets, TraitsDelta, TraitsTaken,
};
use vigo_core::wire::{Channel, Envelope, Exporter, Message, Mux, MuxEvent, Reply, Side};

const EXPORTER: Exporter = Exporter([3; 32]);

/// The first byte says as what the others are read.
///
/// Nothing panics; what is read comes back as it was when it is written and read again; and nothing passes for signed
/// that the key did not sign.
pub fn wire(data: &[u8]) {
    let Some((&what, bytes)) = data.split_first() else { return };
    let key = SigningKey::from_bytes(&[1; 32]);
    match what {
        0 => envelope(Channel::Request, bytes, &key),
        1 => envelope(Channel::Enrol, bytes, &key),
        2 => message::<Enrol>(bytes),
        3 => message::<Enrolled>(bytes),
        4 => message::<GetKeySet>(bytes),
        5 => message::<KeySetAnswer>(bytes),
        6 => message::<CheckIn>(bytes),
        7 => message::<Answer>(bytes),
        8 => message::<Report>(bytes),
        9 => message::<ReportTaken>(bytes),
        10 => message::<TraitsDelta>(bytes),
        11 => message::<TraitsTaken>(bytes),
        12 => message::<RenewCertificate>(bytes),
        13 => message::<Renewed>(bytes),
        14 => message::<ResolveSecrets>(bytes),
        15 => message::<SealedSecrets>(bytes),
        16 => {
            if let Ok(signed) = Signed::decode(bytes) {
                assert_eq!(signed.encode(), bytes);
                assert!(verify(&signed, &[key.verifying_key()]).is_err(), "nobody signed it");
            }
        }
        17 => {
            let keys = [key.verifying_key()];
            if let Ok(assignment) = Assignment::verify(&Signed::new(Purpose::Assignment, bytes.into(), &key), &keys) {
                assert_eq!(Assignment::verify(&assignment.sign(&key), &keys), Ok(assignment));
            }
        }
        18 => {
            // The root is a part of the set: whatever stands there is put right, or no set would be read.
            let signed = Signed::new(Purpose::KeySet, bytes.into(), &key);
            if let Ok(set) = KeySet::verify(&signed, &key.verifying_key()) {
                let again = set.sign(&key);
                assert_eq!(KeySet::verify(&again, &key.verifying_key()), Ok(set.clone()));
                assert!(set.successor(&again).is_ok_and(|next| next.fleet() == set.fleet()));
            }
        }
        19 => {
            let body = bytes.to_vec();
            let empty = Envelope::sign(Channel::Enrol, &key, 1, &EXPORTER, &Enrol::default());
            let envelope = Envelope { body, ..empty };
            assert!(claim(&envelope, &EXPORTER).is_err(), "another body was signed");
            if let Ok(enrol) = envelope.message::<Enrol>() {
                let own = Enrol { identity_key: key.verifying_key().as_bytes().to_vec(), ..enrol };
                let _ = claim(&Envelope::sign(Channel::Enrol, &key, 1, &EXPORTER, &own), &EXPORTER);
            }
        }
        21 => frames(bytes),
        22 => program(bytes, &key),
        23 => {
            if let Ok(record) = VaultRecord::decode(bytes) {
                assert_eq!(record.encode(), bytes);
                assert!(record.open(&MasterKey::from_bytes([9; 32]), "db/pw").is_err(), "nobody sealed it");
            }
        }
        24 => {
            let own = OpeningKey::new(Entropy::new([4; 32]));
            let context = SealContext::new(EnvoyId([5; 16]), &EXPORTER, b"asked");
            let (encapsulated, sealed) = bytes.split_at(bytes.len().min(32));
            assert!(own.open(&context, "db/pw", encapsulated, sealed).is_err(), "nobody sealed it");
            let value = SecretValue::new(String::from_utf8_lossy(sealed).into_owned());
            if let Ok(sealed) = seal(&context, "db/pw", &value, encapsulated, Entropy::new([6; 32])) {
                assert!(own.open(&context, "db/pw", &sealed.encapsulated, &sealed.sealed).is_err(), "for another key");
            }
            if let Ok(sealed) = seal(&context, "db/pw", &value, &own.public(), Entropy::new([6; 32])) {
                assert_eq!(own.open(&context, "db/pw", &sealed.encapsulated, &sealed.sealed), Ok(value));
            }
        }
        30 => message::<Awaited>(bytes),
        31 => message::<OrderResult>(bytes),
        32 => message::<OrderTaken>(bytes),
        33 => {
            let keys = [key.verifying_key()];
            if let Ok(order) = Order::verify(&Signed::new(Purpose::Order, bytes.into(), &key), &keys) {
                assert_eq!(Order::verify(&order.sign(&key), &keys), Ok(order));
            }
        }
        _ => text(bytes),
    }
}

/// A manifest, and a program in pieces of any size: both come back as they were.
fn program(bytes: &[u8], key: &SigningKey) {
    let keys = [key.verifying_key()];
    if let Ok(manifest) = ProgramManifest::verify(&Signed::new(Purpose::Program, bytes.into(), key), &keys) {
        assert_eq!(ProgramManifest::verify(&manifest.sign(key), &keys), Ok(manifest));
    }
    let Some((&piece, bytes)) = bytes.split_first() else { return };
    let read = |piece: usize| {
        let mut reader = ProgramReader::default();
        bytes.chunks(piece).for_each(|piece| assert!(reader.feed(piece).is_ok()));
        reader.finish(None)
    };
    let whole = read(bytes.len().max(1));
    assert_eq!(read(usize::from(piece) + 1), whole);
    if let Ok(manifest) = whole {
        assert_eq!(ProgramManifest::verify(&manifest.sign(key), &keys), Ok(manifest));
    }
}

/// Frames over TCP, to either side, in pieces of any size: what is held stays within what was granted.
fn frames(bytes: &[u8]) {
    let Some((&piece, bytes)) = bytes.split_first() else { return };
    for side in [Side::Agent, Side::Server] {
        let mut mux = Mux::new(side, 1 << 20);
        assert!(mux.open(vec![7; 100_000]).is_ok());
        let mut said = Vec::new();
        for piece in bytes.chunks(usize::from(piece) + 1) {
            if mux.handle(piece).is_err() {
                break;
            }
            while let Some(event) = mux.poll_event() {
                if let MuxEvent::Message { stream, bytes } = event {
                    mux.answer(stream, bytes);
                }
            }
            said.clear();
            mux.poll_output(&mut said);
            assert!(said.len() < 100_000, "a driver writes in between");
        }
    }
}

fn envelope(channel: Channel, bytes: &[u8], key: &SigningKey) {
    if let Ok(envelope) = Envelope::decode(channel, bytes) {
        assert_eq!(envelope.encode(), bytes);
        assert!(envelope.verify(channel, &key.verifying_key(), &EXPORTER).is_err(), "nobody signed it");
    }
}

fn message<M: Message + PartialEq + std::fmt::Debug>(bytes: &[u8]) {
    if let Ok(message) = M::decode(bytes) {
        assert_eq!(M::decode(&message.encode()).as_ref(), Ok(&message));
    }
    if let Ok(reply) = Reply::<M>::decode(bytes) {
        assert_eq!(Reply::decode(&reply.encode()), Ok(reply));
    }
    let _ = Refused::decode(bytes);
}

fn text(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(token) = TokenText::parse(text) {
        assert_eq!(token.reveal(), text.trim());
        assert!(!format!("{token:?}").contains(token.secret()));
    }
    if let Some(token) = ApiTokenText::parse(text) {
        assert_eq!((token.reveal(), token.id().len()), (text, 16));
        assert!(token.reveal().rsplit_once('_').is_some_and(|(_, secret)| !format!("{token:?}").contains(secret)));
    }
    if let Ok(network) = text.parse::<Network>() {
        assert_eq!(network.to_string().parse(), Ok(network));
    }
}
