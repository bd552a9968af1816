//! Where the control groups for CPU time are mounted, and which the lab itself is in.

use std::{
    fs,
    path::{Path, PathBuf},
    process,
};

use anyhow::{Context as _, bail};

/// How quotas are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// `cpu.cfs_quota_us`.
    One,
    /// `cpu.max`.
    Two,
}

/// The lab's own group in the hierarchy that limits CPU time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Hierarchy {
    pub(super) version: Version,
    pub(super) folder: PathBuf,
}

impl Hierarchy {
    /// From `/proc/self/mounts` and `/proc/self/cgroup` (cgroups(7)).
    pub(super) fn find(mounts: &str, groups: &str) -> anyhow::Result<Self> {
        let mounts = || {
            mounts.lines().filter_map(|line| {
                let mut fields = line.split(' ');
                let (_, at, kind, options) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
                Some((at, kind, options))
            })
        };
        let groups = || {
            groups.lines().filter_map(|line| {
                let (_, rest) = line.split_once(':')?;
                rest.split_once(':')
            })
        };
        let has_cpu = |list: &str| list.split(',').any(|controller| controller == "cpu");
        // A CPU controller that version 1 has taken is missing in version 2, where both are mounted.
        if let Some((at, ..)) = mounts().find(|(_, kind, options)| *kind == "cgroup" && has_cpu(options)) {
            let group = groups().find(|(controllers, _)| has_cpu(controllers)).map_or("/", |(_, path)| path);
            return Ok(Self { version: Version::One, folder: below(at, group) });
        }
        if let Some((at, ..)) = mounts().find(|(_, kind, _)| *kind == "cgroup2") {
            let group = groups().find(|(controllers, _)| controllers.is_empty()).map_or("/", |(_, path)| path);
            return Ok(Self { version: Version::Two, folder: below(at, group) });
        }
        bail!("no control groups are mounted, so no replica can have a CPU quota; `--cpus 0` runs without one")
    }

    /// Makes sure that groups below this one have quotas.
    pub(super) fn delegate(&self) -> anyhow::Result<()> {
        let control = self.folder.join("cgroup.subtree_control");
        let has_cpu =
            || Ok::<_, std::io::Error>(fs::read_to_string(&control)?.split_whitespace().any(|it| it == "cpu"));
        if self.version == Version::One || has_cpu()? {
            return Ok(());
        }
        if fs::write(&control, "+cpu").is_err() {
            // A group that has processes cannot pass controllers on, so the lab moves into a leaf of its own. The leaf stays
            // until the scope ends.
            let leaf = self.folder.join("tapedeck-lab");
            fs::create_dir_all(&leaf)?;
            fs::write(leaf.join("cgroup.procs"), process::id().to_string())?;
            fs::write(&control, "+cpu").context("its CPU controller is not delegated, or other processes run in it")?;
        }
        Ok(())
    }
}

/// The group's folder. In a container the path may be that of the host, and its own group is what is mounted.
fn below(mount: &str, group: &str) -> PathBuf {
    let whole = Path::new(mount).join(group.trim_start_matches('/'));
    if whole.is_dir() { whole } else { mount.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_that_has_the_cpu_controller_is_used() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let at = |name: &str| folder.path().join(name).display().to_string();
        for group in ["cpu/mine", "unified/mine"] {
            fs::create_dir_all(folder.path().join(group)).expect("folders");
        }
        let one = format!("cgroup {} cgroup rw,relatime,cpu,cpuacct 0 0\n", at("cpu"));
        let set = format!("cgroup {} cgroup rw,relatime,cpuset 0 0\n", at("set"));
        let two = format!("cgroup2 {} cgroup2 rw,relatime 0 0\n", at("unified"));
        let groups = "9:cpuset:/\n4:cpu,cpuacct:/mine\n0::/mine\n";
        let found = |mounts: String, groups| Hierarchy::find(&mounts, groups).ok();

        let of_one = Hierarchy { version: Version::One, folder: at("cpu/mine").into() };
        assert_eq!(found(format!("{two}{set}{one}"), groups), Some(of_one));
        let of_two = Hierarchy { version: Version::Two, folder: at("unified/mine").into() };
        assert_eq!(found(format!("{set}{two}"), groups), Some(of_two));
        // The host's path, seen from within a container.
        let mount = Hierarchy { version: Version::Two, folder: at("unified").into() };
        assert_eq!(found(two, "0::/kubepods/pod1/x\n"), Some(mount));
        assert_eq!(found(set, groups), None);
    }
}
