//! A kernel that has no Landlock.

use std::{collections::BTreeMap, env::consts::ARCH, io, os::unix::process::CommandExt as _, process::Command};

use seccompiler::{BackendError, BpfProgram, SeccompAction, SeccompFilter, apply_filter};

/// Runs `program` in the place of this one, with the answer of an old kernel to Landlock. It returns where that fails.
pub(crate) fn execute(program: &str, arguments: &[&str]) -> io::Error {
    match filter().map_err(io::Error::other).and_then(|filter| apply_filter(&filter).map_err(io::Error::other)) {
        Ok(()) => Command::new(program).args(arguments).exec(),
        Err(cause) => cause,
    }
}

fn filter() -> Result<BpfProgram, BackendError> {
    let calls = [libc::SYS_landlock_create_ruleset, libc::SYS_landlock_add_rule, libc::SYS_landlock_restrict_self];
    let rules: BTreeMap<_, _> = calls.into_iter().map(|call| (call, vec![])).collect();
    let absent = SeccompAction::Errno(libc::ENOSYS.cast_unsigned());
    SeccompFilter::new(rules, SeccompAction::Allow, absent, ARCH.try_into()?)?.try_into()
}
