//! `vigocli man`.

use crate::cli::Cli;
use crate::error::CliError;
use crate::output::{Answer, shown};
use clap::{Args, Command, CommandFactory as _};
use clap_mangen::Man as Page;
use serde_json::json;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

#[derive(Args, Debug)]
pub(crate) struct Man {
    /// Write one page for each verb into this folder, instead of printing the first
    dir: Option<PathBuf>,
}

impl Man {
    pub(crate) fn run(&self) -> Result<Answer, CliError> {
        let mut command = Cli::command().disable_help_subcommand(true);
        command.build();
        let Some(dir) = &self.dir else {
            let page = page(&command).map_err(|e| failed(Path::new("standard output"), e))?;
            let text = String::from_utf8_lossy(&page).into_owned();
            return Ok(Answer::new(json!({ "name": "vigocli.1", "page": text }), text));
        };
        fs::create_dir_all(dir).map_err(|e| failed(dir, e))?;
        let mut written = Vec::new();
        let mut open = vec![command];
        while let Some(command) = open.pop() {
            let name = format!("{}.1", command.get_display_name().unwrap_or(command.get_name()));
            let path = dir.join(&name);
            page(&command).and_then(|page| fs::write(&path, page)).map_err(|e| failed(&path, e))?;
            written.push(name);
            open.extend(command.get_subcommands().filter(|c| !c.is_hide_set()).cloned());
        }
        written.sort_unstable();
        let text = format!("Wrote {} pages into {}.\n", written.len(), shown(&dir.display().to_string()));
        Ok(Answer::new(json!({ "written": written }), text))
    }
}

fn page(command: &Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    Page::new(command.clone()).render(&mut page)?;
    Ok(page)
}

fn failed(path: &Path, error: io::Error) -> CliError {
    CliError::File { what: "write", path: path.into(), why: vigo_driver::system_text(error) }
}
