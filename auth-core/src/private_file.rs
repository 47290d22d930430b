//! Files that hold a secret: readable for their owner only, never there half written.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use zeroize::Zeroizing;

use crate::config::ConfigError;

/// The text of the file. On Unix a file that others may read is refused.
pub(crate) fn read(field: &'static str, path: &Path) -> Result<Zeroizing<String>, ConfigError> {
    check_access(field, path)?;
    fs::read_to_string(path).map(Zeroizing::new).map_err(|error| {
        ConfigError::new(field, "the file cannot be read", "check its path and access").caused_by(error)
    })
}

/// The text of the file, which is made first if it is not there.
///
/// The new file is written beside its place and linked into it, so of two processes that start at once the second reads
/// what the first made.
pub(crate) fn read_or_make(
    field: &'static str,
    path: &Path,
    make: impl FnOnce() -> Result<Zeroizing<String>, ConfigError>,
) -> Result<Zeroizing<String>, ConfigError> {
    if path.exists() {
        return read(field, path);
    }
    let failed = |error: io::Error| {
        ConfigError::new(field, "the file cannot be made", "make its folder, writable for this user")
            .caused_by(error)
    };
    let text = make()?;
    let number: u64 = crate::random::random_bytes()
        .map(u64::from_ne_bytes)
        .map_err(|error| failed(io::Error::other(error)))?;
    let draft = path.with_extension(format!("new-{number:016x}"));
    let placed = write(&draft, &text).and_then(|()| match fs::hard_link(&draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    });
    let removed = fs::remove_file(&draft);
    placed.and(removed).map_err(failed)?;
    read(field, path)
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(unix)]
fn check_access(field: &'static str, path: &Path) -> Result<(), ConfigError> {
    use std::os::unix::fs::PermissionsExt as _;

    match fs::metadata(path) {
        Ok(metadata) if metadata.permissions().mode() & 0o077 != 0 => {
            Err(ConfigError::new(field, "others may read the file", "run `chmod 600` on it"))
        }
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn check_access(_: &'static str, _: &Path) -> Result<(), ConfigError> {
    Ok(())
}
