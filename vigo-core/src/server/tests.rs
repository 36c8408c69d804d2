use super::*;
use crate::bundle::{
    Assignment, Ca, KeyId, KeySet, KeyState, Maintenance, PolicyBundle, Signed, SigningKey, TrustedKey, sign,
};
use crate::entropy::Entropy;
use crate::fleet::{ClassOf, Envoy, FleetIndex};
use crate::glob::Glob;
use crate::id::EnvoyId;
use crate::time::{Duration, Timestamp};
use crate::wire::message::{CheckIn, Enrol, GetKeySet, QuietRuns, Refused, RenewCertificate};
use crate::wire::{Channel, Envelope, Exporter, Message, ReplayWindow};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::ToString;
use alloc::vec;
use core::net::IpAddr;

const EXPORTER: Exporter = Exporter([3; 32]);

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn envoy(seed: u8, hostname: &str) -> Envoy {
    let key = key(seed).verifying_key();
    Envoy::new(EnvoyId::of(&key), key, hostname.into())
}

fn now() -> Timestamp {
    Timestamp::from_epoch_secs(1_800_000_000)
}

#[test]
fn a_token_is_read_as_it_is_printed_and_never_shown_again() {
    let token = TokenText::new(Entropy::new([0xab; 32]), Entropy::new([0x17; 32]));
    assert_eq!(token.reveal(), format!("vgt_abababababababab_{}", "17".repeat(32)));
    assert!(TokenText::parse(&format!(" {}\n", token.reveal())) == Ok(token.clone()));
    assert_eq!(format!("{token:?}"), "vgt_abababababababab_…");
    let secret = token.secret();
    let bad =
        ["", "vgt_", "vgt_abababababababab", "vgt_abababababababab_17", &format!("vgt_ABABABABABABABAB_{secret}")];
    for text in bad {
        assert!(TokenText::parse(text) == Err(TokenError), "{text}");
    }
}

#[test]
fn a_network_holds_its_addresses_and_no_others() {
    let cases = [
        ("any", "203.0.113.9", true),
        ("10.1.0.0/16", "10.1.255.255", true),
        ("10.1.0.0/16", "10.2.0.0", false),
        ("10.1.0.0/16", "::ffff:10.1.2.3", true),
        ("10.1.2.3", "10.1.2.3", true),
        ("10.1.2.3", "10.1.2.4", false),
        ("0.0.0.0/0", "255.1.1.1", true),
        ("0.0.0.0/0", "2001:db8::1", false),
        ("2001:db8::/32", "2001:db8:ffff::1", true),
        ("2001:db8::/32", "2001:db9::1", false),
        ("::/0", "2001:db9::1", true),
    ];
    for (network, address, expected) in cases {
        let parsed: Network = network.parse().unwrap();
        assert_eq!(parsed.contains(address.parse().unwrap()), expected, "{network} {address}");
        assert_eq!(parsed.to_string().parse(), Ok(parsed), "{network}");
    }
    for text in ["", "Any", "10.1.0.0/33", "::/129", "10.1/16", "10.1.0.0/", "10.1.0.0/+8", "10.1.0.0/-1"] {
        assert_eq!(text.parse::<Network>(), Err(NetworkError), "{text}");
    }
}

fn enrol(seed: u8, hostname: &str, token: &str) -> Enrol {
    let identity_key = key(seed).verifying_key().as_bytes().to_vec();
    Enrol { token: token.into(), hostname: hostname.into(), identity_key, ..Enrol::default() }
}

fn asked(seed: u8, enrol: &Enrol) -> Result<Claim, NotAdmitted> {
    claim(&Envelope::sign(Channel::Enrol, &key(seed), 1, &EXPORTER, enrol), &EXPORTER)
}

#[test]
fn a_claim_is_proved_by_the_key_that_it_brings() {
    let good = asked(1, &enrol(1, "Web-1.Prod", "")).unwrap();
    assert_eq!((good.id, &*good.hostname), (EnvoyId::of(&key(1).verifying_key()), "web-1.prod"));
    let cases = [
        ("signed by another", asked(2, &enrol(1, "a", "")), "the request is not valid: the signature does not match"),
        ("no key", asked(1, &Enrol { identity_key: vec![], ..enrol(1, "a", "") }), "the request is not valid: the sig"),
        ("a name of two lines", asked(1, &enrol(1, "a\nb", "")), "`a\\nb` is no hostname: expected letters"),
        ("no name", asked(1, &enrol(1, "", "")), "`` is no hostname: it is empty"),
        ("a path", asked(1, &enrol(1, "..", "")), "`..` is no hostname: expected something between its dots"),
        ("not of a certificate", asked(1, &enrol(1, "é", "")), "`é` is no hostname: expected letters"),
        ("no token at all", asked(1, &enrol(1, "a", "secret")), "the token is not valid"),
    ];
    for (name, said, expected) in cases {
        let said = said.unwrap_err().to_string();
        assert!(said.starts_with(expected), "{name}: {said}");
    }
    // With the identity element as key, one signature would be good for every message.
    let weak = [1].into_iter().chain([0; 31]).collect();
    assert_eq!(asked(1, &Enrol { identity_key: weak, ..enrol(1, "a", "") }).unwrap_err(), NotAdmitted::WeakKey);
    // On another connection, or over the channel of the enrolled.
    let message = enrol(1, "a", "");
    let elsewhere = Envelope::sign(Channel::Enrol, &key(1), 1, &Exporter([4; 32]), &message);
    assert!(matches!(claim(&elsewhere, &EXPORTER), Err(NotAdmitted::Invalid(_))));
    let request = Envelope::sign(Channel::Request, &key(1), 1, &EXPORTER, &message);
    assert!(matches!(claim(&request, &EXPORTER), Err(NotAdmitted::Invalid(_))));
}

#[test]
fn who_is_admitted() {
    let secret = "17".repeat(32);
    let token = |uses_left, expires, replaces| TokenRecord {
        id: "abababababababab".into(),
        pattern: Glob::parse("*.web.prod").unwrap(),
        uses_left,
        expires,
        replaces,
    };
    let later = now() + Duration::from_secs(1);
    let good = token(1, later, false);
    let with_token = |hostname: &str| asked(1, &enrol(1, hostname, &format!("vgt_abababababababab_{secret}"))).unwrap();
    let bare = |hostname: &str| asked(1, &enrol(1, hostname, "")).unwrap();
    let trusted =
        |until| Trusted { pattern: Glob::parse("kiosk-*").unwrap(), from: "10.1.0.0/16".parse().unwrap(), until };
    let inside: IpAddr = "10.1.2.3".parse().unwrap();
    let outside: IpAddr = "10.2.2.3".parse().unwrap();
    let by_token = Ok(Admission { by: AdmittedBy::Token { id: good.id.clone() }, replaces: None });
    let by_pattern = Ok(Admission { by: AdmittedBy::Trusted { pattern: "kiosk-*".into() }, replaces: None });
    let taken = |hostname: &str| Err(NotAdmitted::NameTaken { hostname: hostname.into(), holder: envoy(9, "x").id });
    let id = || good.id.clone();
    let decide = |claim: &Claim, token: Option<&TokenRecord>, entry: Option<Trusted>, from, own, holder| {
        let entries: alloc::vec::Vec<Trusted> = entry.into_iter().collect();
        let (own, holder): (Option<Envoy>, Option<Envoy>) = (own, holder);
        admit(claim, token, &entries, from, own.as_ref(), holder.as_ref(), now())
    };
    let web = with_token("a.web.prod");
    assert_eq!(decide(&web, Some(&good), None, outside, None, None), by_token);
    assert_eq!(decide(&web, None, None, outside, None, None), Err(NotAdmitted::BadToken));
    let used = token(0, later, false);
    assert_eq!(decide(&web, Some(&used), None, outside, None, None), Err(NotAdmitted::TokenUsed { id: id() }));
    let old = token(1, now(), false);
    assert_eq!(decide(&web, Some(&old), None, outside, None, None), Err(NotAdmitted::TokenExpired { id: id() }));
    let other = decide(&with_token("a.db.prod"), Some(&good), None, outside, None, None).unwrap_err();
    assert_eq!(other.to_string(), "token `abababababababab` admits `*.web.prod`, not `a.db.prod`");
    let holder = || Some(envoy(9, "a.web.prod"));
    assert_eq!(decide(&web, Some(&good), None, outside, None, holder()), taken("a.web.prod"));
    let replacing = Ok(Admission { by: AdmittedBy::Token { id: id() }, replaces: Some(envoy(9, "x").id) });
    assert_eq!(decide(&web, Some(&token(1, later, true)), None, outside, None, holder()), replacing);

    let kiosk = bare("kiosk-7");
    assert_eq!(decide(&kiosk, None, Some(trusted(None)), inside, None, None), by_pattern);
    assert_eq!(decide(&kiosk, None, Some(trusted(Some(later))), inside, None, None), by_pattern);
    let none = |hostname: &str, from| Err(NotAdmitted::NoToken { hostname: hostname.into(), from });
    assert_eq!(decide(&kiosk, None, Some(trusted(None)), outside, None, None), none("kiosk-7", outside));
    assert_eq!(decide(&kiosk, None, Some(trusted(Some(now()))), inside, None, None), none("kiosk-7", inside));
    assert_eq!(decide(&bare("shop-7"), None, Some(trusted(None)), inside, None, None), none("shop-7", inside));
    let holder = Some(envoy(9, "kiosk-7"));
    assert_eq!(decide(&kiosk, None, Some(trusted(None)), inside, None, holder), taken("kiosk-7"));

    // An answer was lost: the same again, and the token that is used up now does not matter.
    let own = || Some(envoy(1, "a.web.prod"));
    let itself = Ok(Admission { by: AdmittedBy::Itself, replaces: None });
    assert_eq!(decide(&web, Some(&used), None, outside, own(), own()), itself);
    let renamed = decide(&with_token("b.web.prod"), Some(&good), None, outside, own(), None).unwrap_err();
    assert_eq!(renamed.to_string(), "this identity is enrolled as `a.web.prod`, not as `b.web.prod`");
    let revoked = Some(Envoy { revoked: true, ..envoy(1, "a.web.prod") });
    let id = envoy(1, "x").id;
    assert_eq!(decide(&web, Some(&good), None, outside, revoked, None), Err(NotAdmitted::Revoked(id)));
}

struct Attack {
    fleet: FleetIndex,
    replays: ReplayWindow,
    caller: Caller,
}

impl Attack {
    fn new() -> Self {
        let mut fleet = FleetIndex::default();
        for (seed, name) in [(1, "a"), (2, "b")] {
            fleet.insert(envoy(seed, name)).unwrap();
        }
        let not_after = now() + Duration::from_secs(60);
        let caller = Caller { id: envoy(1, "a").id, not_after, is_trusted: true };
        Self { fleet, replays: ReplayWindow::default(), caller }
    }

    fn send(
        &mut self,
        envelope: &Envelope,
        exporter: &Exporter,
    ) -> Result<(), (alloc::string::String, alloc::string::String)> {
        authorise(envelope, &self.caller, exporter, &mut self.replays, &self.fleet, now())
            .map_err(|r| (r.code, r.message))
    }
}

fn request<M: Message>(seed: u8, sequence: u64, message: &M) -> Envelope {
    Envelope::sign(Channel::Request, &key(seed), sequence, &EXPORTER, message)
}

#[test]
fn only_the_envoy_itself_is_answered_once() {
    let check_in = CheckIn::default();
    let code = |said: Result<(), (alloc::string::String, alloc::string::String)>| said.unwrap_err().0;
    let mut a = Attack::new();
    assert_eq!(a.send(&request(1, 2, &check_in), &EXPORTER), Ok(()));
    assert_eq!(a.send(&request(1, 1, &check_in), &EXPORTER), Ok(()), "overtaken, not replayed");
    assert_eq!(code(a.send(&request(1, 2, &check_in), &EXPORTER)), Refused::INVALID, "replayed");
    assert_eq!(code(a.send(&request(1, 3, &check_in), &Exporter([9; 32]))), Refused::INVALID, "another connection");
    assert_eq!(code(a.send(&request(2, 3, &check_in), &EXPORTER)), Refused::INVALID, "another envoy");
    let mut forged = request(2, 3, &check_in);
    forged.envoy_id = a.caller.id;
    assert_eq!(code(a.send(&forged, &EXPORTER)), Refused::INVALID, "another envoy's id");
    let far = Envelope { sequence: u64::MAX, ..request(1, 3, &check_in) };
    assert_eq!(code(a.send(&far, &EXPORTER)), Refused::INVALID, "an unsigned number");
    assert_eq!(a.send(&request(1, 3, &check_in), &EXPORTER), Ok(()), "nothing unsigned moved the window");
    assert_eq!(code(a.send(&request(1, 4, &GetKeySet::default()), &EXPORTER)), Refused::INVALID, "wrong channel");
    a.caller.not_after = now() - Duration::from_ms(1);
    assert_eq!(code(a.send(&request(1, 5, &check_in), &EXPORTER)), Refused::RENEW, "expired");
    assert_eq!(a.send(&request(1, 6, &RenewCertificate::default()), &EXPORTER), Ok(()), "it may renew");
    a.caller.is_trusted = false;
    assert_eq!(a.send(&request(1, 7, &RenewCertificate::default()), &EXPORTER), Ok(()), "it may renew");
    a.caller.not_after = now();
    assert_eq!(code(a.send(&request(1, 8, &check_in), &EXPORTER)), Refused::RENEW, "a retired authority");
    let mut a = Attack::new();
    a.fleet.revoke(a.caller.id);
    assert_eq!(code(a.send(&request(1, 1, &RenewCertificate::default()), &EXPORTER)), Refused::REVOKED);
    let mut a = Attack::new();
    a.fleet = FleetIndex::default();
    assert_eq!(code(a.send(&request(1, 1, &check_in), &EXPORTER)), Refused::UNKNOWN);
}

#[test]
fn an_envoy_that_was_lost_is_taken_up_by_its_own_key_alone() {
    let shows =
        |seed: u8| CheckIn { identity_key: key(seed).verifying_key().as_bytes().to_vec(), ..CheckIn::default() };
    let attack = || Attack { caller: Caller { id: envoy(3, "c").id, ..Attack::new().caller }, ..Attack::new() };
    let at = |a: &mut Attack, envelope: &Envelope, name: &str| {
        let stranger = Stranger { caller: &a.caller, hostname: name, keyset: &keyset() };
        adopt(envelope, stranger, &EXPORTER, &mut a.replays, &a.fleet, now())
    };
    let good = request(3, 1, &shows(3));
    let mut a = attack();
    let a_id = a.caller.id;
    let adopted = Adoption { id: a.caller.id, key: key(3).verifying_key(), hostname: "c.prod".into() };
    assert_eq!(at(&mut a, &good, "C.prod"), Ok(adopted));
    let code = |said: Result<Adoption, NotAdopted>| said.unwrap_err().refused().code;
    assert_eq!(code(at(&mut a, &good, "c")), Refused::INVALID, "replayed");
    assert_eq!(
        code(at(&mut attack(), &request(3, 1, &CheckIn::default()), "c")),
        Refused::UNKNOWN,
        "it is to show its key"
    );
    let elsewhere = Envelope::sign(Channel::Request, &key(3), 1, &Exporter([9; 32]), &shows(3));
    let cases = [
        ("not its own key", Envelope { envoy_id: a.caller.id, ..request(4, 1, &shows(4)) }),
        ("signed by another", Envelope { envoy_id: a.caller.id, ..request(4, 1, &shows(3)) }),
        ("another connection", elsewhere),
        ("no key", request(3, 1, &CheckIn { identity_key: vec![1; 31], ..CheckIn::default() })),
        ("another's request over its certificate", request(1, 1, &shows(1))),
    ];
    let mut a = attack();
    for (name, envelope) in cases {
        assert_eq!(code(at(&mut a, &envelope, "c")), Refused::INVALID, "{name}");
    }
    assert_eq!(code(at(&mut a, &good, "..")), Refused::INVALID, "no name");
    let taken = at(&mut a, &request(3, 2, &shows(3)), "A");
    assert_eq!(taken, Err(NotAdopted::NameTaken { hostname: "a".into(), holder: envoy(1, "a").id }));
    assert_eq!(code(taken), Refused::NOT_ADMITTED, "nor would it be enrolled");
    assert_eq!(
        code(at(&mut a, &request(3, 2, &shows(3)), "c")),
        Refused::INVALID,
        "it was seen, though it was refused"
    );
    let later = |sequence| request(3, sequence, &shows(3));
    a.caller.not_after = now() - Duration::from_ms(1);
    let waits = |hostname: &str| {
        let adoption = Adoption { id: a_id, key: key(3).verifying_key(), hostname: hostname.into() };
        Err(NotAdopted::Certificate(Box::new(adoption)))
    };
    assert_eq!(at(&mut a, &later(3), "c"), waits("c"), "expired");
    a.caller = Caller { is_trusted: false, ..attack().caller };
    assert_eq!(at(&mut a, &later(4), "c"), waits("c"), "a retired authority");
    let renamed = Assignment { envoy_id: a_id, ..assignment("renamed", 9) }.sign(&key(6));
    let shown = CheckIn { shown_assignment: renamed.encode(), ..shows(3) };
    assert_eq!(at(&mut a, &request(3, 20, &shown), "c"), waits("renamed"), "by a retired key: somebody looks at it");
    assert_eq!(code(waits("c")), Refused::UNKNOWN);
    a.caller = attack().caller;
    a.fleet.revoke(envoy(1, "a").id);
    assert!(at(&mut a, &later(5), "a").is_ok(), "a name that is free again");
    // It was renamed after its certificate was made.
    let assignment = |envoy_id, hostname: &str| Assignment { envoy_id, ..assignment(hostname, 9) };
    let cases = [
        ("its own", assignment(a.caller.id, "renamed").sign(&key(8)), "renamed"),
        ("another envoy's", assignment(envoy(1, "a").id, "renamed").sign(&key(8)), "c"),
        ("by a retired key, which may be stolen", assignment(a.caller.id, "renamed").sign(&key(6)), "c"),
        ("by any key", assignment(a.caller.id, "renamed").sign(&key(9)), "c"),
    ];
    for (sequence, (name, shown, expected)) in (21..).zip(cases) {
        let envelope = request(3, sequence, &CheckIn { shown_assignment: shown.encode(), ..shows(3) });
        assert_eq!(at(&mut a, &envelope, "c").unwrap().hostname, expected, "{name}");
    }
    let taken = CheckIn { shown_assignment: assignment(a.caller.id, "b").sign(&key(8)).encode(), ..shows(3) };
    assert!(matches!(at(&mut a, &request(3, 30, &taken), "c"), Err(NotAdopted::NameTaken { .. })));
}

fn assignment(hostname: &str, serial: u64) -> Assignment {
    Assignment {
        envoy_id: envoy(1, "a").id,
        hostname: hostname.into(),
        environment: "prod".into(),
        bundle_digest: None,
        observe_only: false,
        maintenance: Maintenance::No,
        max_age: Duration::ZERO,
        interval: Duration::from_secs(300),
        splay: Duration::from_secs(30),
        serial,
        issued_at: now(),
    }
}

/// Version 4: the key at work, and the one before it.
fn keyset() -> KeySet {
    let trusted = |seed, state| TrustedKey { key: key(seed).verifying_key(), state };
    KeySet {
        version: 4,
        root: key(7).verifying_key(),
        bundle_keys: vec![trusted(6, KeyState::Retired), trusted(8, KeyState::Active)],
        cas: vec![Ca { certificate: vec![1], state: KeyState::Active }],
    }
}

struct Desk {
    envoy: Envoy,
    policy: ServedPolicy,
    settings: CheckInSettings,
    signer: Signer,
    known: u64,
    now: Timestamp,
}

impl Desk {
    fn new() -> Self {
        let settings = CheckInSettings {
            interval: Duration::from_secs(300),
            splay: Duration::from_secs(30),
            observe_only: false,
            bundle_max_age: Duration::ZERO,
            soon: Duration::from_secs(5),
            hold: HoldSettings { idle: Duration::from_secs(30), below: Duration::from_secs(15), max: 10 },
            servers: [].into(),
        };
        let signed = sign(&PolicyBundle::default(), &key(8)).unwrap();
        let classes = vec![ServedClass::new(&signed, "prod".into(), false, false)];
        let policy = ServedPolicy { classes, is_published: true };
        let envoy = Envoy { class: ClassOf::Class(0), ..envoy(1, "a") };
        Self { envoy, policy, settings, signer: Signer::new(key(8), 0), known: 4, now: now() }
    }

    fn ask(&mut self, check_in: &CheckIn) -> CheckedIn {
        let (set, signed) = (keyset(), keyset().sign(&key(7)));
        let keyset = ServedKeySet { set: &set, known: self.known, signed: &signed };
        answer(check_in, &mut self.envoy, &self.policy, &self.settings, keyset, &mut self.signer, self.now)
    }

    fn known(&self) -> CheckIn {
        CheckIn { keyset: 4, contact: self.envoy.contact, traits_digest: vec![0; 32], ..CheckIn::default() }
    }

    /// What the agent says after it took an answer.
    fn took(&self, answer: &crate::wire::message::Answer) -> CheckIn {
        let keys = [key(8).verifying_key()];
        let signed = Signed::decode(answer.assignment.as_ref().unwrap()).unwrap();
        let assignment = Assignment::verify(&signed, &keys).unwrap();
        let bundle = answer.bundle.as_ref().map(|b| Signed::decode(b).unwrap());
        assert_eq!(assignment.bundle_digest, bundle.as_ref().map(Signed::digest));
        let digest = assignment.digest(signed.key_id, bundle.map_or(KeyId([0; 32]), |b| b.key_id));
        CheckIn { assignment_digest: digest.to_vec(), serial: assignment.serial, ..self.known() }
    }
}

#[test]
fn an_envoy_gets_its_assignment_once() {
    let mut desk = Desk::new();
    let first = desk.ask(&desk.known());
    let check_in = desk.took(&first.answer);
    assert_eq!(check_in.serial, u64::try_from(now().epoch_ms()).unwrap());
    let quiet = desk.ask(&check_in);
    assert_eq!(quiet.answer, crate::wire::message::Answer { next_in_ms: 300_000, contact: 2, ..Default::default() });
    assert!(quiet.answer.encode().len() < 20);
    // The next assignment is later, even in the same millisecond.
    desk.settings.observe_only = true;
    let next = desk.ask(&CheckIn { contact: 2, ..check_in.clone() });
    assert_eq!(desk.took(&next.answer).serial, check_in.serial + 1);
}

#[test]
fn an_envoy_hears_where_the_servers_are_until_it_has_heard() {
    let mut desk = Desk::new();
    let told = |desk: &mut Desk, contact| desk.ask(&CheckIn { contact, ..desk.known() }).answer.servers;
    assert!(told(&mut desk, 0).is_empty(), "there is nothing to tell");
    let [old, both] = [vec!["a:1530".to_string()], vec!["b:1530".to_string(), "a:1530".to_string()]];
    desk.settings.servers = old.clone().into();
    assert_eq!(told(&mut desk, 1), old);
    assert_eq!(told(&mut desk, 1), old, "the answer was lost");
    assert!(told(&mut desk, 3).is_empty(), "it has heard");
    assert!(told(&mut desk, 3).is_empty(), "another answer was lost");
    desk.settings.servers = both.clone().into();
    assert_eq!(told(&mut desk, 5), both, "they have changed");
    assert!(told(&mut desk, 6).is_empty());
    assert_eq!(told(&mut desk, 2), both, "the disk of the machine went back");
    desk.envoy.servers_told = None;
    assert_eq!(told(&mut desk, 8), both, "the server has started");
    desk.settings.servers = [].into();
    assert!(told(&mut desk, 9).is_empty(), "nobody is told to dial nothing");
}

#[test]
fn an_envoy_that_tells_of_an_older_run_is_told_of_the_newest() {
    let mut desk = Desk::new();
    let mut newest = |incarnation, seq| {
        let run = Some(QuietRuns { incarnation, seq, runs: 1, ..QuietRuns::default() });
        desk.ask(&CheckIn { run, ..desk.known() }).answer.newest_run
    };
    assert_eq!([newest(7, 5), newest(7, 5), newest(7, 3), newest(7, 6), newest(8, 1)], [0, 0, 5, 0, 0]);
}

#[test]
fn an_envoy_is_told_to_observe_and_to_leave_its_machine_alone() {
    let mut desk = Desk::new();
    let mut told = |observes, maintenance, later: u64| {
        (desk.envoy.observes, desk.envoy.maintenance) = (observes, maintenance);
        desk.now = now() + Duration::from_secs(later);
        let answer = desk.ask(&desk.known()).answer;
        let signed = Signed::decode(&answer.assignment.unwrap()).unwrap();
        let assignment = Assignment::verify(&signed, &[key(8).verifying_key()]).unwrap();
        (assignment.observe_only, assignment.maintenance)
    };
    let until = Maintenance::Until(now() + Duration::from_secs(60));
    assert_eq!(told(true, Maintenance::No, 0), (true, Maintenance::No));
    assert_eq!(told(false, Maintenance::Open, 1), (false, Maintenance::Open));
    assert_eq!(told(false, until, 59), (false, until));
    assert_eq!(told(false, until, 60), (false, Maintenance::No), "it is over");
}

#[test]
fn an_envoy_hears_of_another_epoch_of_its_secrets_until_it_has_it() {
    let mut desk = Desk::new();
    assert_eq!(desk.ask(&desk.known()).answer.secrets_epoch, None);
    desk.policy.classes[0].secrets_epoch = 9;
    for (epoch, is_older) in [(0, false), (8, false), (10, true)] {
        let asked = desk.ask(&CheckIn { secrets_epoch: epoch, ..desk.known() });
        assert_eq!((asked.answer.secrets_epoch, asked.secrets_are_older), (Some(9), is_older), "{epoch}");
    }
    let check_in = CheckIn { secrets_epoch: 9, ..desk.known() };
    assert_eq!(desk.ask(&check_in).answer.secrets_epoch, None);
}

#[test]
fn an_envoy_without_a_class_manages_nothing_and_one_without_a_publish_goes_on() {
    let mut desk = Desk::new();
    desk.policy.is_published = false;
    assert_eq!(desk.ask(&desk.known()).answer.assignment, None);
    desk.policy.is_published = true;
    desk.envoy.class = ClassOf::Pending;
    let soon = desk.ask(&desk.known()).answer;
    assert_eq!((soon.assignment, soon.next_in_ms), (None, 5000));
    desk.envoy.class = ClassOf::None;
    let none = desk.ask(&desk.known()).answer;
    assert_eq!(none.bundle, None);
    let check_in = desk.took(&none);
    assert_eq!(desk.ask(&check_in).answer.assignment, None);
}

#[test]
fn what_is_out_of_date_is_answered() {
    let mut desk = Desk::new();
    let first = desk.ask(&desk.known());
    let check_in = desk.took(&first.answer);
    let answer = desk.ask(&CheckIn { keyset: 3, ..check_in.clone() }).answer;
    assert_eq!(answer.keyset.as_deref(), Some(&*keyset().sign(&key(7)).encode()));
    assert_eq!(desk.envoy.keyset, 3);
    let newer = CheckIn { keyset: 5, ..check_in.clone() };
    assert!(desk.ask(&newer).answer.keyset.is_some(), "it shows its own then");
    desk.known = 5;
    assert!(desk.ask(&newer).answer.keyset.is_none(), "it has shown it");
    let answer = desk.ask(&CheckIn { traits_digest: vec![], ..check_in.clone() }).answer;
    assert_eq!(answer.send_traits, Some(vec![]));
    desk.envoy.traits_digest = [5; 32];
    let answer = desk.ask(&check_in).answer;
    assert_eq!(answer.send_traits, Some(vec![5; 32]));
}

#[test]
fn a_server_set_back_in_time_goes_on_after_what_it_signed_once() {
    let mut desk = Desk::new();
    let first = desk.ask(&desk.known());
    let check_in = desk.took(&first.answer);
    // A disk of yesterday: the clock too, so that every serial would be too low.
    let mut back = Desk { now: now() - Duration::from_secs(86_400), ..Desk::new() };
    back.settings.observe_only = true;
    let asked = back.ask(&check_in);
    assert!(asked.answer.show_assignment && asked.answer.assignment.is_none() && !asked.was_restored);
    let shown = CheckIn { shown_assignment: first.answer.assignment.clone().unwrap(), ..check_in.clone() };
    let healed = back.ask(&shown);
    assert!(healed.was_restored);
    assert_eq!(back.took(&healed.answer).serial, check_in.serial + 1);
    // The key that signed it may have been retired before the clock went back.
    let before = Assignment::verify(&Signed::decode(&shown.shown_assignment).unwrap(), &[key(8).verifying_key()]);
    let before = CheckIn { shown_assignment: before.unwrap().sign(&key(6)).encode(), ..check_in.clone() };
    let healed = back.ask(&before);
    assert_eq!(back.took(&healed.answer).serial, check_in.serial + 1);
    // A lie raises nothing: another envoy's, another serial, another key's.
    let other = Assignment {
        ..Assignment::verify(&Signed::decode(&shown.shown_assignment).unwrap(), &[key(8).verifying_key()]).unwrap()
    };
    let lies = [
        ("another envoy's", Assignment { envoy_id: EnvoyId([7; 16]), ..other.clone() }.sign(&key(8))),
        ("another serial", Assignment { serial: other.serial - 1, ..other.clone() }.sign(&key(8))),
        ("another key's", other.sign(&key(9))),
    ];
    for (name, lie) in lies {
        let asked = back.ask(&CheckIn { shown_assignment: lie.encode(), ..check_in.clone() });
        assert!(asked.answer.show_assignment && asked.answer.assignment.is_none(), "{name}");
    }
}

/// A server that starts a day after the newest row of its database, and what was signed an hour before the start.
fn forgetful() -> (Desk, u64) {
    let mut desk = Desk::new();
    let at = |seconds: u64| u64::try_from(now().epoch_ms()).unwrap() - 1000 * seconds;
    desk.signer = Signer::new(key(8), at(86_400)).started(now());
    (desk, at(3600))
}

#[test]
fn an_envoy_that_remembers_more_than_the_database_is_asked_to_show_it() {
    let (mut desk, lost) = forgetful();
    let held = CheckIn { assignment_digest: vec![7; 32], serial: lost, ..desk.known() };
    let asked = desk.ask(&held);
    assert!(asked.answer.show_assignment && asked.remembered.is_none());
    assert_eq!(asked.answer.assignment, None, "it would take the place of what is to be shown");
    let shows = CheckIn { shown_assignment: assignment("a", lost).sign(&key(8)).encode(), ..held.clone() };
    let seen = desk.ask(&shows);
    let at = Timestamp::from_epoch_ms(i64::try_from(lost).unwrap());
    assert_eq!(seen.remembered, Some(Remembered { at, hostname: None, maintenance: None, observes: None }));
    assert!(!seen.was_restored && seen.answer.assignment.is_some(), "it goes on at once");
    let again = desk.ask(&shows);
    assert!(again.remembered.is_none() && !again.answer.show_assignment, "once");
    // Who has nothing to show, or does not, is not kept waiting for its policy.
    let (mut desk, _) = forgetful();
    assert!(desk.ask(&held).answer.assignment.is_none());
    assert!(desk.ask(&held).answer.assignment.is_some());
    assert_eq!([(); 3].map(|()| desk.ask(&held).answer.show_assignment), [true, false, false], "nor asked for ever");
    let unknown = CheckIn { shown_assignment: assignment("a", lost).sign(&key(9)).encode(), ..held.clone() };
    let (mut desk, _) = forgetful();
    assert!((0..9).all(|_| desk.ask(&unknown).answer.show_assignment), "the key may be learned of");
    assert!(desk.ask(&shows).remembered.is_some());
    let (mut desk, _) = forgetful();
    let bare = desk.ask(&CheckIn { serial: lost, ..desk.known() });
    assert!(bare.answer.show_assignment && bare.answer.assignment.is_some());
}

#[test]
fn nothing_but_a_signature_says_that_the_database_went_back() {
    let (_, lost) = forgetful();
    let day = 86_400_000;
    let good = |serial| assignment("a", serial);
    let now_ms = u64::try_from(now().epoch_ms()).unwrap();
    let cases = [
        ("by the key at work", lost, good(lost).sign(&key(8)), true),
        ("by a retired one", lost, good(lost).sign(&key(6)), true),
        ("by another's", lost, good(lost).sign(&key(9)), false),
        ("another serial than it tells", lost, good(lost - 1).sign(&key(8)), false),
        ("another envoy's", lost, Assignment { envoy_id: EnvoyId([7; 16]), ..good(lost) }.sign(&key(8)), false),
        ("what may not have been written yet", now_ms - day + 60_000, good(now_ms - day + 60_000).sign(&key(8)), false),
        ("a little more", now_ms - day + 60_001, good(now_ms - day + 60_001).sign(&key(8)), true),
        ("what this process may have signed", now_ms, good(now_ms).sign(&key(8)), false),
        ("what the database knows", now_ms - 2 * day, good(now_ms - 2 * day).sign(&key(8)), false),
    ];
    for (name, serial, signed, expected) in cases {
        let (mut desk, _) = forgetful();
        let check_in = CheckIn { serial, shown_assignment: signed.encode(), ..desk.known() };
        assert_eq!(desk.ask(&check_in).remembered.is_some(), expected, "{name}");
    }
    // A clock that is behind the database knows nothing of what is lost.
    let mut desk = Desk::new();
    desk.signer = Signer::new(key(8), now_ms).started(now() - Duration::from_secs(9));
    let check_in = CheckIn { serial: now_ms, shown_assignment: good(now_ms).sign(&key(8)).encode(), ..desk.known() };
    assert!(desk.ask(&check_in).remembered.is_none());
}

#[test]
fn what_was_said_of_an_envoy_in_the_time_that_is_lost_is_taken_from_what_it_shows() {
    let digest = Desk::new().policy.classes[0].digest;
    let ended = now() - Duration::from_secs(1);
    let later = now() + Duration::from_secs(60);
    let has = |observe_only, maintenance| Assignment {
        observe_only,
        maintenance,
        bundle_digest: Some(digest),
        ..assignment("a", forgetful().1)
    };
    let resting = Maintenance::Until(later);
    // What the database has, what is shown, and what is taken of it: maintenance, observing.
    let cases = [
        ("as it was", (Maintenance::No, false), has(false, Maintenance::No), (None, None)),
        ("it rests since", (Maintenance::No, false), has(false, resting), (Some(resting), None)),
        ("it rested since", (Maintenance::No, false), has(false, Maintenance::Until(ended)), (None, None)),
        ("it rests no more", (Maintenance::Open, false), has(false, Maintenance::No), (Some(Maintenance::No), None)),
        ("it observes since", (Maintenance::No, false), has(true, Maintenance::No), (None, Some(true))),
        ("it observes no more", (Maintenance::No, true), has(false, Maintenance::No), (None, Some(false))),
        (
            "another policy said that it observes",
            (Maintenance::No, false),
            Assignment { bundle_digest: Some([1; 32]), ..has(true, Maintenance::No) },
            (None, None),
        ),
    ];
    for (name, (maintenance, observes), shown, expected) in cases {
        for retired in [false, true] {
            let (mut desk, serial) = forgetful();
            (desk.envoy.maintenance, desk.envoy.observes) = (maintenance, observes);
            let signed = shown.sign(&key(if retired { 6 } else { 8 }));
            let check_in = CheckIn { serial, shown_assignment: signed.encode(), ..desk.known() };
            let answered = desk.ask(&check_in);
            let seen = answered.remembered.unwrap();
            if retired {
                assert_eq!((seen.maintenance, seen.observes), (None, None), "{name}: the key may be a thief's");
                continue;
            }
            assert_eq!((seen.maintenance, seen.observes), expected, "{name}");
            let told = Signed::decode(&answered.answer.assignment.unwrap()).unwrap();
            let told = Assignment::verify(&told, &[key(8).verifying_key()]).unwrap();
            let maintenance = expected.0.unwrap_or(maintenance);
            assert_eq!((told.maintenance, told.observe_only), (maintenance, expected.1.unwrap_or(observes)), "{name}");
        }
    }
    let (mut desk, serial) = forgetful();
    let signed = assignment("renamed", serial).sign(&key(8));
    let answered = desk.ask(&CheckIn { serial, shown_assignment: signed.encode(), ..desk.known() });
    assert_eq!(answered.remembered.unwrap().hostname.as_deref(), Some("renamed"));
    assert_eq!(answered.answer.assignment, None, "the policy of its old name is not its own");
}

#[test]
fn a_counter_that_is_not_ours_is_noticed() {
    let mut desk = Desk::new();
    desk.envoy.contact = 7;
    let ask = |desk: &mut Desk, contact| desk.ask(&CheckIn { contact, ..desk.known() }).contact_differs;
    assert!(!ask(&mut desk, 7));
    assert!(!ask(&mut desk, 7), "an answer was lost");
    assert!(ask(&mut desk, 7), "two were");
    assert!(ask(&mut desk, u64::MAX));
    // After a start of the server the counter on disk may be some contacts old.
    desk.envoy.contact_is_old = true;
    assert!(!ask(&mut desk, 40), "it is believed");
    assert!(!ask(&mut desk, 41));
    assert!(ask(&mut desk, 60), "once");
}

#[test]
fn quiet_runs_ride_along() {
    let mut desk = Desk::new();
    let run = QuietRuns { incarnation: 1, seq: 3, runs: 3, counts: None, ended_ms: 5 };
    assert!(desk.ask(&CheckIn { run: Some(run), ..desk.known() }).quiet_is_news);
    assert!(!desk.ask(&CheckIn { run: Some(run), ..desk.known() }).quiet_is_news, "it was told before");
    assert_eq!(desk.envoy.last_run.unwrap().seq, 3);
    assert_eq!(desk.envoy.last_seen, now());
}

#[test]
fn a_source_that_tries_too_often_waits_for_the_next_minute() {
    let most = crate::limits::ATTEMPTS_A_MINUTE_MAX;
    let mut attempts = Attempts::new(most);
    let source = |text: &str| text.parse::<IpAddr>().unwrap();
    for n in 0..most {
        assert!(attempts.allow(source("10.0.0.1"), now()), "{n}");
        assert!(attempts.allow(source(&format!("2001:db8::{n}")), now()), "{n}");
    }
    assert!(!attempts.allow(source("10.0.0.1"), now()));
    assert!(!attempts.allow(source("::ffff:10.0.0.1"), now()), "the same, mapped");
    assert!(!attempts.allow(source("2001:db8::ffff:1"), now()), "the same network");
    assert!(attempts.allow(source("10.0.0.2"), now()));
    assert!(attempts.allow(source("10.0.0.1"), now() + Duration::from_secs(60)));
    assert!(attempts.allow(source("10.0.0.1"), now() - Duration::from_secs(60)), "the clock went back");
    for n in 0..crate::limits::ATTEMPT_SOURCES_MAX {
        attempts.allow(IpAddr::V4((n as u32).into()), now());
    }
    assert!(!attempts.allow(source("192.0.2.1"), now()), "there is no room to count it");
    assert!(attempts.allow(source("192.0.2.1"), now() + Duration::from_secs(60)));
}

#[test]
fn whose_connection_is_held() {
    let settings = Desk::new().settings;
    let never = Timestamp::default();
    let ago = |seconds| now() - Duration::from_secs(seconds);
    // The interval, whether its class says so, what waits, when it was last busy, how many others, how long.
    let cases = [
        ("idle", 300, false, false, never, 0, None),
        ("its class says so", 300, true, false, never, 0, Some(40)),
        ("a short interval", 15, false, false, never, 0, Some(40)),
        ("a little longer", 16, false, false, never, 0, None),
        ("work waits", 300, false, true, never, 0, Some(40)),
        ("busy now", 300, false, false, now(), 0, Some(30)),
        ("busy a while ago", 300, false, false, ago(29), 0, Some(1)),
        ("quiet for long enough", 300, false, false, ago(30), 0, None),
        ("busy tomorrow: the clock went back", 300, false, false, now() + Duration::from_secs(9), 0, None),
        ("the last place", 300, true, true, now(), 9, Some(40)),
        ("no place is left", 1, true, true, now(), 10, None),
    ];
    for (name, interval, always_hold, called, busy_at, held, expected) in cases {
        let settings = CheckInSettings { interval: Duration::from_secs(interval), ..settings.clone() };
        let mut policy = Desk::new().policy;
        policy.classes[0].always_hold = always_hold;
        let envoy = Envoy { class: ClassOf::Class(0), called, busy_at, ..envoy(1, "a") };
        let found = hold_for(&envoy, &policy, &settings, held, now());
        assert_eq!(found, expected.map(Duration::from_secs), "{name}");
    }
}

#[test]
fn those_who_were_connected_come_back_one_after_the_other() {
    let at = |nth| come_back(nth).as_ms();
    assert_eq!((at(0), at(1), at(1000), at(usize::MAX)), (2000, 2002, 4000, 300_000));
}

#[test]
fn what_is_given_after_the_clock_was_set_back_is_not_taken_for_lost() {
    let mut signer = Signer::new(key(8), 1_000_000).started(Timestamp::from_epoch_ms(9_000_000));
    assert!(signer.has_lost(5_000_000));
    let given = signer.next_serial(4_000_000);
    signer.use_serial(given);
    assert!(signer.has_lost(3_000_000), "the server before gave it");
    assert!(!signer.has_lost(given) && !signer.has_lost(5_000_000));
}
