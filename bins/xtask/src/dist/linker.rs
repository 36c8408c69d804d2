//! Programs of ours between cargo and a linker.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::targets::{UNWINDER, zig};
use crate::failure::{Failure, Result};
use crate::process::Program;
use crate::workspace::target;

/// What Debian's unwinder, which is built for glibc, calls and musl lacks.
const CHECKED: &str = include_str!("checked.c");

/// Links with Debian's musl what can be loaded anywhere in memory and asks for no interpreter: its own `musl-gcc` leaves one
/// in the file.
const MUSL: &str = "#!/bin/sh
M=/usr/lib/x86_64-linux-musl
B=$(gcc -print-file-name=crtbeginS.o)
N=$(gcc -print-file-name=crtendS.o)
exec gcc -nostdlib -nostartfiles -static-pie -Wl,--no-dynamic-linker -L$M $M/rcrt1.o $M/crti.o \"$B\" \"$@\" \
  @CHECKED@ -Wl,-Bstatic -lc \"$N\" $M/crtn.o
";

/// Writes the linker for musl, and returns where it is and what rustc must be told. Its name says to rustc that it takes the
/// flags of a compiler.
pub fn musl() -> Result<(PathBuf, String)> {
    let source = write("checked.c", CHECKED)?;
    let object = source.with_extension("o");
    Program::new("musl-gcc").args(["-c", "-O1", "-fPIC", "-o"]).arg(&object).arg(&source).text()?;
    let linker = write("musl-cc", &MUSL.replace("@CHECKED@", &object.display().to_string()))?;
    Ok((linker, format!("-Clink-self-contained=no -L{UNWINDER}")))
}

/// Writes a compiler for a target by Zig's name for it: without the flags that are for others.
pub fn zig_cc(name: &str) -> Result<PathBuf> {
    let text = format!(
        "#!/bin/sh
for a; do
  shift
  case $a in --target=*|-m64|-pthreads) ;; *) set -- \"$@\" \"$a\" ;; esac
done
exec {} -m ziglang cc -target {name} \"$@\"
",
        zig().join("bin/python").display()
    );
    write(&format!("zig-{name}"), &text)
}

fn write(name: &str, text: &str) -> Result<PathBuf> {
    let folder = target().join("linkers");
    let path = folder.join(name);
    let executable = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o755));
    fs::create_dir_all(&folder)
        .and_then(|()| fs::write(&path, text))
        .and_then(|()| executable(&path))
        .map_err(|e| Failure::at(&path, &e))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_for_other_compilers_are_left_out() {
        let path = zig_cc("x86_64-test-none").unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let (head, _) = text.split_once("exec ").unwrap();
        let said = Program::new("sh").arg("-c").arg(format!("{head}printf '%s|' \"$@\""));
        let said = said.args(["cc", "--target=x86_64-unknown-netbsd", "-O2", "-m64", "a b.c", "-pthreads", "-o", "x"]);
        assert_eq!(said.text().unwrap(), "-O2|a b.c|-o|x|");
        fs::remove_file(path).unwrap();
    }
}
