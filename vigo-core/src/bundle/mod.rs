//! The policy of one class of envoys: what publish makes and Converge consumes.

mod policy;
mod wanted;

pub use policy::{
    Arm, Attribute, Blob, BundleCrate, BundleResource, Edge, EdgeKind, Place, PolicyBundle, Raw, Scalar, Selector,
    SelectorArm, Stamp, Style,
};
pub use wanted::TraitsWanted;
