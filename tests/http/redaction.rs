//! Whatever holds a secret does not show it: in `Debug`, `Display`, errors, and in what is logged.

mod debug;
mod logs;

pub(crate) use logs::{Log, is_alone};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// What must not be seen, in every way that it could be written down.
#[derive(Default)]
struct Secrets(Vec<(String, String)>);

impl Secrets {
    /// A text, such as a token or a claim.
    fn text(mut self, name: &str, text: &str) -> Self {
        assert!(text.len() >= 4, "{name} is too short to be looked for");
        self.0.push((name.to_owned(), text.to_owned()));
        let bytes = text.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", ");
        self.0.push((format!("{name} as a list of bytes"), bytes));
        self
    }

    /// A token: all of it, and each of its segments that is not the header.
    fn token(self, name: &str, token: &str) -> Self {
        let segments = token.split(['.', '_']).skip(1).filter(|segment| segment.len() >= 16);
        segments.fold(self.text(name, token), |secrets, segment| {
            secrets.text(&format!("part of {name}"), segment)
        })
    }

    /// Bytes: as a list, in hexadecimal, in base64.
    fn bytes(mut self, name: &str, bytes: &[u8]) -> Self {
        let list = |digits: fn(&u8) -> String, between: &str| {
            bytes.iter().map(digits).collect::<Vec<_>>().join(between)
        };
        let compact = list(|byte| format!("{byte:02x}"), "");
        for form in [
            list(u8::to_string, ", "),
            compact.to_uppercase(),
            compact,
            STANDARD.encode(bytes),
            URL_SAFE_NO_PAD.encode(bytes),
        ] {
            self.0.push((name.to_owned(), form));
        }
        self
    }

    /// The id of a session from its cookie: as it stands, and as the number that tower-sessions takes it for.
    fn cookie(self, name: &str, cookie: &str) -> Self {
        let id = cookie.split_once('=').map_or(cookie, |(_, id)| id);
        let bytes: [u8; 16] = URL_SAFE_NO_PAD.decode(id).unwrap().try_into().unwrap();
        let number = i128::from_be_bytes(bytes).to_string();
        self.text(name, id).text(name, &number).bytes(name, &bytes)
    }

    fn assert_not_in(&self, what: &str, shown: &str) {
        let lower = shown.to_lowercase();
        for (name, secret) in &self.0 {
            assert!(
                !shown.contains(secret) && !lower.contains(&secret.to_lowercase()),
                "{what} shows {name}: {shown}"
            );
        }
    }

    fn assert_hidden(&self, what: &str, value: &impl std::fmt::Debug) {
        self.assert_not_in(what, &format!("{value:?}"));
        self.assert_not_in(what, &format!("{value:#?}"));
    }
}

#[test]
fn a_secret_is_found_in_every_form() {
    let secrets = Secrets::default().text("text", "hunter22").bytes("bytes", &[1, 2, 250]);
    for shown in [
        "a hunter22 b",
        "HUNTER22",
        "[1, 2, 250]",
        "0102fa",
        "0102FA",
        "AQL6",
        "[104, 117, 110, 116, 101, 114, 50, 50]",
    ] {
        let found = std::panic::catch_unwind(|| secrets.assert_not_in("this", shown));
        assert!(found.is_err(), "{shown}");
    }
    secrets.assert_not_in("this", "nothing");
}
