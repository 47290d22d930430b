//! The proof, by type, that a handler decides who may call it: axum's `Handler<T, S>` has the argument types in `T`.

use crate::extract::access::{Access, GuardArg, MadeByAttribute};

/// The argument types of a handler whose first argument is a guard. Nothing else implements it; it is here to be named
/// in the bounds of functions that take handlers.
#[diagnostic::on_unimplemented(
    message = "this handler does not say who may call it",
    label = "a handler without `#[require_auth(…)]` or `#[public]`",
    note = "put `#[require_auth(session | jwt)]` on the handler, or `#[public]` if everybody may call it"
)]
pub trait GuardedArgs: MadeByAttribute {
    /// Who may call the handler.
    #[doc(hidden)]
    const ACCESS: Access;
}

/// A handler that is a function or closure. axum's `Layered`, a handler with a layer around it, is none: the layer could
/// answer before the guard runs, and the policy table would list a policy that nobody enforces.
#[diagnostic::on_unimplemented(
    message = "this handler has a layer around it, which could answer before the guard",
    label = "not a function: the policy table could not tell who may call it",
    note = "put the layer around routes instead: `ProtectedRouter::layer`"
)]
pub trait HandlerFunction<T> {}

#[diagnostic::do_not_recommend]
impl<M, F: FnOnce() -> O, O> HandlerFunction<(M,)> for F {}

macro_rules! guarded_args {
    ($($argument:ident)*) => {
        #[diagnostic::do_not_recommend]
        impl<M, Function, Output, G, $($argument,)*> HandlerFunction<(M, G, $($argument,)*)> for Function
        where
            Function: FnOnce(G, $($argument,)*) -> Output,
        {
        }

        impl<M, G: GuardArg, $($argument,)*> MadeByAttribute for (M, G, $($argument,)*) {}

        impl<M, G: GuardArg, $($argument,)*> GuardedArgs for (M, G, $($argument,)*) {
            const ACCESS: Access = G::ACCESS;
        }
    };
}

guarded_args!();
guarded_args!(A);
guarded_args!(A B);
guarded_args!(A B C);
guarded_args!(A B C D);
guarded_args!(A B C D E);
guarded_args!(A B C D E F);
guarded_args!(A B C D E F H);
guarded_args!(A B C D E F H I);
guarded_args!(A B C D E F H I J);
guarded_args!(A B C D E F H I J K);
guarded_args!(A B C D E F H I J K L);
guarded_args!(A B C D E F H I J K L N);
guarded_args!(A B C D E F H I J K L N O);
guarded_args!(A B C D E F H I J K L N O P);
guarded_args!(A B C D E F H I J K L N O P Q);
