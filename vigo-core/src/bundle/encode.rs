//! A bundle to bytes.
//!
//! ```text
//! bundle   = format files crates scopes resources edges blobs secret_refs      format = u16, big endian
//! list     = count item*          text, bytes = length byte*                   count, length, index, tag = number
//! number   = LEB128 without needless bytes; signed ones in zigzag; a float is its 8 bytes, big endian
//! optional = 0 | 1 item           flag = 0 | 1                                 expr = text, as `Context::Bundle` reads it
//! ```
//!
//! Each policy has one encoding: nothing is padded, maps are in the order of their keys, numbers have one form. The
//! same policy gives the same bytes, and so the same digest, at every publish.

use super::{
    Arm, Attribute, Blob, BundleCrate, BundleError, BundleResource, Edge, EdgeKind, Place, PolicyBundle, Raw, Scalar,
    Selector, SelectorArm, Stamp, Style,
};
use crate::limits;
use crate::value::Value;
use crate::when::{Context, Expr};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The number of the format.
pub(super) const FORMAT: u16 = 1;

impl PolicyBundle {
    /// Returns the bytes that stand for this policy.
    ///
    /// # Errors
    /// [`BundleError::Unfit`] for what does not belong into a bundle (the plaintext of a secret, an unrendered or
    /// oversized condition), [`BundleError::TooLarge`].
    pub fn encode(&self) -> Result<Vec<u8>, BundleError> {
        let mut w = Writer { out: FORMAT.to_be_bytes().to_vec() };
        w.list(&self.files, |w, file| w.ok(|w| w.text(file)))?;
        w.list(&self.crates, Writer::krate)?;
        w.list(&self.scopes, |w, scope| w.value(scope, 0))?;
        w.list(&self.resources, |w, r| w.resource(r).map_err(|e| within(&r.id, e)))?;
        w.list(&self.edges, |w, edge| w.ok(|w| w.edge(edge)))?;
        w.list(&self.blobs, |w, blob| w.ok(|w| w.blob(blob)))?;
        w.list(&self.secret_refs, |w, path| w.ok(|w| w.text(path)))?;
        match w.out.len() {
            bytes if bytes > limits::BUNDLE_BYTES_MAX => {
                Err(BundleError::TooLarge { bytes, max: limits::BUNDLE_BYTES_MAX })
            }
            _ => Ok(w.out),
        }
    }
}

fn unfit(what: &str, why: impl Into<String>) -> BundleError {
    BundleError::Unfit { what: what.into(), why: why.into() }
}

/// Says in which resource it is.
fn within(id: &str, error: BundleError) -> BundleError {
    match error {
        BundleError::Unfit { what, why } => BundleError::Unfit { what: format!("{what} of `{id}`"), why },
        other => other,
    }
}

struct Writer {
    out: Vec<u8>,
}

type Written = Result<(), BundleError>;

impl Writer {
    fn ok(&mut self, write: impl FnOnce(&mut Self)) -> Written {
        write(self);
        Ok(())
    }

    fn number(&mut self, mut n: u64) {
        while n >= 0x80 {
            self.out.push(n as u8 | 0x80);
            n >>= 7;
        }
        self.out.push(n as u8);
    }

    fn signed(&mut self, n: i64) {
        self.number(((n << 1) ^ (n >> 63)) as u64);
    }

    fn flag(&mut self, flag: bool) {
        self.out.push(u8::from(flag));
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.out.extend_from_slice(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn list<T>(&mut self, items: &[T], mut item: impl FnMut(&mut Self, &T) -> Written) -> Written {
        self.number(items.len() as u64);
        items.iter().try_for_each(|i| item(self, i))
    }

    fn optional<T>(&mut self, value: Option<&T>, item: impl FnOnce(&mut Self, &T) -> Written) -> Written {
        self.flag(value.is_some());
        value.map_or(Ok(()), |v| item(self, v))
    }

    fn krate(&mut self, krate: &BundleCrate) -> Written {
        self.text(&krate.name);
        self.expr(krate.gate.as_ref()).map_err(|e| within(&krate.name, e))?;
        self.number(krate.scope.into());
        self.optional(krate.user.as_ref(), |w, user| w.ok(|w| w.text(user)))
    }

    fn resource(&mut self, r: &BundleResource) -> Written {
        self.text(&r.id);
        self.number(r.krate.into());
        self.text(&r.type_name);
        self.list(&r.attributes, Self::attribute)?;
        self.list(&r.arms, Self::arm)?;
        self.optional(r.selector.as_deref(), Self::selector)?;
        self.expr(r.when.as_ref())?;
        self.flag(r.handler);
        self.optional(r.stamp.as_deref(), Self::stamp)?;
        self.number(r.retries.into());
        self.number(r.retry_delay.as_ms());
        self.optional(r.timeout.as_ref(), |w, timeout| w.ok(|w| w.number(timeout.as_ms())))?;
        self.flag(r.revert);
        self.optional(r.on_revert.as_deref(), Self::attribute)?;
        self.place(r.place);
        Ok(())
    }

    fn stamp(&mut self, stamp: &Stamp) -> Written {
        self.value(&stamp.item, 0)?;
        self.signed(stamp.index);
        self.optional(stamp.outer.as_ref(), |w, outer| w.value(outer, 0))
    }

    fn attribute(&mut self, a: &Attribute) -> Written {
        self.text(&a.name);
        self.raw(&a.value, 0)?;
        self.place(a.place);
        self.flag(a.is_default);
        Ok(())
    }

    fn arm(&mut self, arm: &Arm) -> Written {
        self.expr(arm.when.as_ref())?;
        self.list(&arm.set, Self::attribute)
    }

    fn selector(&mut self, selector: &Selector) -> Written {
        self.scalar(&selector.on);
        self.list(&selector.arms, |w, arm: &SelectorArm| {
            w.optional(arm.word.as_ref(), |w, word| w.ok(|w| w.text(word)))?;
            w.list(&arm.set, Self::attribute)
        })
    }

    fn raw(&mut self, raw: &Raw, level: usize) -> Written {
        shallow(level)?;
        match raw {
            Raw::Scalar(scalar) => {
                self.number(0);
                self.scalar(scalar);
                Ok(())
            }
            Raw::List(items) => {
                self.number(1);
                self.list(items, |w, item| w.raw(item, level + 1))
            }
            Raw::Map(entries) => {
                self.number(2);
                self.list(entries, |w, (key, value)| {
                    w.text(key);
                    w.raw(value, level + 1)
                })
            }
        }
    }

    fn scalar(&mut self, scalar: &Scalar) {
        self.text(&scalar.text);
        self.number(match scalar.style {
            Style::Plain => 0,
            Style::Quoted => 1,
            Style::Block => 2,
        });
        self.flag(scalar.templated);
        self.place(scalar.place);
    }

    fn value(&mut self, value: &Value, level: usize) -> Written {
        shallow(level)?;
        match value {
            Value::Null => self.number(0),
            Value::Bool(b) => {
                self.number(1);
                self.flag(*b);
            }
            Value::Int(n) => {
                self.number(2);
                self.signed(*n);
            }
            Value::Float(f) => {
                self.number(3);
                self.out.extend_from_slice(&f.to_bits().to_be_bytes());
            }
            Value::Text(text) => {
                if let Some(path) = text.secret_path() {
                    return Err(unfit("a value", format!("it is the plaintext of secret `{path}`")));
                }
                self.number(4);
                self.text(text.as_str());
            }
            Value::List(items) => {
                self.number(5);
                self.list(items, |w, item| w.value(item, level + 1))?;
            }
            Value::Map(map) => {
                self.number(6);
                self.number(map.len() as u64);
                for (key, value) in &**map {
                    self.text(key);
                    self.value(value, level + 1)?;
                }
            }
        }
        Ok(())
    }

    fn expr(&mut self, expr: Option<&Expr>) -> Written {
        self.optional(expr, |w, expr| {
            let text = expr.bundle_text().map_err(|e| unfit("a condition", e.message))?;
            // An unknown part, or a template, prints but does not read.
            if let Err(errors) = Expr::parse(&text, Context::Bundle) {
                let why = errors.first().map(ToString::to_string).unwrap_or_default();
                return Err(unfit("a condition", format!("`{text}` does not read back: {why}")));
            }
            w.text(&text);
            Ok(())
        })
    }

    fn place(&mut self, place: Place) {
        for n in [place.file, place.line, place.column] {
            self.number(n.into());
        }
    }

    fn edge(&mut self, edge: &Edge) {
        self.number(edge.from.into());
        self.number(edge.to.into());
        self.number(match edge.kind {
            EdgeKind::Requires => 0,
            EdgeKind::Notifies => 1,
            EdgeKind::Order => 2,
        });
    }

    fn blob(&mut self, blob: &Blob) {
        self.text(&blob.path);
        self.bytes(&blob.content);
        self.flag(blob.executable);
    }
}

fn shallow(level: usize) -> Written {
    if level > limits::BUNDLE_LEVELS_MAX {
        return Err(unfit("a value", format!("it has more than {} levels", limits::BUNDLE_LEVELS_MAX)));
    }
    Ok(())
}
