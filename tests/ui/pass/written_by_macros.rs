//! Items that another macro writes, of parts from several places.
#![deny(warnings)]

use auth_core::route::get;
use auth_core::{Auth, Authenticator, Claims, ProtectedRouter, Roles, check, require_auth};

macro_rules! shop {
    ($user:ident { $id:ident: $id_ty:ty, $field:ident: $ty:ty, $more:ident: $more_ty:ty }, $role:ident, $name:literal) => {
        #[derive(Clone, Copy, PartialEq, Eq, auth_core::Role)]
        enum $role {
            #[role(name = $name)]
            Admin,
        }

        #[derive(Claims)]
        #[claims(ttl = "5m")]
        struct $user {
            #[claim(subject)]
            $id: $id_ty,
            $field: $ty,
            $more: $more_ty,
            #[claim(roles)]
            roles: Roles<$role>,
        }
    };
}

shop!(User { id: u64, email: String, nick: Option<String> }, Role, "boss");

macro_rules! handler {
    ($name:ident, $user:ident: $ty:ty, $role:path, $check:path, $age:literal, $body:expr) => {
        #[check]
        async fn is_first(user: &Auth<$ty>) -> bool {
            user.id == 1
        }

        #[require_auth(session | jwt, role($role), check($check), fresh($age))]
        async fn $name($user: Auth<$ty>, body: String) -> String {
            body + &$body
        }

        #[require_auth(session, role($role))]
        struct Proof(Auth<$ty>);
    };
}

handler!(handler, user: User, crate::Role::Admin, is_first, "5m", user.email.clone());

fn main() {
    let _: ProtectedRouter<Authenticator<User>> =
        ProtectedRouter::new().route("/", get(handler)).route("/proof", get(|_: Proof| async {}));
    assert_eq!(<Role as auth_core::role::Role>::NAMES, ["boss"]);
    let user = User { id: 1, email: String::new(), nick: None, roles: Roles::from(Role::Admin) };
    let _ = (&user.nick, &user.roles);
}
