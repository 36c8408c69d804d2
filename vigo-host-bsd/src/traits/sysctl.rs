//! Parameters of the kernel, sysctl(8).

use super::Bsd;
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Command, Op, Outputs};
use vigo_core::time::Duration;
use vigo_core::traits::see::See;

const PROGRAM: &str = "/sbin/sysctl";

fn args<'a, B: Bsd>(names: &[&'a str]) -> Vec<&'a str> {
    B::SYSCTL.iter().chain(names).copied().collect()
}

/// Returns what is asked for in one call: all of them, or one, so that what is not there keeps none of the others back.
fn calls<'n, 'a, B: Bsd>(names: &'n [&'a str]) -> impl Iterator<Item = Vec<&'a str>> + use<'n, 'a, B> {
    names.chunks(if B::SYSCTL_GIVES_UP { 1 } else { names.len().max(1) }).map(args::<B>)
}

/// Returns the questions for these parameters.
pub(crate) fn ask<B: Bsd>(names: &[&str]) -> Vec<Op> {
    // Times are written as at home.
    let call = |args| Command::read(PROGRAM, args).timeout(Duration::from_secs(5)).env("TZ", "UTC");
    calls::<B>(names).map(|args| Op::Run(call(args))).collect()
}

/// The answer.
pub(crate) struct Oids(String);

impl Oids {
    /// Takes the answers to [`ask`]. Of a name that this kernel does not have the program complains, and goes on or ends:
    /// there may be nothing at all.
    ///
    /// # Errors
    /// A fragment, when the program did not answer.
    pub(crate) fn of<B: Bsd>(outputs: &Outputs, names: &[&str]) -> Result<Self, String> {
        let see = See(outputs);
        let mut text = String::new();
        for args in calls::<B>(names) {
            match see.ran(PROGRAM, &args).filter(|ran| !ran.truncated && ran.code().is_some()) {
                Some(ran) => text.extend([&*ran.out(), "\n"]),
                None => return Err(see.output(PROGRAM, &args).err().unwrap_or_else(|| "`sysctl` did not end".into())),
            }
        }
        Ok(Self(text))
    }

    /// Returns a parameter's value; `None` when it is not there, or empty. FreeBSD writes `name: value`, OpenBSD
    /// `name=value`, NetBSD `name = value`.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let of = |line: &'_ str| -> Option<usize> {
            let rest = line.strip_prefix(name)?.trim_start().strip_prefix([':', '='])?;
            Some(line.len() - rest.trim_start().len())
        };
        self.0.lines().find_map(|line| Some(line.get(of(line)?..)?.trim())).filter(|value| !value.is_empty())
    }

    /// Returns the value of the first of these that is there.
    pub(crate) fn first(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.text(name))
    }

    /// Returns a parameter's number.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }
}

/// Returns what a kernel with the parameters of these lines answers to [`ask`].
#[cfg(test)]
pub(crate) fn told<B: Bsd>(names: &[&str], text: &str) -> Outputs {
    use alloc::sync::Arc;
    use vigo_core::action::OpOutput;
    use vigo_core::value::Text;

    let mut outputs = Outputs::default();
    for op in ask::<B>(names) {
        let Op::Run(Command { args, .. }) = &op else { unreachable!("a run of a program") };
        let (mut out, mut err, mut code) = (String::new(), String::new(), 0);
        for name in args.iter().map(Text::as_str).filter(|name| !B::SYSCTL.contains(name)) {
            let of = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([':', '=', ' ']));
            if let Some(line) = text.lines().find(of) {
                out.extend([line, "\n"]);
            } else if B::SYSCTL != ["-i"] {
                err = alloc::format!("sysctl: second level name in {name} is invalid\n");
                code = 1;
                if B::SYSCTL_GIVES_UP {
                    break;
                }
            }
        }
        outputs.push(op, Arc::new(OpOutput::exited(code, &out, &err)));
    }
    outputs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::freebsd::Tools as FreeBsd;
    use crate::netbsd::Tools as NetBsd;
    use crate::openbsd::Tools as OpenBsd;
    use alloc::sync::Arc;
    use vigo_core::action::{Exit, OpOutput, Ran};
    use vigo_core::sim::answers;

    #[test]
    fn a_name_that_the_kernel_lacks_keeps_none_of_the_others_back() {
        let names = ["machdep.cpu_brand", "hw.model", "hw.ncpuonline", "hw.ncpu"];
        let text = "hw.model = Xeon\nhw.ncpu = 4\n";
        let all = [
            Oids::of::<FreeBsd>(&told::<FreeBsd>(&names, text), &names),
            Oids::of::<OpenBsd>(&told::<OpenBsd>(&names, text), &names),
            Oids::of::<NetBsd>(&told::<NetBsd>(&names, text), &names),
        ];
        for oids in all {
            let oids = oids.unwrap();
            assert_eq!((oids.text("hw.model"), oids.number("hw.ncpu")), (Some("Xeon"), Some(4)));
        }
        assert_eq!(ask::<NetBsd>(&names).len(), 4, "sysctl of NetBSD ends at the first that it does not have");
    }

    #[test]
    fn a_call_that_did_not_end_is_no_answer() {
        let names = ["hw.model", "hw.ncpu"];
        let mut outputs = told::<NetBsd>(&names, "hw.model = Xeon\n");
        let killed = Ran { exit: Exit::Signal(9), stdout: Vec::new(), stderr: Vec::new(), truncated: false };
        outputs.push(ask::<NetBsd>(&names).remove(1), Arc::new(OpOutput::Ran(killed)));
        assert!(Oids::of::<NetBsd>(&outputs, &names).is_err());
    }

    #[test]
    fn values_are_found_by_their_whole_name() {
        for text in
            ["hw.ncpus: 9\nhw.ncpu: 4\nkern.x:\n", "hw.ncpus=9\nhw.ncpu=4\nkern.x=\n", "hw.ncpus = 9\nhw.ncpu = 4\n"]
        {
            let outputs = answers(&[("run /sbin/sysctl -i hw.ncpu kern.boottime", text)]);
            let oids = Oids::of::<FreeBsd>(&outputs, &["hw.ncpu", "kern.boottime"]).unwrap();
            assert_eq!(
                (oids.number("hw.ncpu"), oids.text("kern.x"), oids.text("kern.boottime")),
                (Some(4), None, None)
            );
        }
        assert!(Oids::of::<FreeBsd>(&Outputs::default(), &["hw.ncpu"]).is_err());
    }
}
