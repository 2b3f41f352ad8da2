//! The certificate to trust, in a file for the other commands.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;

use crate::failure::Failure;
use crate::interruption;

/// A file in the folder for temporary ones, gone with the value.
pub(super) struct AuthorityFile {
    path: PathBuf,
    shown: String,
}

impl AuthorityFile {
    pub(super) fn new(pem: &str) -> Result<Self, Failure> {
        let name = format!("pushest-ca-{:016x}.pem", fastrand::u64(..));
        let path = std::env::temp_dir().join(name);
        // No other process can have put a file, or a link, in its place.
        let made = OpenOptions::new().write(true).create_new(true).open(&path);
        let written = made.and_then(|mut file| file.write_all(pem.as_bytes()));
        let shown = path.display().to_string();
        written.map_err(|error| {
            Failure::failed(format_args!("the certificate cannot be written to {shown}: {error}"))
        })?;
        interruption::remove_at_the_end(path.clone());
        Ok(Self { path, shown })
    }

    pub(super) fn path(&self) -> &str {
        &self.shown
    }
}

impl Drop for AuthorityFile {
    fn drop(&mut self) {
        // If it was removed already, there is nothing left to do.
        let _ = fs::remove_file(&self.path);
    }
}
