//! A small shop whose pages and API have the same guards; `README.md` shows how to use it.

mod address;
mod api;
mod args;
mod database;
mod guesses;
mod headers;
mod orders;
mod pages;
mod password;
mod path;
mod plain_http;
mod problem;
mod routes;
mod server;
mod shutdown;
mod sign_in;
mod state;
mod user;
mod users;

use std::error::Error;
use std::io::{self, IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser as _;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::args::Args;
use crate::server::{Proxies, Stopped};
use crate::shutdown::StopSignals;
use crate::state::AppState;

/// An error that is only printed.
type BoxError = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
    let colours = io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(io::stderr).init();
    match run(&Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = &*error as &dyn Error, "the shop cannot run");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: &Args) -> Result<(), BoxError> {
    let signals = StopSignals::listen()?;
    let state = AppState::open(args).await?;
    let router = routes::router(&state.auth);
    let listener = TcpListener::bind(args.listen)
        .await
        .map_err(|error| format!("cannot listen on {}: {error}", args.listen))?;
    announce(&router.policies(), listener.local_addr()?)?;

    let auth = state.auth.clone();
    let proxies = Proxies::new(&args.trusted_proxy);
    match server::serve(listener, &proxies, &router.with_state(state), signals.wait()).await {
        Stopped::Finished => {}
        Stopped::WithRequestsRunning => tracing::warn!("stopped with requests still running"),
    }
    Ok(auth.flush().await?)
}

fn announce(policies: &impl std::fmt::Display, address: SocketAddr) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{policies}\nlistening on http://{address}")?;
    stdout.flush()
}
