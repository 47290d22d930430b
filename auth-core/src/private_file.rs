//! Files that contain a secret: readable by their owner only, and never visible half written.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use zeroize::Zeroizing;

use crate::config::ConfigError;

/// The text of the file. On Unix it is an error if anyone but the owner has access to the file.
pub(crate) fn read(field: &'static str, path: &Path) -> Result<Zeroizing<String>, ConfigError> {
    check_access(field, path)?;
    fs::read_to_string(path).map(Zeroizing::new).map_err(|error| {
        ConfigError::new(field, "the file cannot be read", "check its path and permissions").caused_by(error)
    })
}

/// The text of the file, which is created first if it does not exist.
///
/// The new file is written under another name and then linked to `path`, so that of two processes that start at the
/// same time the second reads what the first wrote.
pub(crate) fn read_or_make(
    field: &'static str,
    path: &Path,
    make: impl FnOnce() -> Result<Zeroizing<String>, ConfigError>,
) -> Result<Zeroizing<String>, ConfigError> {
    if path.exists() {
        return read(field, path);
    }
    let failed = |error: io::Error| {
        ConfigError::new(field, "the file cannot be created", "create its directory, writable by this user")
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
            Err(ConfigError::new(field, "the file is accessible to other users", "run `chmod 600` on it"))
        }
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn check_access(_: &'static str, _: &Path) -> Result<(), ConfigError> {
    Ok(())
}
