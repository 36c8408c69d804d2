//! What is not to be answered is not.

use crate::fleet::{Fleet, NAME, check_in, config, now, request};
use crate::whole::Whole;
use quinn::crypto::rustls::QuicClientConfig;
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SanType};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use vigo_agent::identity::Identity;
use vigo_agent::net::{
    Anchor, ClientCertificate, ClientIdentity, NetError, Session, Transport, new_key, signing_request,
};
use vigo_core::id::EnvoyId;
use vigo_core::limits::{ENROL_BYTES_MAX, REQUEST_BYTES_MAX};
use vigo_core::wire::message::{Answer, CheckIn, Enrol, Enrolled, GetKeySet, KeySetAnswer};
use vigo_core::wire::{Channel, EXPORTER_LABEL, Kind, Message, REQUEST_ALPN, Reply, WireError};
use vigosrv::ca::{Authority, CaError, ServerCertificate};
use vigosrv::net::{Limits, Tls};

async fn asked(session: &Session) -> Result<Reply<Answer>, NetError> {
    session.ask::<CheckIn, Answer>(&check_in()).await
}

/// Asks over both transports and returns what came of it.
async fn refused(fleet: &Fleet, envoy: &ClientIdentity) -> [NetError; 2] {
    let mut both = Vec::new();
    for server in [fleet.servers()[0].clone(), fleet.tcp_only().await] {
        both.push(match Session::connect(&[server], &fleet.trust(), envoy, Channel::Request).await {
            Ok(session) => asked(&session).await.expect_err("nobody answers"),
            Err(e) => e,
        });
    }
    both.try_into().unwrap()
}

#[tokio::test]
async fn only_certificates_that_the_fleet_gave_to_envoys_get_in() {
    let fleet = Fleet::start().await;
    let good = fleet.envoy(1, now());
    let other = Authority::generate("0123456789abcdef", now()).unwrap();
    let server = fleet.ca.server(NAME, &[], None, now()).unwrap();
    let with =
        |certificate, key| ClientIdentity { certificate: Some(ClientCertificate { certificate, key }), ..good.clone() };
    let key = new_key().unwrap();
    let csr = signing_request(&key).unwrap();
    let forged = other.envoy(&csr, EnvoyId::of(&good.key.verifying_key()), "web-1", now()).unwrap();
    let itself = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![SanType::URI("vigo:envoy:x/y".try_into().unwrap())];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let self_signed = params.self_signed(&itself).unwrap();
    let cases = [
        ("none", ClientIdentity { certificate: None, ..good.clone() }),
        ("another authority of the same name", with(forged, key)),
        ("the server's own", with(server.certificate, server.key)),
        ("one signed by itself", with(self_signed.der().to_vec(), itself.serialize_der())),
    ];
    for (name, envoy) in cases {
        for error in refused(&fleet, &envoy).await {
            assert!(matches!(error, NetError::CertificateRefused { .. }), "{name}: {error:?}");
        }
    }
    assert!(fleet.seen.lock().unwrap().is_empty());
    let session = Session::connect(&fleet.servers(), &fleet.trust(), &good, Channel::Request).await.unwrap();
    assert!(matches!(asked(&session).await, Ok(Reply::Done(_))), "the good one");
}

#[tokio::test]
async fn an_envoys_certificate_makes_no_server_nor_does_that_of_another_fleet() {
    let fleet = Fleet::start().await;
    let good = fleet.envoy(1, now());
    let own = good.certificate.clone().unwrap();
    let authority = fleet.ca.certificate().to_vec();
    let other = Authority::generate("ffffffffffffffff", now()).unwrap();
    let servers = [
        ("an envoy's", ServerCertificate { certificate: own.certificate, authority: authority.clone(), key: own.key }),
        ("another name", fleet.ca.server("ffffffffffffffff.vigo.internal", &[], None, now()).unwrap()),
        ("another authority", other.server(NAME, &[], None, now()).unwrap()),
    ];
    for (name, server) in servers {
        fleet.listener.set_tls(Tls::new(&server, std::slice::from_ref(&authority)).unwrap());
        for error in refused(&fleet, &good).await {
            assert!(matches!(error, NetError::NotTrusted { .. }), "{name}: {error:?}");
        }
    }
}

#[tokio::test]
async fn a_request_for_an_authority_or_a_server_gets_an_envoys_certificate() {
    let fleet = Fleet::start().await;
    let id = EnvoyId([5; 16]);
    let key = KeyPair::generate().unwrap();
    let mut wish = CertificateParams::new(vec![NAME.to_owned(), "localhost".to_owned()]).unwrap();
    wish.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    wish.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    wish.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::Any];
    let csr = wish.serialize_request(&key).unwrap().der().to_vec();
    let certificate = fleet.ca.envoy(&csr, id, "web-1", now()).unwrap();
    let (_, read) = x509_parser::parse_x509_certificate(&certificate).unwrap();
    assert!(!read.is_ca());
    let usage = read.extended_key_usage().unwrap().unwrap().value;
    assert!(usage.client_auth && !usage.server_auth && !usage.any && usage.other.is_empty());
    assert!(!read.key_usage().unwrap().unwrap().value.key_cert_sign());
    let names = &read.subject_alternative_name().unwrap().unwrap().value.general_names;
    assert_eq!(format!("{names:?}"), format!("[URI(\"vigo:envoy:{id}/web-1\")]"));
    assert_eq!(*read.public_key().subject_public_key.data, *key.public_key_raw());

    // It is of no use as a server all the same.
    let server =
        ServerCertificate { certificate, authority: fleet.ca.certificate().to_vec(), key: key.serialize_der() };
    fleet.listener.set_tls(Tls::new(&server, &[fleet.ca.certificate().to_vec()]).unwrap());
    for error in refused(&fleet, &fleet.envoy(1, now())).await {
        assert!(matches!(error, NetError::NotTrusted { .. }), "{error:?}");
    }

    let mut broken = csr.clone();
    *broken.last_mut().unwrap() ^= 1;
    let rsa_free = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let other_kind = CertificateParams::default().serialize_request(&rsa_free).unwrap().der().to_vec();
    let bad: [(&str, &[u8]); 5] = [
        ("not signed by the key in it", &broken),
        ("another kind of key", &other_kind),
        ("nothing", b""),
        ("cut", &csr[..40]),
        ("with a tail", &[&csr[..], b"x"].concat()),
    ];
    for (name, csr) in bad {
        assert!(matches!(fleet.ca.envoy(csr, id, "web-1", now()), Err(CaError::Request { .. })), "{name}");
    }
    for hostname in ["", "a/b", "a b", "ä", "a\0b", &"a".repeat(254)] {
        let made = fleet.ca.envoy(&csr, id, hostname, now());
        assert_eq!(made, Err(CaError::Name { found: hostname.to_owned() }));
    }
}

#[tokio::test]
async fn without_a_certificate_nothing_is_said_but_enrolment() {
    let fleet = Fleet::start().await;
    let envoy = fleet.envoy(1, now());
    let session = || async {
        Session::connect(&fleet.servers(), &fleet.trust(), &envoy, Channel::Enrol).await.expect("it is open to all")
    };
    let error = asked(&session().await).await.unwrap_err();
    assert!(matches!(error, NetError::Closed { .. }), "{error:?}");
    let kind = session().await.ask::<GetKeySet, KeySetAnswer>(&GetKeySet::default()).await;
    assert!(matches!(kind, Ok(Reply::Refused(_)) | Err(NetError::Wire(_))), "it is of the channel: {kind:?}");
    let long = Enrol { token: "x".repeat(ENROL_BYTES_MAX), ..Enrol::default() };
    let error = session().await.ask::<Enrol, Enrolled>(&long).await.unwrap_err();
    assert!(matches!(error, NetError::Wire(WireError::TooLarge { max: ENROL_BYTES_MAX, .. })), "{error:?}");
    assert!(fleet.seen.lock().unwrap().iter().all(|s| s.kind == Kind::GetKeySet));
}

fn framed(stream: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    [&stream.to_be_bytes()[..], &[flags], &(payload.len() as u16).to_be_bytes(), payload].concat()
}

#[tokio::test]
async fn on_tcp_a_broken_frame_ends_the_connection_and_a_broken_request_its_stream() {
    let fleet = Fleet::start().await;
    let envoy = fleet.envoy(1, now());
    let length = |n: usize| (n as u32).to_be_bytes().to_vec();
    let exporter = |s: &tokio_rustls::client::TlsStream<TcpStream>| {
        s.get_ref().1.export_keying_material([0; 32], EXPORTER_LABEL, Some(&[])).unwrap()
    };
    // The first stream has its turn to be granted more, the second has not.
    let large = [0, 0x20, 0, 0].repeat(4096);
    let beyond = [1, 3, 3, 3, 3, 3].map(|stream| framed(stream, 0, &large)).concat();
    let fatal = [
        ("flags", framed(1, 0x80, b"")),
        ("the server's stream", framed(2, 0, b"x")),
        ("stream 0", framed(0, 0, b"x")),
        ("a long frame", [&1u32.to_be_bytes()[..], &[0, 0xff, 0xff], &[0; 0xffff]].concat()),
        ("more than its credit", beyond),
        ("too many streams", (0..65).flat_map(|n| framed(2 * n + 1, 0, b"")).collect()),
        ("http", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec()),
    ];
    for (name, bytes) in fatal {
        let mut stream = fleet.raw(&envoy, REQUEST_ALPN).await;
        stream.write_all(&bytes).await.unwrap();
        stream.flush().await.unwrap();
        let mut got = Vec::new();
        let end = timeout(Duration::from_secs(60), stream.read_to_end(&mut got)).await;
        assert!(end.is_ok() && got.is_empty(), "{name}: {end:?} {got:?}");
    }
    let broken = [
        ("too long", framed(1, 0, &length(REQUEST_BYTES_MAX + 1))),
        ("4 GiB", framed(1, 0, &[0xff; 4])),
        ("too short", framed(1, 1, &[&length(10)[..], b"x"].concat())),
        ("longer than it says", framed(1, 1, &[&length(1)[..], b"xxx"].concat())),
        ("empty", framed(1, 1, &length(0))),
        ("no envelope", framed(1, 1, &[&length(100)[..], &[0xee; 100]].concat())),
    ];
    for (name, bytes) in broken {
        let mut stream = fleet.raw(&envoy, REQUEST_ALPN).await;
        let good = request(&envoy, 1, exporter(&stream));
        stream.write_all(&bytes).await.unwrap();
        stream.write_all(&framed(3, 1, &[length(good.len()), good].concat())).await.unwrap();
        stream.flush().await.unwrap();
        let mut head = [0; 7];
        timeout(Duration::from_secs(60), stream.read_exact(&mut head)).await.expect(name).unwrap();
        assert_eq!(head, [0, 0, 0, 1, 2, 0, 0], "{name}: a reset");
        timeout(Duration::from_secs(60), stream.read_exact(&mut head)).await.expect(name).unwrap();
        assert_eq!(head[..5], [0, 0, 0, 3, 1], "{name}: the other stream's answer");
    }
}

#[tokio::test]
async fn on_quic_a_broken_request_ends_its_stream() {
    let fleet = Fleet::start().await;
    let envoy = fleet.envoy(1, now());
    let config = QuicClientConfig::try_from(fleet.config(&envoy, REQUEST_ALPN)).unwrap();
    let endpoint = quinn::Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap();
    let config = quinn::ClientConfig::new(Arc::new(config));
    let connection = endpoint.connect_with(config, fleet.listener.local_addr(), NAME).unwrap().await.unwrap();
    let mut exporter = [0; 32];
    connection.export_keying_material(&mut exporter, EXPORTER_LABEL, &[]).unwrap();
    let length = |n: usize| (n as u32).to_be_bytes().to_vec();
    let good = request(&envoy, 1, exporter);
    let broken = [
        ("too long", length(REQUEST_BYTES_MAX + 1)),
        ("4 GiB", vec![0xff; 4]),
        ("no length", vec![0; 3]),
        ("too short", [length(10), vec![0]].concat()),
        ("longer than it says", [length(good.len()), good.clone(), vec![0]].concat()),
        ("empty", length(0)),
        ("no envelope", [length(100), vec![0xee; 100]].concat()),
    ];
    for (name, bytes) in broken {
        let (mut send, mut receive) = connection.open_bi().await.unwrap();
        send.write_all(&bytes).await.unwrap();
        send.finish().unwrap();
        let got = timeout(Duration::from_secs(60), receive.read_to_end(1000)).await.expect(name);
        assert!(matches!(got, Err(quinn::ReadToEndError::Read(quinn::ReadError::Reset(_)))), "{name}: {got:?}");
    }
    let (mut send, mut receive) = connection.open_bi().await.unwrap();
    send.write_all(&[length(good.len()), good].concat()).await.unwrap();
    send.finish().unwrap();
    let got = receive.read_to_end(1000).await.unwrap();
    assert!(matches!(Reply::<Answer>::decode(&got[4..]), Ok(Reply::Done(_))));
    assert_eq!(fleet.seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_captured_request_is_worthless_on_another_connection_and_twice_on_its_own() {
    let fleet = Fleet::start().await;
    let envoy = fleet.envoy(1, now());
    let mut streams = [fleet.raw(&envoy, REQUEST_ALPN).await, fleet.raw(&envoy, REQUEST_ALPN).await];
    let exporter = streams[0].get_ref().1.export_keying_material([0; 32], EXPORTER_LABEL, Some(&[])).unwrap();
    let captured = request(&envoy, 1, exporter);
    let message = [(captured.len() as u32).to_be_bytes().to_vec(), captured].concat();
    for (at, stream, is_taken) in [(0, 1u32, true), (0, 3, false), (1, 1, false)] {
        let to = &mut streams[at];
        to.write_all(&framed(stream, 1, &message)).await.unwrap();
        to.flush().await.unwrap();
        let mut head = [0; 7];
        to.read_exact(&mut head).await.unwrap();
        let mut answer = vec![0; usize::from(u16::from_be_bytes([head[5], head[6]]))];
        to.read_exact(&mut answer).await.unwrap();
        let reply = Reply::<Answer>::decode(&answer[4..]).unwrap();
        assert_eq!(matches!(reply, Reply::Done(_)), is_taken, "{at} {stream}: {reply:?}");
    }
}

#[tokio::test]
async fn a_thousand_half_open_handshakes_keep_nobody_out() {
    let fleet =
        Fleet::with(Limits { handshakes_max: 64, handshake_time_max: Duration::from_secs(300), ..Limits::default() })
            .await;
    let envoy = fleet.envoy(1, now());
    let mut half_open = Vec::new();
    for _ in 0..1000 {
        let mut stream = TcpStream::connect(fleet.listener.local_addr()).await.unwrap();
        // The beginning of a record that does not come.
        stream.write_all(&[22, 3, 1, 2, 0, 1]).await.unwrap();
        half_open.push(stream);
    }
    let start = Instant::now();
    let quic = Session::connect(&fleet.servers(), &fleet.trust(), &envoy, Channel::Request).await.unwrap();
    assert!(matches!(asked(&quic).await, Ok(Reply::Done(_))));
    let tcp = [fleet.tcp_only().await];
    let tcp = Session::connect(&tcp, &fleet.trust(), &envoy, Channel::Request).await.unwrap();
    assert_eq!(tcp.transport(), Transport::Tcp);
    assert!(matches!(asked(&tcp).await, Ok(Reply::Done(_))));
    assert!(start.elapsed() < Duration::from_secs(120), "{:?}", start.elapsed());
    // The first of them made room.
    let mut first = half_open.swap_remove(0);
    let end = timeout(Duration::from_secs(60), first.read(&mut [0; 16])).await;
    assert!(matches!(end, Ok(Ok(0) | Err(_))), "{end:?}");
}

#[tokio::test]
async fn a_revoked_envoys_connections_close_and_a_resumed_one_shows_its_certificate() {
    let fleet = Fleet::start().await;
    let (envoy, other) = (fleet.envoy(1, now()), fleet.envoy(2, now()));
    let servers = [fleet.servers()[0].clone(), fleet.tcp_only().await];
    for server in servers {
        let servers = [server];
        let open = Session::connect(&servers, &fleet.trust(), &envoy, Channel::Request).await.unwrap();
        let stays = Session::connect(&servers, &fleet.trust(), &other, Channel::Request).await.unwrap();
        assert!(asked(&open).await.is_ok() && asked(&stays).await.is_ok());
        fleet.listener.close_envoy(EnvoyId::of(&envoy.key.verifying_key()));
        let end = timeout(Duration::from_secs(60), open.closed()).await;
        assert!(matches!(end, Ok(NetError::Closed { .. })), "{end:?}");
        assert!(asked(&open).await.is_err());
        assert!(asked(&stays).await.is_ok());
    }
    // Tickets are of the certificate that was shown.
    let config = Arc::new(fleet.config(&envoy, REQUEST_ALPN));
    for is_resumed in [false, true] {
        let stream = TcpStream::connect(fleet.listener.local_addr()).await.unwrap();
        let connector = tokio_rustls::TlsConnector::from(Arc::clone(&config));
        let mut stream = connector.connect(NAME.try_into().unwrap(), stream).await.unwrap();
        let exporter = stream.get_ref().1.export_keying_material([0; 32], EXPORTER_LABEL, Some(&[])).unwrap();
        let request = request(&envoy, 1, exporter);
        let message = [(request.len() as u32).to_be_bytes().to_vec(), request].concat();
        stream.write_all(&framed(1, 1, &message)).await.unwrap();
        stream.flush().await.unwrap();
        stream.read_exact(&mut [0; 7]).await.unwrap();
        let kind = stream.get_ref().1.handshake_kind();
        assert_eq!(kind == Some(rustls::HandshakeKind::Resumed), is_resumed, "{kind:?}");
        let seen = fleet.seen.lock().unwrap().last().unwrap().certificate.clone().unwrap();
        assert_eq!(seen.envoy_id, EnvoyId::of(&envoy.key.verifying_key()));
    }
    // An authority that the fleet dropped takes the tickets with it.
    let next = Authority::generate("0123456789abcdef", now()).unwrap();
    let server = fleet.ca.server(NAME, &[], None, now()).unwrap();
    fleet.listener.set_tls(Tls::new(&server, &[next.certificate().to_vec()]).unwrap());
    let stream = TcpStream::connect(fleet.listener.local_addr()).await.unwrap();
    let connector = tokio_rustls::TlsConnector::from(config);
    let mut stream = connector.connect(NAME.try_into().unwrap(), stream).await.unwrap();
    assert!(stream.read_exact(&mut [0; 7]).await.is_err());
}

/// Asks over a connection of its own, and returns the answer and whether the session before was resumed.
async fn ask_whole(
    server: &Whole,
    name: &str,
    config: &Arc<rustls::ClientConfig>,
    envoy: &ClientIdentity,
) -> (Reply<Answer>, bool) {
    let stream = TcpStream::connect(("127.0.0.1", server.agents)).await.unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::clone(config));
    let mut stream = connector.connect(name.to_owned().try_into().unwrap(), stream).await.unwrap();
    let exporter = stream.get_ref().1.export_keying_material([0; 32], EXPORTER_LABEL, Some(&[])).unwrap();
    let request = request(envoy, 1, exporter);
    let message = [(request.len() as u32).to_be_bytes().to_vec(), request].concat();
    stream.write_all(&framed(1, 1, &message)).await.unwrap();
    stream.flush().await.unwrap();
    let (mut frame, mut answer) = ([0; 7], Vec::new());
    while answer.len() < 4 || answer.len() < 4 + u32::from_be_bytes(answer[..4].try_into().unwrap()) as usize {
        stream.read_exact(&mut frame).await.unwrap();
        let mut payload = vec![0; usize::from(u16::from_be_bytes([frame[5], frame[6]]))];
        stream.read_exact(&mut payload).await.unwrap();
        answer.extend(payload);
    }
    let is_resumed = stream.get_ref().1.handshake_kind() == Some(rustls::HandshakeKind::Resumed);
    (Reply::decode(&answer[4..]).unwrap(), is_resumed)
}

#[test]
fn a_session_resumed_after_the_revocation_is_refused() {
    let server = Whole::start("resumed");
    let machine = server.enrol("web-1");
    let identity = Identity::load(&machine.path.join("state")).unwrap();
    let (envoy, trust) = (identity.client(), identity.trust(now()));
    let Some(Anchor::Certificate(ca)) = trust.authorities.first() else { panic!("no authority") };
    let config = Arc::new(config(ca, &envoy, REQUEST_ALPN));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ask = || runtime.block_on(ask_whole(&server, &trust.server_name, &config, &envoy));
    for resumed in [false, true] {
        let (answer, is_resumed) = ask();
        assert!(matches!(answer, Reply::Done(_)) && is_resumed == resumed, "{answer:?}");
    }
    server.post(&format!("/envoys/{}/revoke", identity.id()), &serde_json::json!({}));
    let (answer, is_resumed) = ask();
    let Reply::Refused(refused) = answer else { panic!("{answer:?}") };
    assert_eq!((&*refused.code, is_resumed), ("revoked", true));
}

#[tokio::test]
async fn one_envoy_has_a_few_connections_and_an_idle_one_ends() {
    let limits = Limits { idle_max: Duration::from_secs(4), connections_per_envoy_max: 2, ..Limits::default() };
    let fleet = Fleet::with(limits).await;
    let envoy = fleet.envoy(1, now());
    for server in [fleet.servers()[0].clone(), fleet.tcp_only().await] {
        let mut sessions = Vec::new();
        for _ in 0..3 {
            let session =
                Session::connect(std::slice::from_ref(&server), &fleet.trust(), &envoy, Channel::Request).await;
            let session = session.unwrap();
            if server == fleet.servers()[0] {
                assert!(asked(&session).await.is_ok());
            }
            sessions.push((session, Instant::now()));
        }
        let (first, _) = sessions.remove(0);
        assert!(timeout(Duration::from_secs(3), first.closed()).await.is_ok(), "the oldest made room");
        for (session, since) in sessions {
            assert!(timeout(Duration::from_secs(60), session.closed()).await.is_ok(), "it is idle");
            assert!(since.elapsed() >= Duration::from_millis(3900), "{:?}", since.elapsed());
        }
    }
}

#[test]
fn kinds_of_enrolment_are_no_requests() {
    for kind in [Enrol::KIND, GetKeySet::KIND] {
        assert!(!Channel::Request.takes(kind) && Channel::Enrol.takes(kind));
    }
}
