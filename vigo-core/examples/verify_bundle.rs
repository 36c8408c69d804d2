//! Signs a policy as a server does, verifies it as an agent does, and shows that a changed one is refused.
//!
//! `cargo run -p vigo-core --example verify_bundle`

use vigo_core::bundle::{BundleError, Signed, SigningKey, sign, verify};
use vigo_core::config::Config;
use vigo_core::resolve;
use vigo_core::source::{Sources, Tree};

/// Runs the example.
pub fn main() {
    // A policy, resolved for one host from a tree of texts.
    let tree = Tree::from_texts([
        ("configcrates/motd.vgo", "resources:\n  - {name: motd, type: file, target_path: /etc/motd, content: hello}\n"),
        ("envoys.vgo", "envoys:\n  - {match: '*', configcrates: [motd]}\n"),
    ]);
    let sources = Sources::read(&tree);
    let policy = resolve::resolve(&Config::read(&sources), "web-1", None).expect("the tree is valid").bundle;

    // The server signs. A real key comes from 32 bytes of the operating system's randomness, never from a constant.
    let key = SigningKey::from_bytes(&[7; 32]);
    let signed = sign(&policy, &key).expect("the policy fits a bundle");
    println!("{} bytes, signed by key {}", signed.bytes.len(), signed.key_id);

    // The agent knows the public halves of the keys that it trusts, and nothing else.
    let trusted = [key.verifying_key()];
    let verified = verify(&signed, &trusted).expect("the signature is good");
    assert_eq!(verified, policy);
    println!("verified: {} resource(s)", verified.resources.len());

    // Somebody on the way changes the content of the file.
    let mut bytes = signed.bytes.to_vec();
    let at = bytes.windows(5).position(|w| w == b"hello").expect("the text is in the bundle");
    bytes[at] = b'j';
    let tampered = Signed { bytes: bytes.into(), ..signed.clone() };
    let refused = verify(&tampered, &trusted).expect_err("the bytes are not those that were signed");
    println!("tampered: {refused}");
    assert_eq!(refused, BundleError::BadSignature { key_id: signed.key_id });

    // A good signature by a key that is not trusted is no better.
    let stranger = sign(&policy, &SigningKey::from_bytes(&[8; 32])).expect("the policy fits a bundle");
    let refused = verify(&stranger, &trusted).expect_err("the key is not trusted");
    println!("a stranger's: {refused}");
    assert_eq!(refused, BundleError::UnknownKey { key_id: stranger.key_id });
}
