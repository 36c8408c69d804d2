//! `user`: a local account with its groups, password, keys and sudo right.

mod compare;
mod crypt;
mod decl;
mod files;

pub use compare::{Account, Action, FileAt, Found, Modification, State, Users};
pub use crypt::Salt;
pub use decl::{Ageing, DECL, Expiry, Lock, Password, Sudo, Update, Want};
pub use files::{
    SKELETON, database_after, groups_after, home_of_new, home_to_remove, home_writes, keys_writes, sudo_path,
    sudo_writes,
};

pub(super) use decl::check_name;
