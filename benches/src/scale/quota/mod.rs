//! A share of the CPU for each replica, by control groups: what a pod's CPU limit is made of.
//!
//! The lab makes a group below its own for each replica and removes it with the value, also where a run fails. Both versions of
//! control groups are known; version 2 gives a quota only below a group that is delegated and holds no process itself.

mod hierarchy;

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{self, Command},
    thread,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use self::hierarchy::{Hierarchy, Version};

/// The period of Kubernetes and of the kernel, in microseconds: after its part of it a group rests until the next.
const PERIOD_US: u32 = 100_000;
/// What the lab's groups are called, with the number of its process.
const PREFIX: &str = "tapedeck-lab-";
/// How long an ended group may still hold processes.
const EMPTY_MAX: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(10);
/// Joins the group, then becomes the program: it never runs outside, and counts the cores it may use from within.
const JOIN: &str = r#"echo $$ > "$1" && exec "$2""#;

/// Where groups can be made.
#[derive(Debug)]
pub(super) struct Quotas {
    hierarchy: Hierarchy,
}

/// One replica's group. What runs in it when this is dropped is killed.
#[derive(Debug)]
pub(super) struct Group {
    folder: PathBuf,
}

/// How often the kernel held a group back, since it was made or between two looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Throttling {
    /// Periods in which something ran.
    pub(super) periods: u64,
    /// Those in which the quota ran out.
    pub(super) throttled: u64,
}

impl Quotas {
    /// Finds out what is mounted, and removes what a killed lab left.
    pub(super) fn open() -> anyhow::Result<Self> {
        let read = |path| fs::read_to_string(path).with_context(|| format!("cannot read {path}"));
        let hierarchy = Hierarchy::find(&read("/proc/self/mounts")?, &read("/proc/self/cgroup")?)?;
        let quotas = Self { hierarchy };
        quotas.prepare().with_context(|| {
            format!(
                "the lab may not make control groups below {}; run it as root, or by `systemd-run --user --scope -p \
                 Delegate=yes lab scale …`, or without a quota by `--cpus 0`",
                quotas.hierarchy.folder.display()
            )
        })?;
        Ok(quotas)
    }

    fn prepare(&self) -> anyhow::Result<()> {
        for left in fs::read_dir(&self.hierarchy.folder)?.flatten() {
            if left.file_name().to_string_lossy().starts_with(PREFIX) {
                // One in which something runs, such as that of another lab, stays.
                let _ = fs::remove_dir(left.path());
            }
        }
        self.hierarchy.delegate()?;
        // Dropped at once: it shows whether the real ones will work.
        self.group("trial", 1.0).map(drop)
    }

    /// A group that may use so many CPUs.
    pub(super) fn group(&self, name: &str, cpus: f64) -> anyhow::Result<Group> {
        let folder = self.hierarchy.folder.join(format!("{PREFIX}{}-{name}", process::id()));
        fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let group = Group { folder };
        for (file, text) in limits(self.hierarchy.version, cpus) {
            group.write(file, &text)?;
        }
        Ok(group)
    }
}

/// The files of a group that hold its quota, and what is written there.
fn limits(version: Version, cpus: f64) -> Vec<(&'static str, String)> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few CPUs, in microseconds")]
    let quota = (cpus * f64::from(PERIOD_US)).round() as u64;
    match version {
        Version::One => {
            vec![("cpu.cfs_period_us", PERIOD_US.to_string()), ("cpu.cfs_quota_us", quota.to_string())]
        }
        Version::Two => vec![("cpu.max", format!("{quota} {PERIOD_US}"))],
    }
}

impl Group {
    fn write(&self, file: &str, text: &str) -> anyhow::Result<()> {
        let path = self.folder.join(file);
        fs::write(&path, text).with_context(|| format!("cannot write {text:?} to {}", path.display()))
    }

    /// A command that runs `program` in this group, as the same process.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", JOIN, "sh"]).arg(self.folder.join("cgroup.procs")).arg(program);
        command
    }

    pub(super) fn throttling(&self) -> anyhow::Result<Throttling> {
        let path = self.folder.join("cpu.stat");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Throttling::parse(&text))
    }

    fn kill_all(&self) -> io::Result<()> {
        for pid in fs::read_to_string(self.folder.join("cgroup.procs"))?.lines().filter_map(|line| line.parse().ok()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        Ok(())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let deadline = Instant::now() + EMPTY_MAX;
        while self.kill_all().is_ok() && fs::remove_dir(&self.folder).is_err() && Instant::now() < deadline {
            thread::park_timeout(LOOK);
        }
    }
}

impl Throttling {
    fn parse(text: &str) -> Self {
        let of = |name: &str| {
            let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok());
            value.unwrap_or(0)
        };
        Self { periods: of("nr_periods"), throttled: of("nr_throttled") }
    }

    pub(super) fn since(self, before: Self) -> Self {
        let less = |now: u64, before: u64| now.saturating_sub(before);
        Self { periods: less(self.periods, before.periods), throttled: less(self.throttled, before.throttled) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_written_as_each_version_wants_it() {
        let of = |file: &'static str, text: &str| (file, text.to_owned());
        assert_eq!(limits(Version::One, 0.3), [of("cpu.cfs_period_us", "100000"), of("cpu.cfs_quota_us", "30000")]);
        assert_eq!(limits(Version::Two, 1.5), [of("cpu.max", "150000 100000")]);
    }

    #[test]
    fn throttling_is_read_in_both_versions() {
        let one = "nr_periods 120\nnr_throttled 30\nthrottled_time 123456\n";
        let two = "usage_usec 5\nuser_usec 3\nsystem_usec 2\nnr_periods 150\nnr_throttled 31\nthrottled_usec 9\n";
        let (one, two) = (Throttling::parse(one), Throttling::parse(two));
        assert_eq!(one, Throttling { periods: 120, throttled: 30 });
        assert_eq!(two.since(one), Throttling { periods: 30, throttled: 1 });
    }

    #[test]
    fn a_command_joins_the_group_before_it_becomes_the_program() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let group = Group { folder: folder.path().join("group") };
        fs::create_dir(&group.folder).expect("a folder");
        let child = group.command(Path::new("true")).spawn().expect("a shell");
        let pid = child.id();
        assert!(child.wait_with_output().expect("an end").status.success());
        let joined = fs::read_to_string(group.folder.join("cgroup.procs")).expect("the shell wrote its number");
        assert_eq!(joined.trim(), pid.to_string());
        // Nothing may be killed by a number that the kernel has not put there.
        fs::remove_dir_all(&group.folder).expect("a folder");
    }
}
