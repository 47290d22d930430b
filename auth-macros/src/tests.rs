//! Properties of all expansions: where they look for the runtime, what they never contain, that they never drop a
//! guard in silence.

use proc_macro2::{Spacing, TokenStream, TokenTree};
use quote::quote;

use crate::{claims, grants, public, require_auth, rule};

/// One expansion of every macro, with everything it can say, and the runtime at `krate`.
fn expansions(krate: &TokenStream) -> Vec<TokenStream> {
    let args = quote!(
        session | jwt, role(Role::A | Role::B), any(scope(Scope::S & Scope::T), all(check(owner), check(clerk))),
        fresh("5m"), revocation(within = "2s"), csrf(off), crate = #krate
    );
    let handler = quote! {
        #[cfg(unix)]
        #[instrument(skip(user))]
        pub(crate) async fn handler<T: Clone, const N: usize>(user: Auth<User>, Path(id): Path<T>) -> u8 where T: Eq { 1 }
    };
    let mut all = vec![
        require_auth::entry(args.clone(), handler),
        require_auth::entry(
            args,
            quote!(
                #[cfg(unix)]
                pub struct Proof(Auth<User>);
            ),
        ),
        require_auth::entry(
            quote!(jwt, crate = #krate),
            quote!(
                async fn anonymous(user: Option<Auth<User>>) {}
            ),
        ),
        public::entry(
            quote!(crate = #krate),
            quote!(
                async fn open(body: String) {}
            ),
        ),
        rule::entry(
            quote!(crate = #krate),
            quote!(
                #[cfg(unix)]
                async fn owner(user: &Auth<User>, id: Path<u8>) -> bool {
                    true
                }
            ),
        ),
    ];
    all.extend(derives(krate));
    all
}

fn derives(krate: &TokenStream) -> [TokenStream; 3] {
    [
        grants::entry(
            grants::Kind::Role,
            quote!(
                #[role(crate = #krate)]
                enum Role {
                    A,
                    #[role(name = "b", includes(A))]
                    B,
                }
            ),
        ),
        grants::entry(
            grants::Kind::Scope,
            quote!(
                #[scope(crate = #krate)]
                enum Scope {
                    S,
                    T,
                }
            ),
        ),
        claims::entry(quote! {
            #[claims(issuer = "i", audience = "a", ttl = "1m", max_ttl = "2m", crate = #krate)]
            struct User {
                #[claim(subject)]
                id: u64,
                #[claim(rename = "mail")]
                email: Option<String>,
                #[claim(roles)]
                roles: Roles<Role>,
                #[claim(scopes)]
                scopes: Scopes<Scope>,
                name: String,
            }
        }),
    ]
}

#[test]
fn the_runtime_is_only_where_it_is_said_to_be() {
    for tokens in expansions(&quote!(vendor::guard)) {
        let text = tokens.to_string();
        assert!(text.contains("vendor :: guard :: __private"), "{text}");
        assert!(!text.contains(":: auth_core"), "{text}");
        assert!(!text.contains("compile_error"), "{text}");
    }
}

#[test]
fn no_operator_with_precedence_is_generated() {
    for tokens in expansions(&quote!(auth)) {
        assert!(!has_doubled(tokens.clone()), "{tokens}");
    }
}

#[test]
fn the_same_item_expands_to_the_same_code() {
    let text = |tokens: Vec<TokenStream>| tokens.iter().map(TokenStream::to_string).collect::<Vec<_>>();
    assert_eq!(text(expansions(&quote!(auth))), text(expansions(&quote!(auth))));
}

#[test]
fn cfgs_are_on_every_item() {
    let krate = quote!(auth);
    for tokens in expansions(&krate).into_iter().filter(|tokens| tokens.to_string().contains("cfg (unix)")) {
        let file = syn::parse2::<syn::File>(tokens).unwrap();
        for item in file.items {
            let attrs = match &item {
                syn::Item::Const(item) => &item.attrs,
                syn::Item::Enum(item) => &item.attrs,
                syn::Item::Fn(item) => &item.attrs,
                syn::Item::Struct(item) => &item.attrs,
                other => panic!("an item of another kind: {}", quote!(#other)),
            };
            assert!(attrs.iter().any(|attr| attr.path().is_ident("cfg")), "{}", quote!(#item));
        }
    }
}

/// Whatever is wrong, the item comes back with an error beside it, never without its guard.
#[test]
fn every_refusal_is_an_error() {
    for args in [
        quote!(),
        quote!(any(session, jwt)),
        quote!(jwt, role(Role::A || Role::B)),
        quote!(jwt, role(,)),
        quote!(jwt, all(any(role()))),
        quote!(jwt, check(<T as Trait>::f)),
        quote!(jwt |),
        quote!(| jwt),
        quote!(session jwt),
        quote!(crate),
        quote!(= jwt),
        quote!(jwt, fresh()),
        quote!(jwt, revocation(within = 2)),
        quote!(jwt, csrf),
        quote!(jwt; session),
    ] {
        for item in [
            quote!(
                async fn h(user: Auth<User>) {}
            ),
            quote!(
                struct Proof(Auth<User>);
            ),
            quote!(
                mod m {}
            ),
        ] {
            let expanded = require_auth::entry(args.clone(), item.clone()).to_string();
            assert!(expanded.contains("compile_error"), "#[require_auth({args})] {item}");
            assert!(expanded.contains(&item.to_string()), "#[require_auth({args})] {item}");
        }
    }
}

fn has_doubled(tokens: TokenStream) -> bool {
    let mut before = None;
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => {
            before = None;
            has_doubled(group.stream())
        }
        TokenTree::Punct(punct) => {
            let joined = (punct.spacing() == Spacing::Joint).then(|| punct.as_char());
            let doubled = matches!(punct.as_char(), '&' | '|') && before == Some(punct.as_char());
            before = joined;
            doubled
        }
        TokenTree::Ident(_) | TokenTree::Literal(_) => {
            before = None;
            false
        }
    })
}
