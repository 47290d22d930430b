//! The list of every route and who may call it, for security reviewers.

use std::{fmt, iter};

use serde::Serialize;

use crate::extract::access::Access;
use crate::requirement::{Condition, CsrfCheck, Requirement};

/// One method of one path, and who may call it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RoutePolicy {
    /// `GET`, `POST`, …; `*` for a service or a fallback, which take every method.
    pub method: &'static str,
    /// The path as axum writes it.
    pub path: String,
    /// `public`, `optional` or `required`.
    pub access: &'static str,
    /// The accepted schemes: `session`, `jwt`, `session | jwt`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schemes: Option<String>,
    /// What is asked of the principal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// How long ago the caller may have proved who they are, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fresh_ms: Option<u128>,
    /// How old the revocation list may be, in milliseconds, where it differs from the authenticator's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revocation_ms: Option<u128>,
    /// Whether a request with a cookie is checked for cross-site forgery: `on` or `off`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub csrf: Option<&'static str>,
}

impl RoutePolicy {
    pub(super) fn new(method: &'static str, path: String, access: Access) -> Self {
        let (access, requirement) = match access {
            Access::Public => ("public", None),
            Access::Optional(requirement) => ("optional", Some(requirement)),
            Access::Required(requirement) => ("required", Some(requirement)),
        };
        let condition = |requirement: &Requirement| match requirement.asked_condition() {
            Condition::Always => None,
            // The parts of a top-level `all` are what the commas of the attribute say.
            Condition::All(members) => {
                Some(members.iter().map(Condition::to_string).collect::<Vec<_>>().join(", "))
            }
            other => Some(other.to_string()),
        };
        Self {
            method,
            path,
            access,
            schemes: requirement.map(|requirement| requirement.schemes().to_string()),
            condition: requirement.and_then(condition),
            fresh_ms: requirement.and_then(|requirement| requirement.max_age()).map(|age| age.as_millis()),
            revocation_ms: requirement
                .and_then(|requirement| requirement.revocation_bound())
                .map(|bound| bound.as_millis()),
            csrf: requirement.map(|requirement| match requirement.csrf_check() {
                CsrfCheck::On => "on",
                CsrfCheck::Off => "off",
            }),
        }
    }

    fn asks(&self) -> String {
        let bound =
            |keyword, millis: Option<u128>| millis.map(|millis| format!("{keyword} {}", readable(millis)));
        let csrf = (self.csrf == Some("off")).then(|| "csrf off".to_owned());
        let parts = [
            self.condition.clone(),
            bound("fresh", self.fresh_ms),
            bound("revocation", self.revocation_ms),
            csrf,
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    fn who(&self) -> String {
        match (&self.schemes, self.access) {
            (Some(schemes), "optional") => format!("optional: {schemes}"),
            (Some(schemes), _) => schemes.clone(),
            (None, access) => access.to_owned(),
        }
    }
}

/// `5m`, `90s`, `250ms`: the largest unit that divides it.
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
        routes.sort_by(|a, b| (&a.path, a.method).cmp(&(&b.path, b.method)));
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
            |route: &RoutePolicy| [route.method.to_owned(), route.path.clone(), route.who(), route.asks()];
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
    fn the_table_has_columns_as_wide_as_their_widest_cell_and_no_space_at_the_end() {
        const CLERKS: &Requirement = &Requirement::new(Schemes::SessionOrJwt)
            .condition(Condition::Check(0, "is_clerk"))
            .fresh(std::time::Duration::from_secs(300));
        const GUESTS: &Requirement = &Requirement::new(Schemes::Session).csrf(CsrfCheck::Off);
        let table = PolicyTable::new(vec![
            RoutePolicy::new("GET", "/orders/{id}".to_owned(), Access::Required(CLERKS)),
            RoutePolicy::new("DELETE", "/a".to_owned(), Access::Public),
            RoutePolicy::new("*", "/\u{e4}".to_owned(), Access::Optional(GUESTS)),
        ]);
        let expected = "METHOD  PATH          WHO                ASKS
DELETE  /a            public
GET     /orders/{id}  session | jwt      check(is_clerk), fresh 5m
*       /\u{e4}            optional: session  csrf off
";
        assert_eq!(table.to_string(), expected);
        assert_eq!(PolicyTable::new(Vec::new()).to_string(), "METHOD  PATH  WHO  ASKS\n");
    }
}
