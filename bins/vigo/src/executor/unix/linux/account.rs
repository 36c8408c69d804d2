//! Accounts of a directory service, from `getent`.

use crate::executor::failure::{Answer, failure};
use crate::executor::unix::account::{ANSWER, Account};
use std::sync::Arc;
use vigo_core::action::{AccountKind, Command, FailureKind, OpOutput};
use vigo_core::time::Duration;

/// What runs a program.
pub(crate) type Run<'a> = &'a dyn Fn(&Command) -> OpOutput;

/// Asks for a name; the answer is a line of passwd(5) or group(5).
pub(crate) fn ask(run: Run<'_>, kind: AccountKind, name: &str) -> Answer<Option<Arc<[u8]>>> {
    let database = match kind {
        AccountKind::User => "passwd",
        AccountKind::Group => "group",
    };
    getent(run, database, name)
}

/// Returns the groups of an account that the directory service knows.
pub(crate) fn more_groups(run: Run<'_>, account: &Account) -> Vec<u32> {
    let line = getent(run, "initgroups", &account.name).ok().flatten().unwrap_or_default();
    String::from_utf8_lossy(&line).split_whitespace().skip(1).filter_map(|gid| gid.parse().ok()).collect()
}

/// Asks getent(1), which exits 2 for an unknown key. A system that has no such program has no directory service.
fn getent(run: Run<'_>, database: &str, name: &str) -> Answer<Option<Arc<[u8]>>> {
    let timeout = Duration::from_ms(ANSWER.as_millis() as u64);
    let ran = match run(&Command::read("getent", [database, name]).timeout(timeout)) {
        OpOutput::Ran(ran) => ran,
        OpOutput::Failed(failure) if failure.kind == FailureKind::NoProgram => return Ok(None),
        OpOutput::Failed(failure) => return Err(failure),
        _ => return Ok(None),
    };
    match ran.code() {
        Some(0) => Ok(Some(ran.stdout.into())),
        Some(2) => Ok(None),
        _ => {
            let message = format!("`getent {database} {name}` ended with {}: {}", ran.exit, ran.err().trim());
            Err(failure(FailureKind::Other, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::action::{Exit, Ran};

    #[test]
    fn getent_is_understood() {
        let line = "bob:*:70001:70001:Bob B.:/home/bob:/bin/bash\n";
        let slow = || OpOutput::Failed(failure(FailureKind::TimedOut, "`getent` did not end within 10 s"));
        let absent = || OpOutput::Failed(failure(FailureKind::NoProgram, "program `getent` is not there"));
        let killed = Ran { exit: Exit::Signal(9), stdout: line.into(), stderr: Vec::new(), truncated: false };
        type Case<'a> = (&'a str, OpOutput, Result<Option<&'a str>, &'a str>);
        let cases: &[Case<'_>] = &[
            ("found", OpOutput::exited(0, line, ""), Ok(Some(line))),
            ("not found", OpOutput::exited(2, "", ""), Ok(None)),
            ("no such program", absent(), Ok(None)),
            ("nobody answers", slow(), Err("`getent` did not end within 10 s")),
            (
                "no such database",
                OpOutput::exited(1, "", "Unknown database: passwd\n"),
                Err("`getent passwd bob` ended with exit 1: Unknown database: passwd"),
            ),
            ("ended half-way", OpOutput::Ran(killed), Err("`getent passwd bob` ended with signal 9: ")),
        ];
        for (name, output, expected) in cases {
            let run = |command: &Command| {
                assert_eq!(vigo_core::action::Op::Run(command.clone()).to_string(), "getent passwd bob");
                assert_eq!(command.timeout, Duration::from_secs(10), "it is not waited for without end");
                output.clone()
            };
            let answer = ask(&run, AccountKind::User, "bob").map_err(|failure| failure.message);
            let answer = answer.map(|line| line.map(|line| String::from_utf8(line.to_vec()).unwrap()));
            assert_eq!(answer.as_ref().map(|l| l.as_deref()).map_err(|e| &**e), *expected, "{name}");
        }
        let account = Account::parse("bob:*:70001:70001:::").unwrap();
        let groups = |output: OpOutput| more_groups(&|_| output.clone(), &account);
        assert_eq!(groups(OpOutput::exited(0, "bob                   4 70002 x\n", "")), [4, 70002]);
        assert_eq!(groups(slow()), [0; 0]);
    }
}
