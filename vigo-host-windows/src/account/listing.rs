//! What the machine's account database (SAM) holds.

use crate::powershell;
use crate::program::ran;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};

/// Lists every local user and group with the members of each, by their SIDs: names are localised, and change. One script
/// whatever is wanted, so that many resources are observed by one call. Members come from ADSI: `Get-LocalGroupMember`
/// fails on one that does not exist any more.
pub(crate) const LISTING: &str = "function b($t){'='+[Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes([string]$t))}; \
    foreach($u in Get-LocalUser){ $a=[ADSI]('WinNT://./'+$u.Name+',user'); \
    $e='never'; if($u.AccountExpires){$e=$u.AccountExpires.ToUniversalTime().ToString('yyyy-MM-dd',[Globalization.CultureInfo]::InvariantCulture)}; \
    'user '+$u.SID.Value+' '+(b $u.Name)+' '+$u.Enabled+' '+$e+' '+(b $u.Description)+' '+(b ([string]$a.HomeDirectory)) }; \
    foreach($g in Get-LocalGroup){ 'group '+$g.SID.Value+' '+(b $g.Name); \
    foreach($m in @(([ADSI]('WinNT://./'+$g.Name+',group')).psbase.Invoke('Members'))){ \
    $s=$m.GetType().InvokeMember('objectSid','GetProperty',$null,$m,$null); \
    'member '+(New-Object Security.Principal.SecurityIdentifier([byte[]]$s,0)).Value } }; 'end'";

/// The accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    pub(crate) users: Vec<LocalUser>,
    pub(crate) groups: Vec<LocalGroup>,
}

/// A user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LocalUser {
    pub(crate) sid: String,
    pub(crate) name: String,
    pub(crate) comment: String,
    pub(crate) home: String,
    /// Whether it can be used.
    pub(crate) enabled: bool,
    /// As `YYYY-MM-DD` or `never`.
    pub(crate) expires: String,
}

/// A group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LocalGroup {
    pub(crate) sid: String,
    pub(crate) name: String,
    /// The SIDs of its members.
    pub(crate) members: Vec<String>,
}

pub(crate) fn read() -> Op {
    Op::Run(powershell::read(LISTING))
}

impl Listing {
    /// Reads the answer to [`read`]. A stub that exits 0 and says nothing, or another thing, has no accounts to show.
    ///
    /// # Errors
    /// A fragment, when it is not whole.
    pub(crate) fn from_outputs(outputs: &Outputs) -> Result<Self, String> {
        let seen = ran(outputs, &read()).unwrap_or_else(|| Err("the local accounts were not listed".into()))?;
        if !seen.success() {
            let err = seen.err();
            let said: String = err.trim().chars().take(200).collect();
            return Err(format!("the local accounts cannot be listed: {}: {said}", seen.exit));
        }
        let out = seen.out();
        let lines: Vec<&str> = out.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let Some(("end", lines)) = lines.split_last().map(|(last, rest)| (*last, rest)) else {
            return Err("the list of local accounts has no end".into());
        };
        let mut listing = Self::default();
        for line in lines {
            let bad = || format!("the list of local accounts holds a line that is none: `{}`", shortened(line));
            listing.take(line).ok_or_else(bad)?;
        }
        // No Windows is without: built-in ones cannot be removed.
        match listing.users.is_empty() || listing.groups.is_empty() {
            true => Err("the list of local accounts is empty".into()),
            false => Ok(listing),
        }
    }

    fn take(&mut self, line: &str) -> Option<()> {
        let words: Vec<&str> = line.split(' ').collect();
        match &words[..] {
            ["user", sid, name, enabled, expires, rest @ ..] if is_sid(sid) => self.users.push(LocalUser {
                sid: (*sid).to_string(),
                name: text(name)?,
                enabled: match *enabled {
                    "True" => true,
                    "False" => false,
                    _ => return None,
                },
                expires: (*expires).to_string(),
                comment: text(rest.first()?)?,
                home: text(rest.get(1)?)?,
            }),
            ["group", sid, name] if is_sid(sid) => {
                let (sid, name) = ((*sid).to_string(), text(name)?);
                self.groups.push(LocalGroup { sid, name, members: Vec::new() });
            }
            ["member", sid] if is_sid(sid) => self.groups.last_mut()?.members.push((*sid).to_string()),
            _ => return None,
        }
        Some(())
    }

    /// Returns the user of this name in any case, or of this SID.
    pub(crate) fn user(&self, name: &str) -> Option<&LocalUser> {
        self.users.iter().find(|u| same(&u.name, name) || u.sid.eq_ignore_ascii_case(name))
    }

    /// Returns the group of this name in any case, or of this SID.
    pub(crate) fn group(&self, name: &str) -> Option<&LocalGroup> {
        self.groups.iter().find(|g| same(&g.name, name) || g.sid.eq_ignore_ascii_case(name))
    }
}

/// Reads a text, which stands behind a sign so that an empty one can be seen.
fn text(word: &str) -> Option<String> {
    powershell::printed(word.strip_prefix('=')?)
}

/// Whether text is a security identifier, `S-1-5-…`.
pub(super) fn is_sid(text: &str) -> bool {
    let rest = text.strip_prefix("S-1-").or_else(|| text.strip_prefix("s-1-"));
    rest.is_some_and(|rest| {
        text.len() <= 184 && rest.split('-').all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()))
    })
}

/// Returns the last number of a SID, which stays while names change.
pub(crate) fn number(sid: &str) -> u32 {
    sid.rsplit('-').next().and_then(|n| n.parse().ok()).unwrap_or(u32::MAX)
}

/// Whether a SID is one that every machine has: of the built-in domain, or below 1000 in the machine's own.
pub(crate) fn is_built_in(sid: &str) -> bool {
    sid.starts_with("S-1-5-32-") || number(sid) < 1000
}

fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || a.to_lowercase() == b.to_lowercase()
}

fn shortened(line: &str) -> String {
    line.chars().take(60).collect()
}
