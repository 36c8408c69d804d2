//! `ports`: netstat(1).

use super::super::see::{See, run};
use super::super::{Collector, Found, Machine, form};
use super::Programs;
use crate::action::Outputs;
use alloc::string::String;
use alloc::vec::Vec;

/// All sockets, by numbers.
const ALL: &[&str] = &["-an"];

/// Returns the collector of `ports`.
pub const fn ports<U: Programs>() -> Collector {
    Collector::slow("ports", |_| alloc::vec![run(U::NETSTAT, ALL)], listening::<U>)
}

fn listening<U: Programs>(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = See(outputs).output(U::NETSTAT, ALL)?;
    // A heading of the columns; the wording is no other anywhere.
    if !text.contains("Local Address") {
        return Err("`netstat` says no sockets".into());
    }
    Ok(form::ports(text.lines().filter_map(port)))
}

/// `tcp4 0 0 *.22 *.* LISTEN`; on illumos there is no protocol before the address: `*.22 *.* 0 0 128000 0 LISTEN`.
fn port(line: &str) -> Option<u16> {
    let words: Vec<&str> = line.split_whitespace().collect();
    if !words.contains(&"LISTEN") {
        return None;
    }
    let at = if words.first()?.starts_with("tcp") { 3 } else { 0 };
    words.get(at)?.rsplit_once('.')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_listens_is_told_in_two_forms() {
        for (line, expected) in [
            ("tcp4       0      0  *.22                   *.*                    LISTEN", Some(22)),
            ("tcp46      0      0  *.8080                 *.*                    LISTEN     ", Some(8080)),
            ("tcp          0      0  127.0.0.1.25           *.*                    LISTEN", Some(25)),
            ("tcp6         0      0  ::1.953                *.*                    LISTEN", Some(953)),
            ("tcp4       0      0  10.0.2.15.22           10.0.2.2.51310         ESTABLISHED", None),
            ("udp4       0      0  *.514                  *.*                    ", None),
            ("      *.22                 *.*                0      0  128000      0 LISTEN", Some(22)),
            ("127.0.0.1.631              *.*                0      0 128000      0 LISTEN", Some(631)),
            ("f0d stream-ord LISTEN /var/run/x.sock", None),
            ("tcp4 LISTEN", None),
            ("tcp4 0 0 *.99999 *.* LISTEN", None),
        ] {
            assert_eq!(port(line), expected, "{line}");
        }
    }
}
