//! `user`: a local account with its groups, password, keys and sudo right.

mod bcrypt;
mod compare;
mod crypt;
mod decl;
mod files;
mod observe;
mod pbkdf2;

pub use compare::{Account, Action, FileAt, Found, Modification, Scheme, State, Tells, Users};
pub use crypt::Salt;
pub use decl::{Ageing, DECL, Expiry, Lock, Password, Sudo, Update, Want};
pub use files::{
    SKELETON, database_after, groups_after, home_of_new, home_to_remove, home_writes, keys_writes, sudo_path,
    sudo_rule, sudo_writes,
};
pub use observe::{Machine, Skeleton, files_beside_tools, first_reads, observe};
pub use pbkdf2::Stored;

pub(super) use decl::check_name;
