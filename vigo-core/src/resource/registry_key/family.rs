//! What is wanted of a key or value, and how it is compared.

use super::{Data, Key};
use crate::host::{Comparison, Family, Phase, Problem};
use crate::resource::{Change, Keep};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::fmt;

/// The family.
pub struct RegistryKey;

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Want {
    /// Of which key.
    pub key: Key,
    /// What.
    pub wanted: Wanted,
    /// In whose registry.
    pub view: View,
}

/// What is wanted of a key.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// That it is there.
    Key,
    /// That it is not.
    NoKey {
        /// Whether the keys below it go with it.
        force: bool,
    },
    /// A value of it.
    Value {
        /// The value's name; empty for the default one.
        name: Arc<str>,
        /// What it holds.
        data: Data,
    },
    /// That a value of it is not there.
    NoValue {
        /// The value's name; empty for the default one.
        name: Arc<str>,
    },
}

/// The two registries of a 64-bit system.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum View {
    /// That of 64-bit programs.
    Bits64,
    /// That of 32-bit programs.
    Bits32,
}

/// What is there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct State {
    /// The key.
    pub key: KeyState,
    /// The value that is asked for; `None` when it is not there.
    pub value: Option<Data>,
}

/// Whether a key is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyState {
    /// It is not.
    Missing,
    /// It is, and has no keys below it.
    Alone,
    /// It is, with keys below it.
    Parent,
}

/// What is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// Makes the key.
    MakeKey,
    /// Removes the key with all that is in it.
    RemoveKey,
    /// Sets the value, with its key.
    SetValue,
    /// Removes the value.
    RemoveValue,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MakeKey => "make key",
            Self::RemoveKey => "remove key",
            Self::SetValue => "set value",
            Self::RemoveValue => "remove value",
        })
    }
}

impl Want {
    /// Returns the name of the value that is asked for; `None` for the key itself.
    pub fn value_name(&self) -> Option<&str> {
        match &self.wanted {
            Wanted::Key | Wanted::NoKey { .. } => None,
            Wanted::Value { name, .. } | Wanted::NoValue { name } => Some(name),
        }
    }
}

impl Family for RegistryKey {
    const TYPE: &'static str = "registry";
    type Want = Want;
    type State = State;
    type Action = Action;

    fn compare(want: &Want, state: &State, _: Phase) -> Comparison<Action> {
        let mut c = Comparison::in_sync();
        let mut differs = |change: Change, action: Action| {
            c.change(change);
            c.act(action);
        };
        match (&want.wanted, state.key, &state.value) {
            (Wanted::Key, KeyState::Missing, _) => {
                differs(Change::new("key", "absent", "present"), Action::MakeKey);
            }
            (Wanted::NoKey { force: false }, KeyState::Parent, _) => {
                let problem = Problem::failed(format!("key `{}` has keys below it", want.key));
                return Comparison::fail(problem.help("write `force: true` to remove them too"));
            }
            (Wanted::NoKey { .. }, KeyState::Alone | KeyState::Parent, _) => {
                differs(Change::new("key", "present", "absent"), Action::RemoveKey);
            }
            (Wanted::NoValue { .. }, _, Some(there)) => {
                differs(Change::new("value", there.to_string(), "absent"), Action::RemoveValue);
            }
            (Wanted::Value { data, .. }, _, None) => {
                differs(Change::new("value", "absent", data.to_string()), Action::SetValue);
            }
            (Wanted::Value { data, .. }, _, Some(there)) if there != data => {
                differs(Change::new("value", there.to_string(), data.to_string()), Action::SetValue);
                if there.kind() != data.kind() {
                    c.change(Change::new("value_type", there.kind(), data.kind()));
                }
            }
            _ => {}
        }
        c
    }

    fn keep(want: &Want, state: &State) -> Option<Keep> {
        let absent = || Some(Keep::Value("state", "absent".into()));
        match (&want.wanted, state.key, &state.value) {
            (Wanted::Key, KeyState::Missing, _) | (Wanted::Value { .. }, _, None) => absent(),
            // What is brought back has the type that is written in the policy.
            (Wanted::Value { data, .. }, _, Some(there)) if there.kind() == data.kind() => {
                Some(Keep::Value("value", there.written()?.into()))
            }
            _ => None,
        }
    }

    fn predict(want: &Want, state: &State) -> Option<State> {
        let there = if state.key == KeyState::Parent { KeyState::Parent } else { KeyState::Alone };
        Some(match &want.wanted {
            Wanted::Key => State { key: there, value: state.value.clone() },
            Wanted::NoKey { .. } => State { key: KeyState::Missing, value: None },
            Wanted::Value { data, .. } => State { key: there, value: Some(data.clone()) },
            Wanted::NoValue { .. } => State { key: state.key, value: None },
        })
    }

    fn evidence(state: &State) -> Option<String> {
        Some(format!("{state:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn want(wanted: Wanted) -> Want {
        Want { key: Key::parse("HKLM\\SOFTWARE\\App").unwrap(), wanted, view: View::Bits64 }
    }

    fn state(key: KeyState, value: Option<Data>) -> State {
        State { key, value }
    }

    #[test]
    fn every_state_leads_to_what_is_wanted_and_then_stays() {
        let value = |data| Wanted::Value { name: "x".into(), data };
        let states = [
            state(KeyState::Missing, None),
            state(KeyState::Alone, None),
            state(KeyState::Parent, None),
            state(KeyState::Alone, Some(Data::Dword(7))),
            state(KeyState::Alone, Some(Data::Text("7".into()))),
        ];
        let wants = [
            (Wanted::Key, ["make key", "", "", "", ""]),
            (Wanted::NoKey { force: true }, ["", "remove key", "remove key", "remove key", "remove key"]),
            (Wanted::NoKey { force: false }, ["", "remove key", "failed", "remove key", "remove key"]),
            (value(Data::Dword(7)), ["set value", "set value", "set value", "", "set value"]),
            (Wanted::NoValue { name: "x".into() }, ["", "", "", "remove value", "remove value"]),
        ];
        for (wanted, expected) in wants {
            let want = want(wanted);
            for (state, expected) in states.iter().zip(expected) {
                let seen = RegistryKey::compare(&want, state, Phase::Before);
                if expected == "failed" {
                    assert!(seen.failure.is_some());
                    continue;
                }
                let actions: Vec<String> = seen.actions.iter().map(ToString::to_string).collect();
                assert_eq!(actions.join(", "), expected, "{want:?} {state:?}");
                assert_eq!(seen.changes.is_empty(), expected.is_empty());
                let then = RegistryKey::predict(&want, state).unwrap();
                let after = RegistryKey::compare(&want, &then, Phase::After);
                assert!(after.actions.is_empty() && after.failure.is_none(), "{want:?} {state:?}");
            }
        }
    }

    #[test]
    fn a_value_of_another_type_is_another_value() {
        let want = want(Wanted::Value { name: "x".into(), data: Data::Dword(7) });
        let seen = RegistryKey::compare(&want, &state(KeyState::Alone, Some(Data::Text("7".into()))), Phase::Before);
        let changes: Vec<(&str, &str, &str)> =
            seen.changes.iter().map(|c| (&*c.field, &*c.before, &*c.after)).collect();
        assert_eq!(changes, [("value", "7", "7"), ("value_type", "string", "dword")]);
    }

    #[test]
    fn what_can_be_brought_back_is_kept() {
        let value = want(Wanted::Value { name: "x".into(), data: Data::Dword(7) });
        let kept = |state: &State| RegistryKey::keep(&value, state);
        assert_eq!(kept(&state(KeyState::Missing, None)), Some(Keep::Value("state", "absent".into())));
        assert_eq!(kept(&state(KeyState::Alone, Some(Data::Dword(5)))), Some(Keep::Value("value", "5".into())));
        assert_eq!(kept(&state(KeyState::Alone, Some(Data::Text("5".into())))), None);
        assert_eq!(RegistryKey::keep(&want(Wanted::NoKey { force: true }), &state(KeyState::Parent, None)), None);
    }
}
