//! What the derives of roles and scopes make: inclusion, names, indices.

use auth_core::role::Role as _;
use auth_core::scope::Scope as _;
use auth_core::{Roles, Scopes};
use auth_tests::{Permission, Role};
use serde_json::json;

#[test]
fn a_role_has_what_it_includes_and_nothing_above() {
    let roles = Roles::from(Role::Clerk);
    assert!(roles.has(Role::Clerk));
    assert!(roles.has(Role::Customer));
    assert!(!roles.has(Role::Admin));
    assert!(!roles.was_given(Role::Customer));
}

#[test]
fn inclusion_is_transitive_and_known_at_compile_time() {
    const GRANTS: &[u64] = <Role as auth_core::role::Role>::GRANTS;
    assert_eq!(GRANTS, [0b001, 0b011, 0b111]);
}

#[test]
fn names_and_indices_agree() {
    assert_eq!(Role::NAMES, ["customer", "clerk", "admin"]);
    assert_eq!(Permission::NAMES, ["orders:read", "orders:write"]);
    for (index, name) in (0_u32..).zip(Role::NAMES) {
        let role = Role::from_index(index).unwrap();
        assert_eq!((role.index(), role.name()), (index, *name));
    }
    assert_eq!(Role::from_index(3), None);
    assert_eq!(Permission::from_index(2), None);
}

#[test]
fn names_follow_the_order_of_variants_not_their_discriminants() {
    #[derive(Clone, Copy, Debug, PartialEq, Eq, auth_core::Role)]
    #[repr(u8)]
    enum Level {
        High = 200,
        #[role(name = "boss")]
        VeryHigh = 7,
    }
    assert_eq!(Level::NAMES, ["high", "boss"]);
    assert_eq!((Level::High.index(), Level::VeryHigh.index()), (0, 1));
}

#[test]
fn sixty_four_variants_fill_the_set() {
    #[rustfmt::skip]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, auth_core::Role)]
    enum Many {
        R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10, R11, R12, R13, R14, R15,
        R16, R17, R18, R19, R20, R21, R22, R23, R24, R25, R26, R27, R28, R29, R30, R31,
        R32, R33, R34, R35, R36, R37, R38, R39, R40, R41, R42, R43, R44, R45, R46, R47,
        R48, R49, R50, R51, R52, R53, R54, R55, R56, R57, R58, R59, R60, R61, R62,
        #[role(includes(R0, R62))] R63,
    }
    let all: Roles<Many> = (0..64).filter_map(Many::from_index).collect();
    assert_eq!(all.iter().count(), 64);
    assert!(Roles::from(Many::R63).has(Many::R0));
    assert!(!Roles::from(Many::R62).has(Many::R63));
}

#[test]
fn scopes_are_whole_tokens() {
    let scopes: Scopes<Permission> = serde_json::from_value(json!("orders:read unknown")).unwrap();
    assert!(scopes.has(Permission::ReadOrders));
    assert!(!scopes.has(Permission::WriteOrders));
    for text in ["orders:readwrite", "orders", "ORDERS:READ"] {
        let scopes: Scopes<Permission> = serde_json::from_value(json!(text)).unwrap();
        assert!(scopes.is_empty(), "{text}");
    }
}
