//! The mirror in `/etc/installurl`, installurl(5): one line, one URL.

use crate::sources;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Command, Ran};
use vigo_core::host::{HostFacts, Problem};
use vigo_core::resource::repository::{By, KeyForm, Layout, Want, unsupported};

/// The one source that there is.
pub(super) struct Mirror;

/// The adapter.
pub(super) static INSTALLURL: By<Mirror> = By(Mirror);

/// Its id: the file's own name.
const ID: &str = "installurl";

impl Layout for Mirror {
    const NAME: &'static str = "pkg_add";
    const KEY: KeyForm = KeyForm::Raw;

    fn check(&self, want: &Want) -> Result<(), Problem> {
        if &*want.id != ID {
            let message = format!("attribute `repository` of type `repository` is not supported as `{}`", want.id);
            let problem = Problem { attribute: Some("repository".into()), ..Problem::unsupported(message) };
            return Err(problem.help(format!("write `repository: {ID}` with the URL of the mirror")));
        }
        if !want.enabled {
            return Err(unsupported("enabled", Self::NAME));
        }
        sources::check(want, Self::NAME)
    }

    fn source(&self, _: &Want) -> AbsPath {
        AbsPath::known("/etc/installurl")
    }

    fn key(&self, _: &Want) -> Option<AbsPath> {
        None
    }

    fn write(&self, want: &Want, found: Option<&str>) -> Option<String> {
        match want.present {
            true => Some(format!("{}\n", want.repo.as_str().trim())),
            // One by another name is absent as it is.
            false => found.filter(|_| &*want.id != ID).map(String::from),
        }
    }

    fn refresh(&self, _: &Want, _: &HostFacts) -> Vec<Command> {
        Vec::new()
    }

    fn classify(&self, _: &Ran) -> Option<Problem> {
        None
    }
}
