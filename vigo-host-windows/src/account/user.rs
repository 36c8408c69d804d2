//! Local users.

use super::group::named;
use super::listing::{Listing, is_built_in, is_sid, number, read};
use crate::powershell::{self, SECRET, change, quoted};
use crate::program::ran;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::host::{Adapter, HostFacts, Interpreted, Problem, Shadow, User};
use vigo_core::resource::user::{Account, Action, Ageing, Expiry, Password, Scheme, State, Tells, Update, Users, Want};
use vigo_core::value::Text;

/// Local users by PowerShell; groups compare as SIDs. A password cannot be read: whether it is right is tried by a logon,
/// but only where it is asked for and can be mended, since one that fails counts against the account. It goes to the script
/// by standard input. *Unverified*: written after the documentation of its commands.
pub(crate) struct LocalUsers;

/// The longest name of an account.
const NAME_CHARS_MAX: usize = 20;

/// The group of all who may log on, in every language.
const EVERYONE: &str = "S-1-5-32-545";

/// What a hash is, where there is one that is not the wanted password's.
const OTHER: &str = "another";

impl Adapter<Users> for LocalUsers {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        if facts.image.is_some() {
            return Err(Problem::unsupported("users of an image cannot be managed on windows"));
        }
        let Ageing { max, min, warn, inactive, .. } = want.ageing;
        let lacks = [
            ("uid", want.uid.is_some()),
            ("system", want.system),
            ("group", want.group.is_some()),
            ("shell", want.shell.is_some()),
            ("move_home", want.move_home),
            ("password_hash", matches!(want.password, Some(Password::Hash(_)))),
            ("password_max_age", max.is_some()),
            ("password_min_age", min.is_some()),
            ("password_warn_days", warn.is_some()),
            ("password_inactive_days", inactive.is_some()),
            ("authorized_keys", want.authorized_keys.is_some()),
            ("sudo_nopasswd", want.sudo.is_some()),
            ("login_class", want.login_class.is_some()),
        ];
        if let Some((attribute, _)) = lacks.iter().find(|(_, written)| *written) {
            let message = format!("attribute `{attribute}` of type `user` is not supported on windows");
            return Err(Problem::unsupported(message));
        }
        let len = want.username.chars().count();
        match len <= NAME_CHARS_MAX {
            true => Ok(()),
            false => Err(Problem::unsupported(format!(
                "a username of {len} characters is not supported on windows: {NAME_CHARS_MAX} at most"
            ))),
        }
    }

    fn probe(&self, _: &Want, _: &HostFacts) -> Vec<Op> {
        alloc::vec![read()]
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, facts: &HostFacts) -> Interpreted<State> {
        let tells = if facts.planning { Tells::Untried } else { Tells::Trial };
        observed(want, tells, outputs).unwrap_or_else(Interpreted::Unknown)
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let name = quoted(&want.username);
        let itself = format!("(Get-LocalUser -Name {name})");
        let is_disabled = state
            .account
            .as_ref()
            .and_then(|account| account.shadow.as_ref())
            .is_some_and(|shadow| shadow.password.starts_with('!'));
        let join = |verb: &str, group: &str| {
            run(&format!("{verb}-LocalGroupMember {} -Member {itself}", named("Group", group)))
        };
        let creates = actions.contains(&Action::Create);
        let mut ops = Vec::new();
        for action in actions {
            match action {
                Action::Create => ops.extend(create(want, &name, &join)),
                Action::Modify(m) => {
                    if let Some(comment) = &m.comment {
                        ops.push(run(&format!("Set-LocalUser -Name {name} -Description {}", quoted(comment))));
                    }
                    ops.extend(m.home.as_ref().map(|home| set_home(want, home.as_str())));
                }
                Action::Join(groups) => ops.extend(groups.iter().map(|g| join("Add", g))),
                Action::Leave(groups) => ops.extend(groups.iter().map(|g| join("Remove", g))),
                Action::SetPassword(stored) => {
                    if !creates {
                        ops.push(with_password(want, &format!("Set-LocalUser -Name {name} -Password $p"))?);
                    }
                    match (stored.as_str().starts_with('!'), is_disabled) {
                        (true, false) => ops.push(run(&format!("Disable-LocalUser -Name {name}"))),
                        (false, true) => ops.push(run(&format!("Enable-LocalUser -Name {name}"))),
                        _ => {}
                    }
                }
                Action::Lock => ops.push(run(&format!("Disable-LocalUser -Name {name}"))),
                Action::Unlock => ops.push(run(&format!("Enable-LocalUser -Name {name}"))),
                Action::SetAgeing(ageing) => {
                    ops.extend(ageing.expires.map(|e| run(&format!("Set-LocalUser -Name {name} {}", expires(e)))));
                }
                Action::Remove if state.account.as_ref().is_some_and(|account| account.user.uid < 1000) => {
                    let message = format!("account `{}` is built into the system", want.username);
                    return Err(Problem::guarded("username", message));
                }
                Action::Remove => {
                    if want.manage_home {
                        // Its profile is found by its SID, which nobody knows once the account is gone.
                        let filter = format!("('SID='''+{itself}.SID.Value+'''')");
                        let profile = format!("Get-CimInstance Win32_UserProfile -Filter {filter}");
                        ops.push(run(&format!("{profile} | Remove-CimInstance")));
                    }
                    ops.push(run(&format!("Remove-LocalUser -Name {name}")));
                }
                Action::MakeHome | Action::WriteKeys | Action::WriteSudo | Action::RemoveSudo => {
                    return Err(Problem::failed(format!("expected another action than `{action}`")));
                }
            }
        }
        Ok(ops)
    }
}

fn run(script: &str) -> Op {
    Op::Run(change(script))
}

fn create(want: &Want, name: &str, join: &impl Fn(&str, &str) -> Op) -> Vec<Op> {
    let comment = want.comment.as_ref().map(|c| format!(" -Description {}", quoted(c))).unwrap_or_default();
    let mut ops = Vec::new();
    ops.push(match with_password(want, &format!("New-LocalUser -Name {name}{comment} -Password $p | Out-Null")) {
        Ok(op) => op,
        // Nobody may come in with an empty password.
        Err(_) => run(&format!("New-LocalUser -Name {name}{comment} -NoPassword -Disabled | Out-Null")),
    });
    if !want.groups_exact {
        ops.push(join("Add", EVERYONE));
    }
    let is_everyone = |group: &Arc<str>| !want.groups_exact && group.eq_ignore_ascii_case(EVERYONE);
    ops.extend(want.groups.iter().flatten().filter(|group| !is_everyone(group)).map(|group| join("Add", group)));
    ops.extend(want.home.as_ref().map(|home| set_home(want, home.as_str())));
    ops
}

fn set_home(want: &Want, home: &str) -> Op {
    let account = quoted(&format!("WinNT://./{},user", want.username));
    run(&format!("$u=[ADSI]{account}; $u.HomeDirectory={}; $u.SetInfo()", quoted(home)))
}

fn expires(expiry: Expiry) -> String {
    match expiry {
        Expiry::Never => "-AccountNeverExpires".into(),
        day => format!("-AccountExpires ([DateTime]::SpecifyKind([DateTime]'{day}','Utc').ToLocalTime())"),
    }
}

/// Returns a script in which `$p` is the password.
fn with_password(want: &Want, script: &str) -> Result<Op, Problem> {
    let password = plain(want).ok_or_else(|| Problem::failed("expected a password, found none"))?;
    let script = format!("$p=ConvertTo-SecureString ({SECRET}) -AsPlainText -Force; {script}");
    Ok(Op::Run(change(&script).stdin(powershell::secret(password))))
}

fn plain(want: &Want) -> Option<&Text> {
    match &want.password {
        Some(Password::Plain { password, .. }) => Some(password),
        _ => None,
    }
}

/// Tries the password by a logon over the network, which needs no right but to be an account (LogonUser, Windows API).
fn try_password(want: &Want, tells: Tells) -> Option<Op> {
    let is_asked = want.present && want.update_password == Update::Always && tells == Tells::Trial;
    let password = plain(want).filter(|_| is_asked)?;
    let script = format!(
        "$t=Add-Type -PassThru -Namespace Vigo -Name Logon -MemberDefinition '[DllImport(\"advapi32.dll\",\
         SetLastError=true,CharSet=CharSet.Unicode)] public static extern bool LogonUser(string u,string d,string p,\
         int t,int r,out IntPtr h);'; $h=[IntPtr]::Zero; \
         if($t::LogonUser({},'.',({SECRET}),3,0,[ref]$h)){{'logon 0'}}\
         else{{'logon '+[Runtime.InteropServices.Marshal]::GetLastWin32Error()}}",
        quoted(&want.username)
    );
    Some(Op::Run(powershell::read(&script).stdin(powershell::secret(password))))
}

/// Returns whether a logon tells that the password is right: it can be, and the account still not be let in.
fn is_right(out: &str) -> Option<bool> {
    let code = out.lines().find_map(|line| line.trim().strip_prefix("logon ")?.parse::<u32>().ok())?;
    Some(match code {
        0 => true,
        // Restricted, at other hours or machines, expired, disabled, not granted, closed, must be changed.
        1327..=1331 | 1385 | 1793 | 1907 => true,
        // ERROR_LOGON_FAILURE.
        1326 => false,
        _ => return None,
    })
}

fn observed(want: &Want, tells: Tells, outputs: &Outputs) -> Result<Interpreted<State>, String> {
    let listing = Listing::from_outputs(outputs)?;
    let missing = |name: &&Arc<str>| listing.group(name).is_none();
    let missing_groups = want.groups.iter().flatten().filter(missing).cloned().collect();
    let mut state = State { missing_groups, tells, ..State::default() };
    let by_name = listing.user(&want.username).filter(|_| !is_sid(&want.username));
    let Some(user) = by_name else { return Ok(Interpreted::Known(state)) };
    let mut hash = String::from(OTHER);
    if let Some(op) = try_password(want, tells) {
        let Some(seen) = ran(outputs, &op).transpose()? else { return Ok(Interpreted::Ask(alloc::vec![op])) };
        match is_right(&seen.out()).filter(|_| seen.success()) {
            Some(true) => {
                let stored = want.password.as_ref().map(|password| password.stored(false, Scheme::default()));
                hash = stored.map(|stored| stored.as_str().into()).unwrap_or(hash);
            }
            Some(false) => {}
            None => return Err(format!("whether the password of `{}` is right cannot be told", want.username)),
        }
    }
    let wanted = |sid: &str| {
        let is = |name: &&Arc<str>| listing.group(name).is_some_and(|group| group.sid == sid);
        want.groups.iter().flatten().find(is).cloned()
    };
    let groups = listing.groups.iter().filter(|group| group.members.contains(&user.sid));
    // As they are written, so that they compare as the same.
    let groups = groups.map(|group| wanted(&group.sid).unwrap_or_else(|| group.name.as_str().into())).collect();
    let expires = Expiry::parse(&user.expires)
        .ok_or_else(|| format!("account `{}` expires at `{}`, which is no date", want.username, user.expires))?;
    let lock = if user.enabled { "" } else { "!" };
    state.account = Some(Account {
        user: User {
            uid: if is_built_in(&user.sid) { number(&user.sid).clamp(1, 999) } else { number(&user.sid).max(1000) },
            gid: 1,
            comment: user.comment.as_str().into(),
            home: user.home.as_str().into(),
            shell: "".into(),
        },
        shadow: Some(Shadow {
            password: format!("{lock}{hash}").into(),
            min: -1,
            max: -1,
            warn: -1,
            inactive: -1,
            expires: expires.day(),
        }),
        groups,
        group: None,
        login_class: None,
    });
    Ok(Interpreted::Known(state))
}
