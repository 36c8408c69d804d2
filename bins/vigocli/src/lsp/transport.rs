//! Messages in and out: a header with a length, and JSON.

use serde_json::Value;
use std::io::{self, BufRead, Read as _, Write};

/// Bytes of one message: the largest file of a tree, escaped, many times over.
const MESSAGE_BYTES_MAX: u64 = 64 << 20;

/// Bytes of one line of a header.
const HEADER_BYTES_MAX: u64 = 4096;

/// What came in.
#[derive(Debug, PartialEq)]
pub(super) enum Incoming {
    /// A message, as JSON.
    Message(Value),
    /// Something that is none; says why.
    Malformed(String),
}

/// Reads the next message; `None` at the end of the input. What is no message is passed over.
pub(super) fn read(input: &mut impl BufRead) -> io::Result<Option<Incoming>> {
    let malformed = |why: String| Ok(Some(Incoming::Malformed(why)));
    let mut length: Option<u64> = None;
    loop {
        let mut line = Vec::new();
        if input.by_ref().take(HEADER_BYTES_MAX).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end();
        if let Some((name, value)) = line.split_once(':')
            && name.trim().eq_ignore_ascii_case("content-length")
        {
            match value.trim().parse() {
                Ok(value) => length = Some(value),
                Err(_) => return malformed(format!("expected a length, found `{}`", value.trim().escape_debug())),
            }
        }
        if line.is_empty() {
            break;
        }
    }
    let Some(length) = length else { return malformed("a message without Content-Length".into()) };
    let mut body = input.by_ref().take(length);
    if length > MESSAGE_BYTES_MAX {
        io::copy(&mut body, &mut io::sink())?;
        return malformed(format!("a message of {length} bytes, expected at most {MESSAGE_BYTES_MAX}"));
    }
    let mut bytes = Vec::new();
    if (body.read_to_end(&mut bytes)? as u64) < length {
        return Ok(None);
    }
    match serde_json::from_slice(&bytes) {
        Ok(message) => Ok(Some(Incoming::Message(message))),
        Err(error) => malformed(format!("no JSON: {error}")),
    }
}

/// Writes a message.
pub(super) fn write(output: &mut impl Write, message: &Value) -> io::Result<()> {
    let body = message.to_string();
    write!(output, "Content-Length: {}\r\n\r\n{body}", body.len())?;
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn messages_are_told_from_what_is_none() {
        let mut input: &[u8] = b"Content-Length: 2\r\n\r\n{}content-length:3\r\nContent-Type: x\r\n\r\n[1]\
            junk\r\n\r\nContent-Length: x\r\n\r\nContent-Length: 1\r\n\r\n{Content-Length: 2\n\n[]\
            Content-Length: 18446744073709551615\r\n\r\n{}";
        let mut found = Vec::new();
        while let Some(incoming) = read(&mut input).expect("a slice can be read") {
            found.push(match incoming {
                Incoming::Message(message) => message.to_string(),
                Incoming::Malformed(why) => why,
            });
        }
        let expected = [
            "{}",
            "[1]",
            "a message without Content-Length",
            "expected a length, found `x`",
            "a message without Content-Length",
            "no JSON: EOF while parsing an object at line 1 column 1",
            "[]",
            "a message of 18446744073709551615 bytes, expected at most 67108864",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut bytes = Vec::new();
        let message = json!({ "a": "ü\n" });
        write(&mut bytes, &message).expect("a vector can be written");
        assert_eq!(read(&mut &*bytes).expect("a slice can be read"), Some(Incoming::Message(message)));
        bytes.pop();
        assert_eq!(read(&mut &*bytes).expect("a slice can be read"), None, "cut off");
    }
}
