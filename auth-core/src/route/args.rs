//! The proof, by type, that a handler states who may call it.
//!
//! axum's [`Handler`] alone would prove it, since its first parameter contains the argument types. But rustc reports a
//! `Handler` that is not implemented without the reason. Here each condition is a bound of its own, with a message of its
//! own. A condition hands on the handler's type if it holds, and `Handler` is asked of what the last one hands on: if a
//! condition does not hold, that type is not known, and the condition is the only error. See [`Holds`].

use axum::handler::{Handler, Layered};
use axum::response::IntoResponse;

use crate::extract::access::{
    Access, ContainsAuthenticator, Fails, GuardArg, Holds, MadeByAttribute, Never, RunsChecks,
};
use crate::extract::guard::Public;

/// A handler whose first argument is a guard. It is implemented for nothing else. It is public so that functions that take
/// handlers can name it in their bounds. `T` is inferred.
#[diagnostic::on_unimplemented(
    message = "this function is not a handler for the state `{S}`",
    label = "an argument of this function is not an extractor, or its future is not `Send`",
    note = "only the last argument may read the body, and for an argument `State<T>` the state needs `impl FromRef<{S}> for T`",
    note = "a tuple struct with `#[require_auth(…)]` needs the `Authenticator` of its claims in the state `{S}`",
    note = "`#[require_auth(…)]` does not see through a type alias of `Auth<…>`: write the parameter as `Auth<…>`",
    note = "`#[axum::debug_handler]` below `#[require_auth(…)]` names the argument"
)]
pub trait GuardedHandler<T, S> {
    /// Who may call the handler.
    #[doc(hidden)]
    const ACCESS: Access;
    /// The argument types in the form that axum uses.
    #[doc(hidden)]
    type Arguments: 'static;
    /// The handler's own type.
    #[doc(hidden)]
    type Handler: Handler<Self::Arguments, S>;

    /// The handler itself.
    #[doc(hidden)]
    fn into_handler(self, seal: Seal) -> Self::Handler;
}

/// No other crate can name it, and so none can implement [`GuardedHandler`].
#[derive(Clone, Copy, Debug)]
pub struct Seal;

type Claims<A, K> = <<A as GuardedArgs>::Guard as GuardArg<K>>::Claims;
type Checks<A, K> = <<A as GuardedArgs>::Guard as GuardArg<K>>::Checks;
type Responding<H, A, K> = <<H as Callable<A>>::Output as HandlerResponse<H, K>>::Handler;
type Authenticated<H, C, S, K> = <S as ContainsAuthenticator<C, H, K>>::Handler;
type Checked<H, X, C, S, K> = <S as RunsChecks<X, C, H, K>>::Handler;

impl<H, T, A, K1, K2, K3, K4, S> GuardedHandler<(T, A, K1, K2, K3, K4), S> for H
where
    T: 'static,
    H: Callable<A>,
    A: FirstToRun + GuardedArgs,
    A::Guard: GuardArg<K1>,
    H::Output: HandlerResponse<H, K2>,
    S: ContainsAuthenticator<Claims<A, K1>, Responding<H, A, K2>, K3>,
    S: RunsChecks<
            Checks<A, K1>,
            Claims<A, K1>,
            Authenticated<Responding<H, A, K2>, Claims<A, K1>, S, K3>,
            K4,
        >,
    Checked<Authenticated<Responding<H, A, K2>, Claims<A, K1>, S, K3>, Checks<A, K1>, Claims<A, K1>, S, K4>:
        Handler<T, S>,
{
    const ACCESS: Access = <A::Guard as GuardArg<K1>>::ACCESS;
    type Arguments = T;
    type Handler = Checked<
        Authenticated<Responding<H, A, K2>, Claims<A, K1>, S, K3>,
        Checks<A, K1>,
        Claims<A, K1>,
        S,
        K4,
    >;

    fn into_handler(self, _: Seal) -> Self::Handler {
        let responding = <H::Output as HandlerResponse<H, K2>>::handler(self);
        let authenticated = <S as ContainsAuthenticator<Claims<A, K1>, _, K3>>::handler(responding);
        <S as RunsChecks<Checks<A, K1>, Claims<A, K1>, _, K4>>::handler(authenticated)
    }
}

/// Routes or handlers of which the router knows who may call them: `T` itself, a [`MethodRouter`](super::MethodRouter) or a
/// [`ProtectedRouter`](super::ProtectedRouter). Nothing else implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not state who may call its handlers",
    label = "expected `{T}`",
    note = "use `auth_core::route::get` and the like instead of `axum::routing::get`, and `ProtectedRouter` instead of `axum::Router`",
    note = "a router of axum takes this one: `axum::Router::new().merge(protected.into_router())`"
)]
pub trait Guarded<T> {
    /// `T` itself.
    #[doc(hidden)]
    fn guarded(self) -> T;
}

/// The argument types of a handler that has any.
#[diagnostic::on_unimplemented(
    message = "this handler does not state who may call it",
    label = "a handler without `#[require_auth(…)]` or `#[public]`",
    note = "put `#[require_auth(session | jwt)]` on the handler, or `#[public]` if everybody may call it"
)]
pub trait GuardedArgs: MadeByAttribute {
    /// The first one.
    type Guard;
}

/// The arguments of a function, of which the guard is the first. The arguments of a handler with a layer around it
/// ([`AfterLayer`]) are not: the layer could answer before the guard runs, and the policy table would list a policy that
/// nobody enforces.
#[diagnostic::on_unimplemented(
    message = "a layer around this handler could answer before its guard",
    label = "a handler with a layer of its own",
    note = "put the layer around routes: `ProtectedRouter::new().route(…).layer(…)`"
)]
pub trait FirstToRun {}

/// Stands for the arguments of a handler with a layer around it. All conditions hold for it except [`FirstToRun`], so that
/// this one is the error.
#[derive(Debug)]
pub struct AfterLayer;

impl MadeByAttribute for AfterLayer {}

#[diagnostic::do_not_recommend]
impl GuardedArgs for AfterLayer {
    type Guard = Public;
}

#[diagnostic::do_not_recommend]
impl<L, H, T, S> Callable<AfterLayer> for Layered<L, H, T, S> {
    type Output = ();
}

/// A function with the argument types `A`, whatever they are.
#[diagnostic::on_unimplemented(
    message = "this handler does not state who may call it",
    label = "not an async function with `#[require_auth(…)]` or `#[public]`",
    note = "put `#[require_auth(session | jwt)]` on an async function, or `#[public]` if everybody may call it"
)]
pub trait Callable<A> {
    /// The output of its future.
    type Output;
}

/// What a handler of type `H` may return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a response",
    label = "this handler returns `{Self}`",
    note = "return a type that implements `IntoResponse`: `String`, `StatusCode`, `axum::Json<{Self}>`, or a `Result` of two such types"
)]
pub trait HandlerResponse<H, K> {
    /// `H`.
    type Handler;

    /// The handler itself.
    fn handler(handler: H) -> Self::Handler;
}

impl<H, R: IntoResponse> HandlerResponse<H, Holds> for R {
    type Handler = H;

    fn handler(handler: H) -> H {
        handler
    }
}

impl<H, R: Never> HandlerResponse<H, Fails> for R {
    type Handler = H;

    fn handler(handler: H) -> H {
        handler
    }
}

macro_rules! guarded_args {
    ($($argument:ident)*) => {
        impl<G, $($argument,)*> MadeByAttribute for (G, $($argument,)*) {}

        #[diagnostic::do_not_recommend]
        impl<G, $($argument,)*> GuardedArgs for (G, $($argument,)*) {
            type Guard = G;
        }

        #[diagnostic::do_not_recommend]
        impl<G, $($argument,)*> FirstToRun for (G, $($argument,)*) {}

        callable!(G $($argument)*);
    };
}

macro_rules! callable {
    ($($argument:ident)*) => {
        #[diagnostic::do_not_recommend]
        impl<F, R, $($argument,)*> Callable<($($argument,)*)> for F
        where
            F: FnOnce($($argument,)*) -> R,
            R: Future,
        {
            type Output = R::Output;
        }
    };
}

#[diagnostic::do_not_recommend]
impl FirstToRun for () {}

callable!();
guarded_args!();
guarded_args!(A);
guarded_args!(A B);
guarded_args!(A B C);
guarded_args!(A B C D);
guarded_args!(A B C D E);
guarded_args!(A B C D E H);
guarded_args!(A B C D E H I);
guarded_args!(A B C D E H I J);
guarded_args!(A B C D E H I J K);
guarded_args!(A B C D E H I J K L);
guarded_args!(A B C D E H I J K L M);
guarded_args!(A B C D E H I J K L M N);
guarded_args!(A B C D E H I J K L M N O);
guarded_args!(A B C D E H I J K L M N O P);
guarded_args!(A B C D E H I J K L M N O P Q);
