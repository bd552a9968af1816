//! The system as processes of this machine: real servers, auth, one gateway, and converters with a quota each.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use bytes::Bytes;

use super::{
    metrics::{Counts, conversions_done},
    plan::Arm,
    proxy::Proxy,
    quota::{Group, Quotas, Throttling},
    upload::Uploader,
};
use crate::{
    stats::float,
    system::{ADMIN, ConverterList, LIMITS_LIFTED, PASSWORD, Process, Servers},
    usage,
};

/// An upload waits for a converter instead of being refused: the cells compare capacities, not ways to refuse.
const ADMISSION_WAIT_MAX: &str = "30s";
/// Longer than any run.
const TOKEN_LIFETIME: &str = "12h";

/// A running system.
#[derive(Debug)]
pub(super) struct Fleet {
    // Dropped in this order: converters lose their servers last.
    converters: Vec<Converter>,
    gateway: Process,
    auth: Process,
    proxy: Proxy,
    quotas: Option<Quotas>,
    cpus: f64,
    tapedeck: PathBuf,
    arm: Arm,
    started: usize,
    list: ConverterList,
    servers: Servers,
}

#[derive(Debug)]
struct Converter {
    name: String,
    process: Process,
    /// After the process, which runs in it.
    group: Option<Group>,
}

/// What the converters did with their quotas so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Used {
    /// CPU seconds and throttling of each, by name.
    converters: BTreeMap<String, (f64, Throttling)>,
    /// CPU seconds of the gateway and of auth.
    door: f64,
    machine: (f64, f64),
}

impl Fleet {
    /// Starts everything but converters. `cpus` is each converter's quota; 0 is none.
    pub(super) async fn start(tapedeck: &Path, cpus: f64, seed: u64) -> anyhow::Result<Self> {
        // First: it may move this process, and what is started later goes along.
        let quotas = (cpus > 0.0).then(Quotas::open).transpose()?;
        let servers = Servers::start(tapedeck)?;
        let [key, token] = ["signing-key", "service-token"].map(|name| servers.write(name, &"k".repeat(64)));
        let (key, token) = (key?.display().to_string(), token?.display().to_string());
        let settings =
            [("USERS_URL", servers.mysql.url()), ("SIGNING_KEY_FILE", &key), ("TOKEN_LIFETIME", TOKEN_LIFETIME)];
        let auth = Process::start(tapedeck, "auth", "AUTH_LISTEN", &settings).await?;
        let proxy = Proxy::start(seed).await?;
        let list = ConverterList::create(servers.path("converters"), &[proxy.address.to_string()])?;
        let converters = list.setting();
        let settings = [
            ("AUTH_URL", auth.base.as_str()),
            ("CONVERTERS", &converters),
            ("STORE_URL", servers.mongo.url()),
            ("BROKER_URL", servers.rabbit.url()),
            ("SERVICE_TOKEN_FILE", &token),
            ("ADMISSION_WAIT_MAX", ADMISSION_WAIT_MAX),
            ("QUEUED_FLOW", "true"),
        ];
        let settings = [&settings[..], &LIMITS_LIFTED].concat();
        let gateway = Process::start(tapedeck, "gateway", "GATEWAY_LISTEN", &settings).await?;
        let (tapedeck, converters, arm) = (tapedeck.to_owned(), vec![], Arm::Headless);
        Ok(Self { converters, gateway, auth, proxy, quotas, cpus, tapedeck, arm, started: 0, list, servers })
    }

    pub(super) async fn uploader(&self, clip: Bytes) -> anyhow::Result<Uploader> {
        Uploader::login(self.gateway.base.clone(), ADMIN, PASSWORD, clip).await
    }

    /// Starts or ends converters until there are so many, and lets the gateway know. Nothing may be under way where some end.
    /// Gives the moment from which the gateway could know.
    pub(super) async fn scale(&mut self, replicas: u32, arm: Arm) -> anyhow::Result<Instant> {
        let replicas = usize::try_from(replicas)?;
        self.converters.truncate(replicas);
        while self.converters.len() < replicas {
            let converter = self.converter().await?;
            self.converters.push(converter);
        }
        self.arm = arm;
        self.list()?;
        Ok(Instant::now())
    }

    async fn converter(&mut self) -> anyhow::Result<Converter> {
        self.started += 1;
        // With zeros before it, so that the order of the names is that of the starts.
        let name = format!("converter-{:03}", self.started);
        let group = self.quotas.as_ref().map(|quotas| quotas.group(&name, self.cpus)).transpose()?;
        let program = self.tapedeck.with_file_name("converter");
        let command = group.as_ref().map_or_else(|| Command::new(&program), |group| group.command(&program));
        let token = self.servers.path("service-token").display().to_string();
        let settings = [
            ("STORE_URL", self.servers.mongo.url()),
            ("BROKER_URL", self.servers.rabbit.url()),
            ("SERVICE_TOKEN_FILE", &token),
            ("CONVERSIONS_MAX", "1"),
            ("QUEUED_FLOW", "true"),
        ];
        let process = Process::launch(command, "CONVERTER_LISTEN", &settings).await;
        let process = process.with_context(|| format!("cannot run {}", program.display()))?;
        Ok(Converter { name, process, group })
    }

    /// Writes the list that the gateway reads each second: all converters, or the one address before them.
    fn list(&self) -> anyhow::Result<()> {
        let addresses: Vec<String> = self.converters.iter().map(|converter| converter.process.address()).collect();
        let backends: Result<Vec<SocketAddr>, _> = addresses.iter().map(|address| address.parse()).collect();
        self.proxy.set(backends?);
        let known = match self.arm {
            Arm::Headless => addresses,
            Arm::ClusterIp => vec![self.proxy.address.to_string()],
        };
        Ok(self.list.set(&known)?)
    }

    pub(super) async fn counts(&self, http: &reqwest::Client) -> anyhow::Result<Counts> {
        let mut counts = Counts::default();
        for converter in &self.converters {
            let page = http.get(format!("{}/metrics", converter.process.base)).send().await?.text().await?;
            counts.0.insert(converter.name.clone(), conversions_done(&page));
        }
        Ok(counts)
    }

    pub(super) fn used(&self) -> anyhow::Result<Used> {
        let mut converters = BTreeMap::new();
        for converter in &self.converters {
            let throttling = converter.group.as_ref().map(Group::throttling).transpose()?.unwrap_or_default();
            converters.insert(converter.name.clone(), (usage::cpu_s(&[converter.process.pid()])?, throttling));
        }
        let door = usage::cpu_s(&[self.gateway.pid(), self.auth.pid()])?;
        Ok(Used { converters, door, machine: usage::machine_s()? })
    }

    pub(super) fn cpus(&self) -> f64 {
        self.cpus
    }
}

/// What limited the converters between two looks.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub(super) struct Usage {
    /// CPU time of all converters and their engines, as a share of their quotas; `None` without quotas.
    pub(super) quota_used: Option<f64>,
    /// Periods in which a quota ran out, as a share of those in which something ran.
    pub(super) throttled: Option<f64>,
    /// CPUs that the gateway and auth kept busy together.
    pub(super) door_cpus: f64,
    /// What the whole machine worked, as a share of all its CPUs.
    pub(super) machine_busy: f64,
}

impl Used {
    pub(super) fn since(&self, before: &Self, cpus: f64, length: Duration) -> Usage {
        let (mut seconds, mut throttling) = (0.0, Throttling::default());
        for (name, (cpu, all)) in &self.converters {
            let (cpu_before, all_before) = before.converters.get(name).copied().unwrap_or_default();
            seconds += cpu - cpu_before;
            let new = all.since(all_before);
            throttling.periods += new.periods;
            throttling.throttled += new.throttled;
        }
        let (quota, throttled) = (
            cpus * length.as_secs_f64() * float(self.converters.len()),
            float(throttling.throttled) / float(throttling.periods),
        );
        let (worked, passed) = (self.machine.0 - before.machine.0, self.machine.1 - before.machine.1);
        Usage {
            quota_used: (quota > 0.0).then(|| seconds / quota),
            throttled: (throttling.periods > 0).then_some(throttled),
            door_cpus: (self.door - before.door) / length.as_secs_f64(),
            machine_busy: if passed > 0.0 { worked / passed } else { 0.0 },
        }
    }
}
