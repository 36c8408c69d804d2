//! Scheduled jobs: crontab(1), which has no `-u`.

use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::host::posix::Crontab;
use vigo_core::host::{Adapter, HostFacts, Interpreted, Problem};
use vigo_core::resource::cron::{Action, Cron, State, Want};

/// The user's table. *Unverified*: written after the manual page and what others rely on.
pub(crate) struct Jobs;

/// It says "can't open your crontab file." of a user who has none, and of a table that cannot be opened.
const CRONTAB: Crontab = Crontab {
    named: false,
    reads_as_user: false,
    says_none: |err| err.contains("can't open your crontab file"),
    spool: Some("/var/spool/cron/crontabs"),
};

impl Adapter<Cron> for Jobs {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        if facts.image.is_some() {
            return Err(Problem::unsupported("type `cron` is not supported on an image of illumos"));
        }
        match want.present && want.schedule.plain().is_none() {
            true => {
                let message = alloc::format!(
                    "attribute `schedule` of type `cron` is not supported as `{}` on illumos",
                    want.schedule
                );
                Err(Problem { attribute: Some("schedule".into()), ..Problem::unsupported(message) }
                    .help("have SMF start it: write its manifest as a `file`, and a `service`"))
            }
            false => Ok(()),
        }
    }

    fn probe(&self, want: &Want, facts: &HostFacts) -> Vec<Op> {
        CRONTAB.probe(want, facts)
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, facts: &HostFacts) -> Interpreted<State> {
        match CRONTAB.interpret(want, outputs, facts) {
            // Its cron counts in numbers and lists only, on old systems at least.
            Interpreted::Known(State::Table(text)) => Interpreted::Known(State::PlainTable(text)),
            other => other,
        }
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], facts: &HostFacts) -> Result<Vec<Op>, Problem> {
        Adapter::lower(&CRONTAB, want, state, actions, facts)
    }
}
