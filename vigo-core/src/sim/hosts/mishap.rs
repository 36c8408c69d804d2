//! What becomes of operations.

use super::files::failed;
use super::model::Model;
use super::trial::Trial;
use crate::action::{Effect, Exit, FailureKind, Op, OpOutput, Ran};
use crate::time::Duration;
use crate::value::Text;
use alloc::format;
use alloc::string::{String, ToString as _};

impl<M: Model> Trial<M> {
    /// Performs an operation, or what becomes of it.
    pub(super) fn perform(&mut self, op: &Op) -> OpOutput {
        let mut mishap = if self.faults.strikes(1) { Some(self.faults.below(6)) } else { None };
        let timed_out = || failed(FailureKind::TimedOut, "it took too long");
        let Op::Run(command) = op else {
            if mishap.is_some() && op.effect() == Effect::Changes {
                self.note(|| format!("{op}: no space"));
                return failed(FailureKind::NoSpace, "no space is left");
            }
            let answer = self.model.perform(op, self.now);
            if let (Op::ReplaceFile(replace), OpOutput::Done) = (op, &answer.output) {
                self.written.insert(replace.path.to_string(), self.now);
            }
            self.now = self.now + answer.took;
            self.note(|| format!("{op}: {}", shown(&answer.output)));
            return answer.output;
        };
        // Nobody can see whether a daemon that runs was restarted, or has taken in its configuration, when it is said to.
        let leaves_no_trace = |word: &Text| word.as_str().contains("restart") || word.as_str().contains("reload");
        if mishap == Some(4)
            && command.args.iter().any(|w| leaves_no_trace(w) || matches!(w.as_str(), "kickstart" | "refresh"))
        {
            mishap = Some(3);
        }
        self.seen.mishaps += u32::from(mishap.is_some());
        let is_lost = matches!(mishap, Some(1 | 3 | 5)) || (mishap == Some(4) && command.effect == Effect::Changes);
        let mut output = OpOutput::exited(0, "", "");
        let began = self.now;
        if !is_lost {
            let answer = self.model.perform(op, self.now);
            output = answer.output;
            let took = if mishap == Some(0) { answer.took.min(Duration::from_ms(40)) } else { answer.took };
            match took > command.timeout {
                true => (self.now, output) = (began + command.timeout, timed_out()),
                false => self.now = began + took,
            }
        }
        let output = match mishap {
            None => output,
            Some(0 | 1) => timed_out(),
            Some(2) => match output {
                OpOutput::Ran(ran) => OpOutput::Ran(Ran { exit: Exit::Signal(9), ..ran }),
                other => other,
            },
            Some(3) => OpOutput::exited(1, "", "cannot fork: resource temporarily unavailable\n"),
            Some(4) if command.effect == Effect::Changes => OpOutput::exited(0, "", ""),
            Some(4) => match output {
                OpOutput::Ran(mut ran) => {
                    ran.stdout.truncate(self.faults.below(ran.stdout.len() as u64) as usize);
                    OpOutput::Ran(Ran { truncated: true, ..ran })
                }
                other => other,
            },
            Some(_) => failed(FailureKind::Other, "out of memory"),
        };
        self.note(|| format!("{op}: {}{}", mishap.map_or("", |_| "mishap, "), shown(&output)));
        output
    }
}

fn shown(output: &OpOutput) -> String {
    match output {
        OpOutput::Ran(ran) => format!("{}, {}{}", ran.exit, ran.out().replace('\n', "|"), ran.err().replace('\n', "|")),
        OpOutput::Failed(failure) => format!("failed: {failure}"),
        OpOutput::File { content, .. } => String::from_utf8_lossy(content).replace('\n', "|"),
        OpOutput::Missing => "missing".into(),
        _ => "answered".into(),
    }
}
