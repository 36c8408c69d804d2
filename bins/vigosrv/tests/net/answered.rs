//! What is to be answered is.

use crate::fleet::{Fleet, NAME, check_in, days_ago, now};
use sha2::{Digest as _, Sha256};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use vigo_agent::net::{
    Anchor, ClientCertificate, ClientIdentity, Dialer, NetError, Session, Transport, TrustAnchors, new_key,
    signing_request,
};
use vigo_core::agent::validity;
use vigo_core::bundle::SigningKey;
use vigo_core::id::EnvoyId;
use vigo_core::time::Timestamp;
use vigo_core::wire::message::{Answer, CheckIn, Enrol, Enrolled, Report, ReportTaken};
use vigo_core::wire::{Channel, Kind, Reply};
use vigosrv::net::Tls;
use vigosrv::net::Transport::{Quic, Tcp};

async fn asked(session: &Session) -> u64 {
    match session.ask::<CheckIn, Answer>(&check_in()).await.unwrap() {
        Reply::Done(answer) => answer.contact,
        Reply::Refused(refused) => panic!("{refused:?}"),
    }
}

/// Connects both ways.
async fn both_ways(fleet: &Fleet, envoy: &ClientIdentity) -> [Session; 2] {
    let trust = fleet.trust();
    let quic = Session::connect(&fleet.servers(), &trust, envoy, Channel::Request).await.unwrap();
    let tcp = Session::connect(&[fleet.tcp_only().await], &trust, envoy, Channel::Request).await.unwrap();
    assert_eq!((quic.transport(), tcp.transport()), (Transport::Quic, Transport::Tcp));
    [quic, tcp]
}

#[tokio::test]
async fn a_request_is_answered_over_both_transports_and_its_sender_known() {
    let fleet = Fleet::start().await;
    let envoy = fleet.envoy(1, now());
    for session in both_ways(&fleet, &envoy).await {
        assert!(!session.is_clock_behind());
        assert_eq!(asked(&session).await, 42);
        assert_eq!(asked(&session).await, 42);
        session.close().await;
    }
    let seen = fleet.seen.lock().unwrap().clone();
    let transports: Vec<_> = seen.iter().map(|s| s.transport).collect();
    assert_eq!(transports, [Quic, Quic, Tcp, Tcp]);
    for seen in seen {
        let certificate = seen.certificate.unwrap();
        assert_eq!((seen.kind, &*certificate.hostname), (Kind::CheckIn, "web-1"));
        assert_eq!(certificate.envoy_id, EnvoyId::of(&envoy.key.verifying_key()));
        assert_eq!(certificate.issuer, <[u8; 32]>::from(Sha256::digest(fleet.ca.certificate())));
        assert!(!certificate.is_expired(now()));
    }
}

#[tokio::test]
async fn requests_and_answers_of_any_size_go_side_by_side() {
    let fleet = Fleet::start().await;
    let envoy = fleet.envoy(1, now());
    for session in both_ways(&fleet, &envoy).await {
        let report = |bytes: usize| Report { error: "x".repeat(bytes), ..Report::default() };
        let large: Vec<Report> = [0, 1, 65_535, 65_536, 1 << 20, 4_000_000].map(report).to_vec();
        let sends = async {
            let sends = large.iter().map(|r| session.ask::<Report, ReportTaken>(r));
            for (sent, report) in join(sends).await.into_iter().zip(&large) {
                let Reply::Done(taken) = sent.unwrap() else { panic!("refused") };
                assert_eq!(taken.seq, report.error.len() as u64);
            }
        };
        let fetches = async {
            let asks = [0, 100_000, 20 << 20].map(|serial| CheckIn { serial, ..CheckIn::default() });
            for (got, ask) in join(asks.iter().map(|a| session.ask::<CheckIn, Answer>(a))).await.into_iter().zip(&asks)
            {
                let Reply::Done(answer) = got.unwrap() else { panic!("refused") };
                let bundle = answer.bundle.unwrap();
                assert!(bundle.len() as u64 == ask.serial && bundle.iter().all(|b| *b == 7), "{}", ask.serial);
            }
        };
        let many = async {
            let ask = check_in();
            let answers = join((0..200).map(|_| session.ask::<CheckIn, Answer>(&ask))).await;
            assert!(answers.into_iter().all(|a| matches!(a, Ok(Reply::Done(_)))));
        };
        tokio::join!(sends, fetches, many);
    }
}

/// Waits for all of them at once.
async fn join<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut futures: Vec<_> = futures.map(|f| (Box::pin(f), None)).collect();
    std::future::poll_fn(|cx| {
        for (future, done) in futures.iter_mut().filter(|(_, done)| done.is_none()) {
            if let std::task::Poll::Ready(value) = future.as_mut().poll(cx) {
                *done = Some(value);
            }
        }
        if futures.iter().all(|(_, done)| done.is_some()) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    futures.into_iter().map(|(_, done)| done.unwrap()).collect()
}

#[tokio::test]
async fn where_udp_does_not_get_through_tcp_is_taken_after_a_second_and_then_at_once() {
    let fleet = Fleet::start().await;
    let (envoy, servers) = (fleet.envoy(1, now()), [fleet.tcp_only().await]);
    let mut dialer = Dialer::new();
    let mut times = Vec::new();
    for _ in 0..2 {
        let start = Instant::now();
        let session = dialer.connect(&servers, &fleet.trust(), &envoy, Channel::Request).await.unwrap();
        times.push(start.elapsed());
        assert_eq!((session.transport(), asked(&session).await), (Transport::Tcp, 42));
    }
    assert!(times[0] >= Duration::from_secs(1), "{times:?}");
    assert!(times[1] < Duration::from_millis(900), "{times:?}");
}

#[tokio::test]
async fn a_server_that_was_not_reached_keeps_nobody_waiting_the_next_time() {
    let fleet = Fleet::start().await;
    let envoy = fleet.envoy(1, now());
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let servers: Vec<String> = [gone.clone()].into_iter().chain(fleet.servers()).collect();
    let mut dialer = Dialer::new();
    let mut times = Vec::new();
    for _ in 0..2 {
        let start = Instant::now();
        let session = dialer.connect(&servers, &fleet.trust(), &envoy, Channel::Request).await.unwrap();
        times.push(start.elapsed());
        assert_eq!((session.server(), asked(&session).await), (&*servers[1], 42));
    }
    assert!(times[0] >= Duration::from_secs(1), "{times:?}");
    assert!(times[1] < Duration::from_millis(900), "{times:?}");
    // It is the only one: it is tried all the same.
    let alone = dialer.connect(&[gone], &fleet.trust(), &envoy, Channel::Request).await;
    assert!(matches!(alone, Err(NetError::NobodyListens { .. })));
}

#[tokio::test]
async fn a_machine_that_knows_a_fingerprint_enrols_and_comes_back_as_an_envoy() {
    let fleet = Fleet::start().await;
    let mut identity = ClientIdentity { key: SigningKey::from_bytes(&[9; 32]), certificate: None };
    let mut trust = fleet.trust();
    trust.authorities = vec![Anchor::Sha256([1; 32])];
    let other = Session::connect(&fleet.servers(), &trust, &identity, Channel::Enrol).await;
    assert!(matches!(other, Err(NetError::NotTrusted { .. })), "another fingerprint");

    trust.authorities = vec![Anchor::Sha256(Sha256::digest(fleet.ca.certificate()).into())];
    let session = Session::connect(&fleet.servers(), &trust, &identity, Channel::Enrol).await.unwrap();
    let key = new_key().unwrap();
    let enrol = Enrol {
        hostname: "db-1".into(),
        identity_key: identity.key.verifying_key().as_bytes().to_vec(),
        csr: signing_request(&key).unwrap(),
        ..Enrol::default()
    };
    let Reply::Done(enrolled) = session.ask::<Enrol, Enrolled>(&enrol).await.unwrap() else { panic!("refused") };
    let (made, validity) = (now().epoch_secs(), validity(&enrolled.certificate).unwrap());
    let days = |t: Timestamp| (t.epoch_secs() - made + 60) / 86_400;
    assert_eq!((days(validity.not_before), days(validity.not_after)), (-1 + 1, 365));
    identity.certificate = Some(ClientCertificate { certificate: enrolled.certificate, key });
    let session = Session::connect(&fleet.servers(), &fleet.trust(), &identity, Channel::Request).await.unwrap();
    assert_eq!(asked(&session).await, 42);
    assert_eq!(fleet.seen.lock().unwrap().last().unwrap().certificate.as_ref().unwrap().hostname, "db-1");
}

#[tokio::test]
async fn an_expired_certificate_gets_in_and_is_marked() {
    let fleet = Fleet::start().await;
    let envoy = fleet.envoy(1, days_ago(400));
    for session in both_ways(&fleet, &envoy).await {
        assert_eq!(asked(&session).await, 42);
    }
    let seen = fleet.seen.lock().unwrap().clone();
    assert!(seen.len() == 2 && seen.iter().all(|s| s.certificate.as_ref().unwrap().is_expired(now())));
}

#[tokio::test]
async fn a_servers_certificate_from_the_future_is_believed_and_one_from_the_past_is_not() {
    let fleet = Fleet::start().await;
    let envoy = fleet.envoy(1, now());
    let at = |days| fleet.ca.server(NAME, &[], None, days_ago(days)).unwrap();
    let authorities = [fleet.ca.certificate().to_vec()];
    fleet.listener.set_tls(Tls::new(&at(-30), &authorities).unwrap());
    for session in both_ways(&fleet, &envoy).await {
        assert!(session.is_clock_behind());
        assert_eq!(asked(&session).await, 42);
    }
    // A machine whose clock went back knows better.
    let trust = TrustAnchors { newest: days_ago(-500), ..fleet.trust() };
    let late = Session::connect(&fleet.servers(), &trust, &envoy, Channel::Request).await;
    assert!(matches!(late, Err(NetError::NotTrusted { .. })));
    fleet.listener.set_tls(Tls::new(&at(400), &authorities).unwrap());
    let expired = Session::connect(&fleet.servers(), &fleet.trust(), &envoy, Channel::Request).await;
    assert!(matches!(expired, Err(NetError::NotTrusted { .. })));
}

#[tokio::test]
async fn a_server_that_stops_answers_what_it_has_taken() {
    let fleet = Fleet::start().await;
    let envoy = fleet.envoy(1, now());
    let sessions = both_ways(&fleet, &envoy).await;
    for session in &sessions {
        assert_eq!(asked(session).await, 42);
    }
    let slow = CheckIn { agent_version: "slow".into(), ..CheckIn::default() };
    let asks = join(sessions.iter().map(|s| s.ask::<CheckIn, Answer>(&slow)));
    let stop = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let start = Instant::now();
        fleet.listener.shutdown(Duration::from_secs(90)).await;
        start.elapsed()
    };
    let (answers, took) = tokio::join!(asks, stop);
    for (answer, session) in answers.into_iter().zip(&sessions) {
        assert!(matches!(answer, Ok(Reply::Done(_))), "{:?}", session.transport());
        let end = tokio::time::timeout(Duration::from_secs(60), session.closed()).await;
        assert!(matches!(end, Ok(NetError::Closed { .. })), "{end:?}");
    }
    assert!(took < Duration::from_secs(60), "{took:?}");
}

#[tokio::test]
async fn nobody_there_is_said_and_the_next_server_asked() {
    let fleet = Fleet::start().await;
    let envoy = fleet.envoy(1, now());
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let servers = [closed.clone(), "no.such.host.invalid:1530".into(), "nonsense".into()];
    for (server, told) in servers.iter().zip(["reach `", "find `no.such", "find `nonsense`"]) {
        let error =
            Session::connect(std::slice::from_ref(server), &fleet.trust(), &envoy, Channel::Enrol).await.err().unwrap();
        assert!(error.to_string().starts_with(told), "{error}");
    }
    let error = Session::connect(&[], &fleet.trust(), &envoy, Channel::Request).await.err().unwrap();
    assert_eq!(error, NetError::NoServer);
    let mut all = servers[1..].to_vec();
    all.extend(fleet.servers());
    let session = Session::connect(&all, &fleet.trust(), &envoy, Channel::Request).await.unwrap();
    assert_eq!((session.server(), asked(&session).await), (&*fleet.servers()[0], 42));
}
