//! `cargo xtask docs`: the reference and the guide.

use crate::failure::Result;
use crate::process::Program;
use crate::workspace::{cargo, root, target, which};

/// Builds both and says where they are, or writes the page of the guide that is made of the code.
pub fn run(args: &[String]) -> Result<()> {
    if args.iter().any(|arg| arg == "systems") {
        let args = ["test", "--quiet", "--locked", "--package", "vigocli", "--test", "systems"];
        cargo().args(args).env("VIGO_WRITE_DOCS", "1").run()?;
        println!("wrote docs/src/systems.md");
        return Ok(());
    }
    cargo().args(["doc", "--workspace", "--no-deps", "--locked"]).env("RUSTDOCFLAGS", "-D warnings").run()?;
    println!("reference: {}", target().join("doc/vigo_core/index.html").display());
    let guide = target().join("guide");
    if which("mdbook").is_none() {
        println!(
            "guide: mdbook is not here (`cargo install mdbook --locked`), read docs/src/SUMMARY.md and from there"
        );
        return Ok(());
    }
    Program::new("mdbook").arg("build").arg(root().join("docs")).arg("--dest-dir").arg(&guide).run()?;
    println!("guide: {}", guide.join("index.html").display());
    Ok(())
}
