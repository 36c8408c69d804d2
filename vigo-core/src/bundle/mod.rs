//! The policy of one class of envoys: what publish makes and Converge consumes; and what else a server signs.
//!
//! [`sign`] turns a policy into bytes that an agent believes, [`verify`] back; [`PolicyBundle::encode`] and
//! [`PolicyBundle::decode`] are the same without the belief.

mod assignment;
mod classes;
mod decode;
mod diff;
mod encode;
mod error;
mod keyset;
mod order;
mod pairs;
mod policy;
mod program;
mod rotation;
mod sign;
mod signed;
#[cfg(test)]
mod tests;
mod wanted;

pub use assignment::{Assignment, Maintenance};
pub use classes::{ClassBundle, ClassDiff, ClassState, ClassesDiff, compare_classes};
pub use diff::{Difference, DifferenceChange, DifferenceKind, FieldDifference};
pub use ed25519_dalek::{SigningKey, VerifyingKey};
pub use error::BundleError;
pub use keyset::{Ca, KeySet, KeySetError, KeyState, TrustedKey};
pub use order::{Order, OrderId};
pub use pairs::{ClassKey, pairs};
pub use policy::{
    Arm, Attribute, Blob, BundleCrate, BundleResource, Edge, EdgeKind, Place, PolicyBundle, Raw, Scalar, Selector,
    SelectorArm, Stamp, Style,
};
pub use program::{PROGRAM_MARK, ProgramError, ProgramManifest, ProgramReader, Target};
pub use rotation::{KeyKind, NewKey};
pub use sign::{sign, verify};
pub use signed::{KeyId, Purpose, Signed};
pub use wanted::TraitsWanted;
