//! The system calls that are left (seccomp): those of a trace of all formats, and their kin on other architectures and
//! C libraries. Any other is answered with "not permitted".
//!
//! How many threads there are, and how many ffmpegs, is not limited here: a filter cannot count, and `RLIMIT_NPROC`
//! counts all that a user runs, and nothing of root's. That is for the limit of the service's control group
//! (`pids.max`). All are in one process group, which no call here leaves, so the service ends them with the conversion.

use std::{collections::BTreeMap, env::consts::ARCH};

use seccompiler::{
    BackendError, BpfProgram, Error, SeccompAction, SeccompCmpArgLen::Dword, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, apply_filter,
};

use crate::control::Guard;

/// Calls that reach nothing but this process, and what it has open.
const ALLOWED: &[i64] = &[
    // What is open.
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_pread64,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_pwrite64,
    libc::SYS_lseek,
    libc::SYS_ftruncate,
    libc::SYS_close,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_pipe2,
    libc::SYS_ppoll,
    libc::SYS_pselect6,
    libc::SYS_recvfrom,
    // What there is: Landlock hides contents, not names.
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_readlinkat,
    // Memory.
    libc::SYS_brk,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    // Threads and processes. `clone3` is refused by a filter of its own.
    libc::SYS_clone3,
    libc::SYS_execve,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_wait4,
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_set_tid_address,
    libc::SYS_rseq,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_getpgid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_getrusage,
    // Signals; whom they reach is Landlock's.
    libc::SYS_kill,
    libc::SYS_tgkill,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    // Time, chance and the machine.
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    libc::SYS_sysinfo,
    libc::SYS_uname,
];

/// Older forms of the same, which other architectures do not have.
#[cfg(target_arch = "x86_64")]
const ALLOWED_OLDER: &[i64] = &[
    libc::SYS_arch_prctl,
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_access,
    libc::SYS_readlink,
    libc::SYS_dup2,
    libc::SYS_pipe,
    libc::SYS_poll,
    libc::SYS_select,
    libc::SYS_getpgrp,
    libc::SYS_time,
];
#[cfg(not(target_arch = "x86_64"))]
const ALLOWED_OLDER: &[i64] = &[];

const COMMANDS_OF_FCNTL: [i32; 6] =
    [libc::F_DUPFD, libc::F_DUPFD_CLOEXEC, libc::F_GETFD, libc::F_SETFD, libc::F_GETFL, libc::F_SETFL];
/// Names of threads; and what libcap, which ffmpeg links, asks when it is loaded.
const OPTIONS_OF_PRCTL: [i32; 2] = [libc::PR_SET_NAME, libc::PR_CAPBSET_READ];
/// The one request of `ioctl`: `TCGETS`, whose type differs between C libraries.
const IS_TERMINAL: u64 = 0x5401;
/// A thread, as C libraries start it (`CLONE_THREAD` needs the others): these flags, and of the second list none.
const FLAGS_OF_THREAD: i32 = libc::CLONE_VM | libc::CLONE_SIGHAND | libc::CLONE_THREAD;
const FLAGS_NOT_OF_THREAD: i32 = libc::CLONE_VFORK
    | libc::CLONE_PARENT
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET;
/// A program, as `posix_spawn` starts it: exactly these flags. The caller stands still until the program runs, so this
/// makes no copies that run beside it; a plain fork does.
const FLAGS_OF_SPAWN: i32 = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
/// Flags of opening that change files.
const OPEN_TO_WRITE: i32 = libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC;

/// Restricts this thread. Answers what the kernel lacks.
pub(super) fn confine() -> Option<Guard> {
    install().is_err().then_some(Guard::SystemCalls)
}

fn install() -> Result<(), Error> {
    // Of the answers of two filters the stricter one counts. Programs take this answer for an older kernel and call
    // `clone`, whose flags can be seen; and the first filter must leave what installs the second.
    apply_filter(&no_clone3()?)?;
    apply_filter(&allow_list()?)
}

fn no_clone3() -> Result<BpfProgram, BackendError> {
    let rules = BTreeMap::from([(libc::SYS_clone3, vec![])]);
    let absent = SeccompAction::Errno(libc::ENOSYS.cast_unsigned());
    SeccompFilter::new(rules, SeccompAction::Allow, absent, arch()?)?.try_into()
}

fn allow_list() -> Result<BpfProgram, BackendError> {
    let forbidden = SeccompAction::Errno(libc::EPERM.cast_unsigned());
    SeccompFilter::new(rules()?, forbidden, SeccompAction::Allow, arch()?)?.try_into()
}

fn arch() -> Result<TargetArch, BackendError> {
    ARCH.try_into()
}

/// System calls, each with the arguments of which one set must match; with none, any do.
fn rules() -> Result<BTreeMap<i64, Vec<SeccompRule>>, BackendError> {
    let mut rules: BTreeMap<_, _> = ALLOWED.iter().chain(ALLOWED_OLDER).map(|&call| (call, vec![])).collect();
    let equal = SeccompCmpOp::Eq;
    rules.insert(libc::SYS_fcntl, one_of(1, &COMMANDS_OF_FCNTL)?);
    rules.insert(libc::SYS_prctl, one_of(0, &OPTIONS_OF_PRCTL)?);
    rules.insert(libc::SYS_ioctl, vec![argument(1, equal.clone(), IS_TERMINAL)?]);
    rules.insert(libc::SYS_openat, vec![argument(2, without(OPEN_TO_WRITE), 0)?]);
    #[cfg(target_arch = "x86_64")]
    rules.insert(libc::SYS_open, vec![argument(1, without(OPEN_TO_WRITE), 0)?]);
    let of_thread = SeccompCmpOp::MaskedEq(u64::from((FLAGS_OF_THREAD | FLAGS_NOT_OF_THREAD).cast_unsigned()));
    let clones = [(of_thread, FLAGS_OF_THREAD), (equal.clone(), FLAGS_OF_SPAWN)];
    let clones = clones.map(|(operator, flags)| argument(0, operator, flags.cast_unsigned().into()));
    rules.insert(libc::SYS_clone, clones.into_iter().collect::<Result<_, _>>()?);
    // Of no other process.
    rules.insert(libc::SYS_prlimit64, vec![argument(0, equal.clone(), 0)?]);
    // To whom the socket is connected; the address is a pointer.
    let nobody_else = SeccompCondition::new(4, seccompiler::SeccompCmpArgLen::Qword, equal, 0)?;
    rules.insert(libc::SYS_sendto, vec![SeccompRule::new(vec![nobody_else])?]);
    Ok(rules)
}

fn one_of(index: u8, values: &[i32]) -> Result<Vec<SeccompRule>, BackendError> {
    values.iter().map(|&value| argument(index, SeccompCmpOp::Eq, u64::from(value.cast_unsigned()))).collect()
}

/// None of these bits.
fn without(bits: i32) -> SeccompCmpOp {
    SeccompCmpOp::MaskedEq(u64::from(bits.cast_unsigned()))
}

fn argument(index: u8, operator: SeccompCmpOp, value: u64) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(vec![SeccompCondition::new(index, Dword, operator, value)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_dangerous_is_in_the_list() {
        let rules = rules().expect("rules");
        for call in [
            libc::SYS_socket,
            libc::SYS_socketpair,
            libc::SYS_connect,
            libc::SYS_bind,
            libc::SYS_sendmsg,
            libc::SYS_io_uring_setup,
            libc::SYS_io_uring_enter,
            libc::SYS_ptrace,
            libc::SYS_process_vm_readv,
            libc::SYS_process_vm_writev,
            libc::SYS_pidfd_open,
            libc::SYS_pidfd_getfd,
            libc::SYS_bpf,
            libc::SYS_userfaultfd,
            libc::SYS_unshare,
            libc::SYS_setns,
            libc::SYS_keyctl,
            libc::SYS_mount,
            libc::SYS_perf_event_open,
            libc::SYS_chroot,
            libc::SYS_execveat,
            libc::SYS_fchmodat,
            libc::SYS_unlinkat,
            libc::SYS_memfd_create,
        ] {
            assert!(!rules.contains_key(&call), "{call}");
        }
        for call in [libc::SYS_clone, libc::SYS_openat, libc::SYS_prctl, libc::SYS_ioctl, libc::SYS_sendto] {
            assert!(!rules[&call].is_empty(), "{call} is not allowed with any arguments");
        }
    }

    #[test]
    fn both_filters_are_made() {
        assert!(!no_clone3().expect("a filter").is_empty());
        assert!(!allow_list().expect("a filter").is_empty());
    }
}
