//! A file of `age` that anybody may have made, and keys that anybody may have typed.

use vigo_core::backup::age::{CHUNK_BYTES, FileKey, Header, Identity, NONCE_BYTES, Recipient, TAG_BYTES};
use vigo_core::entropy::Entropy;

/// The key of the format's description: whoever makes inputs by hand has it.
const KEY: &str = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";

/// The first byte says what the rest is: 0 a file, 1 something that is encrypted, else the text of a key.
///
/// A header is read from no more than its own bytes; what was encrypted comes back, and does not where a byte is another;
/// a key that is read is written as it was.
pub fn age(data: &[u8]) {
    let Ok(identities) = Identity::read_all(KEY) else { panic!("the key is one") };
    match data.split_first() {
        Some((0, file)) => {
            let Ok(Some((header, len))) = Header::parse(file) else { return };
            let own = file.get(..len).unwrap_or_default();
            assert_eq!(Header::parse(own), Ok(Some((header.clone(), len))), "by what stands behind it");
            assert!(own.ends_with(b"\n") && own.starts_with(b"age-encryption.org/v1\n"));
            if let Ok(key) = header.open(&identities) {
                assert_eq!(header.check(&key), Ok(()));
                let _ = opened(&key, file.get(len..).unwrap_or_default());
            }
        }
        Some((1, plain)) => {
            let Some(recipient) = identities.first().map(Identity::recipient) else { return };
            let mut next = 0;
            let mut fresh = || {
                next += 1;
                Entropy::new([next; 32])
            };
            let key = FileKey::new(fresh());
            let Ok(head) = key.header(&[recipient], fresh) else { panic!("one recipient is enough") };
            let (nonce, mut stream) = ([3; NONCE_BYTES], key.stream(&[3; NONCE_BYTES]));
            let mut file = [&head[..], &nonce].concat();
            let mut chunks = plain.chunks(CHUNK_BYTES).map(<[u8]>::to_vec).collect::<Vec<_>>();
            if chunks.is_empty() {
                chunks.push(Vec::new());
            }
            let last = chunks.len() - 1;
            for (at, mut chunk) in chunks.into_iter().enumerate() {
                assert_eq!(stream.seal(&mut chunk, at == last), Ok(()));
                file.extend(chunk);
            }
            let Ok(Some((header, len))) = Header::parse(&file) else { panic!("its header is none") };
            let found = header.open(&identities).ok().and_then(|key| opened(&key, &file[len..]));
            assert_eq!(found.as_deref(), Some(plain), "it comes back");
            let at = len + NONCE_BYTES + plain.first().map_or(0, |byte| usize::from(*byte)) % (plain.len() + TAG_BYTES);
            file[at] ^= 1;
            assert_eq!(opened(&key, &file[len..]), None, "byte {at} is another one");
        }
        Some((_, text)) => {
            let Ok(text) = std::str::from_utf8(text) else { return };
            if let Ok(recipient) = text.parse::<Recipient>() {
                assert_eq!(recipient.to_string(), text);
            }
            for identity in Identity::read_all(text).into_iter().flatten() {
                assert!(text.contains(&**identity.text()));
            }
        }
        None => {}
    }
}

/// Returns what stands behind a header.
fn opened(key: &FileKey, rest: &[u8]) -> Option<Vec<u8>> {
    let (nonce, payload) = rest.split_first_chunk::<NONCE_BYTES>()?;
    let mut stream = key.stream(nonce);
    let mut chunks = payload.chunks(CHUNK_BYTES + TAG_BYTES).map(<[u8]>::to_vec).collect::<Vec<_>>();
    if chunks.is_empty() {
        chunks.push(Vec::new());
    }
    let (last, mut plain) = (chunks.len() - 1, Vec::new());
    for (at, mut chunk) in chunks.into_iter().enumerate() {
        stream.open(&mut chunk, at == last).ok()?;
        plain.extend(chunk);
    }
    Some(plain)
}
