//! A Windows machine on which nothing has been set up. Every service that is asked for is there, stopped, and started by hand.

use crate::Windows;
use crate::account::LISTING;
use alloc::format;
use alloc::string::String;
use vigo_core::action::{Command, Ran};
use vigo_core::base64;
use vigo_core::preview::{At, Blank, arguments};

/// The one of this system.
pub static BLANKS: &[Blank] = &[Blank {
    name: "windows",
    host: &Windows,
    traits: &[
        ("os.family", "windows"),
        ("os.distro", "windows"),
        ("os.arch", "amd64"),
        ("init.manager", "scm"),
        ("virtualization.is_container", "false"),
        ("virtualization.is_virtual", "false"),
    ],
    programs: &["winget.exe"],
    at,
    answer,
}];

const DIRECTORIES: &[&str] = &[
    "C:\\",
    "C:\\Program Files",
    "C:\\ProgramData",
    "C:\\Users",
    "C:\\Windows",
    "C:\\Windows\\System32",
    "C:\\Windows\\System32\\drivers\\etc",
    "C:\\Windows\\Temp",
];

fn at(path: &str) -> Option<At> {
    let is = |known: &str| known.eq_ignore_ascii_case(path);
    match path {
        path if path.eq_ignore_ascii_case("C:\\Windows\\System32\\drivers\\etc\\hosts") => {
            Some(At::File("# hosts\r\n".into()))
        }
        _ if DIRECTORIES.iter().any(|dir| is(dir)) => Some(At::Dir(&[])),
        _ => None,
    }
}

fn answer(command: &Command) -> Option<Ran> {
    let program = command.program.rsplit('\\').next().unwrap_or_default();
    match (program, &arguments(command)[..]) {
        ("sc.exe", ["queryex", name]) => Some(Ran::exited(
            0,
            &format!(
                "\r\nSERVICE_NAME: {name}\r\n        TYPE               : 10  WIN32_OWN_PROCESS\r\n        \
                 STATE              : 1  STOPPED\r\n        WIN32_EXIT_CODE    : 0  (0x0)\r\n"
            ),
            "",
        )),
        ("sc.exe", ["qc", name, _]) => Some(Ran::exited(
            0,
            &format!(
                "[SC] QueryServiceConfig SUCCESS\r\n\r\nSERVICE_NAME: {name}\r\n        TYPE               : 10  \
                 WIN32_OWN_PROCESS\r\n        START_TYPE         : 3   DEMAND_START\r\n"
            ),
            "",
        )),
        ("reg.exe", ["query", "HKLM", _]) => {
            Some(Ran::exited(0, "\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\r\nHKEY_LOCAL_MACHINE\\SYSTEM\r\n", ""))
        }
        ("reg.exe", ["query", "HKU", _]) => Some(Ran::exited(0, "\r\nHKEY_USERS\\.DEFAULT\r\n", "")),
        ("reg.exe", ["query", key, _])
            if ["HKLM\\SOFTWARE", "HKLM\\SYSTEM", "HKU\\.DEFAULT"].iter().any(|k| k.eq_ignore_ascii_case(key)) =>
        {
            Some(Ran::exited(0, "", ""))
        }
        ("reg.exe", ["query", key, "/v", name @ ("ComputerName" | "NV Hostname")]) => {
            Some(Ran::exited(0, &format!("\r\n{key}\r\n    {name}    REG_SZ    WINDOWS\r\n\r\n"), ""))
        }
        // A service's own key is there, and holds nothing unusual.
        ("reg.exe", ["query", key]) if key.contains("\\CurrentControlSet\\Services\\") => Some(Ran::exited(0, "", "")),
        ("reg.exe", ["query", ..]) => Some(Ran::exited(1, "", "")),
        ("tasklist.exe", ..) => {
            Some(Ran::exited(0, "\"tasklist.exe\",\"4711\",\"Services\",\"0\",\"9,000 K\"\r\n", ""))
        }
        ("schtasks.exe", ["/Query", "/TN", ..]) => Some(Ran::exited(1, "", "")),
        ("schtasks.exe", ["/Query", ..]) => {
            Some(Ran::exited(0, "\"\\Microsoft\\Windows\\Defrag\",\"N/A\",\"Ready\"\r\n", ""))
        }
        ("tzutil.exe", ["/g"]) => Some(Ran::exited(0, "UTC", "")),
        // Nothing is installed by it.
        ("winget.exe", ["list" | "upgrade", ..]) => Some(Ran::exited(-1_978_335_212, "", "")),
        ("powershell.exe", [.., script]) if script.ends_with(LISTING) => Some(Ran::exited(0, &accounts(), "")),
        ("sc.exe", ["enumdepend", ..]) => Some(Ran::exited(0, "[SC] EnumDependentServices: entriesRead = 0\r\n", "")),
        _ => None,
    }
}

/// The built-in accounts, as [`LISTING`] prints them.
fn accounts() -> String {
    let group = |sid: &str, name: &str| format!("group {sid} ={}\r\n", base64::encode(name));
    let administrator = "S-1-5-21-1-2-3-500";
    format!(
        "user {administrator} ={} True never = =\r\n{}member {administrator}\r\n{}end\r\n",
        base64::encode("Administrator"),
        group("S-1-5-32-544", "Administrators"),
        group("S-1-5-32-545", "Users")
    )
}
