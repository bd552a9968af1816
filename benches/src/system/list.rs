//! Which converters a gateway knows.

use std::{fs, io, path::PathBuf};

/// A file that a gateway reads once a second.
#[derive(Debug)]
pub(crate) struct ConverterList {
    path: PathBuf,
}

impl ConverterList {
    /// A new list, with these addresses.
    pub(crate) fn create(path: PathBuf, addresses: &[String]) -> io::Result<Self> {
        let list = Self { path };
        list.set(addresses)?;
        Ok(list)
    }

    /// The gateway's `CONVERTERS`.
    pub(crate) fn setting(&self) -> String {
        format!("file:{}", self.path.display())
    }

    /// Renamed over the old one: the gateway never reads half of it.
    pub(crate) fn set(&self, addresses: &[String]) -> io::Result<()> {
        let unfinished = self.path.with_extension("unfinished");
        let lines: String = addresses.iter().flat_map(|address| [address, "\n"]).collect();
        fs::write(&unfinished, lines)?;
        fs::rename(unfinished, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_replaced_as_a_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("converters");
        let list = ConverterList::create(path.clone(), &[]).expect("written");
        assert_eq!(fs::read_to_string(&path).expect("there"), "");

        list.set(&["127.0.0.1:1".to_owned(), "127.0.0.1:2".to_owned()]).expect("written");

        assert_eq!(fs::read_to_string(&path).expect("there"), "127.0.0.1:1\n127.0.0.1:2\n");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing unfinished is left");
    }
}
