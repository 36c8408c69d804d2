//! The policy of one class of envoys: what publish makes and Converge consumes.
//!
//! [`sign`] turns a policy into bytes that an agent believes, [`verify`] back; [`PolicyBundle::encode`] and
//! [`PolicyBundle::decode`] are the same without the belief.

mod decode;
mod encode;
mod error;
mod policy;
mod sign;
#[cfg(test)]
mod tests;
mod wanted;

pub use ed25519_dalek::{SigningKey, VerifyingKey};
pub use error::BundleError;
pub use policy::{
    Arm, Attribute, Blob, BundleCrate, BundleResource, Edge, EdgeKind, Place, PolicyBundle, Raw, Scalar, Selector,
    SelectorArm, Stamp, Style,
};
pub use sign::{KeyId, SignedBundle, sign, verify};
pub use wanted::TraitsWanted;
