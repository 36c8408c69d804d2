//! `vigocli config fmt`: the program itself on files.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

const UGLY: &str = "resources:\n- type: file\n  name: a   # the first\n  target_path: '/etc/a'\n  content: x\n";
const GOOD: &str =
    "resources:\n  - name: a   # the first\n    type: file\n    target_path: \"/etc/a\"\n    content: x\n";

struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("vigocli-fmt-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(dir.join("stacks/configcrates")).unwrap();
        fs::write(dir.join("stacks/configcrates/a.vgo"), UGLY).unwrap();
        fs::write(dir.join("stacks/envoys.vgo"), "envoys: []\n").unwrap();
        Self(dir)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join("stacks").join(name)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn fmt(args: &[&dyn AsRef<std::ffi::OsStr>]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vigocli"));
    command.args(["config", "fmt"]);
    args.iter().for_each(|arg| _ = command.arg(arg));
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn a_tree_is_written_anew_and_keeps_its_modes() {
    let dir = Dir::new("tree");
    let file = dir.path("configcrates/a.vgo");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let stacks = dir.path("");
    let (status, stdout, _) = fmt(&[&"--stacks", &stacks, &"--check"]);
    assert_eq!((status, read(&file).as_str()), (1, UGLY));
    assert!(stdout.ends_with("a.vgo is to be formatted.\n1 file to be formatted, of 2 files.\n"), "{stdout}");
    let (status, stdout, _) = fmt(&[&"--stacks", &stacks, &"--diff"]);
    assert_eq!((status, read(&file).as_str()), (0, UGLY));
    assert!(stdout.contains("\n-- type: file\n") && stdout.contains("\n+  - name: a   # the first\n"), "{stdout}");
    let (status, stdout, _) = fmt(&[&"--stacks", &stacks]);
    assert_eq!((status, read(&file).as_str()), (0, GOOD));
    assert!(stdout.ends_with("1 file formatted, of 2 files.\n"), "{stdout}");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(fmt(&[&"--stacks", &stacks, &"--check"]).0, 0);
    let names: Vec<_> = fs::read_dir(dir.path("configcrates")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["a.vgo"], "nothing is left behind");
}

#[test]
fn a_file_is_known_by_the_folder_it_is_in_and_a_link_stays_one() {
    let dir = Dir::new("file");
    let (file, link) = (dir.path("configcrates/a.vgo"), dir.0.join("link.vgo"));
    assert_eq!(fmt(&[&file]).0, 0);
    assert_eq!(read(&file), GOOD);
    fs::write(&file, UGLY).unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    assert_eq!(fmt(&[&link]).0, 0);
    assert_eq!(read(&file), GOOD);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
}

#[test]
fn what_is_no_yaml_is_left_with_the_error() {
    let dir = Dir::new("wrong");
    let file = dir.path("configcrates/a.vgo");
    fs::write(&file, "name: [a\n").unwrap();
    let (status, stdout, stderr) = fmt(&[&file, &dir.path("envoys.vgo")]);
    assert_eq!((status, read(&file).as_str()), (1, "name: [a\n"));
    assert!(stderr.contains("configcrates/a.vgo:1:7"), "{stderr}");
    assert_eq!(stdout, "2 files looked at, nothing to do.\n");
    fs::write(&file, "? a\n: b\n").unwrap();
    let (status, stdout, _) = fmt(&[&file]);
    assert_eq!(status, 0);
    assert!(stdout.contains("a.vgo as it is: a key with `?` is not formatted.\n"), "{stdout}");
}
