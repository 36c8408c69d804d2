//! Archives, each with checksum and signature.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};
use crate::process::Program;

/// An archive of one program.
pub struct Archive {
    /// Where it is.
    pub path: PathBuf,
    /// Bytes of the program.
    pub program_bytes: u64,
    /// Bytes of the archive.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal digits.
    pub sha256: String,
}

/// Packs a program, and signs what came of it: `NAME.tar.gz`, with `.sha256` and `.sig` beside it.
///
/// The same program makes the same archive: names, owners and times are fixed.
pub fn pack(program: &Path, name: &str, folder: &Path, key: &Path) -> Result<Archive> {
    fs::create_dir_all(folder).map_err(|e| Failure::at(folder, &e))?;
    let path = folder.join(format!("{name}.tar.gz"));
    let (from, file) = (program.parent().unwrap_or(program), program.file_name().unwrap_or_default());
    let tar = Program::new("tar").args(["--create", "--gzip", "--sort=name", "--mtime=@0", "--owner=0", "--group=0"]);
    let tar = tar.args(["--numeric-owner", "--mode=0755"]).arg("--file").arg(&path).arg("-C").arg(from).arg(file);
    tar.env("GZIP", "-n").text()?;
    let sum = Program::new("sha256sum").arg("--").arg(&path).text()?;
    let sha256 = sum.split_whitespace().next().unwrap_or_default().to_owned();
    if sha256.len() != 64 {
        return Err(Failure::new(format!("expected a checksum of `{}`, seen `{sum}`", path.display())));
    }
    let beside = |ending: &str| folder.join(format!("{name}.tar.gz.{ending}"));
    let line = format!("{sha256}  {name}.tar.gz\n");
    fs::write(beside("sha256"), line).map_err(|e| Failure::at(&beside("sha256"), &e))?;
    let sign = Program::new("openssl").args(["pkeyutl", "-sign", "-rawin", "-inkey"]).arg(key);
    sign.arg("-in").arg(&path).arg("-out").arg(beside("sig")).text()?;
    let bytes = |path: &Path| fs::metadata(path).map(|m| m.len()).map_err(|e| Failure::at(path, &e));
    Ok(Archive { program_bytes: bytes(program)?, bytes: bytes(&path)?, path, sha256 })
}

/// Makes an Ed25519 key, for a trial: archives that are given to others are signed by the one that they know.
pub fn trial_key(path: &Path) -> Result<()> {
    if path.is_file() {
        return Ok(());
    }
    Program::new("openssl").args(["genpkey", "-algorithm", "ed25519", "-out"]).arg(path).text().map(drop)
}

/// Writes the public half of a key, and checks that an archive's signature is by it.
pub fn verify(archive: &Path, key: &Path, public: &Path) -> Result<()> {
    Program::new("openssl").args(["pkey", "-pubout", "-in"]).arg(key).arg("-out").arg(public).text()?;
    let signature = archive.with_extension("gz.sig");
    let verify = Program::new("openssl").args(["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey"]).arg(public);
    verify.arg("-in").arg(archive).arg("-sigfile").arg(signature).text().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::{Scratch, which};

    #[test]
    fn an_archive_is_the_same_each_time_and_signed_by_the_key() {
        if which("openssl").is_none() {
            return;
        }
        let scratch = Scratch::new("dist").unwrap();
        let at = |name: &str| scratch.path().join(name);
        fs::write(at("vigo"), "a program").unwrap();
        trial_key(&at("key")).unwrap();
        let first = pack(&at("vigo"), "vigo-x", &at("out"), &at("key")).unwrap();
        let again = pack(&at("vigo"), "vigo-x", &at("out"), &at("key")).unwrap();
        assert_eq!((&first.sha256, first.program_bytes), (&again.sha256, 9));
        verify(&first.path, &at("key"), &at("public")).unwrap();
        let sum = fs::read_to_string(at("out/vigo-x.tar.gz.sha256")).unwrap();
        assert_eq!(sum, format!("{}  vigo-x.tar.gz\n", first.sha256));
        fs::write(&first.path, "another").unwrap();
        assert!(verify(&first.path, &at("key"), &at("public")).is_err());
    }
}
