//! The file `publish` of an entry of the history: what was published, as JSON.

use serde::{Deserialize, Serialize};
use vigo_core::hex;
use vigo_core::time::Timestamp;

/// What was published, by whom and when.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// Its number.
    pub id: u64,
    /// Who published it.
    pub author: String,
    /// When.
    pub at: Timestamp,
    /// The publish whose policy this one brought back.
    pub restores: Option<u64>,
    /// The classes, in the order of their match blocks.
    pub classes: Vec<RecordClass>,
}

/// One class of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordClass {
    /// For people.
    pub name: String,
    /// The environment; empty where none applies.
    pub environment: String,
    /// SHA-256 of the bundle.
    pub digest: [u8; 32],
    /// Changes are reported, not made.
    pub observe_only: bool,
    /// The envoys of this class stay connected.
    pub always_hold: bool,
    /// Paths of the secrets that the bundle refers to, sorted.
    pub secret_refs: Vec<String>,
}

/// The number of the format.
const FORMAT: u32 = 1;

/// Bytes of the file: some hundred for each of the most classes.
pub(super) const BYTES_MAX: u64 = 256 << 20;

#[derive(Deserialize)]
struct Head {
    format: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    format: u32,
    id: u64,
    author: String,
    at_ms: i64,
    restores: Option<u64>,
    classes: Vec<FormClass>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FormClass {
    name: String,
    environment: String,
    bundle: String,
    observe_only: bool,
    always_hold: bool,
    secrets: Vec<String>,
}

impl Record {
    /// Returns the text of the file.
    pub(super) fn encode(&self) -> Result<Vec<u8>, String> {
        let class = |c: &RecordClass| FormClass {
            name: c.name.clone(),
            environment: c.environment.clone(),
            bundle: hex::encode(c.digest),
            observe_only: c.observe_only,
            always_hold: c.always_hold,
            secrets: c.secret_refs.clone(),
        };
        let form = Form {
            format: FORMAT,
            id: self.id,
            author: self.author.clone(),
            at_ms: self.at.epoch_ms(),
            restores: self.restores,
            classes: self.classes.iter().map(class).collect(),
        };
        let mut text = serde_json::to_vec(&form).map_err(|e| e.to_string())?;
        text.push(b'\n');
        Ok(text)
    }

    /// Reads what [`Record::encode`] returned.
    pub(super) fn decode(text: &[u8]) -> Result<Self, String> {
        let Head { format } = serde_json::from_slice(text).map_err(|e| e.to_string())?;
        if format != FORMAT {
            return Err(format!("expected format {FORMAT}, found {format}"));
        }
        let form: Form = serde_json::from_slice(text).map_err(|e| e.to_string())?;
        let class = |c: FormClass| {
            let digest = digest(&c.bundle).ok_or_else(|| format!("expected a digest, found `{}`", c.bundle))?;
            Ok(RecordClass {
                name: c.name,
                environment: c.environment,
                digest,
                observe_only: c.observe_only,
                always_hold: c.always_hold,
                secret_refs: c.secrets,
            })
        };
        Ok(Self {
            id: form.id,
            author: form.author,
            at: Timestamp::from_epoch_ms(form.at_ms),
            restores: form.restores,
            classes: form.classes.into_iter().map(class).collect::<Result<_, String>>()?,
        })
    }
}

/// Reads a digest as it is written here: in lower case.
fn digest(text: &str) -> Option<[u8; 32]> {
    hex::decode_array(text).filter(|digest| hex::encode(digest) == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let class = |name: &str, byte| RecordClass {
            name: name.into(),
            environment: "prod".into(),
            digest: [byte; 32],
            observe_only: byte == 1,
            always_hold: byte == 2,
            secret_refs: vec!["db/pw".into()],
        };
        Record {
            id: 7,
            author: "local:0 \"x\"".into(),
            at: Timestamp::from_epoch_ms(1_795_262_400_123),
            restores: Some(3),
            classes: vec![class("envoys.vgo#1@prod", 1), class("envoys.vgo#2", 2)],
        }
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let text = record().encode().unwrap();
        assert_eq!(Record::decode(&text), Ok(record()));
        let plain = Record { restores: None, classes: Vec::new(), ..record() };
        assert_eq!(
            String::from_utf8(plain.encode().unwrap()).unwrap(),
            "{\"format\":1,\"id\":7,\"author\":\"local:0 \\\"x\\\"\",\"at_ms\":1795262400123,\"restores\":null,\"classes\":[]}\n"
        );
    }

    #[test]
    fn what_is_none_is_refused() {
        let text = String::from_utf8(record().encode().unwrap()).unwrap();
        let cases = [
            ("cut off", text[..text.len() - 3].to_string(), "EOF"),
            ("a later format", text.replace("\"format\":1", "\"format\":2,\"new\":[]"), "expected format 1, found 2"),
            ("an unknown key", text.replace("\"id\"", "\"new\":0,\"id\""), "unknown field `new`"),
            ("no digest", text.replace(&"01".repeat(32), "0101"), "expected a digest, found `0101`"),
            ("a digest too long", text.replace(&"01".repeat(32), &"01".repeat(33)), "expected a digest"),
            ("a path", text.replace(&"01".repeat(32), "../../x"), "expected a digest, found `../../x`"),
        ];
        for (name, text, expected) in cases {
            let error = Record::decode(text.as_bytes()).expect_err(name);
            assert!(error.contains(expected), "{name}: {error}");
        }
    }
}
