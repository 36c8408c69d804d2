//! Where programs are, in a search path that no environment changes.

use std::path::PathBuf;

/// The search path of every program that we run.
#[cfg(all(unix, not(target_os = "netbsd")))]
pub(super) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The search path of every program that we run, with what packages bring.
#[cfg(target_os = "netbsd")]
pub(super) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/pkg/sbin:/usr/pkg/bin";

/// Returns the file of a program that is named by itself.
#[cfg(unix)]
pub fn find(name: &str) -> Option<PathBuf> {
    PATH.split(':').map(|dir| PathBuf::from(format!("{dir}/{name}"))).find(|path| {
        rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok() && path.metadata().is_ok_and(|m| m.is_file())
    })
}

/// Returns the folder of Windows itself.
#[cfg(windows)]
pub(crate) fn system_folder() -> PathBuf {
    crate::windows::folder("SystemRoot", "C:\\Windows")
}

/// Where else programs lie: below the folder of Windows, and of the data of programs.
#[cfg(windows)]
const BELOW_SYSTEM: [&str; 3] = ["System32\\Wbem", "System32\\WindowsPowerShell\\v1.0", "System32\\OpenSSH"];
#[cfg(windows)]
const BELOW_DATA: [&str; 1] = ["chocolatey\\bin"];

#[cfg(windows)]
fn folders() -> Vec<PathBuf> {
    let (system, data) = (system_folder(), crate::windows::folder("ProgramData", "C:\\ProgramData"));
    let programs = crate::windows::folder("ProgramFiles", "C:\\Program Files");
    let mut folders = vec![system.join("System32"), system.clone()];
    folders.extend(BELOW_SYSTEM.iter().map(|folder| system.join(folder)));
    folders.extend([programs.join("PowerShell\\7"), programs.join("Git\\cmd")]);
    folders.extend(BELOW_DATA.iter().map(|folder| data.join(folder)));
    folders
}

/// The search path of every program that we run.
#[cfg(windows)]
pub(super) fn path() -> String {
    folders().iter().map(|folder| folder.to_string_lossy()).collect::<Vec<_>>().join(";")
}

/// Returns the file of a program that is named by itself, its ending left out or not.
#[cfg(windows)]
pub fn find(name: &str) -> Option<PathBuf> {
    let endings = ["", ".exe", ".com", ".cmd", ".bat"];
    let names = endings.iter().filter(|ending| !ending.is_empty() || name.contains('.'));
    let names: Vec<String> = names.map(|ending| format!("{name}{ending}")).collect();
    folders().iter().flat_map(|folder| names.iter().map(|name| folder.join(name))).find(|path| path.is_file())
}
