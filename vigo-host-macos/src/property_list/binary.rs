//! Binary property lists, as far as a user's `ShadowHashData` and a job of launchd need them: maps, texts, data, numbers
//! and what is true.

use alloc::vec::Vec;

/// A binary property list.
pub(crate) struct Bplist<'a> {
    bytes: &'a [u8],
    offset_size: usize,
    ref_size: usize,
    count: usize,
    top: usize,
    table: usize,
}

/// A value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Value<'a> {
    /// Bytes.
    Data(&'a [u8]),
    /// A text of ASCII.
    Text(&'a [u8]),
    /// A text of others, as UTF-16 whose high byte comes first.
    Wide(&'a [u8]),
    /// True.
    True,
    /// A whole number.
    Number(u64),
    /// A map: where its references begin, and how many entries it has.
    Map(usize, usize),
    /// Something else.
    Other,
}

impl<'a> Bplist<'a> {
    /// Reads the frame; `None` when it is none.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let body = bytes.strip_prefix(b"bplist00")?.len().checked_sub(32)?;
        let trailer = bytes.get(8 + body..)?;
        let number = |at: usize| trailer.get(at..at + 8).and_then(be).and_then(|n| usize::try_from(n).ok());
        let (offset_size, ref_size) = (usize::from(*trailer.get(6)?), usize::from(*trailer.get(7)?));
        let (count, top, table) = (number(8)?, number(16)?, number(24)?);
        let fits = (1..=8).contains(&offset_size) && (1..=8).contains(&ref_size) && count <= bytes.len();
        fits.then_some(Self { bytes, offset_size, ref_size, count, top, table })
    }

    /// Returns the outermost value.
    pub(crate) fn top(&self) -> Option<Value<'a>> {
        self.object(self.top)
    }

    /// Returns a map's value of a key.
    pub(crate) fn get(&self, map: Value<'a>, key: &str) -> Option<Value<'a>> {
        let Value::Map(at, entries) = map else { return None };
        let reference = |index: usize| {
            let start = at.checked_add(index.checked_mul(self.ref_size)?)?;
            self.bytes.get(start..start.checked_add(self.ref_size)?).and_then(be).and_then(|n| usize::try_from(n).ok())
        };
        let index =
            (0..entries).find(|i| reference(*i).and_then(|r| self.object(r)) == Some(Value::Text(key.as_bytes())))?;
        self.object(reference(entries.checked_add(index)?)?)
    }

    fn object(&self, index: usize) -> Option<Value<'a>> {
        if index >= self.count {
            return None;
        }
        let start = self.table.checked_add(index.checked_mul(self.offset_size)?)?;
        let at = usize::try_from(be(self.bytes.get(start..start.checked_add(self.offset_size)?)?)?).ok()?;
        let marker = *self.bytes.get(at)?;
        if marker == 9 {
            return Some(Value::True);
        }
        let (kind, low) = (marker >> 4, usize::from(marker & 15));
        let next = at.checked_add(1)?;
        if kind == 1 {
            let bytes = self.bytes.get(next..next.checked_add(1 << low.min(3))?)?;
            return if low <= 3 { be(bytes).map(Value::Number) } else { Some(Value::Other) };
        }
        let (len, next) = match low {
            15 => {
                let size = *self.bytes.get(next)?;
                let bytes = 1 << usize::from(size & 15).min(3);
                let end = next.checked_add(1 + bytes)?;
                (usize::try_from(be(self.bytes.get(next + 1..end)?)?).ok()?, end)
            }
            len => (len, next),
        };
        let bytes = || self.bytes.get(next..next.checked_add(len)?);
        match kind {
            4 => bytes().map(Value::Data),
            5 => bytes().map(Value::Text),
            6 => self.bytes.get(next..next.checked_add(len.checked_mul(2)?)?).map(Value::Wide),
            // No map has more entries than there are objects.
            13 => (len <= self.count).then_some(Value::Map(next, len)),
            _ => Some(Value::Other),
        }
    }
}

fn be(bytes: &[u8]) -> Option<u64> {
    (bytes.len() <= 8).then(|| bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b)))
}

/// Returns `{outer: {"entropy": key, "iterations": n, "salt": salt}}`.
pub(crate) fn written(outer: &str, key: &[u8], iterations: u32, salt: &[u8]) -> Vec<u8> {
    let mut out = b"bplist00".to_vec();
    let mut offsets: Vec<usize> = Vec::new();
    let mut object = |out: &mut Vec<u8>, parts: &[&[u8]]| {
        offsets.push(out.len());
        parts.iter().for_each(|part| out.extend_from_slice(part));
    };
    object(&mut out, &[&[0xd1, 1, 2]]);
    object(&mut out, &[&head(5, outer.len()), outer.as_bytes()]);
    object(&mut out, &[&[0xd3, 3, 4, 5, 6, 7, 8]]);
    for text in ["entropy", "iterations", "salt"] {
        object(&mut out, &[&head(5, text.len()), text.as_bytes()]);
    }
    object(&mut out, &[&head(4, key.len()), key]);
    object(&mut out, &[&[0x12], &iterations.to_be_bytes()]);
    object(&mut out, &[&head(4, salt.len()), salt]);
    let (table, count) = (out.len(), offsets.len());
    for offset in offsets {
        out.extend_from_slice(&u16::try_from(offset).unwrap_or(u16::MAX).to_be_bytes());
    }
    // Five unused bytes, the sort version, the sizes of an offset and a reference.
    out.extend_from_slice(&[0, 0, 0, 0, 0, 0, 2, 1]);
    for number in [count, 0, table] {
        out.extend_from_slice(&u64::try_from(number).unwrap_or(u64::MAX).to_be_bytes());
    }
    out
}

/// Returns the marker of an object with its length, which is below 65536.
fn head(kind: u8, len: usize) -> Vec<u8> {
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(len @ 0..=14), _) => alloc::vec![kind << 4 | len],
        (Ok(len), _) => alloc::vec![kind << 4 | 15, 0x10, len],
        (_, len) => {
            let [a, b] = len.unwrap_or(u16::MAX).to_be_bytes();
            alloc::vec![kind << 4 | 15, 0x11, a, b]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTER: &str = "SALTED-SHA512-PBKDF2";

    #[test]
    fn what_is_written_is_read() {
        for salt in [&b""[..], b"s", &[7; 32], &[7; 300]] {
            let bytes = written(OUTER, &[9; 128], 70_000, salt);
            let list = Bplist::parse(&bytes).unwrap();
            let inner = list.get(list.top().unwrap(), OUTER).unwrap();
            assert_eq!(list.get(inner, "entropy"), Some(Value::Data(&[9; 128])));
            assert_eq!(list.get(inner, "iterations"), Some(Value::Number(70_000)));
            assert_eq!(list.get(inner, "salt"), Some(Value::Data(salt)));
            assert_eq!(list.get(inner, "other"), None);
            assert_eq!(list.get(list.top().unwrap(), "entropy"), None);
        }
    }

    #[test]
    fn any_bytes_are_borne() {
        let good = written(OUTER, &[9; 128], 70_000, &[7; 32]);
        for at in 0..good.len() {
            for change in [0, 1, 0x7f, 0xff] {
                let mut bytes = good.clone();
                bytes[at] = change;
                for bytes in [&bytes[..], &bytes[..at]] {
                    let Some(list) = Bplist::parse(bytes) else { continue };
                    let _ = list.top().and_then(|top| list.get(top, OUTER)).and_then(|map| list.get(map, "salt"));
                }
            }
        }
    }
}
