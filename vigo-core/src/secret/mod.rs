//! Secrets: references found in what is written, carried as markers, filled when a run begins; sealed on their way, and
//! where they are kept.

mod action;
mod marker;
mod needs;
mod proof;
mod reference;
mod seal;
mod shown;
mod value;
mod vault;
mod withheld;

pub(crate) use action::in_template;
pub use marker::{MissingSecret, fill, fill_known, fill_value, first_path, is_marked, mark, paths, reserved, shown};
pub use needs::SecretNeeds;
pub(crate) use proof::Digesting;
pub use proof::ProofKey;
pub use reference::{Reference, find, is_path};
pub use seal::{OpeningKey, SealContext, SealError, Sealed, seal};
pub use shown::shown_value;
pub(crate) use shown::{listed, mapped};
pub use value::SecretValue;
pub use vault::{MasterKey, MasterKeyId, VaultError, VaultRecord};
pub use withheld::Withheld;
