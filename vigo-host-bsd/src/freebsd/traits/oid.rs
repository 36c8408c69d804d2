//! Parameters of the kernel, sysctl(8).

use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, run};

const PROGRAM: &str = "/sbin/sysctl";

fn args<'a>(names: &[&'a str]) -> Vec<&'a str> {
    // A name that this kernel does not have is left out.
    ["-i"].into_iter().chain(names.iter().copied()).collect()
}

/// Returns the question for these parameters.
pub(super) fn ask(names: &[&str]) -> Vec<Op> {
    alloc::vec![run(PROGRAM, &args(names))]
}

/// The answer.
pub(super) struct Oids(String);

impl Oids {
    /// Takes the answer to [`ask`].
    ///
    /// # Errors
    /// A fragment, when there is none.
    pub(super) fn of(outputs: &Outputs, names: &[&str]) -> Result<Self, String> {
        let text = See(outputs).output(PROGRAM, &args(names))?.into_owned();
        match text.trim() {
            "" => Err("`sysctl` said nothing".into()),
            _ => Ok(Self(text)),
        }
    }

    /// Returns a parameter's value; `None` when it is not there, or empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let of = |line: &'_ str| -> Option<usize> {
            let rest = line.strip_prefix(name)?.strip_prefix(':')?;
            Some(line.len() - rest.trim_start().len())
        };
        self.0.lines().find_map(|line| Some(line.get(of(line)?..)?.trim())).filter(|value| !value.is_empty())
    }

    /// Returns a parameter's number.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::sim::answers;

    #[test]
    fn values_are_found_by_their_whole_name() {
        let outputs = answers(&[("run /sbin/sysctl -i hw.ncpu kern.boottime", "hw.ncpus: 9\nhw.ncpu: 4\nkern.x:\n")]);
        let oids = Oids::of(&outputs, &["hw.ncpu", "kern.boottime"]).unwrap();
        assert_eq!((oids.number("hw.ncpu"), oids.text("kern.x"), oids.text("kern.boottime")), (Some(4), None, None));
        assert!(Oids::of(&Outputs::default(), &["hw.ncpu"]).is_err());
        assert!(Oids::of(&answers(&[("run /sbin/sysctl -i a", "")]), &["a"]).is_err());
    }
}
