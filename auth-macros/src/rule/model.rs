//! A function marked `#[check]`, after the rules.

use syn::Type;

use crate::signature::Function;

pub(crate) struct Rule {
    pub(crate) function: Function,
    /// The `C` of the first parameter.
    pub(crate) claims: Type,
    /// The types of the other parameters.
    pub(crate) extractors: Vec<Type>,
    /// The type after `->`.
    pub(crate) output: Type,
}
