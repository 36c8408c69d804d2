//! The mirror in `/etc/installurl`, installurl(5): one line, one URL.

use crate::sources::Sources;
use alloc::format;
use alloc::string::String;
use vigo_core::host::Problem;
use vigo_core::resource::repository::Want;

/// The one source that there is.
pub(super) static INSTALLURL: Sources =
    Sources { os: "openbsd", path: "/etc/installurl", check, write, refresh: None, classify: |_| None };

/// Its id: the file's own name.
const ID: &str = "installurl";

fn check(want: &Want) -> Result<(), Problem> {
    if &*want.id != ID {
        let message = format!("a repository called `{}` is not supported on openbsd: there is one, `{ID}`", want.id);
        let problem = Problem { attribute: Some("repository".into()), ..Problem::unsupported(message) };
        return Err(problem.help(format!("write `repository: {ID}` with the URL of the mirror")));
    }
    if !want.enabled {
        return Err(INSTALLURL.unsupported("enabled"));
    }
    Ok(())
}

fn write(want: &Want, _: Option<&str>) -> Option<String> {
    want.present.then(|| format!("{}\n", want.repo.as_str().trim()))
}
