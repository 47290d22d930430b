//! The command line.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

/// A small shop with pages for browsers and an API: sessions and tokens are both accepted
#[derive(Clone, Debug, Parser)]
#[command(version)]
pub(crate) struct Args {
    /// Folder for the databases and the secrets; created if it does not exist
    #[arg(long, value_name = "DIR", default_value = "shop-data")]
    pub(crate) data: PathBuf,

    /// Address to listen on; port 0 picks a free one
    #[arg(long, value_name = "ADDR", default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 3000)))]
    pub(crate) listen: SocketAddr,

    /// How long an access token is valid
    #[arg(long, value_name = "DURATION", default_value = "15m", value_parser = humantime::parse_duration)]
    pub(crate) access_ttl: Duration,

    /// How long after a refresh the previous refresh token still gets the same successor
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = humantime::parse_duration)]
    pub(crate) grace: Duration,

    /// How long a session lasts without a request
    #[arg(long, value_name = "DURATION", default_value = "2h", value_parser = humantime::parse_duration)]
    pub(crate) session_idle: Duration,

    /// How many logins a user may have; one more ends the oldest [default: no limit]
    #[arg(long, value_name = "N")]
    pub(crate) max_logins: Option<NonZeroU32>,

    /// A proxy whose X-Forwarded-For names the client; can be given more than once [default: none]
    #[arg(long, value_name = "ADDR")]
    pub(crate) trusted_proxy: Vec<IpAddr>,
}
