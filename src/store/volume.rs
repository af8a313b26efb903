//! The disk on which a store lies: how much room it has, and whether it keeps the promises that a store rests on.

use std::path::Path;

use rustix::fs::{statfs, statvfs};

/// File systems that promise neither the lock nor the order of writes, by the number in `f_type` (statfs(2)).
const REMOTE: [(u64, &str); 9] = [
    (0x6969, "NFS"),
    (0x517B, "SMB"),
    (0xFE53_4D42, "SMB"),
    (0xFF53_4D42, "CIFS"),
    (0x6573_5546, "FUSE"),
    (0x0102_1997, "9P"),
    (0x00C3_6400, "Ceph"),
    (0x5346_414F, "AFS"),
    (0x0BD0_0BD0, "Lustre"),
];

/// What is known of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Volume {
    /// Bytes that are free for this user.
    pub free: u64,
    /// The kind of file system, where it is one that a store must not lie on.
    pub remote: Option<&'static str>,
}

/// The disk of a folder, or of the nearest folder above it that is there.
///
/// # Errors
/// What the system says.
pub fn volume(folder: &Path) -> std::io::Result<Volume> {
    let place = folder.ancestors().find(|one| one.is_dir()).unwrap_or(Path::new("."));
    let room = statvfs(place)?;
    let kind = statfs(place)?.f_type.cast_unsigned() & 0xFFFF_FFFF;
    let remote = REMOTE.into_iter().find(|(number, _)| *number == kind).map(|(_, name)| name);
    Ok(Volume { free: room.f_bavail.saturating_mul(room.f_frsize), remote })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_disk_of_a_folder_that_is_not_there_yet_is_that_of_the_one_above() {
        let folder = tempfile::tempdir().unwrap();
        let own = volume(folder.path()).unwrap();
        assert!(own.free > 0 && own.remote.is_none(), "{own:?}");
        assert_eq!(volume(&folder.path().join("a/b")).unwrap().remote, None);
    }
}
