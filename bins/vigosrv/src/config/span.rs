//! Spans of time as people write them.

use serde::{Deserialize, Deserializer, de};
use std::str::FromStr;
use vigo_core::time::Duration;

/// A span: `30s`, `5m`, `24h`, `90d`, or `0`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span(pub Duration);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let error = || format!("expected a time such as `30s`, `5m`, `24h` or `90d`, found `{text}`");
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at_checked(digits).ok_or_else(error)?;
        let number: u64 = number.parse().map_err(|_| error())?;
        let ms = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 7 * 86_400_000,
            "" if number == 0 => 1,
            _ => return Err(error()),
        };
        number.checked_mul(ms).map(|ms| Self(Duration::from_ms(ms))).ok_or_else(error)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Text(String),
            Number(u64),
        }
        match Written::deserialize(from)? {
            Written::Text(text) => text.parse().map_err(de::Error::custom),
            Written::Number(number) => number.to_string().parse().map_err(de::Error::custom),
        }
    }
}
