//! `users`: who has an account, and who is logged in.

use super::tools::Tools;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, OpOutput, Outputs};
use vigo_core::traits::posix::Unix;
use vigo_core::traits::see::{See, assigned, list, path, read, read_at};
use vigo_core::traits::{Collector, Found, Machine, form};

pub(super) const COLLECTOR: Collector = Collector::quick("users", probe, interpret);

const PASSWD: &str = "/etc/passwd";
const UTMP: &str = "/run/utmp";
/// Sessions of systemd-logind, for systems that have given up utmp.
const SESSIONS: &str = "/run/systemd/sessions";

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![read(PASSWD), read(UTMP), list(SESSIONS)]
}

fn interpret(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let passwd = see.need(PASSWD)?;
    let logged_in: Vec<String> = match see.path(UTMP) {
        Some(OpOutput::File { content, .. }) => utmp(content),
        _ => {
            let names = see.entries(SESSIONS).iter().filter(|e| !e.path.ends_with(".ref")).take(1000);
            let files: Vec<_> = names.filter_map(|e| path(&format!("{SESSIONS}/{}", e.path))).collect();
            let open = see.open(files.iter().cloned().map(read_at).collect());
            if !open.is_empty() {
                return Ok(Found::Ask(open));
            }
            let texts = files.iter().filter_map(|file| see.text(file.as_str()));
            texts
                .filter(|t| assigned(t, "CLASS") == Some("user"))
                .filter_map(|t| Some(assigned(&t, "USER")?.into()))
                .collect()
        }
    };
    let names = logged_in.iter().map(String::as_str);
    Ok(form::users(&passwd, names, Tools::is_os, Tools::is_human))
}

/// Returns the names in the records of utmp(5) that are user processes. A record has 384 bytes, or 400 where its times
/// have 64 bits.
fn utmp(content: &[u8]) -> Vec<String> {
    const USER_PROCESS: i16 = 7;
    let size = if content.len().is_multiple_of(384) { 384 } else { 400 };
    let name = |record: &[u8]| {
        let kind = i16::from_ne_bytes([*record.first()?, *record.get(1)?]);
        let name = record.get(44..76)?.split(|b| *b == 0).next()?;
        (kind == USER_PROCESS && !name.is_empty()).then(|| String::from_utf8_lossy(name).into_owned())
    };
    content.chunks_exact(size).filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::sim::answers;
    use vigo_core::value::Value;

    const TEXT: &str = "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:x:/:/usr/sbin/nologin\n\
        postgres:x:110:120:x:/var/lib/postgresql:/bin/bash\nalice:x:1000:1000:x:/home/alice:/bin/zsh\n\
        app:x:1001:1001:x:/srv/app:/usr/sbin/nologin\nnobody:x:65534:65534:x:/:/usr/sbin/nologin\n+::::::\n";

    fn names(value: &Value, field: &str) -> Vec<String> {
        value.at(field).unwrap().as_list().unwrap().iter().map(|v| v.as_str().unwrap().into()).collect()
    }

    #[test]
    fn accounts_are_told_apart() {
        let outputs = answers(&[(PASSWD, TEXT)]);
        let Ok(Found::Value(seen)) = interpret(&Machine::default(), &outputs) else { panic!("expected a value") };
        assert_eq!(names(&seen, "human"), ["alice"]);
        assert_eq!(names(&seen, "os"), ["daemon", "nobody", "root"]);
        assert_eq!(names(&seen, "thirdparty"), ["app", "postgres"]);
        assert!(names(&seen, "logged_in").is_empty());
    }

    #[test]
    fn sessions_are_read_from_utmp_or_logind() {
        let mut record = alloc::vec![0u8; 384];
        record[0] = 7;
        record[44..47].copy_from_slice(b"bob");
        let mut boot = record.clone();
        boot[0] = 2;
        assert_eq!(utmp(&[record, boot].concat()), ["bob"]);
        assert!(utmp(&[1; 100]).is_empty());
        let sessions = answers(&[(PASSWD, TEXT), ("/run/systemd/sessions/", "1 2 1.ref")]);
        let Ok(Found::Ask(ops)) = interpret(&Machine::default(), &sessions) else { panic!("expected a question") };
        assert_eq!(ops.len(), 2);
        let sessions = answers(&[
            (PASSWD, TEXT),
            ("/run/systemd/sessions/", "1 2"),
            ("/run/systemd/sessions/1", "UID=1000\nUSER=alice\nCLASS=user\n"),
            ("/run/systemd/sessions/2", "USER=gdm\nCLASS=greeter\n"),
        ]);
        let Ok(Found::Value(seen)) = interpret(&Machine::default(), &sessions) else { panic!("expected a value") };
        assert_eq!(names(&seen, "logged_in"), ["alice"]);
    }
}
