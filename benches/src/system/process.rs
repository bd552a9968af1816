//! One service as a process.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::Instant,
};

use anyhow::{Context as _, bail, ensure};

use super::{START_LOOK, START_MAX, free_address};

/// One service alone; killed when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    /// Where it answers.
    pub(crate) base: String,
}

impl Process {
    /// Starts `program`, which stands beside `tapedeck` and learns its address from the variable `listen`, and waits until
    /// it is ready.
    pub(crate) async fn start(
        tapedeck: &Path,
        program: &str,
        listen: &str,
        settings: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let command = Command::new(tapedeck.with_file_name(program));
        Self::launch(command, listen, settings)
            .await
            .with_context(|| format!("cannot run {program}; build it with cargo build --release --workspace"))
    }

    /// The same for a command that becomes the service.
    pub(crate) async fn launch(mut command: Command, listen: &str, settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let address = free_address()?;
        let child = command
            .env(listen, address.to_string())
            .env("RUST_LOG", "warn")
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        let mut process = Self { child, base: format!("http://{address}") };
        process.wait_until_ready().await?;
        Ok(process)
    }

    /// Host and port, as a gateway's list of converters names them.
    pub(crate) fn address(&self) -> String {
        self.base.trim_start_matches("http://").to_owned()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    async fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        let deadline = Instant::now() + START_MAX;
        loop {
            let answer = http.get(format!("{}/readyz", self.base)).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended at once: {status}");
            }
            ensure!(Instant::now() < deadline, "it was not ready within {START_MAX:?}");
            tokio::time::sleep(START_LOOK).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
