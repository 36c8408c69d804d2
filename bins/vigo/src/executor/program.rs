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

/// Where else programs lie: below the folder of Windows, of programs, and of their data.
#[cfg(windows)]
const BELOW_SYSTEM: [&str; 3] = ["System32\\Wbem", "System32\\WindowsPowerShell\\v1.0", "System32\\OpenSSH"];
#[cfg(windows)]
const BELOW_PROGRAMS: [&str; 2] = ["PowerShell\\7", "Git\\cmd"];
#[cfg(windows)]
const BELOW_DATA: [&str; 2] = ["chocolatey\\bin", "scoop\\shims"];
/// Scoop, in the profile of the account that the agent runs as.
#[cfg(windows)]
const BELOW_PROFILE: &str = "scoop\\shims";

/// Returns the folders that programs are looked for in. In that of programs' data anybody makes folders: one of somebody
/// else is none of ours.
#[cfg(windows)]
fn folders() -> Vec<PathBuf> {
    use crate::windows::{folder, is_trusted};
    let (system, data) = (system_folder(), folder("ProgramData", "C:\\ProgramData"));
    let programs = folder("ProgramFiles", "C:\\Program Files");
    let profile = folder("USERPROFILE", "C:\\Windows\\System32\\config\\systemprofile");
    let mut folders = vec![system.join("System32"), system.clone()];
    folders.extend(BELOW_SYSTEM.iter().map(|folder| system.join(folder)));
    folders.extend(BELOW_PROGRAMS.iter().map(|folder| programs.join(folder)));
    let others = BELOW_DATA.iter().map(|folder| data.join(folder)).chain([profile.join(BELOW_PROFILE)]);
    folders.extend(others.filter(|folder| is_trusted(folder)));
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
    let mut files = folders().into_iter().flat_map(|folder| names.iter().map(move |name| folder.join(name)));
    files.find(|path| path.is_file() && crate::windows::is_trusted(path)).or_else(|| packaged(name))
}

/// The name of winget's package, and what the names of its publisher's packages end with.
#[cfg(windows)]
const WINGET: (&str, &str) = ("Microsoft.DesktopAppInstaller_", "__8wekyb3d8bbwe");

/// Returns the file of winget, which lies in a folder of its version and has a name elsewhere for people only: of several
/// versions the newest.
#[cfg(windows)]
fn packaged(name: &str) -> Option<PathBuf> {
    if !matches!(name, "winget" | "winget.exe") {
        return None;
    }
    let packages = crate::windows::folder("ProgramFiles", "C:\\Program Files").join("WindowsApps");
    let found = std::fs::read_dir(packages).ok()?.flatten().filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let rest = name.strip_prefix(WINGET.0)?.strip_suffix(WINGET.1)?;
        let version: Vec<u64> = rest.split('_').next()?.split('.').map_while(|part| part.parse().ok()).collect();
        let path = entry.path().join("winget.exe");
        (path.is_file() && crate::windows::is_trusted(&path)).then_some((version, path))
    });
    found.max().map(|(_, path)| path)
}
