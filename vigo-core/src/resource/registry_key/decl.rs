//! What the type takes.

use super::data::{Data, TYPES};
use super::{Key, RegistryKey, View, Want, Wanted};
use crate::host::Problem;
use crate::resource::{Attr, Fields, Footprint, Instance, Kind, Managed, Prepare, Refresh, TypeDecl};
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;

/// Characters of a value's name at most (Registry Element Size Limits, Windows API).
const NAME_CHARS_MAX: usize = 16_383;

/// The declaration.
pub static DECL: TypeDecl = TypeDecl {
    name: "registry",
    aliases: &[],
    summary: "Manages a key or a value of the Windows registry.",
    states: &["present", "absent"],
    attributes: &[
        Attr::new("key", Kind::Line, "The key, `HKLM\\…` or `HKU\\…`.").required().no_secret(),
        Attr::new("value_name", Kind::Line, "The value; without it the key itself, `\"\"` is the default value.")
            .no_secret(),
        Attr::new("value", Kind::Any, "What the value holds; a list for `multi`.").only_in(&["present"]).no_secret(),
        Attr::new("value_type", Kind::Choice(TYPES), "Its type; `binary` is written in hexadecimal digits.")
            .default("string")
            .only_in(&["present"]),
        Attr::new("view", Kind::Choice(&["64", "32"]), "The registry of 64-bit or of 32-bit programs.").default("64"),
        Attr::new("force", Kind::Bool, "Whether a key is removed with the keys below it.")
            .default("false")
            .only_in(&["absent"]),
    ],
    refresh: Refresh::Nothing,
    batch: false,
    identity: |fields| {
        let key = Key::parse(&fields.str("key")?).ok()?;
        if fields.is_pending("value_name") {
            return None;
        }
        // No key holds two backslashes one after the other.
        let value = fields.str("value_name").map(|name| format!("\\\\{name}")).unwrap_or_default();
        let view = fields.choice("view")?;
        Some(format!("{key}{value} ({view})").to_lowercase().into())
    },
    footprint: |_| Footprint::default(),
    check,
    prepare,
};

fn check(fields: &Fields) -> Vec<Problem> {
    let mut problems = Vec::new();
    let key = fields.str("key").map(|text| Key::parse(&text));
    match &key {
        Some(Err((message, help))) => {
            let problem = Problem::bad_value("key", message.clone());
            problems.push(match help {
                Some(help) => problem.help(*help),
                None => problem,
            });
        }
        Some(Ok(key)) if key.is_own() => {
            let problem = Problem::guarded("key", format!("key `{key}` belongs to Vigo itself"));
            problems.push(problem.help("leave Vigo's service, packages and files alone; no flag switches this off"));
        }
        Some(Ok(key)) if takes_away_too_much(key, fields) => {
            let problem = Problem::guarded("key", format!("key `{key}` holds what the system needs"));
            problems.push(problem.help("name a key further below"));
        }
        _ => {}
    }
    let is_value = fields.is_written("value_name");
    if fields.str("value_name").is_some_and(|name| name.chars().count() > NAME_CHARS_MAX) {
        let message = format!("expected a name of at most {NAME_CHARS_MAX} characters");
        problems.push(Problem::bad_value("value_name", message));
    }
    if let Some(attribute) = ["value", "value_type"].into_iter().find(|a| !is_value && fields.is_written(a)) {
        let problem = Problem::conflict(attribute, "has no meaning without `value_name`");
        problems.push(problem.help("write `value_name`, `\"\"` for the default value of the key"));
    }
    if is_value && fields.is_written("force") {
        problems.push(Problem::conflict("force", "has no meaning with `value_name`: a value has nothing below it"));
    }
    if is_value && fields.state() == "present" && !fields.is_written("value") {
        let problem = Problem::new(crate::host::ProblemKind::MissingAttribute, "a value that is present needs `value`");
        problems.push(problem.help("write `value` among its attributes, or `state: absent`"));
    }
    if let Some(Err(message)) = Data::wanted(fields) {
        problems.push(Problem::bad_value("value", message));
    }
    problems
}

/// Whether the key would go with all of a hive, or of its greatest parts.
fn takes_away_too_much(key: &Key, fields: &Fields) -> bool {
    const PARTS: &[&str] = &[
        "software\\microsoft",
        "software\\microsoft\\windows",
        "software\\microsoft\\windows nt",
        "software\\microsoft\\windows\\currentversion",
        "software\\microsoft\\windows nt\\currentversion",
        "software\\classes",
        "software\\policies",
        "software\\wow6432node",
        "system\\currentcontrolset",
        "system\\currentcontrolset\\control",
        "system\\currentcontrolset\\services",
    ];
    let path = key.parts().collect::<Vec<_>>().join("\\").to_lowercase();
    fields.state() == "absent" && !fields.is_written("value_name") && (!path.contains('\\') || PARTS.contains(&&*path))
}

fn prepare(fields: &Fields, with: &Prepare<'_>) -> Result<Box<dyn Instance>, Problem> {
    let key = Key::parse(&fields.str("key").unwrap_or_default())
        .map_err(|(message, _)| Problem::bad_value("key", message))?;
    let is_present = fields.state() == "present";
    let wanted = match fields.str("value_name") {
        None if is_present => Wanted::Key,
        None => Wanted::NoKey { force: fields.flag("force") },
        Some(name) if is_present => {
            let data = Data::wanted(fields).unwrap_or_else(|| Err("expected a value, found nothing".into()));
            Wanted::Value { name, data: data.map_err(|message| Problem::bad_value("value", message))? }
        }
        Some(name) => Wanted::NoValue { name },
    };
    let view = if fields.choice("view") == Some("32") { View::Bits32 } else { View::Bits64 };
    Ok(Managed::<RegistryKey>::boxed(Want { key, wanted, view }, with.host.registry(with.facts)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::sample::{Items, fields, list, problems, text};

    fn said(items: Items<'_>) -> alloc::string::String {
        problems(&fields(&DECL, items))
    }

    #[test]
    fn a_key_or_a_value_is_wanted_and_nothing_between() {
        let key = ("key", text("HKLM\\SOFTWARE\\App"));
        let name = ("value_name", text("Port"));
        let good: [Items<'_>; 6] = [
            core::slice::from_ref(&key),
            &[key.clone(), ("state", text("absent")), ("force", text("true"))],
            &[key.clone(), name.clone(), ("value", text("x"))],
            &[key.clone(), ("value_name", text("")), ("value", text(""))],
            &[key.clone(), name.clone(), ("value", list(&["a", "b"])), ("value_type", text("multi"))],
            &[key.clone(), name.clone(), ("state", text("absent")), ("view", text("32"))],
        ];
        for items in good {
            assert_eq!(said(items), "", "{items:?}");
        }
        let bad: [(Items<'_>, &str); 7] = [
            (&[("key", text("HKCU\\Software\\App"))], "expected a key such as"),
            (&[key.clone(), ("value", text("x"))], "without `value_name`"),
            (&[key.clone(), name.clone()], "needs `value`"),
            (&[key.clone(), name.clone(), ("value", text("x")), ("value_type", text("dword"))], "expected a number"),
            (&[key.clone(), name.clone(), ("value", list(&["x"]))], "expected one value of type `string`"),
            (&[key.clone(), name, ("state", text("absent")), ("force", text("true"))], "with `value_name`"),
            (&[key, ("force", text("true"))], "no meaning with `state: present`"),
        ];
        for (items, expected) in bad {
            let seen = said(items);
            assert!(seen.contains(expected), "{items:?}: {seen}");
        }
    }

    #[test]
    fn vigos_own_keys_and_the_systems_are_guarded() {
        let absent = ("state", text("absent"));
        for (key, guarded) in [
            ("HKLM\\SYSTEM\\CurrentControlSet\\Services\\vigo-envoy", true),
            ("HKLM\\SOFTWARE", true),
            ("HKU\\.DEFAULT", true),
            ("HKLM\\Software\\Microsoft\\Windows NT\\CurrentVersion", true),
            ("HKLM\\SOFTWARE\\App", false),
        ] {
            let seen = check(&fields(&DECL, &[("key", text(key)), absent.clone()]));
            let is = seen.iter().any(|p| p.kind == crate::host::ProblemKind::Guarded);
            assert_eq!(is, guarded, "{key}: {seen:?}");
        }
        let value: Items<'_> = &[("key", text("HKLM\\SOFTWARE")), absent, ("value_name", text("x"))];
        assert_eq!(said(value), "");
    }

    #[test]
    fn one_value_has_one_identity() {
        let identity = |items: Items<'_>| (DECL.identity)(&fields(&DECL, items)).unwrap();
        let one = identity(&[("key", text("HKLM\\SOFTWARE\\App")), ("value_name", text("Port"))]);
        let same = identity(&[("key", text("hkey_local_machine\\software\\app")), ("value_name", text("PORT"))]);
        let other = identity(&[("key", text("HKLM\\SOFTWARE\\App\\Port"))]);
        let view =
            identity(&[("key", text("HKLM\\SOFTWARE\\App")), ("value_name", text("Port")), ("view", text("32"))]);
        assert_eq!(one, same);
        assert!(one != other && one != view);
    }
}
