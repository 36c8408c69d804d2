//! Bundles on their way: encoded, signed, damaged.

use super::{BundleError, KeyId, Place, PolicyBundle, Signed, sign, verify};
use crate::config::Config;
use crate::limits;
use crate::resolve;
use crate::source::{Sources, Tree};
use crate::value::{Text, Value};
use crate::when::Expr;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use ed25519_dalek::SigningKey;
use proptest::prelude::*;

const CRATE: &str = r#"
when: "!is_container"
vars:
  sites: [{name: one, port: 80}, {name: two, port: -81, ratio: 0.5, on: true, none: null}]
resources:
  - {name: site, type: file, foreach: sites, target_path: "/etc/{{ .Item.name }}", content: "{{ .Item.port }}"}
  - name: word
    type: file
    target_path: /word
    case: "{{ .Traits.os.family }}"
    match: {debian: {owner: www-data}, default: {owner: www}}
  - name: open
    type: file
    target_path: /open
    when: "file_exists('/etc/open') || !is_virtual"
    retries: 2
    case:
      - {when: is_container, set: {mode: "0666"}}
      - {default: true, set: {mode: "0600"}}
  - name: key
    type: file
    target_path: /key
    mode: "0600"
    content: |
      password=secret:db/pw
      {{ .Vars.sites }}
  - {name: shipped, type: file, target_path: /s, source: templates/s, depends_on: key, notify: open}
"#;

fn policy() -> PolicyBundle {
    let tree = Tree::from_texts([
        ("configcrates/a.vgo", CRATE),
        ("envoys.vgo", "envoys:\n  - {match: '*', configcrates: [a]}\n"),
        ("templates/s", "x {{ secret `in/action` }} é"),
    ]);
    let sources = Sources::read(&tree);
    resolve::resolve(&Config::read(&sources), "h", None).unwrap().bundle
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

#[test]
fn a_policy_comes_back_as_it_was() {
    let policy = policy();
    let has = |what: &str, it: bool| assert!(it, "the sample lacks {what}");
    has("a gate", policy.crates.iter().any(|c| c.gate.is_some()));
    has("stamps", policy.resources.iter().filter(|r| r.stamp.is_some()).count() == 2);
    has("a selector", policy.resources.iter().any(|r| r.selector.is_some()));
    has("arms", policy.resources.iter().any(|r| !r.arms.is_empty()));
    has("a condition", policy.resources.iter().any(|r| r.when.is_some()));
    has("edges", policy.edges.len() >= 2);
    has("a shipped file", policy.blobs.len() == 1);
    has("secrets", policy.secret_refs.len() == 2);
    let bytes = policy.encode().unwrap();
    let decoded = PolicyBundle::decode(&bytes).unwrap();
    assert_eq!(decoded, policy);
    assert_eq!(decoded.encode().unwrap(), bytes);
    let empty = PolicyBundle::default();
    assert_eq!(PolicyBundle::decode(&empty.encode().unwrap()).unwrap(), empty);
}

#[test]
fn format_1_stays_what_it_is() {
    let policy = PolicyBundle {
        files: ["a".into()].into(),
        scopes: [Value::map([("k", Value::Int(-300))])].into(),
        secret_refs: ["s".into()].into(),
        ..PolicyBundle::default()
    };
    let bytes = b"\x00\x01\x01\x01a\x00\x01\x06\x01\x01k\x02\xd7\x04\x00\x00\x00\x01\x01s";
    assert_eq!(policy.encode().unwrap(), bytes);
    assert_eq!(PolicyBundle::decode(bytes).unwrap(), policy);
}

#[test]
fn a_changed_byte_is_refused() {
    let (key, policy) = (key(7), policy());
    let signed = sign(&policy, &key).unwrap();
    let keys = [self::key(1).verifying_key(), key.verifying_key()];
    assert_eq!(verify(&signed, &keys).unwrap(), policy);
    let bad = Err(BundleError::BadSignature { key_id: signed.key_id });
    for at in 0..signed.bytes.len() {
        let mut bytes = signed.bytes.to_vec();
        bytes[at] ^= 1 << (at % 8);
        assert_eq!(verify(&Signed { bytes: bytes.into(), ..signed.clone() }, &keys), bad, "byte {at}");
    }
    for at in 0..64 {
        let mut changed = signed.clone();
        changed.signature[at] ^= 1;
        assert_eq!(verify(&changed, &keys), bad, "byte {at} of the signature");
    }
}

#[test]
fn only_a_known_key_is_believed() {
    let signed = sign(&policy(), &key(7)).unwrap();
    let other = key(8).verifying_key();
    assert_eq!(verify(&signed, &[other]), Err(BundleError::UnknownKey { key_id: signed.key_id }));
    assert_eq!(verify(&signed, &[]), Err(BundleError::UnknownKey { key_id: signed.key_id }));
    let renamed = Signed { key_id: KeyId::of(&other), ..signed };
    assert_eq!(verify(&renamed, &[other]), Err(BundleError::BadSignature { key_id: renamed.key_id }));
}

#[test]
fn a_bundle_that_ends_early_or_late_is_refused() {
    let mut bytes = policy().encode().unwrap();
    for len in 0..bytes.len() {
        assert!(PolicyBundle::decode(&bytes[..len]).is_err(), "{len} bytes");
    }
    bytes.push(0);
    let end = bytes.len() - 1;
    let message = PolicyBundle::decode(&bytes).unwrap_err().to_string();
    assert_eq!(message, format!("the end at byte {end} of the bundle: expected nothing more, found 1 bytes"));
}

#[test]
fn what_is_no_bundle_is_named() {
    let deep = [&b"\0\x01\0\0\x01"[..], &[5, 1].repeat(limits::BUNDLE_LEVELS_MAX + 1), &[0]].concat();
    let cases: &[(&str, &[u8], &str)] = &[
        ("another format", b"\0\x02", "expected bundle format 1, found 2"),
        ("a huge count", b"\0\x01\xff\xff\xff\xff\x0f", "4294967295 of them are announced, 0 bytes are left"),
        ("a huge length", b"\0\x01\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "expected 18446744073709551615 bytes"),
        ("a number of 65 bits", b"\0\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", "at most 64 bits"),
        ("a longer form", b"\0\x01\x80\0", "a file at byte 2 of the bundle: expected a number in its shortest form"),
        ("no UTF-8", b"\0\x01\x01\x01\xff", "expected UTF-8"),
        ("no scope", b"\0\x01\0\x01\x01a\0\0\0\0", "crate `a` has none"),
        ("keys out of order", b"\0\x01\0\0\x01\x06\x02\x01b\0\x01a\0", "`a` is out of order"),
        ("a key twice", b"\0\x01\0\0\x01\x06\x02\x01b\0\x01b\0", "`b` is out of order"),
        ("an edge to nowhere", b"\0\x01\0\0\0\0\x01\0\0\0", "expected a number below 0, found 0"),
        ("secrets out of order", b"\0\x01\0\0\0\0\0\0\x02\x01b\x01a", "expected them sorted"),
        ("too deep", &deep, "expected at most 96 levels"),
    ];
    for (name, bytes, expected) in cases {
        let message = PolicyBundle::decode(bytes).unwrap_err().to_string();
        assert!(message.contains(expected), "{name}: {message}");
    }
}

#[test]
fn what_no_agent_may_have_is_not_signed() {
    let with = |change: fn(&mut PolicyBundle)| {
        let mut policy = policy();
        change(&mut policy);
        sign(&policy, &key(7)).unwrap_err().to_string()
    };
    let secret = with(|p| p.scopes.push(Value::list([Value::Text(Text::secret("hunter2", "db/pw"))])));
    assert_eq!(secret, "a value cannot be put into a bundle: it is the plaintext of secret `db/pw`");
    let unknown = with(|p| p.resources[0].when = Some(Expr::unknown("no trait")));
    assert!(unknown.starts_with("a condition of `a/site[one]` cannot be put into a bundle: "), "{unknown}");
    let retries = with(|p| p.resources[0].retries = 101);
    assert!(retries.contains("a number of retries") && retries.contains("expected"), "{retries}");
    let place = with(|p| p.resources[0].place = Place { file: 99, line: 1, column: 1 });
    assert!(place.contains("expected a file below"), "{place}");
}

#[test]
fn a_condition_has_one_spelling_and_a_resource_one_id() {
    let mut policy = policy();
    policy.resources[0].when = Some(Expr::parse("is_virtual", crate::when::Context::Bundle).unwrap());
    let mut bytes = policy.encode().unwrap();
    let at = bytes.windows(11).position(|w| w == b"\x0ais_virtual").unwrap();
    bytes.splice(at..at + 11, *b"\x0c(is_virtual)");
    let message = PolicyBundle::decode(&bytes).unwrap_err().to_string();
    assert!(message.contains("`(is_virtual)` is not as a bundle spells it"), "{message}");
    policy.resources[1].id = policy.resources[0].id.clone();
    let message = sign(&policy, &key(7)).unwrap_err().to_string();
    assert!(message.contains("expected `a/site[one]` once"), "{message}");
}

#[test]
fn a_condition_of_a_later_version_costs_its_resource_only() {
    let mut policy = policy();
    policy.resources[0].when = Some(Expr::parse("is_virtual", crate::when::Context::Bundle).unwrap());
    let mut bytes = policy.encode().unwrap();
    let at = bytes.windows(11).position(|w| w == b"\x0ais_virtual").unwrap();
    bytes[at + 1..at + 11].copy_from_slice(b"is_martian");
    let decoded = PolicyBundle::decode(&bytes).unwrap();
    let when = decoded.resources[0].when.as_ref();
    assert!(matches!(when, Some(Expr::Unknown(why)) if why.contains("is_martian")), "{when:?}");
    assert_eq!(decoded.resources[1..], policy.resources[1..]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2 * ProptestConfig::default().cases))]

    #[test]
    fn bytes_from_outside_never_panic(
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
        tail in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut bytes: Vec<u8> = policy().encode().unwrap();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = PolicyBundle::decode(&[b"\0\x01", &tail[..]].concat());
        // What is read is the one encoding of what it says, unless it holds what this version cannot say.
        if let Ok(policy) = PolicyBundle::decode(&bytes)
            && let Ok(again) = policy.encode()
        {
            prop_assert_eq!(again, bytes);
        }
    }
}
