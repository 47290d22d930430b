//! The list of every route and who may call it, for security reviewers.

use std::borrow::Cow;
use std::time::Duration;
use std::{fmt, iter};

use http::Method;
use serde::{Serialize, Serializer};

use crate::extract::access;
use crate::login::Scheme;
use crate::requirement::{Condition, CsrfCheck, Requirement};

/// One method of one path, and who may call it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RoutePolicy {
    /// The method; `None`, serialised as `*`, for a service or a fallback, which accept every method.
    #[serde(serialize_with = "as_method")]
    pub method: Option<Method>,
    /// The path in axum's syntax.
    pub path: String,
    /// Who may call it.
    pub access: Access,
    /// The accepted schemes, serialised as `session | jwt`; empty if everybody may call.
    #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "as_alternatives")]
    pub schemes: &'static [Scheme],
    /// What is required of the principal, as in the attribute: roles, scopes and checks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// The longest time since the caller signed in; serialised in milliseconds.
    #[serde(rename = "fresh_ms", skip_serializing_if = "Option::is_none", serialize_with = "as_millis")]
    pub fresh: Option<Duration>,
    /// The maximum age of the revocation list, if it differs from the authenticator's; serialised in milliseconds.
    #[serde(rename = "revocation_ms", skip_serializing_if = "Option::is_none", serialize_with = "as_millis")]
    pub revocation: Option<Duration>,
    /// Whether a request with a cookie is checked for CSRF, serialised as `on` or `off`; `None` if everybody may call.
    #[serde(rename = "csrf", skip_serializing_if = "Option::is_none", serialize_with = "as_switch")]
    pub checks_csrf: Option<bool>,
}

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Everybody.
    Public,
    /// Everybody; a caller with a credential must meet the policy.
    Optional,
    /// Only a caller who meets the policy.
    Required,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "public",
            Self::Optional => "optional",
            Self::Required => "required",
        })
    }
}

impl RoutePolicy {
    pub(super) fn new(method: Option<Method>, path: String, access: access::Access) -> Self {
        let (access, requirement) = match access {
            access::Access::Public => (Access::Public, None),
            access::Access::Optional(requirement) => (Access::Optional, Some(requirement)),
            access::Access::Required(requirement) => (Access::Required, Some(requirement)),
        };
        let condition = |requirement: &Requirement| match requirement.asked_condition() {
            Condition::Always => None,
            // The members of a top-level `all` are separated by commas in the attribute.
            Condition::All(members) => {
                Some(members.iter().map(Condition::to_string).collect::<Vec<_>>().join(", "))
            }
            other => Some(other.to_string()),
        };
        Self {
            method,
            path,
            access,
            schemes: requirement.map_or(&[], |requirement| requirement.schemes().as_slice()),
            condition: requirement.and_then(condition),
            fresh: requirement.and_then(Requirement::max_age),
            revocation: requirement.and_then(Requirement::revocation_bound),
            checks_csrf: requirement.map(|requirement| requirement.csrf_check() == CsrfCheck::On),
        }
    }

    fn method(&self) -> &str {
        self.method.as_ref().map_or("*", Method::as_str)
    }

    fn asks(&self) -> String {
        let bound = |keyword, bound: Option<Duration>| {
            bound.map(|bound| format!("{keyword} {}", readable(bound.as_millis())))
        };
        let csrf = (self.checks_csrf == Some(false)).then(|| "csrf off".to_owned());
        let parts =
            [self.condition.clone(), bound("fresh", self.fresh), bound("revocation", self.revocation), csrf];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    fn who(&self) -> String {
        match self.access {
            Access::Public => self.access.to_string(),
            Access::Optional => format!("{}: {}", self.access, alternatives(self.schemes)),
            Access::Required => alternatives(self.schemes).into_owned(),
        }
    }
}

/// As in the attribute: `session | jwt`.
fn alternatives(schemes: &[Scheme]) -> Cow<'static, str> {
    match schemes {
        [one] => one.name().into(),
        all => all.iter().map(|scheme| scheme.name()).collect::<Vec<_>>().join(" | ").into(),
    }
}

fn as_method<S: Serializer>(method: &Option<Method>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(method.as_ref().map_or("*", Method::as_str))
}

fn as_alternatives<S: Serializer>(schemes: &[Scheme], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&alternatives(schemes))
}

fn as_millis<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    duration.map(|duration| duration.as_millis()).serialize(serializer)
}

fn as_switch<S: Serializer>(is_on: &Option<bool>, serializer: S) -> Result<S::Ok, S::Error> {
    is_on.map(|is_on| if is_on { "on" } else { "off" }).serialize(serializer)
}

/// `5m`, `90s`, `250ms`: in the largest unit that divides the duration.
fn readable(millis: u128) -> String {
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")];
    units
        .into_iter()
        .find(|(unit, _)| millis != 0 && millis.is_multiple_of(*unit))
        .map_or_else(|| format!("{millis}ms"), |(unit, name)| format!("{}{name}", millis / unit))
}

/// Every route and who may call it, in order of path and method. `Display` writes a table, `Serialize` a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct PolicyTable {
    routes: Vec<RoutePolicy>,
}

impl PolicyTable {
    pub(super) fn new(mut routes: Vec<RoutePolicy>) -> Self {
        routes.sort_by(|a, b| (&a.path, a.method()).cmp(&(&b.path, b.method())));
        Self { routes }
    }

    /// The routes.
    pub fn iter(&self) -> impl Iterator<Item = &RoutePolicy> {
        self.routes.iter()
    }
}

impl fmt::Display for PolicyTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = ["METHOD", "PATH", "WHO", "ASKS"].map(str::to_owned);
        let row =
            |route: &RoutePolicy| [route.method().to_owned(), route.path.clone(), route.who(), route.asks()];
        let rows: Vec<_> = iter::once(header).chain(self.routes.iter().map(row)).collect();
        let mut widths = [0; 4];
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        let [methods, paths, callers, _] = widths;
        for [method, path, who, asks] in &rows {
            let line = format!("{method:methods$}  {path:paths$}  {who:callers$}  {asks}");
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::requirement::Schemes;

    #[test]
    fn the_table_has_columns_as_wide_as_their_widest_cell_and_the_list_has_texts() {
        const CLERKS: &Requirement = &Requirement::new(Schemes::SessionOrJwt)
            .condition(Condition::Check(0, "is_clerk"))
            .fresh(std::time::Duration::from_secs(300));
        const GUESTS: &Requirement = &Requirement::new(Schemes::Session).csrf(CsrfCheck::Off);
        let table = PolicyTable::new(vec![
            RoutePolicy::new(Some(Method::GET), "/orders/{id}".to_owned(), access::Access::Required(CLERKS)),
            RoutePolicy::new(Some(Method::DELETE), "/a".to_owned(), access::Access::Public),
            RoutePolicy::new(None, "/\u{e4}".to_owned(), access::Access::Optional(GUESTS)),
        ]);
        let expected = "METHOD  PATH          WHO                ASKS
DELETE  /a            public
GET     /orders/{id}  session | jwt      check(is_clerk), fresh 5m
*       /\u{e4}            optional: session  csrf off
";
        assert_eq!(table.to_string(), expected);
        let json = serde_json::to_value(&table).unwrap();
        let expected = serde_json::json!([
            {"method": "DELETE", "path": "/a", "access": "public"},
            {
                "method": "GET", "path": "/orders/{id}", "access": "required", "schemes": "session | jwt",
                "condition": "check(is_clerk)", "fresh_ms": 300_000, "csrf": "on",
            },
            {
                "method": "*", "path": "/\u{e4}", "access": "optional", "schemes": "session", "csrf": "off",
            },
        ]);
        assert_eq!(json, expected);
        assert_eq!(PolicyTable::new(Vec::new()).to_string(), "METHOD  PATH  WHO  ASKS\n");
    }
}
