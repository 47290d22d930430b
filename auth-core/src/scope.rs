//! Scopes: what a *credential* may be used for (RFC 6749 section 3.3).
//!
//! ```
//! use auth_core::{Scope, Scopes};
//!
//! #[derive(Clone, Copy, PartialEq, Eq, Scope)]
//! enum ShopScope {
//!     #[scope(name = "orders:read")]
//!     ReadOrders,
//!     #[scope(name = "orders:write")]
//!     WriteOrders,
//! }
//!
//! let asked: Scopes<ShopScope> = [ShopScope::ReadOrders, ShopScope::WriteOrders].into_iter().collect();
//! let allowed: Scopes<ShopScope> = [ShopScope::ReadOrders].into_iter().collect();
//! let granted = asked.intersection(allowed);
//! assert_eq!(granted.to_string(), "orders:read");
//! assert!(!granted.has(ShopScope::WriteOrders));
//! ```

use std::fmt;
use std::marker::PhantomData;

use serde::de;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::role::{bit, bit_of, name_at};

/// An enum of scopes; derive it with [`derive(Scope)`](derive@crate::Scope).
///
/// # Contract
///
/// `index` is dense from zero, below 64, and agrees with the order of [`NAMES`](Self::NAMES). A name is a
/// `scope-token` of RFC 6749 section 3.3: printable ASCII without space, `"` and `\`.
pub trait Scope: Copy + Eq + Send + Sync + 'static {
    /// The names in the claim `scope`, by index.
    const NAMES: &'static [&'static str];

    /// The position of this scope in [`NAMES`](Self::NAMES).
    fn index(self) -> u32;

    /// The scope with this index; `None` when there is none.
    fn from_index(index: u32) -> Option<Self>;

    /// The name in the claim `scope`.
    fn name(self) -> &'static str {
        name_at(Self::NAMES, self.index())
    }
}

/// The scopes of a credential, as a bit set.
///
/// In JSON it is one string of names separated by single spaces (RFC 9068 section 2.2.3). Whole names are compared:
/// `read` is not `readwrite`. A name that the enum does not have grants nothing. An array, a leading, trailing or
/// double space, and a character outside the grammar are errors.
pub struct Scopes<S> {
    bits: u64,
    scope: PhantomData<fn() -> S>,
}

impl<S: Scope> Scopes<S> {
    /// An empty set.
    pub const fn none() -> Self {
        Self { bits: 0, scope: PhantomData }
    }

    /// Whether the credential has `scope`.
    pub fn has(&self, scope: S) -> bool {
        self.bits & bit(scope.index()) != 0
    }

    /// Adds a scope.
    pub fn insert(&mut self, scope: S) {
        self.bits |= bit(scope.index());
    }

    /// The scopes, in the order of the enum.
    pub fn iter(&self) -> impl Iterator<Item = S> + use<S> {
        let bits = self.bits;
        (0..64).filter(move |index| bits & bit(*index) != 0).filter_map(S::from_index)
    }

    /// Whether the set is empty.
    pub const fn is_empty(&self) -> bool {
        self.bits == 0
    }

    /// The scopes that are in both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self { bits: self.bits & other.bits, scope: PhantomData }
    }

    pub(crate) const fn bits(&self) -> u64 {
        self.bits
    }
}

impl<S> Clone for Scopes<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Scopes<S> {}

impl<S> PartialEq for Scopes<S> {
    fn eq(&self, other: &Self) -> bool {
        self.bits == other.bits
    }
}

impl<S> Eq for Scopes<S> {}

impl<S: Scope> Default for Scopes<S> {
    fn default() -> Self {
        Self::none()
    }
}

impl<S: Scope> FromIterator<S> for Scopes<S> {
    fn from_iter<I: IntoIterator<Item = S>>(scopes: I) -> Self {
        let mut set = Self::none();
        scopes.into_iter().for_each(|scope| set.insert(scope));
        set
    }
}

impl<S: Scope> fmt::Debug for Scopes<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Scope::name)).finish()
    }
}

impl<S: Scope> fmt::Display for Scopes<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, scope) in self.iter().enumerate() {
            if position > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope.name())?;
        }
        Ok(())
    }
}

impl<S: Scope> Serialize for Scopes<S> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, S: Scope> Deserialize<'de> for Scopes<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Tokens<S>(PhantomData<fn() -> S>);

        impl<S: Scope> de::Visitor<'_> for Tokens<S> {
            type Value = Scopes<S>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("scope names separated by single spaces")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Scopes<S>, E> {
                let mut scopes = Scopes::none();
                if text.is_empty() {
                    return Ok(scopes);
                }
                for token in text.split(' ') {
                    if token.is_empty() || !token.bytes().all(is_scope_byte) {
                        return Err(E::custom("not a valid scope name"));
                    }
                    scopes.bits |= bit_of(S::NAMES, token);
                }
                Ok(scopes)
            }
        }

        deserializer.deserialize_str(Tokens(PhantomData))
    }
}

/// `scope-token` of RFC 6749 section 3.3: `%x21 / %x23-5B / %x5D-7E`.
const fn is_scope_byte(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E)
}

pub(crate) mod none {
    use super::Scope;

    /// For claims without a scopes field: no such scope exists.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum NoScope {}

    impl Scope for NoScope {
        const NAMES: &'static [&'static str] = &[];

        fn index(self) -> u32 {
            match self {}
        }

        fn from_index(_: u32) -> Option<Self> {
            None
        }
    }
}
