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

/// Returns the question for these parameters.
pub(crate) fn ask<B: Bsd>(names: &[&str]) -> Vec<Op> {
    // Times are written as at home.
    let command = Command::read(PROGRAM, args::<B>(names)).timeout(Duration::from_secs(5)).env("TZ", "UTC");
    alloc::vec![Op::Run(command)]
}

/// The answer.
#[derive(Default)]
pub(crate) struct Oids(String);

impl Oids {
    /// Takes the answer to [`ask`]. Of a name that this kernel does not have the program complains, and goes on.
    ///
    /// # Errors
    /// A fragment, when there is none.
    pub(crate) fn of<B: Bsd>(outputs: &Outputs, names: &[&str]) -> Result<Self, String> {
        let (see, args) = (See(outputs), args::<B>(names));
        let text = see.ran(PROGRAM, &args).filter(|ran| !ran.truncated).map(|ran| ran.out().into_owned());
        match text.filter(|text| !text.trim().is_empty()) {
            Some(text) => Ok(Self(text)),
            None => Err(see.output(PROGRAM, &args).err().unwrap_or_else(|| "`sysctl` said nothing".into())),
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::freebsd::Tools as FreeBsd;
    use vigo_core::sim::answers;

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
        assert!(Oids::of::<FreeBsd>(&answers(&[("run /sbin/sysctl -i a", "")]), &["a"]).is_err());
    }
}
