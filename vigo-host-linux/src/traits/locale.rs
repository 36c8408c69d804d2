//! `locale`: the system's language.

use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, assigned, read};
use vigo_core::traits::{Collector, Found, Machine, form};

pub(super) const COLLECTOR: Collector = Collector::quick("locale", probe, interpret).of_image();

/// locale.conf(5), and Debian's own.
const FILES: &[&str] = &["/etc/locale.conf", "/etc/default/locale"];

fn probe(_: &Machine) -> Vec<Op> {
    FILES.iter().map(|path| read(path)).collect()
}

/// Without a setting it is `C`.
fn interpret(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let texts: Vec<_> = FILES.iter().filter_map(|path| see.text(path)).collect();
    let lang = texts.iter().find_map(|text| assigned(text, "LANG")).filter(|lang| !lang.is_empty()).unwrap_or("C");
    Ok(form::locale(lang))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::sim::{Files, answers};
    use vigo_core::value::Value;

    #[test]
    fn the_map_is_part_of_the_language() {
        let cases: &[(&str, Files<'_>, &str, Option<&str>)] = &[
            ("debian", &[(FILES[1], "#  File generated\nLANG=\"en_US.UTF-8\"\n")], "en_US.UTF-8", Some("UTF-8")),
            ("lower case", &[(FILES[0], "LANG=de_DE.utf8@euro\n")], "de_DE.utf8@euro", Some("UTF-8")),
            ("no map", &[(FILES[0], "LANG=de_DE\n")], "de_DE", None),
            ("nothing", &[], "C", Some("ANSI_X3.4-1968")),
        ];
        for (name, items, lang, charmap) in cases {
            let Ok(Found::Value(seen)) = interpret(&Machine::default(), &answers(items)) else {
                panic!("{name}: expected a value")
            };
            assert_eq!(seen.at("lang").and_then(Value::as_str), Some(*lang), "{name}");
            assert_eq!(seen.at("charmap").and_then(Value::as_str), *charmap, "{name}");
        }
    }
}
