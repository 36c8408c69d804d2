//! tzutil.exe.

use super::zones::ZONES;
use crate::program::{TZUTIL, ran};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{Command, Op, Outputs};
use vigo_core::host::{Adapter, HostFacts, Interpreted, Problem};
use vigo_core::resource::timezone::{Action, Known, State, Timezone, Want};

/// The time zone by `tzutil.exe`, which knows the zones by names of its own. *Unverified*: written after its help text.
pub(crate) struct Tzutil;

/// What stands behind the name of a zone whose clocks are not moved in summer.
const NO_SUMMER: &str = "_dstoff";

impl Adapter<Timezone> for Tzutil {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        if facts.image.is_some() {
            return Err(Problem::unsupported("the time zone of an image cannot be managed"));
        }
        match windows_name(&want.timezone) {
            Some(_) => Ok(()),
            None => {
                let message = format!("time zone `{}` is not supported on windows: it has no such zone", want.timezone);
                Err(Problem::unsupported(message).help("write an IANA name that is a place, such as `Europe/Berlin`"))
            }
        }
    }

    fn probe(&self, _: &Want, _: &HostFacts) -> Vec<Op> {
        alloc::vec![current()]
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        match zone(want, outputs) {
            Ok(zone) => Interpreted::Known(State { zone, named: None, known: Known::Zone, settings: None }),
            Err(why) => Interpreted::Unknown(why),
        }
    }

    fn lower(&self, want: &Want, _: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let name = windows_name(&want.timezone)
            .ok_or_else(|| Problem::failed(format!("windows has no time zone `{}`", want.timezone)))?;
        Ok(actions.iter().map(|_| Op::Run(Command::change(TZUTIL, ["/s", name]))).collect())
    }
}

fn current() -> Op {
    Op::Run(Command::read(TZUTIL, ["/g"]))
}

/// Returns the zone in force: as it is wanted if it is that one; the error is what there is no other name for.
fn zone(want: &Want, outputs: &Outputs) -> Result<Result<Arc<str>, Arc<str>>, String> {
    let op = current();
    let seen = ran(outputs, &op).unwrap_or_else(|| Err(format!("`{op}` was not run")))?;
    let out = seen.out();
    let name = out.trim();
    if !seen.success() || name.is_empty() || name.len() > 128 || name.contains(['\n', '\r', '\0', '\u{fffd}']) {
        return Err(format!("`{op}` ended with {} and tells no time zone", seen.exit));
    }
    if windows_name(&want.timezone) == Some(name) {
        return Ok(Ok(want.timezone.clone()));
    }
    let iana = || ZONES.iter().find(|(own, _)| *own == name)?.1.split(' ').next();
    Ok(match iana().filter(|_| !name.ends_with(NO_SUMMER)) {
        Some(iana) => Ok(iana.into()),
        None => Err(name.into()),
    })
}

/// Returns what Windows calls the zone with this IANA name.
fn windows_name(iana: &str) -> Option<&'static str> {
    ZONES.iter().find(|(_, names)| names.split(' ').any(|name| name == iana)).map(|(own, _)| *own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use alloc::string::ToString;
    use vigo_core::action::OpOutput;
    use vigo_core::host::observe;

    fn want(timezone: &str) -> Want {
        Want { timezone: timezone.into() }
    }

    fn see(timezone: &str, code: i32, out: &str) -> Interpreted<State> {
        observe(&Tzutil, &want(timezone), &HostFacts::default(), |_| OpOutput::exited(code, out, ""))
    }

    #[test]
    fn every_zone_has_names_and_no_name_two_zones() {
        let names: Vec<&str> = ZONES.iter().flat_map(|(_, names)| names.split(' ')).collect();
        assert_eq!(names.len(), names.iter().collect::<BTreeSet<_>>().len());
        assert!(names.iter().all(|name| !name.is_empty()) && ZONES.len() > 130);
        for (iana, own) in [
            ("Europe/Berlin", "W. Europe Standard Time"),
            ("Europe/Vienna", "W. Europe Standard Time"),
            ("America/New_York", "Eastern Standard Time"),
            ("UTC", "UTC"),
            ("Etc/UTC", "UTC"),
            ("Asia/Kolkata", "India Standard Time"),
            ("Europe/London", "GMT Standard Time"),
        ] {
            assert_eq!(windows_name(iana), Some(own), "{iana}");
        }
    }

    #[test]
    fn one_zone_under_another_of_its_names_is_in_sync() {
        for (wanted, seen, expected) in [
            ("Europe/Vienna", "W. Europe Standard Time", Ok("Europe/Vienna")),
            ("UTC", "W. Europe Standard Time\r\n", Ok("Europe/Berlin")),
            ("Europe/Berlin", "W. Europe Standard Time_dstoff", Err("W. Europe Standard Time_dstoff")),
            ("UTC", "Moon Standard Time", Err("Moon Standard Time")),
        ] {
            let Interpreted::Known(state) = see(wanted, 0, seen) else { panic!("{seen}") };
            assert_eq!(state.zone, expected.map(Arc::from).map_err(Arc::from), "{seen}");
        }
    }

    #[test]
    fn silence_of_a_stub_is_unknown() {
        for (code, out) in [(0, ""), (1, "UTC"), (0, "\r\n"), (0, "a\r\nb"), (0, "\u{fffd}"), (0, "a\0b")] {
            assert!(matches!(see("UTC", code, out), Interpreted::Unknown(_)), "{out:?}");
        }
    }

    #[test]
    fn the_zone_is_set_by_the_name_that_windows_has_for_it() {
        let state = State { zone: Err("x".into()), named: None, known: Known::Zone, settings: None };
        let ops = Tzutil.lower(&want("Europe/Vienna"), &state, &[Action::SetTimezone], &HostFacts::default()).unwrap();
        let [Op::Run(command)] = &ops[..] else { panic!("{ops:?}") };
        assert_eq!(command.args[1].as_str(), "W. Europe Standard Time");
        let problem = Tzutil.check(&want("Mars/Olympus"), &HostFacts::default()).unwrap_err();
        assert_eq!(problem.to_string(), "time zone `Mars/Olympus` is not supported on windows: it has no such zone");
    }
}
