use super::*;
use rcgen::{CertificateParams, KeyPair, PublicKeyData as _};
use vigo_core::id::EnvoyId;
use vigo_core::time::Timestamp;
use x509_parser::certificate::X509Certificate;
use x509_parser::parse_x509_certificate;

const FLEET: &str = "0123456789abcdef";
const NAME: &str = "0123456789abcdef.vigo.internal";
const DAY: i64 = 86_400;

fn now() -> Timestamp {
    Timestamp::from_epoch_secs(1_800_000_000)
}

fn read(certificate: &[u8]) -> X509Certificate<'_> {
    parse_x509_certificate(certificate).unwrap().1
}

fn days(certificate: &X509Certificate<'_>) -> (i64, i64) {
    let days = |t: x509_parser::time::ASN1Time| (t.timestamp() - now().epoch_secs()) / DAY;
    (days(certificate.validity().not_before), days(certificate.validity().not_after))
}

fn request() -> Vec<u8> {
    let key = KeyPair::generate().unwrap();
    CertificateParams::default().serialize_request(&key).unwrap().der().to_vec()
}

#[test]
fn an_authority_signs_leaves_only_and_lasts_twenty_years() {
    let ca = Authority::generate(FLEET, now()).unwrap();
    let read = read(ca.certificate());
    let constraints = read.basic_constraints().unwrap().unwrap();
    assert!(constraints.critical && constraints.value.ca);
    assert_eq!(constraints.value.path_len_constraint, Some(0));
    let usage = read.key_usage().unwrap().unwrap().value;
    assert!(usage.key_cert_sign() && !usage.digital_signature());
    assert_eq!(days(&read), (-1, 7305));
    assert_eq!(read.verify_signature(None), Ok(()));
}

#[test]
fn an_authority_and_a_server_come_back_from_their_files() {
    let ca = Authority::generate(FLEET, now()).unwrap();
    let pem = certificate_to_pem(ca.certificate());
    assert!(pem.lines().all(|l| l.len() <= 64), "{pem}");
    let der = certificate_from_pem(&pem).unwrap();
    assert_eq!(der, ca.certificate());
    let again = Authority::load(&der, &ca.key_pem()).unwrap();
    let server = again.server(NAME, &[], None, now()).unwrap();
    let authority = read(ca.certificate());
    assert_eq!(read(&server.certificate).verify_signature(Some(authority.public_key())), Ok(()));
    let kept = ServerCertificate::load(&server.certificate, &server.authority, &server.key_pem().unwrap()).unwrap();
    assert!(kept.certificate == server.certificate && kept.key == server.key && kept.authority == server.authority);

    let other = Authority::generate(FLEET, now()).unwrap();
    assert_eq!(Authority::load(&der, &other.key_pem()).err(), Some(CaError::OtherKey));
    assert_eq!(ServerCertificate::load(&server.certificate, &der, &other.key_pem()).err(), Some(CaError::OtherKey));
    let leaf = Authority::load(&server.certificate, &server.key_pem().unwrap()).err();
    assert!(matches!(leaf, Some(CaError::Malformed { .. })), "{leaf:?}");
    for bad in ["", "-----BEGIN CERTIFICATE-----\nAAAA", "nonsense"] {
        assert!(matches!(Authority::load(&der, bad), Err(CaError::Malformed { .. })), "{bad}");
        assert!(matches!(certificate_from_pem(bad), Err(CaError::Malformed { .. })), "{bad}");
    }
}

#[test]
fn a_servers_certificate_is_for_being_one_and_keeps_its_key() {
    let ca = Authority::generate(FLEET, now()).unwrap();
    let hosts = ["vigo.example.org".to_owned(), "192.0.2.7".to_owned(), NAME.to_owned()];
    let first = ca.server(NAME, &hosts, None, now()).unwrap();
    let first_read = read(&first.certificate);
    let usage = first_read.extended_key_usage().unwrap().unwrap().value;
    assert!(usage.server_auth && !usage.client_auth && !usage.any);
    assert!(!first_read.is_ca());
    assert_eq!(days(&first_read), (-1, 365));
    let names = &first_read.subject_alternative_name().unwrap().unwrap().value.general_names;
    let expected = format!("[DNSName(\"{NAME}\"), DNSName(\"vigo.example.org\"), IPAddress([192, 0, 2, 7])]");
    assert_eq!(format!("{names:?}"), expected);
    let next = ca.server(NAME, &[], Some(&first.key_pem().unwrap()), now()).unwrap();
    assert_eq!(read(&next.certificate).public_key(), first_read.public_key());
    assert_ne!(read(&next.certificate).raw_serial(), first_read.raw_serial());
    for bad in ["", "a b", "a/b", "ä.example.org"] {
        let made = ca.server(NAME, &[bad.to_owned()], None, now()).err();
        assert_eq!(made, Some(CaError::Name { found: bad.to_owned() }));
    }
}

#[test]
fn a_clock_that_is_far_off_is_named() {
    for seconds in [i64::MIN / 1000, -1, 0, 86_399, 32_503_680_001, i64::MAX / 1000] {
        let made = Authority::generate(FLEET, Timestamp::from_epoch_secs(seconds)).err();
        assert_eq!(made, Some(CaError::Clock { seconds }));
    }
    for seconds in [86_400, 32_503_680_000] {
        let at = Timestamp::from_epoch_secs(seconds);
        let ca = Authority::generate(FLEET, at).unwrap();
        ca.envoy(&request(), EnvoyId([0; 16]), "web-1", at).unwrap();
    }
}

#[test]
fn a_name_of_any_length_fits_a_certificate() {
    let ca = Authority::generate(FLEET, now()).unwrap();
    let name = "a".repeat(253);
    let made = ca.envoy(&request(), EnvoyId([0xab; 16]), &name, now()).unwrap();
    let read = read(&made);
    let names = &read.subject_alternative_name().unwrap().unwrap().value.general_names;
    assert_eq!(format!("{names:?}"), format!("[URI(\"vigo:envoy:abababab-abab-abab-abab-abababababab/{name}\")]"));
    assert_eq!(read.verify_signature(Some(super::tests::read(ca.certificate()).public_key())), Ok(()));
}

#[test]
fn a_request_that_was_changed_is_refused_whatever_byte() {
    let ca = Authority::generate(FLEET, now()).unwrap();
    let request = request();
    let key = super::request::public_key(&request).unwrap();
    for at in 0..request.len() {
        let mut changed = request.clone();
        changed[at] ^= 1;
        if let Ok(changed) = super::request::public_key(&changed) {
            assert_eq!(changed.der_bytes(), key.der_bytes(), "{at}");
        }
        let _ = ca.envoy(&request[..at], EnvoyId([0; 16]), "a", now()).expect_err("it is cut");
    }
}
