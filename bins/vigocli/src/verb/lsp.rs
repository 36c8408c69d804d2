//! `vigocli lsp`.

use crate::lsp;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Args, Debug)]
pub(crate) struct Lsp {
    /// The tree [default: that in the editor's folder, or around the file that is opened]
    #[arg(long, value_name = "DIR")]
    stacks: Option<PathBuf>,
}

impl Lsp {
    /// Serves an editor until it ends the session. Nothing but the protocol is printed; who does not read it any more
    /// is gone.
    pub(crate) fn run(&self) -> ExitCode {
        ExitCode::from(lsp::serve(self.stacks.clone()).unwrap_or(1))
    }
}
