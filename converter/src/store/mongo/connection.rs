//! The server's address, and the client that is made from it.

use std::time::Duration;

use anyhow::{Context as _, bail};
use mongodb::{
    Client, Database,
    options::{
        Acknowledgment, ClientOptions, ConnectionString, DatabaseOptions, ReadConcern, ReadPreference,
        SelectionCriteria, WriteConcern,
    },
};
use tokio::sync::OnceCell;

use super::lanes::OPERATION_MAX;

/// The database where the address names none.
const DATABASE: &str = "tapedeck";
/// Longest wait for a primary, which an election of a few seconds leaves in time for the operation itself.
const PRIMARY_MAX: Duration = Duration::from_secs(3);
/// Longest wait for one connection; shorter than [`PRIMARY_MAX`], so that another member gets its turn.
const CONNECT_MAX: Duration = Duration::from_secs(2);
/// Connections to one server, which [`super::lanes`] shares out.
const CONNECTIONS_MAX: u32 = 64;

/// What is wrong with an address that holds a password, as far as it can be told.
const NO_ADDRESS: &str = "STORE_URL is not an address of MongoDB; in the user and the password, each of / ? # [ ] @ : % must \
    be percent-encoded, e.g. %3F for ?";

/// A server that may or may not be there.
#[derive(Debug)]
pub(super) struct Connection {
    address: ConnectionString,
    service: String,
    database: OnceCell<Database>,
}

impl Connection {
    /// Reads an address. Limits that it names itself (`maxPoolSize`, …) stand.
    pub(super) async fn parse(url: &str, service: &str) -> anyhow::Result<Self> {
        let address = match ConnectionString::parse(url) {
            // The driver takes this for options, and would tell of them.
            _ if url.split_once('?').is_some_and(|(_, options)| options.contains('@')) => bail!(NO_ADDRESS),
            // Its text may quote the password.
            Err(_) if url.contains('@') => bail!(NO_ADDRESS),
            parsed => parsed.context("STORE_URL is not an address of MongoDB")?,
        };
        let connection = Self { address, service: service.to_owned(), database: OnceCell::new() };
        // A seed list is looked up in the DNS, which may be away as much as the server; all else is checked now.
        if !url.starts_with("mongodb+srv:") {
            connection.database().await.map_err(anyhow::Error::from).context("STORE_URL does not fit together")?;
        }
        Ok(connection)
    }

    /// Most connections to one server. MongoDB reads `maxPoolSize=0` as any number; here it is the usual one.
    pub(super) fn connections_max(&self) -> u32 {
        self.address.max_pool_size.filter(|&connections| connections > 0).unwrap_or(CONNECTIONS_MAX)
    }

    /// The database, whether or not its server answers.
    pub(super) async fn database(&self) -> Result<&Database, mongodb::error::Error> {
        self.database.get_or_try_init(|| self.client()).await
    }

    async fn client(&self) -> Result<Database, mongodb::error::Error> {
        let mut options = ClientOptions::parse(self.address.clone()).await?;
        options.app_name.get_or_insert_with(|| format!("tapedeck {}", self.service));
        options.server_selection_timeout.get_or_insert(PRIMARY_MAX);
        options.connect_timeout.get_or_insert(CONNECT_MAX);
        options.max_pool_size = Some(self.connections_max());
        let name = options.default_database.clone().unwrap_or_else(|| DATABASE.to_owned());
        Ok(Client::with_options(options)?.database_with_options(&name, durable()))
    }
}

/// What every operation asks for, whatever the address says: a 201 must survive an election and a loss of power.
fn durable() -> DatabaseOptions {
    let majority = WriteConcern::builder().w(Acknowledgment::Majority).journal(true).w_timeout(OPERATION_MAX).build();
    DatabaseOptions::builder()
        .write_concern(majority)
        .read_concern(ReadConcern::majority())
        .selection_criteria(SelectionCriteria::ReadPreference(ReadPreference::Primary))
        .build()
}
