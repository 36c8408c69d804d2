//! What else is needed there: a service that does nothing, and a library that Wine lacks.

use std::fs;
use std::path::Path;

use crate::dist::{Linker, WINDOWS};
use crate::failure::{Failure, Result};
use crate::process::Program;

/// Builds both onto a drive: `food.exe`, and `bcryptprimitives.dll` where every program finds it.
pub fn build(drive: &Path) -> Result<()> {
    let Linker::Mingw(prefix) = WINDOWS.linker else { return Err(Failure::new("windows is not linked by mingw")) };
    let compile = |name: &str, text: &str, flags: &[&str]| {
        let source = drive.join(name).with_extension("c");
        fs::write(&source, text).map_err(|e| Failure::at(&source, &e))?;
        let gcc = Program::new(format!("{prefix}-gcc")).args(["-O1", "-s"]).args(flags).arg("-o").arg(drive.join(name));
        gcc.arg(&source).arg("-ladvapi32").text()
    };
    compile("food.exe", include_str!("service.c"), &[])?;
    compile("windows/system32/bcryptprimitives.dll", include_str!("random.c"), &["-shared"])?;
    Ok(())
}
