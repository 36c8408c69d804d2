//! Package sources that are a line, or all, of one file.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Command, Content, Op, OpOutput, Outputs, Ran};
use vigo_core::host::{Adapter, Family, HostFacts, Interpreted, Problem};
use vigo_core::resource::repository::{Action, FileState, Repository, State, Want};
use vigo_core::value::Text;

/// The sources of one manager.
pub(crate) struct Sources {
    /// The system, in messages.
    pub(crate) os: &'static str,
    /// The file.
    pub(crate) path: &'static str,
    /// What of a want cannot be done, beside keys and priorities, which no such file has.
    ///
    /// # Errors
    /// [`Problem`] about it.
    pub(crate) check: fn(&Want) -> Result<(), Problem>,
    /// Returns the file with the source in it, or without it; `None` is no file.
    pub(crate) write: fn(&Want, Option<&str>) -> Option<String>,
    /// The call that fetches the index, where there is one.
    pub(crate) refresh: Option<(&'static str, &'static [&'static str])>,
    /// Says what it means when that fails.
    pub(crate) classify: fn(&Ran) -> Option<Problem>,
}

impl Adapter<Repository> for Sources {
    fn check(&self, want: &Want, _: &HostFacts) -> Result<(), Problem> {
        let attributes = [
            ("key_url", want.key.is_some()),
            ("key_fingerprint", !want.fingerprints.is_empty()),
            ("gpgcheck", !want.gpgcheck),
            ("priority", want.priority.is_some()),
        ];
        if let Some((attribute, _)) = attributes.iter().find(|(_, written)| *written) {
            return Err(self.unsupported(attribute));
        }
        if want.repo.as_str().trim().contains(['\n', '\r', '#', ' ', '\t']) {
            return Err(Problem::bad_value("repo", "expected one URL, found more than that"));
        }
        (self.check)(want)
    }

    fn probe(&self, _: &Want, _: &HostFacts) -> Vec<Op> {
        alloc::vec![Op::read_file(&AbsPath::known(self.path))]
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        let path = AbsPath::known(self.path);
        let found = match outputs.path(&path) {
            Some(OpOutput::File { content, .. }) => Some(content.clone()),
            Some(OpOutput::Missing) => None,
            Some(OpOutput::Failed(failure)) => return Interpreted::Unknown(failure.message.clone()),
            _ => return Interpreted::Unknown(format!("expected a file at `{path}`, found something else")),
        };
        let text = match found.as_deref().map(core::str::from_utf8) {
            None => None,
            Some(Ok(text)) => Some(text),
            Some(Err(_)) => return Interpreted::Unknown(format!("expected text in `{path}`, found other bytes")),
        };
        let wanted = (self.write)(want, text);
        let wanted = wanted.map(|text| Content::Text(Text::plain(text).tainted_by(want.repo.secret_path())));
        let file = FileState { field: "source", path, found, wanted };
        Interpreted::Known(State { files: alloc::vec![file], ..State::default() })
    }

    fn lower(&self, _: &Want, _: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let call = |(program, args): (&str, &[&str])| {
            Op::Run(Command::change(program, args.iter().copied()).timeout(Repository::TIMEOUT))
        };
        Ok(actions.iter().filter_map(|action| action.file_op().or_else(|| self.refresh.map(call))).collect())
    }

    fn classify(&self, _: &Want, _: &Op, ran: &Ran) -> Option<Problem> {
        (self.classify)(ran)
    }
}

impl Sources {
    pub(crate) fn unsupported(&self, attribute: &str) -> Problem {
        let message = format!("attribute `{attribute}` of type `repository` is not supported on {}", self.os);
        Problem { attribute: Some(attribute.into()), ..Problem::unsupported(message) }
    }
}
