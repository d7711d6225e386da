//! The files that no output may overwrite: those that the command reads, and its other outputs.

use std::fs::{File, Metadata};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The device and the inode of a regular file: the same for all paths and links that lead to it.
type FileIdentity = (u64, u64);

/// Files that no output may overwrite, each with its role in a message.
#[derive(Clone, Debug, Default)]
pub struct KeptFiles(Vec<KeptFile>);

#[derive(Clone, Debug)]
struct KeptFile {
    path: PathBuf,
    role: String,
    /// None if there was no file when it was added.
    identity: Option<FileIdentity>,
}

impl KeptFiles {
    /// Adds a file by its path; `-` is standard input. Its role completes the sentence "PATH is ...".
    pub fn add(&mut self, path: &Path, role: &str) {
        let identity = input_identity(path);
        self.0.push(KeptFile { path: path.to_owned(), role: role.to_owned(), identity });
    }

    /// The role of the file that an output to this path would overwrite, if there is one.
    #[must_use]
    pub fn role_of_path(&self, path: &Path) -> Option<&str> {
        match std::fs::metadata(path) {
            Ok(metadata) => self.role_of(&metadata),
            // Neither is there yet, but both would be the same file.
            Err(_) => {
                let place = future_place(path);
                let kept = self.0.iter().find(|kept| place.is_some() && future_place(&kept.path) == place);
                kept.map(|kept| &*kept.role)
            }
        }
    }

    /// The role of the file of a descriptor, if it is one of these.
    #[must_use]
    pub fn role_of_open_file(&self, file: impl AsFd) -> Option<&str> {
        let copy = file.as_fd().try_clone_to_owned().map(File::from);
        copy.and_then(|copy| copy.metadata()).ok().and_then(|metadata| self.role_of(&metadata))
    }

    fn role_of(&self, metadata: &Metadata) -> Option<&str> {
        let identity = regular_identity(metadata)?;
        let is_same = |kept: &&KeptFile| {
            // The path may lead to another file by now, and both are kept.
            kept.identity == Some(identity) || input_identity(&kept.path) == Some(identity)
        };
        self.0.iter().find(is_same).map(|kept| &*kept.role)
    }
}

/// The identity of a file that is read; `-` is standard input.
fn input_identity(path: &Path) -> Option<FileIdentity> {
    let metadata = if path.as_os_str() == "-" {
        io::stdin().as_fd().try_clone_to_owned().map(File::from).and_then(|stdin| stdin.metadata())
    } else {
        std::fs::metadata(path)
    };
    regular_identity(&metadata.ok()?)
}

/// Pipes and devices have no contents that could be overwritten.
fn regular_identity(metadata: &Metadata) -> Option<FileIdentity> {
    metadata.is_file().then(|| (metadata.dev(), metadata.ino()))
}

/// The place of a file that is not there yet: its real folder, and its name.
fn future_place(path: &Path) -> Option<PathBuf> {
    if path.as_os_str() == "-" || path.exists() {
        return None;
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).canonicalize().ok()?;
    Some(folder.join(path.file_name()?))
}
