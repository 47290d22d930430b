//! Roles: what a caller *is*. A role is a variant of the application's enum, never a string.
//!
//! ```
//! use auth_core::{Role, Roles};
//!
//! #[derive(Clone, Copy, Debug, PartialEq, Eq, Role)]
//! enum ShopRole {
//!     Customer,
//!     #[role(includes(Customer))]
//!     Clerk,
//! }
//!
//! let roles = Roles::from(ShopRole::Clerk);
//! assert!(roles.has(ShopRole::Customer), "a clerk is a customer too");
//! assert!(!roles.was_given(ShopRole::Customer), "but was given one role only");
//! assert_eq!(roles.iter().collect::<Vec<_>>(), [ShopRole::Clerk]);
//! ```

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, SeqAccess};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An enum of roles; derive it with [`derive(Role)`](derive@crate::Role).
///
/// # Contract
///
/// `index` is dense from zero, below 64, and agrees with the order of [`NAMES`](Self::NAMES) and
/// [`GRANTS`](Self::GRANTS). `GRANTS[i]` has bit `i` and the bits of every role that role `i` includes,
/// transitively. The derive guarantees this; a manual implementation must do the same.
pub trait Role: Copy + Eq + Send + Sync + 'static {
    /// The names in the claim `roles`, by index.
    const NAMES: &'static [&'static str];
    /// The roles that each role grants, as bits, by index: the role itself and all roles that it includes.
    const GRANTS: &'static [u64];

    /// The position of this role in [`NAMES`](Self::NAMES).
    fn index(self) -> u32;

    /// The role with this index; `None` when there is none.
    fn from_index(index: u32) -> Option<Self>;

    /// The name in the claim `roles`.
    fn name(self) -> &'static str {
        name_at(Self::NAMES, self.index())
    }
}

/// The roles a principal was given, as a bit set.
///
/// In JSON it is an array of names. A name that the enum does not have grants nothing and is dropped. A value that is
/// not an array of strings is an error.
pub struct Roles<R> {
    given: u64,
    role: PhantomData<fn() -> R>,
}

impl<R: Role> Roles<R> {
    /// An empty set.
    pub const fn none() -> Self {
        Self { given: 0, role: PhantomData }
    }

    /// Whether the principal has `role`, given directly or included by a role it was given.
    pub fn has(&self, role: R) -> bool {
        self.effective() & bit(role.index()) != 0
    }

    /// Whether `role` itself was given, and not only included by another role.
    pub fn was_given(&self, role: R) -> bool {
        self.given & bit(role.index()) != 0
    }

    /// Adds a role.
    pub fn insert(&mut self, role: R) {
        self.given |= bit(role.index());
    }

    /// The roles that were given, in the order of the enum. Included roles are not listed.
    pub fn iter(&self) -> impl Iterator<Item = R> + use<R> {
        let given = self.given;
        (0..64).filter(move |index| given & bit(*index) != 0).filter_map(R::from_index)
    }

    /// Whether no role was given.
    pub const fn is_empty(&self) -> bool {
        self.given == 0
    }

    /// All roles that the principal has, as bits: the given roles and those that they include.
    pub(crate) fn effective(&self) -> u64 {
        let mut bits = 0;
        let mut rest = self.given;
        while rest != 0 {
            let index = rest.trailing_zeros();
            bits |= R::GRANTS.get(index as usize).copied().unwrap_or(0);
            rest &= rest - 1;
        }
        bits
    }
}

impl<R> Clone for Roles<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Roles<R> {}

impl<R> PartialEq for Roles<R> {
    fn eq(&self, other: &Self) -> bool {
        self.given == other.given
    }
}

impl<R> Eq for Roles<R> {}

impl<R: Role> Default for Roles<R> {
    fn default() -> Self {
        Self::none()
    }
}

impl<R: Role> FromIterator<R> for Roles<R> {
    fn from_iter<I: IntoIterator<Item = R>>(roles: I) -> Self {
        let mut set = Self::none();
        roles.into_iter().for_each(|role| set.insert(role));
        set
    }
}

impl<R: Role> From<R> for Roles<R> {
    fn from(role: R) -> Self {
        Self::from_iter([role])
    }
}

impl<R: Role> fmt::Debug for Roles<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Role::name)).finish()
    }
}

impl<R: Role> Serialize for Roles<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(self.given.count_ones() as usize))?;
        for role in self.iter() {
            seq.serialize_element(role.name())?;
        }
        seq.end()
    }
}

impl<'de, R: Role> Deserialize<'de> for Roles<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names<R>(PhantomData<fn() -> R>);

        impl<'de, R: Role> de::Visitor<'de> for Names<R> {
            type Value = Roles<R>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of role names")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Roles<R>, A::Error> {
                let mut roles = Roles::none();
                while let Some(bits) = seq.next_element_seed(NameBits(R::NAMES))? {
                    roles.given |= bits;
                }
                Ok(roles)
            }
        }

        deserializer.deserialize_seq(Names(PhantomData))
    }
}

/// Reads one string and looks it up without a copy.
struct NameBits(&'static [&'static str]);

impl<'de> de::DeserializeSeed<'de> for NameBits {
    type Value = u64;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<u64, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl de::Visitor<'_> for NameBits {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<u64, E> {
        Ok(bit_of(self.0, name))
    }
}

pub(crate) const fn bit(index: u32) -> u64 {
    if index < 64 { 1 << index } else { 0 }
}

/// The bit of `name`; zero for a name that is not in the list. Whole names are compared byte by byte.
pub(crate) fn bit_of(names: &[&str], name: &str) -> u64 {
    names.iter().position(|known| *known == name).map_or(0, |index| bit(index as u32))
}

pub(crate) fn name_at(names: &'static [&'static str], index: u32) -> &'static str {
    names.get(index as usize).copied().unwrap_or_default()
}

pub(crate) mod none {
    use super::Role;

    /// For claims without a roles field: no such role exists.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum NoRole {}

    impl Role for NoRole {
        const NAMES: &'static [&'static str] = &[];
        const GRANTS: &'static [u64] = &[];

        fn index(self) -> u32 {
            match self {}
        }

        fn from_index(_: u32) -> Option<Self> {
            None
        }
    }
}
