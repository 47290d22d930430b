//! A small shop whose pages and API stand behind the same guarded handlers; `README.md` shows how to talk to it.

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
mod problem;
mod routes;
mod shutdown;
mod sign_in;
mod state;
mod user;
mod users;

use std::error::Error;
use std::io::{self, IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::sleep;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::args::Args;
use crate::shutdown::StopSignals;
use crate::state::AppState;

/// An error that only ends up on the terminal.
type BoxError = Box<dyn Error + Send + Sync>;

/// How long running requests may take once the program was told to stop: less than the ten seconds after which container
/// runtimes kill it.
const LONGEST_GOODBYE: Duration = Duration::from_secs(8);

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
    let service = router.with_state(state).into_make_service_with_connect_info::<SocketAddr>();
    let (stopping, stopped) = oneshot::channel();
    let server = axum::serve(listener, service).with_graceful_shutdown(async {
        signals.wait().await;
        let _ = stopping.send(());
    });
    tokio::select! {
        served = server => served?,
        () = overdue(stopped) => tracing::warn!("stopped with requests still running"),
    }
    Ok(auth.flush().await?)
}

fn announce(policies: &impl std::fmt::Display, address: SocketAddr) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{policies}\nlistening on http://{address}")?;
    stdout.flush()
}

/// Returns when stopping takes too long; never when the server ends by itself.
async fn overdue(stopped: oneshot::Receiver<()>) {
    match stopped.await {
        Ok(()) => sleep(LONGEST_GOODBYE).await,
        Err(_) => std::future::pending().await,
    }
}
