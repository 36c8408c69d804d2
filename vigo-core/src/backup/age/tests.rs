use super::*;
use alloc::vec;
use proptest::prelude::*;

/// The key of the format's description, and its public half.
const KEY: &str = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
const PUBLIC: &str = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";

fn identity(seed: u8) -> Identity {
    Identity::new(Entropy::new([seed; 32]))
}

fn entropy() -> impl FnMut() -> Entropy {
    let mut next = 100;
    move || {
        next += 1;
        Entropy::new([next; 32])
    }
}

/// Encrypts.
fn seal(plain: &[u8], recipients: &[Recipient]) -> Vec<u8> {
    let mut fresh = entropy();
    let key = FileKey::new(fresh());
    let mut out = key.header(recipients, fresh).unwrap();
    let nonce = [5; NONCE_BYTES];
    out.extend(nonce);
    let mut stream = key.stream(&nonce);
    let mut chunks: Vec<_> = plain.chunks(CHUNK_BYTES).map(<[u8]>::to_vec).collect();
    if chunks.is_empty() {
        chunks.push(Vec::new());
    }
    let count = chunks.len();
    for (at, mut chunk) in chunks.into_iter().enumerate() {
        stream.seal(&mut chunk, at + 1 == count).unwrap();
        out.extend(chunk);
    }
    out
}

/// Decrypts.
fn open(bytes: &[u8], identities: &[Identity]) -> Result<Vec<u8>, AgeError> {
    let short = AgeError::Header { why: "is cut" };
    let (header, len) = Header::parse(bytes)?.ok_or(short.clone())?;
    let key = header.open(identities)?;
    let (nonce, payload) = bytes[len..].split_first_chunk::<NONCE_BYTES>().ok_or(short)?;
    let mut stream = key.stream(nonce);
    let mut chunks: Vec<_> = payload.chunks(CHUNK_BYTES + TAG_BYTES).map(<[u8]>::to_vec).collect();
    if chunks.is_empty() {
        chunks.push(Vec::new());
    }
    let (count, mut out) = (chunks.len(), Vec::new());
    for (at, mut chunk) in chunks.into_iter().enumerate() {
        stream.open(&mut chunk, at + 1 == count)?;
        out.extend(chunk);
    }
    Ok(out)
}

#[test]
fn keys_are_those_of_the_formats_description() {
    let read = Identity::read_all(&format!("# created: today\n# public key: {PUBLIC}\n\n{KEY}\n")).unwrap();
    assert_eq!(read[0].recipient().to_string(), PUBLIC);
    assert_eq!(&**read[0].text(), KEY);
    assert_eq!(PUBLIC.parse(), Ok(read[0].recipient()));
    assert!(!format!("{:?}", read[0]).contains("GFPYY"));
    let two = format!("{KEY}\r\n{}\n", *identity(7).text());
    assert_eq!(Identity::read_all(&two).unwrap().len(), 2);
    // What is no key is told by its line alone: it may be one with a slip of the pen.
    let slip = KEY.replace("GAEX", "GAEY");
    for (text, line) in [(format!("#\n{slip}"), 2), (KEY.to_lowercase(), 1), (PUBLIC.into(), 1), (KEY[1..].into(), 1)] {
        let error = Identity::read_all(&text).unwrap_err();
        assert_eq!(error, AgeError::Identity { line }, "{text}");
        assert!(!error.to_string().contains("GFPYY"));
    }
    assert_eq!(Identity::read_all("# nothing\n").unwrap_err(), AgeError::NoIdentity);
}

#[test]
fn recipients_with_slips_or_of_other_kinds_are_refused() {
    let secret = KEY.parse::<Recipient>().unwrap_err();
    assert!(secret == AgeError::SecretKey && !secret.to_string().contains("GFPYY"));
    let small = |point: [u8; 32]| bech32_encode(RECIPIENT, &point);
    let mut bad: Vec<String> = vec![
        String::new(),
        "age1".into(),
        "ssh-ed25519 AAAA".into(),
        format!("{PUBLIC} "),
        PUBLIC.to_uppercase(),
        PUBLIC.replacen('z', "Z", 1),
        PUBLIC.replacen("age1", "agf1", 1),
        "age1pq1x34nzsvr0rxjsgdn8zgyhfe8j7ceq5r9rdelkjuh3y235jzxshfg87pzf5z".into(),
        "äge1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj".into(),
        small([0; 32]),
    ];
    let mut one = [0; 32];
    one[0] = 1;
    bad.push(small(one));
    for at in 4..PUBLIC.len() {
        let other = if &PUBLIC[at..=at] == "q" { "p" } else { "q" };
        bad.push(format!("{}{other}{}", &PUBLIC[..at], &PUBLIC[at + 1..]));
    }
    for text in bad {
        let error = text.parse::<Recipient>().expect_err(&text);
        assert!(matches!(error, AgeError::Recipient { .. }) && !error.help().is_empty(), "{text}: {error}");
    }
}

#[test]
fn each_recipient_reads_what_was_encrypted_and_nobody_else_does() {
    let recipients = [identity(1), identity(2)].map(|identity| identity.recipient());
    for len in [0, 1, 16, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES, 3 * CHUNK_BYTES + 7] {
        let plain: Vec<u8> = (0..len).map(|at| (at % 251) as u8).collect();
        let sealed = seal(&plain, &recipients);
        assert!(sealed.starts_with(MAGIC));
        for seed in [1, 2] {
            assert_eq!(open(&sealed, &[identity(9), identity(seed)]).as_ref(), Ok(&plain), "{len} bytes");
        }
        assert_eq!(open(&sealed, &[identity(9)]), Err(AgeError::NoMatch), "{len} bytes");
        assert_eq!(open(&sealed, &[]), Err(AgeError::NoMatch));
    }
    let key = FileKey::new(Entropy::new([1; 32]));
    assert_eq!(key.header(&[], entropy()), Err(AgeError::Recipients { found: 0 }));
    let many = vec![recipients[0]; limits::AGE_RECIPIENTS_MAX + 1];
    assert!(matches!(key.header(&many, entropy()), Err(AgeError::Recipients { found: 65 })));
    let most = key.header(&many[1..], entropy()).unwrap();
    assert!(most.len() < limits::AGE_HEADER_BYTES_MAX && Header::parse(&most).unwrap().is_some());
    assert!(!format!("{key:?} {:?}", key.stream(&[0; 16])).contains('1'), "{key:?}");
}

#[test]
fn what_the_program_age_has_encrypted_is_read() {
    // By `printf 'hello vigo\n' | age -r ANOTHER -r PUBLIC`, of Debian's age 1.1.1.
    let sealed = include_bytes!("../../../../fuzz/corpus/age/by-age").strip_prefix(&[0]).unwrap();
    let key = Identity::read_all(KEY).unwrap();
    assert_eq!(open(sealed, &key).as_deref(), Ok(&b"hello vigo\n"[..]));
    let empty = include_bytes!("../../../../fuzz/corpus/age/empty").strip_prefix(&[0]).unwrap();
    assert_eq!(open(empty, &key).as_deref(), Ok(&b""[..]));
    let others = include_bytes!("../../../../fuzz/corpus/age/of-another").strip_prefix(&[0]).unwrap();
    assert_eq!(open(others, &key), Err(AgeError::NoMatch));
}

#[test]
fn a_file_that_was_changed_anywhere_is_refused() {
    let plain = vec![7; CHUNK_BYTES + 100];
    let sealed = seal(&plain, &[identity(1).recipient(), identity(2).recipient()]);
    let (_, head) = Header::parse(&sealed).unwrap().unwrap();
    let places = (0..head + NONCE_BYTES + 40).chain(head + CHUNK_BYTES..sealed.len());
    for at in places {
        let mut bytes = sealed.clone();
        bytes[at] ^= 1;
        assert!(open(&bytes, &[identity(2)]).is_err(), "byte {at}");
    }
    for len in
        (0..head + NONCE_BYTES + 2).chain([sealed.len() - 1, sealed.len() - 116, head + NONCE_BYTES + CHUNK_BYTES + 16])
    {
        assert!(open(&sealed[..len], &[identity(2)]).is_err(), "{len} bytes");
    }
    let longer = [&sealed[..], b"x"].concat();
    assert!(open(&longer, &[identity(2)]).is_err());
    // Chunks in one another's place, and one twice.
    let two = seal(&vec![7; 3 * CHUNK_BYTES], &[identity(1).recipient()]);
    let (_, head) = Header::parse(&two).unwrap().unwrap();
    let (head, chunk) = (head + NONCE_BYTES, CHUNK_BYTES + TAG_BYTES);
    let of = |at: usize| &two[head + at * chunk..head + (at + 1) * chunk];
    for order in [[1, 0, 2], [0, 0, 2], [0, 2, 1]] {
        let bytes = [&two[..head], of(order[0]), of(order[1]), of(order[2])].concat();
        assert!(matches!(open(&bytes, &[identity(1)]), Err(AgeError::Chunk { .. })), "{order:?}");
    }
    let without_last = [&two[..head], of(0), of(1)].concat();
    let at = CHUNK_BYTES as u64;
    assert_eq!(open(&without_last, &[identity(1)]), Err(AgeError::Chunk { at }));
}

#[test]
fn an_empty_end_is_one_of_what_is_empty_alone() {
    let key = FileKey::new(Entropy::new([1; 32]));
    let mut stream = key.stream(&[0; 16]);
    stream.seal(&mut vec![0; CHUNK_BYTES], false).unwrap();
    assert!(stream.seal(&mut Vec::new(), true).is_err(), "an empty last chunk");
    let mut stream = key.stream(&[0; 16]);
    assert!(stream.seal(&mut vec![0; 5], false).is_err(), "a short one in the middle");
    assert!(stream.seal(&mut vec![0; CHUNK_BYTES + 1], true).is_err(), "a long one");
    stream.seal(&mut Vec::new(), true).unwrap();
    assert!(stream.seal(&mut vec![1], true).is_err(), "behind the end");
}

#[test]
fn headers_are_read_to_the_letter() {
    let key = FileKey::new(Entropy::new([1; 32]));
    let good = String::from_utf8(key.header(&[identity(1).recipient()], entropy()).unwrap()).unwrap();
    let [version, stanza, body, mac] = good.lines().collect::<Vec<_>>().try_into().unwrap();
    let with = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    // The code at the end fits whatever stands before it.
    let coded = |lines: &[&str]| {
        let text = format!("{}---", with(lines));
        let mac = BASE64.encode(key.mac(text.as_bytes()).finalize().into_bytes());
        format!("{text} {mac}\n")
    };
    let long = "A".repeat(COLUMNS);
    let grease = coded(&[version, "-> other/kind with words", &long, "", stanza, body, "-> empty", ""]);
    assert_eq!(open_key(&grease), Ok(()), "kinds that are not known are passed over");
    let share = stanza.rsplit(' ').next().unwrap();
    let zero = BASE64.encode([0; 32]);
    let cases = [
        ("cut", good[..good.len() - 1].into(), "cut"),
        ("another version", good.replace("/v1", "/v2"), "another version"),
        ("armoured", "-----BEGIN AGE ENCRYPTED FILE-----\n".into(), "armoured"),
        ("carriage returns", good.replace('\n', "\r\n"), "another version"),
        ("no recipient", coded(&[version]), "no recipient"),
        ("no code", with(&[version, stanza, body, "---"]), "no recipient"),
        ("a short code", with(&[version, stanza, body, &mac[..46]]), "no code"),
        ("a padded code", with(&[version, stanza, body, &format!("{mac}=")]), "no code"),
        ("two spaces", coded(&[version, &stanza.replace("19 ", "19  "), body]), "is none"),
        ("no word", coded(&[version, "-> ", body]), "is none"),
        ("a control character", coded(&[version, "-> X\u{7f}", body]), "is none"),
        ("no arrow", coded(&[version, "X25519", body]), "no recipient"),
        ("padded", coded(&[version, stanza, &format!("{body}=")]), "not base64"),
        ("not canonical", coded(&[version, stanza, &format!("{}B", &body[..42])]), "not base64"),
        ("a long line", coded(&[version, stanza, &format!("{long}A"), ""]), "too long"),
        ("no short line", coded(&[version, stanza, &long]), "not base64"),
        ("a word more", coded(&[version, &format!("{stanza} x"), body]), "other words"),
        ("a word fewer", coded(&[version, "-> X25519", body]), "other words"),
        ("no share", coded(&[version, "-> X25519 AAAA", body]), "no key"),
        ("a share of small order", coded(&[version, &format!("-> X25519 {zero}"), body]), "no key"),
        ("a longer key", coded(&[version, stanza, &BASE64.encode([1; 33])]), "another length"),
        ("another body", coded(&[version, stanza, &BASE64.encode([1; 32])]), "others"),
        ("small letters", coded(&[version, &format!("-> x25519 {share}"), body]), "others"),
        ("a passphrase beside", coded(&[version, stanza, body, "-> scrypt AAAA 10", body]), "passphrase"),
        ("a passphrase alone", coded(&[version, "-> scrypt AAAA 10", body]), "others"),
        ("another code", with(&[version, stanza, body, &format!("--- {}", BASE64.encode([1; 32]))]), "was changed"),
    ];
    for (name, text, expected) in cases {
        let error = open_key(&text).expect_err(name).to_string();
        assert!(error.contains(expected), "{name}: {error}");
    }
    let endless = format!("{version}\n{}", "-> a\n\n".repeat(limits::AGE_HEADER_BYTES_MAX / 6));
    assert_eq!(Header::parse(endless.as_bytes()), Err(AgeError::Header { why: "is too long" }));
    assert_eq!(Header::parse(b"\xff\xfe\n"), Err(AgeError::Header { why: "has bytes that are no text" }));
}

fn open_key(text: &str) -> Result<(), AgeError> {
    let cut = AgeError::Header { why: "is cut" };
    let (header, len) = Header::parse(text.as_bytes())?.ok_or(cut)?;
    assert_eq!(len, text.len());
    header.open(&[identity(1)]).map(drop)
}

#[test]
fn a_header_may_come_in_pieces() {
    let sealed = seal(b"x", &[identity(1).recipient()]);
    let (_, len) = Header::parse(&sealed).unwrap().unwrap();
    for at in 0..len {
        assert_eq!(Header::parse(&sealed[..at]), Ok(None), "{at} bytes");
    }
    assert!(Header::parse(b"no age").is_err());
}

proptest! {
    #[test]
    fn whatever_is_read_as_a_key_is_written_as_it_was(bytes in any::<[u8; 32]>()) {
        let identity = Identity::new(Entropy::new(bytes));
        let read = Identity::read_all(&identity.text()).unwrap();
        prop_assert_eq!(&*read[0].0, &bytes);
        let recipient = identity.recipient();
        prop_assert_eq!(recipient.to_string().parse(), Ok(recipient));
    }
    #[test]
    fn no_bytes_make_a_header_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), is_age in any::<bool>()) {
        let bytes = if is_age { [VERSION.as_bytes(), b"-> X25519 ", &bytes].concat() } else { bytes };
        if let Ok(Some((header, _))) = Header::parse(&bytes) {
            let _ = header.open(&[identity(1)]);
        }
    }
}
