//! What a handler takes, as its types say.

use super::extract::{Json, Name, Params, SecretJson};
use axum::Extension;
use axum::extract::{Request, State};
use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::{Value, json};
use std::cell::Cell;
use std::fmt;

/// The parts of a request that a handler takes.
#[derive(Default)]
pub(super) struct Taken {
    /// The parameters behind the question mark, and of what kind each is.
    pub(super) query: Vec<(&'static str, Value)>,
    /// The fields of the body; none where there is no body.
    pub(super) body: Option<Vec<(&'static str, Value)>>,
}

/// One argument of a handler.
pub(super) trait Takes {
    fn note(_taken: &mut Taken) {}
}

/// The arguments of a handler: the tuple by which axum tells handlers apart.
pub(super) trait Arguments {
    fn taken() -> Taken;
}

impl<S> Takes for State<S> {}
impl<T> Takes for Extension<T> {}
impl<T> Takes for Option<Extension<T>> {}
impl Takes for Name {}
impl Takes for Request {}
impl Takes for axum::http::HeaderMap {}

impl<T: DeserializeOwned> Takes for Params<T> {
    fn note(taken: &mut Taken) {
        taken.query = fields::<T>();
    }
}

impl<T: DeserializeOwned> Takes for Json<T> {
    fn note(taken: &mut Taken) {
        taken.body = Some(fields::<T>());
    }
}

impl<T: DeserializeOwned> Takes for SecretJson<T> {
    fn note(taken: &mut Taken) {
        Json::<T>::note(taken);
    }
}

impl Arguments for ((),) {
    fn taken() -> Taken {
        Taken::default()
    }
}

macro_rules! arguments {
    ($($name:ident)+) => {
        impl<Last, $($name: Takes),+> Arguments for (Last, $($name),+) {
            fn taken() -> Taken {
                let mut taken = Taken::default();
                $($name::note(&mut taken);)+
                taken
            }
        }
    };
}

arguments!(A);
arguments!(A B);
arguments!(A B C);
arguments!(A B C D);
arguments!(A B C D E);

/// Returns the fields of a struct that is read, with the schema of each.
fn fields<T: DeserializeOwned>() -> Vec<(&'static str, Value)> {
    let names = Cell::new(&[][..]);
    let _ = T::deserialize(Look { names: &names, field: None, kind: &Cell::new("") });
    let schema = |name: &'static str| {
        let kind = Cell::new("");
        let _ = T::deserialize(Look { names: &names, field: Some(name), kind: &kind });
        match kind.get() {
            "" => (name, json!({})),
            kind => (name, json!({ "type": kind })),
        }
    };
    names.get().iter().copied().map(schema).collect()
}

/// Gives a struct one field, and looks what that wants.
struct Look<'a> {
    names: &'a Cell<&'static [&'static str]>,
    field: Option<&'static str>,
    kind: &'a Cell<&'static str>,
}

/// The end of a look: nothing is ever read.
#[derive(Debug)]
struct Seen;

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("seen")
    }
}

impl std::error::Error for Seen {}

impl de::Error for Seen {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

impl<'de> Deserializer<'de> for Look<'_> {
    type Error = Seen;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Seen> {
        Err(Seen)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Seen> {
        self.names.set(fields);
        visitor.visit_map(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

impl<'de> MapAccess<'de> for Look<'_> {
    type Error = Seen;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Seen> {
        let field = self.field.take().ok_or(Seen)?;
        seed.deserialize(de::value::StrDeserializer::new(field)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Seen> {
        seed.deserialize(Kind(self.kind))
    }
}

/// Notes what kind of value is wanted.
struct Kind<'a>(&'a Cell<&'static str>);

macro_rules! kinds {
    ($($method:ident $kind:literal)+) => {
        $(fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Seen> {
            self.0.set($kind);
            Err(Seen)
        })+
    };
}

impl<'de> Deserializer<'de> for Kind<'_> {
    type Error = Seen;

    kinds! {
        deserialize_any "" deserialize_bool "boolean" deserialize_i8 "integer" deserialize_i16 "integer"
        deserialize_i32 "integer" deserialize_i64 "integer" deserialize_u8 "integer" deserialize_u16 "integer"
        deserialize_u32 "integer" deserialize_u64 "integer" deserialize_f32 "number" deserialize_f64 "number"
        deserialize_str "string" deserialize_string "string" deserialize_char "string" deserialize_identifier "string"
        deserialize_seq "array" deserialize_map "object" deserialize_bytes "string" deserialize_byte_buf "string"
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Seen> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Seen> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Seen> {
        self.0.set("string");
        Err(Seen)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Seen> {
        self.0.set("object");
        Err(Seen)
    }

    serde::forward_to_deserialize_any! { i128 u128 unit unit_struct tuple tuple_struct ignored_any }
}
