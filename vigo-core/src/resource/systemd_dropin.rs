//! `systemd_dropin`: a file that overrides parts of a unit.

use super::systemd_unit::{
    CONTENT, RENDER, SHA256, SOURCE, STATES, UNIT, UnitFile, Want, check as check_unit, dropin_folder,
};
use super::{Attr, Fields, Footprint, Instance, Kind, Managed, Prepare, Refresh, TypeDecl, edit};
use crate::action::AbsPath;
use crate::host::Problem;
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;

/// The declaration.
pub static DECL: TypeDecl = TypeDecl {
    name: "systemd_dropin",
    aliases: &[],
    summary: "Manages a file that overrides parts of a systemd unit.",
    states: STATES,
    attributes: &[
        UNIT,
        Attr::new("dropin", Kind::Name, "The file's name without `.conf`.").default("override"),
        CONTENT,
        SOURCE,
        RENDER,
        SHA256,
        edit::SHOW_DIFF,
    ],
    refresh: Refresh::Nothing,
    batch: true,
    identity: |fields| Some(format!("{}/{}", fields.str("unit")?, fields.str("dropin")?).into()),
    footprint: |fields| Footprint { paths: path(fields).into_iter().collect(), ..Footprint::default() },
    check,
    prepare,
};

/// Drop-in files.
pub type SystemdDropin = UnitFile<true>;

fn check(fields: &Fields) -> Vec<Problem> {
    let mut problems = check_unit(fields);
    if let Some(name) = fields.str("dropin")
        && (name.contains('/') || name.starts_with('.'))
    {
        problems.push(Problem::bad_value("dropin", format!("expected a file's name, found `{name}`")));
    }
    if let Some(stem) = fields.str("dropin").as_deref().and_then(|name| name.strip_suffix(".conf")) {
        problems.push(Problem::bad_value("dropin", format!("expected a name without `.conf`; write `{stem}`")));
    }
    problems
}

fn path(fields: &Fields) -> Option<AbsPath> {
    AbsPath::parse(&format!("{}/{}.conf", dropin_folder(fields)?, fields.str("dropin")?)).ok()
}

fn prepare(fields: &Fields, ctx: &Prepare<'_>) -> Result<Box<dyn Instance>, Problem> {
    let path = path(fields).ok_or_else(|| Problem::bad_value("dropin", "expected a file's name"))?;
    let want = Want::read(fields, ctx, path)?;
    Ok(Managed::<SystemdDropin>::boxed(want, ctx.host.systemd_dropin(ctx.facts)?))
}

#[cfg(test)]
mod tests {
    use super::super::sample::{fields, problems, text};
    use super::*;

    #[test]
    fn the_name_is_a_files_stem() {
        let with = |dropin: &str| {
            let items =
                [("unit", text("nginx.service")), ("content", text("[Service]\nNice=5\n")), ("dropin", text(dropin))];
            fields(&DECL, &items)
        };
        assert_eq!(problems(&with("10-nice")), "");
        assert_eq!(path(&with("10-nice")).unwrap().as_str(), "/etc/systemd/system/nginx.service.d/10-nice.conf");
        let seen = problems(&with("x.conf"));
        assert_eq!(seen, "attribute `dropin`: expected a name without `.conf`; write `x`");
        assert_eq!(problems(&with("../x")), "attribute `dropin`: expected a file's name, found `../x`");
    }
}
