//! The machine's name in the registry.

use crate::program::{REG, ran};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{Command, Op, Outputs};
use vigo_core::host::{Adapter, HostFacts, Interpreted, Problem};
use vigo_core::resource::hostname::{Action, Hostname, State, Want};

/// The name that the machine gets when it starts again: the two values that `SetComputerNameEx` writes, by `reg.exe`. The
/// name that it goes by until then is not compared.
///
/// *Unverified* on a real machine.
pub(crate) struct PendingName;

/// The longest name of a machine (NetBIOS).
const NAME_CHARS_MAX: usize = 15;

const COMPUTER: &str = "HKLM\\SYSTEM\\CurrentControlSet\\Control\\ComputerName\\ComputerName";
const NETWORK: &str = "HKLM\\SYSTEM\\CurrentControlSet\\Services\\Tcpip\\Parameters";

/// The values that hold the name: key and name.
const NAMES: [(&str, &str); 2] = [(COMPUTER, "ComputerName"), (NETWORK, "NV Hostname")];

impl Adapter<Hostname> for PendingName {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        if facts.image.is_some() {
            return Err(Problem::unsupported("the name of an image cannot be managed"));
        }
        let len = want.hostname.len();
        if want.hostname.contains('.') {
            let message = format!("hostname `{}` with a domain is not supported on windows", want.hostname);
            return Err(Problem::unsupported(message).help("write the name without its domain"));
        }
        match len <= NAME_CHARS_MAX {
            true => Ok(()),
            false => Err(Problem::unsupported(format!(
                "a hostname of {len} characters is not supported on windows: {NAME_CHARS_MAX} at most"
            ))),
        }
    }

    fn probe(&self, _: &Want, _: &HostFacts) -> Vec<Op> {
        NAMES.iter().map(|(key, name)| query(key, name)).chain([query(NETWORK, "Domain")]).collect()
    }

    fn interpret(&self, _: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        match pending(outputs) {
            Ok(name) => Interpreted::Known(State { at_boot: Some(name), now: None, file: None }),
            Err(why) => Interpreted::Unknown(why),
        }
    }

    fn lower(&self, want: &Want, _: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        if actions.is_empty() {
            return Ok(Vec::new());
        }
        let add = |(key, name): &(&str, &str)| {
            let args = ["add", key, "/v", name, "/t", "REG_SZ", "/d", &want.hostname, "/f"];
            Op::Run(Command::change(REG, args))
        };
        Ok(NAMES.iter().map(add).collect())
    }
}

fn query(key: &str, name: &str) -> Op {
    Op::Run(Command::read(REG, ["query", key, "/v", name]))
}

/// Returns the text of a value; `None` when reg.exe does not tell one.
fn value(outputs: &Outputs, key: &str, name: &str) -> Result<Option<String>, String> {
    let op = query(key, name);
    let seen = ran(outputs, &op).unwrap_or_else(|| Err(format!("`{op}` was not run")))?;
    if !seen.success() {
        return Ok(None);
    }
    let out = seen.out();
    let text = |line: &str| {
        let rest = line.trim_start();
        let rest =
            rest.get(name.len()..).filter(|_| rest.get(..name.len()).is_some_and(|n| n.eq_ignore_ascii_case(name)));
        Some(String::from(rest?.trim_start().strip_prefix("REG_SZ")?.trim()))
    };
    match out.lines().find_map(text) {
        Some(text) => Ok(Some(text)),
        None => Err(format!("`{op}` exited 0 and tells no value")),
    }
}

/// Returns the name that the machine will have, in lower case; the two that are not the same are shown both.
fn pending(outputs: &Outputs) -> Result<Arc<str>, String> {
    if let Some(domain) = value(outputs, NETWORK, "Domain")?.filter(|domain| !domain.is_empty()) {
        return Err(format!("the machine is a member of the domain `{domain}`, by which it has to be renamed"));
    }
    let mut names = Vec::new();
    for (key, name) in NAMES {
        let seen = value(outputs, key, name)?.filter(|name| !name.is_empty());
        names.push(seen.ok_or_else(|| format!("`{key}` holds no `{name}`"))?.to_ascii_lowercase());
    }
    match &names[..] {
        [one, other] if one == other => Ok(one.as_str().into()),
        names => Ok(names.join(" and ").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use vigo_core::action::OpOutput;
    use vigo_core::host::observe;

    fn want(hostname: &str) -> Want {
        Want { hostname: hostname.into() }
    }

    fn line(name: &str, text: &str) -> OpOutput {
        OpOutput::exited(0, &format!("\r\nHKEY_LOCAL_MACHINE\\X\r\n    {name}    REG_SZ    {text}\r\n\r\n"), "")
    }

    fn see(computer: &str, network: &str, domain: OpOutput) -> Interpreted<State> {
        observe(&PendingName, &want("web-1"), &HostFacts::default(), |op| match op.to_string() {
            op if op.contains("Domain") => domain.clone(),
            op if op.contains("NV Hostname") => line("NV Hostname", network),
            _ => line("ComputerName", computer),
        })
    }

    #[test]
    fn the_pending_name_is_compared_in_any_case() {
        let none = || OpOutput::exited(1, "", "");
        for (computer, network, domain, expected) in [
            ("WEB-1", "web-1", none(), "web-1"),
            ("OLD", "old", line("Domain", ""), "old"),
            ("OLD", "web-1", none(), "old and web-1"),
        ] {
            let Interpreted::Known(state) = see(computer, network, domain) else { panic!("{computer}") };
            assert_eq!((state.at_boot.as_deref(), state.now), (Some(expected), None));
        }
    }

    #[test]
    fn a_member_of_a_domain_is_not_renamed() {
        let Interpreted::Unknown(why) = see("OLD", "old", line("Domain", "corp.example")) else { panic!() };
        assert!(why.contains("member of the domain `corp.example`"), "{why}");
    }

    #[test]
    fn what_cannot_be_read_is_unknown() {
        for output in [
            OpOutput::exited(0, "", ""),
            OpOutput::exited(1, "", ""),
            OpOutput::Missing,
            line("ComputerName", ""),
            OpOutput::exited(0, "    ComputerName    REG_DWORD    0x1\r\n", ""),
        ] {
            let seen = observe(&PendingName, &want("x"), &HostFacts::default(), |_| output.clone());
            assert!(matches!(seen, Interpreted::Unknown(_)), "{output:?}: {seen:?}");
        }
    }

    #[test]
    fn both_values_are_written() {
        let state = State { at_boot: Some("old".into()), now: None, file: None };
        let ops = PendingName.lower(&want("web-1"), &state, &[Action::SetHostname], &HostFacts::default()).unwrap();
        let shown: Vec<String> = ops
            .iter()
            .map(|op| match op {
                Op::Run(c) => c.args.iter().map(|a| a.as_str()).collect::<Vec<_>>().join(" "),
                other => other.to_string(),
            })
            .collect();
        assert_eq!(
            shown,
            [
                format!("add {COMPUTER} /v ComputerName /t REG_SZ /d web-1 /f"),
                format!("add {NETWORK} /v NV Hostname /t REG_SZ /d web-1 /f")
            ]
        );
    }

    #[test]
    fn names_that_windows_does_not_take_are_not_supported() {
        for (name, message) in [
            ("web-1.example.org", "hostname `web-1.example.org` with a domain is not supported on windows"),
            ("a-very-long-name", "a hostname of 16 characters is not supported on windows: 15 at most"),
        ] {
            let problem = PendingName.check(&want(name), &HostFacts::default()).unwrap_err();
            assert_eq!(problem.to_string(), message);
        }
        assert!(PendingName.check(&want("fifteen-letters"), &HostFacts::default()).is_ok());
    }
}
