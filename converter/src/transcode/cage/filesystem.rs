//! Files, TCP, and whom signals and abstract sockets reach (Landlock): what is not listed here is not there.

use std::{
    os::fd::BorrowedFd,
    path::{Path, PathBuf},
};

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, LandlockStatus, PathBeneath, RestrictionStatus, Ruleset,
    RulesetAttr as _, RulesetCreatedAttr as _, RulesetError, Scope, path_beneath_rules,
};

use super::loader;
use crate::control::Guard;

/// Where the libraries of ffmpeg lie. Those that do not exist are skipped.
const LIBRARIES: [&str; 8] =
    ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/local/lib64", "/nix/store", "/gnu/store"];
/// What loaders read before any library, and devices that programs expect.
const SETTINGS: [&str; 6] = [
    "/etc/ld.so.cache",
    "/etc/ld.so.preload",
    "/etc/ld-musl-x86_64.path",
    "/etc/ld-musl-aarch64.path",
    "/dev/null",
    "/dev/urandom",
];
/// The last version of Landlock that brought a restriction which is used here, and the first ones of two parts.
const NEWEST: ABI = ABI::V6;
const FIRST_WITH_NETWORK: ABI = ABI::V4;
const FIRST_WITH_SCOPES: ABI = ABI::V6;

/// Restricts this thread. Answers what the kernel lacks.
pub(super) fn confine(ffmpeg: &Path, files: &[BorrowedFd<'_>]) -> Vec<Guard> {
    let effective = match restrict(ffmpeg, files) {
        Ok(RestrictionStatus { landlock: LandlockStatus::Available { effective_abi, .. }, .. }) => effective_abi,
        // An error is another sandbox around this one, which forbids these calls.
        Ok(_) | Err(_) => ABI::Unsupported,
    };
    [(Guard::Filesystem, ABI::V1), (Guard::Network, FIRST_WITH_NETWORK), (Guard::Scopes, FIRST_WITH_SCOPES)]
        .into_iter()
        .filter_map(|(guard, first)| (effective < first).then_some(guard))
        .collect()
}

fn restrict(ffmpeg: &Path, files: &[BorrowedFd<'_>]) -> Result<RestrictionStatus, RulesetError> {
    let (read, run) = (BitFlags::from(AccessFs::ReadFile), AccessFs::ReadFile | AccessFs::Execute);
    // A program outside the system's folders often has its libraries beside it: `bin/ffmpeg`, `lib/`.
    let own_libraries = ffmpeg.canonicalize().ok().and_then(|program| Some(program.parent()?.parent()?.join("lib")));
    let libraries = LIBRARIES.iter().chain(&SETTINGS).map(PathBuf::from).chain(own_libraries);
    let programs = [Some(ffmpeg.to_owned()), loader::loader(ffmpeg)];
    let files = files.iter().map(|file| Ok::<_, RulesetError>(PathBeneath::new(*file, read)));
    Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?
        .add_rules(path_beneath_rules(libraries, read))?
        .add_rules(path_beneath_rules(programs.into_iter().flatten(), run))?
        .add_rules(files)?
        .restrict_self()
}
