//! Bytes to a bundle. The format is described in `encode.rs`; what is not the one encoding of a policy is refused.

use super::encode::FORMAT;
use super::{
    Arm, Attribute, Blob, BundleCrate, BundleError, BundleResource, Edge, EdgeKind, Place, PolicyBundle, Raw, Scalar,
    Selector, SelectorArm, Stamp, Style,
};
use crate::limits;
use crate::time::Duration;
use crate::value::Value;
use crate::when::{Context, Expr};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use hashbrown::HashSet;

impl PolicyBundle {
    /// Reads what [`PolicyBundle::encode`] wrote. The invariants of [`PolicyBundle`] hold for what is returned.
    ///
    /// A condition that this version cannot read becomes one whose outcome is unknown: it costs its resource, not the
    /// run.
    ///
    /// # Errors
    /// [`BundleError::Format`], [`BundleError::Malformed`], [`BundleError::TooLarge`].
    pub fn decode(bytes: &[u8]) -> Result<Self, BundleError> {
        if bytes.len() > limits::BUNDLE_BYTES_MAX {
            return Err(BundleError::TooLarge { bytes: bytes.len(), max: limits::BUNDLE_BYTES_MAX });
        }
        let mut r = Reader { bytes, at: 0, items: 0, files: 0, shared: [const { None }; SHARED_TEXTS] };
        let found = u16::from_be_bytes(r.array("the format")?);
        if found != FORMAT {
            return Err(BundleError::Format { expected: FORMAT, found });
        }
        let files = r.list("a file", limits::TREE_FILES_MAX, |r| r.text("a file"))?;
        r.files = files.len();
        let crates = r.list("a crate", limits::RESOURCES_MAX, Reader::krate)?;
        let scopes_at = r.at;
        let scopes = r.list("a scope", limits::RESOURCES_MAX, |r| r.value(0))?;
        if let Some(krate) = crates.iter().find(|c| c.scope as usize >= scopes.len()) {
            return Err(malformed("the scopes", scopes_at, format!("crate `{}` has none", krate.name)));
        }
        let resources_at = r.at;
        let resources = r.list("a resource", limits::RESOURCES_MAX, |r| r.resource(crates.len()))?;
        let mut ids: HashSet<&str> = HashSet::with_capacity(resources.len());
        if let Some(again) = resources.iter().find(|r| !ids.insert(&r.id)) {
            return Err(malformed("the resources", resources_at, format!("expected `{}` once", again.id)));
        }
        drop(ids);
        let edges = r.list("an edge", limits::EDGES_MAX, |r| r.edge(resources.len()))?;
        let blobs = r.list("a shipped file", limits::TREE_FILES_MAX, Reader::blob)?;
        let secrets_at = r.at;
        let secret_refs = r.list("a secret", limits::BUNDLE_ITEMS_MAX, |r| r.text("a secret"))?;
        if !secret_refs.is_sorted_by(|a, b| a < b) {
            return Err(malformed("the secrets", secrets_at, "expected them sorted, each once"));
        }
        match bytes.len() - r.at {
            0 => Ok(Self { files, crates, scopes, resources, edges, blobs, secret_refs }),
            rest => Err(malformed("the end", r.at, format!("expected nothing more, found {rest} bytes"))),
        }
    }
}

fn malformed(what: &'static str, at: usize, why: impl Into<String>) -> BundleError {
    BundleError::Malformed { what, at, why: why.into() }
}

/// Items of a list for which room is made before they are read.
const RESERVED_MAX: usize = 1024;

/// Texts that are kept to be shared have at most this many bytes.
const SHARED_BYTES_MAX: usize = 24;
/// How many are kept.
const SHARED_TEXTS: usize = 64;

type Read<T> = Result<T, BundleError>;

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Items of lists so far.
    items: usize,
    /// Length of [`PolicyBundle::files`], for places.
    files: usize,
    /// Short texts that were read, each in a place of its own: names of types and attributes come again and again.
    shared: [Option<Arc<str>>; SHARED_TEXTS],
}

impl<'a> Reader<'a> {
    fn take(&mut self, what: &'static str, len: usize) -> Read<&'a [u8]> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some(taken) = rest.get(..len) else {
            return Err(malformed(what, self.at, format!("expected {len} bytes, {} are left", rest.len())));
        };
        self.at += len;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, what: &'static str) -> Read<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(what, N)?);
        Ok(array)
    }

    /// Reads a number; most are one byte.
    #[inline]
    fn number(&mut self, what: &'static str) -> Read<u64> {
        match self.bytes.get(self.at) {
            Some(&byte) if byte < 0x80 => {
                self.at += 1;
                Ok(u64::from(byte))
            }
            _ => self.long_number(what),
        }
    }

    fn long_number(&mut self, what: &'static str) -> Read<u64> {
        let start = self.at;
        let mut n = 0u64;
        for shift in (0..u64::BITS).step_by(7) {
            let [byte] = self.array(what)?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            n |= bits << shift;
            if byte & 0x80 == 0 {
                return match byte {
                    0 if shift > 0 => Err(malformed(what, start, "expected a number in its shortest form")),
                    _ => Ok(n),
                };
            }
        }
        Err(malformed(what, start, "expected a number of at most 64 bits"))
    }

    #[inline]
    fn small(&mut self, what: &'static str) -> Read<u32> {
        let start = self.at;
        let n = self.number(what)?;
        u32::try_from(n).map_err(|_| malformed(what, start, format!("expected a number of at most 32 bits, found {n}")))
    }

    fn signed(&mut self, what: &'static str) -> Read<i64> {
        let n = self.number(what)?;
        Ok((n >> 1) as i64 ^ -((n & 1) as i64))
    }

    /// Reads a number below `end`.
    #[inline]
    fn below(&mut self, what: &'static str, end: usize) -> Read<u32> {
        let start = self.at;
        let n = self.small(what)?;
        if n as usize >= end {
            return Err(malformed(what, start, format!("expected a number below {end}, found {n}")));
        }
        Ok(n)
    }

    #[inline]
    fn flag(&mut self, what: &'static str) -> Read<bool> {
        Ok(self.below(what, 2)? == 1)
    }

    #[inline]
    fn bytes(&mut self, what: &'static str) -> Read<&'a [u8]> {
        let len = self.number(what)?;
        // What does not fit a `usize` is more than is left, too.
        self.take(what, usize::try_from(len).unwrap_or(usize::MAX))
    }

    fn text(&mut self, what: &'static str) -> Read<Arc<str>> {
        let start = self.at;
        let bytes = self.bytes(what)?;
        core::str::from_utf8(bytes).map(Arc::from).map_err(|_| malformed(what, start, "expected UTF-8"))
    }

    /// Reads a text that has probably been read before.
    fn shared(&mut self, what: &'static str) -> Read<Arc<str>> {
        let start = self.at;
        let bytes = self.bytes(what)?;
        let read = || core::str::from_utf8(bytes).map(Arc::from).map_err(|_| malformed(what, start, "expected UTF-8"));
        if bytes.len() > SHARED_BYTES_MAX {
            return read();
        }
        let place = bytes.iter().fold(bytes.len(), |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
        match self.shared.get_mut(place % SHARED_TEXTS) {
            Some(Some(text)) if text.as_bytes() == bytes => Ok(text.clone()),
            kept => {
                let text: Arc<str> = read()?;
                if let Some(kept) = kept {
                    *kept = Some(text.clone());
                }
                Ok(text)
            }
        }
    }

    /// Reads how many items follow. Each has a byte at least, so no count is believed that the rest cannot hold.
    fn count(&mut self, what: &'static str, max: usize) -> Read<usize> {
        let start = self.at;
        let count = self.number(what)?;
        let left = self.bytes.len() - self.at;
        let max = max.min(limits::BUNDLE_ITEMS_MAX - self.items);
        match usize::try_from(count) {
            Ok(count) if count <= max && count <= left => {
                self.items += count;
                Ok(count)
            }
            _ if count > left as u64 => {
                Err(malformed(what, start, format!("{count} of them are announced, {left} bytes are left")))
            }
            _ => Err(malformed(what, start, format!("{count} of them are announced, expected at most {max}"))),
        }
    }

    fn list<T>(&mut self, what: &'static str, max: usize, mut item: impl FnMut(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        let count = self.count(what, max)?;
        // Not for all that are announced: an item is larger in memory than its shortest encoding.
        let mut items = Vec::with_capacity(count.min(RESERVED_MAX));
        for _ in 0..count {
            items.push(item(self)?);
        }
        Ok(items)
    }

    fn optional<T>(&mut self, what: &'static str, item: impl FnOnce(&mut Self) -> Read<T>) -> Read<Option<T>> {
        if self.flag(what)? { item(self).map(Some) } else { Ok(None) }
    }

    fn krate(&mut self) -> Read<BundleCrate> {
        Ok(BundleCrate {
            name: self.text("a crate's name")?,
            gate: self.expr("a crate's gate")?,
            scope: self.small("a crate's scope")?,
            user: self.optional("a crate's user", |r| r.text("a crate's user"))?,
        })
    }

    fn resource(&mut self, crates: usize) -> Read<BundleResource> {
        Ok(BundleResource {
            id: self.text("a resource's id")?,
            krate: self.below("a resource's crate", crates)?,
            type_name: self.shared("a resource's type")?,
            attributes: self.attributes()?,
            arms: self.list("an arm", limits::BUNDLE_ITEMS_MAX, |r| {
                Ok(Arm { when: r.expr("an arm's condition")?, set: r.attributes()? })
            })?,
            selector: self.optional("a selector", |r| r.selector().map(Box::new))?,
            when: self.expr("a resource's condition")?,
            handler: self.flag("whether a resource is a handler")?,
            stamp: self.optional("a stamp", |r| r.stamp().map(Box::new))?,
            retries: self.below("a number of retries", limits::RETRIES_MAX as usize + 1)?,
            retry_delay: Duration::from_ms(self.number("a retry delay")?),
            timeout: self.optional("a timeout", |r| r.number("a timeout").map(Duration::from_ms))?,
            revert: self.flag("whether a resource reverts")?,
            on_revert: self.optional("a revert command", |r| r.attribute().map(Box::new))?,
            place: self.place()?,
        })
    }

    fn selector(&mut self) -> Read<Selector> {
        let on = self.scalar()?;
        let arms = self.list("a selector's arm", limits::BUNDLE_ITEMS_MAX, |r| {
            let word = r.optional("a selector's word", |r| r.text("a selector's word"))?;
            Ok(SelectorArm { word, set: r.attributes()? })
        })?;
        Ok(Selector { on, arms })
    }

    fn stamp(&mut self) -> Read<Stamp> {
        Ok(Stamp {
            item: self.value(0)?,
            index: self.signed("a stamp's index")?,
            outer: self.optional("a stamp's outer item", |r| r.value(0))?,
        })
    }

    fn attributes(&mut self) -> Read<Vec<Attribute>> {
        self.list("an attribute", limits::BUNDLE_ITEMS_MAX, Self::attribute)
    }

    fn attribute(&mut self) -> Read<Attribute> {
        Ok(Attribute {
            name: self.shared("an attribute's name")?,
            value: self.raw(0)?,
            place: self.place()?,
            is_default: self.flag("whether an attribute is a default")?,
        })
    }

    fn raw(&mut self, level: usize) -> Read<Raw> {
        const WHAT: &str = "an attribute's value";
        self.shallow(WHAT, level)?;
        Ok(match self.below(WHAT, 3)? {
            0 => Raw::Scalar(self.scalar()?),
            1 => Raw::List(self.list(WHAT, limits::BUNDLE_ITEMS_MAX, |r| r.raw(level + 1))?),
            _ => Raw::Map(self.list(WHAT, limits::BUNDLE_ITEMS_MAX, |r| Ok((r.shared("a key")?, r.raw(level + 1)?)))?),
        })
    }

    fn scalar(&mut self) -> Read<Scalar> {
        Ok(Scalar {
            text: self.shared("a scalar")?,
            style: match self.below("a scalar's style", 3)? {
                0 => Style::Plain,
                1 => Style::Quoted,
                _ => Style::Block,
            },
            templated: self.flag("whether a scalar is a template")?,
            place: self.place()?,
        })
    }

    fn value(&mut self, level: usize) -> Read<Value> {
        const WHAT: &str = "a value";
        self.shallow(WHAT, level)?;
        Ok(match self.below(WHAT, 7)? {
            0 => Value::Null,
            1 => Value::Bool(self.flag(WHAT)?),
            2 => Value::Int(self.signed(WHAT)?),
            3 => Value::Float(f64::from_bits(u64::from_be_bytes(self.array(WHAT)?))),
            4 => Value::text(self.text(WHAT)?),
            5 => self.list(WHAT, limits::BUNDLE_ITEMS_MAX, |r| r.value(level + 1))?.into(),
            _ => {
                let mut map: BTreeMap<Arc<str>, Value> = BTreeMap::new();
                for _ in 0..self.count(WHAT, limits::BUNDLE_ITEMS_MAX)? {
                    let start = self.at;
                    let key = self.text("a key")?;
                    if map.last_key_value().is_some_and(|(last, _)| *last >= key) {
                        return Err(malformed("a key", start, format!("`{key}` is out of order")));
                    }
                    let value = self.value(level + 1)?;
                    map.insert(key, value);
                }
                Value::Map(Arc::new(map))
            }
        })
    }

    fn shallow(&self, what: &'static str, level: usize) -> Read<()> {
        let max = limits::BUNDLE_LEVELS_MAX;
        if level > max {
            return Err(malformed(what, self.at, format!("expected at most {max} levels")));
        }
        Ok(())
    }

    fn expr(&mut self, what: &'static str) -> Read<Option<Expr>> {
        self.optional(what, |r| {
            let start = r.at;
            let text = r.text(what)?;
            match Expr::parse(&text, Context::Bundle) {
                Ok(expr) if expr.bundle_text().as_deref() == Ok(&*text) => Ok(expr),
                Ok(_) => Err(malformed(what, start, format!("`{text}` is not as a bundle spells it"))),
                Err(errors) => {
                    let why = errors.first().map(ToString::to_string).unwrap_or_default();
                    Ok(Expr::unknown(format!("this version cannot read its condition: {why}")))
                }
            }
        })
    }

    fn place(&mut self) -> Read<Place> {
        const WHAT: &str = "a place";
        let start = self.at;
        let place = Place { file: self.small(WHAT)?, line: self.small(WHAT)?, column: self.small(WHAT)? };
        // A policy that was not written has no files, and no places in them.
        if place != Place::default() && place.file as usize >= self.files {
            let why = format!("expected a file below {}, found {}", self.files, place.file);
            return Err(malformed(WHAT, start, why));
        }
        Ok(place)
    }

    fn edge(&mut self, resources: usize) -> Read<Edge> {
        Ok(Edge {
            from: self.below("an edge's source", resources)?,
            to: self.below("an edge's target", resources)?,
            kind: match self.below("an edge's kind", 3)? {
                0 => EdgeKind::Requires,
                1 => EdgeKind::Notifies,
                _ => EdgeKind::Order,
            },
        })
    }

    fn blob(&mut self) -> Read<Blob> {
        Ok(Blob {
            path: self.text("a shipped file's path")?,
            content: self.bytes("a shipped file")?.into(),
            executable: self.flag("whether a shipped file is executable")?,
        })
    }
}
