//! `listeners`: who listens where.

use super::ports::{CLOSE, LISTEN, Socket};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Op, OpOutput, Outputs};
use vigo_core::traits::see::{See, fields, int, list, list_at, path, read, read_at};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(super) const COLLECTOR: Collector = Collector::slow("listeners", probe, interpret);

const TABLES: &[(&str, &str, u8)] = &[
    ("tcp", "/proc/net/tcp", LISTEN),
    ("tcp", "/proc/net/tcp6", LISTEN),
    ("udp", "/proc/net/udp", CLOSE),
    ("udp", "/proc/net/udp6", CLOSE),
];

/// Processes whose descriptors are looked through.
const PROCESSES_MAX: usize = 5000;

fn probe(_: &Machine) -> Vec<Op> {
    TABLES.iter().map(|(_, path, _)| read(path)).chain([list("/proc")]).collect()
}

fn interpret(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let texts: Vec<_> = TABLES.iter().map(|(proto, path, state)| (*proto, see.text(path), *state)).collect();
    let mut sockets: Vec<(&str, Socket<'_>)> = Vec::new();
    for (proto, text, state) in &texts {
        let lines = text.as_deref().unwrap_or_default().lines();
        sockets.extend(lines.filter_map(Socket::parse).filter(|s| s.state == *state).map(|s| (*proto, s)));
    }
    sockets.sort_by_key(|(proto, s)| (*proto, s.port, s.address));
    sockets.dedup_by_key(|(proto, s)| (*proto, s.port, s.address));
    let is_open = |op: &Op| see.has(op);
    let pids = see.entries("/proc").iter().map(|e| &*e.path).filter(|name| name.bytes().all(|b| b.is_ascii_digit()));
    let folders: Vec<AbsPath> = pids.take(PROCESSES_MAX).filter_map(|pid| path(&format!("/proc/{pid}/fd"))).collect();
    // All are asked in one round: one answer stands for all.
    if !sockets.is_empty() && folders.first().is_some_and(|folder| !is_open(&list_at(folder.clone()))) {
        return Ok(Found::Ask(folders.into_iter().map(list_at).collect()));
    }
    let owners = owners(outputs, &sockets);
    let pids: BTreeSet<&str> = owners.values().copied().collect();
    let open = see.open(pids.iter().filter_map(|pid| path(&format!("/proc/{pid}/comm"))).map(read_at).collect());
    if !open.is_empty() {
        return Ok(Found::Ask(open));
    }
    let names: BTreeMap<&str, Value> =
        pids.iter().filter_map(|pid| Some((*pid, see.value(&format!("/proc/{pid}/comm"))?))).collect();
    let one = |(proto, socket): &(&str, Socket<'_>)| {
        let pid = owners.get(socket.inode);
        let name = pid.and_then(|pid| names.get(pid).cloned());
        fields([
            ("proto", Some(Value::text(*proto))),
            ("address", Some(Value::text(socket.address.to_string()))),
            ("port", Some(int(socket.port.into()))),
            ("pid", pid.and_then(|pid| pid.parse().ok()).map(Value::Int)),
            ("uid", Some(int(socket.uid.into()))),
            ("process", name),
        ])
    };
    Ok(Found::Value(Value::list(sockets.iter().map(one))))
}

/// Returns the process of each socket by its inode: of several that share it the first, which opened it.
fn owners<'a>(outputs: &'a Outputs, sockets: &[(&str, Socket<'_>)]) -> BTreeMap<String, &'a str> {
    let mut wanted: BTreeSet<&str> = sockets.iter().map(|(_, s)| s.inode).collect();
    wanted.remove("0");
    let mut folders: Vec<(u32, &str, &[vigo_core::action::Entry])> = Vec::new();
    for (op, output) in outputs.iter() {
        if let (Op::ListDir { path, .. }, OpOutput::Dir(entries)) = (op, output)
            && let Some(pid) = path.as_str().strip_prefix("/proc/").and_then(|rest| rest.strip_suffix("/fd"))
        {
            folders.push((pid.parse().unwrap_or(u32::MAX), pid, entries));
        }
    }
    folders.sort_unstable_by_key(|(number, ..)| *number);
    let mut owners = BTreeMap::new();
    for (_, pid, entries) in folders {
        let targets = entries.iter().filter_map(|e| e.meta.target.as_deref());
        for inode in targets.filter_map(|t| t.strip_prefix("socket:[")?.strip_suffix(']')) {
            if wanted.contains(inode) {
                owners.entry(inode.to_string()).or_insert(pid);
            }
        }
    }
    owners
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::sim::answers;

    #[test]
    fn a_socket_belongs_to_the_process_that_has_it_open() {
        let tcp = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 777 1 0 100 0 0 10 0\n";
        let first = answers(&[("/proc/net/tcp", tcp), ("/proc/", "1 20 self@1")]);
        let Ok(Found::Ask(ops)) = interpret(&Machine::default(), &first) else { panic!("expected a question") };
        assert_eq!(ops.len(), 2);
        let second = answers(&[
            ("/proc/net/tcp", tcp),
            ("/proc/", "1 20"),
            ("/proc/1/fd/", "0@/dev/null"),
            ("/proc/20/fd/", "0@/dev/null 3@socket:[777]"),
            ("/proc/20/comm", "sshd\n"),
        ]);
        let Ok(Found::Value(seen)) = interpret(&Machine::default(), &second) else { panic!("expected a value") };
        assert_eq!(seen.at("0.process"), Some(&"sshd".into()));
        assert_eq!(seen.at("0.pid"), Some(&Value::Int(20)));
        assert_eq!(seen.at("0.port"), Some(&Value::Int(22)));
    }
}
