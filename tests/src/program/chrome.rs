//! A Chromium of one's own: empty profile, no window, driven through its chromedriver.

use std::env;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::prelude::*;
use thirtyfour::{ChromeCapabilities, LoggingPrefsLogLevel};
use tokio::time::{sleep, timeout};

use super::{Browser, Process};

/// How long a chromedriver may take to start, and the browser after it: longer than a page, as both are large.
const START: Duration = Duration::from_secs(60);
/// How long one that hung up may take to end.
const END: Duration = Duration::from_secs(1);
/// How often it is tried.
const TRIES: usize = 5;
/// How long is waited before the second try, twice as long before the third, and so on: what kept one from starting, such
/// as a machine without memory, may keep the next one from it too.
const PAUSE: Duration = Duration::from_secs(1);

const FLAGS: [&str; 11] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-quic",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    "--window-size=1000,900",
];

/// The programs that a browser needs.
#[derive(Debug)]
pub struct Chrome {
    browser: PathBuf,
    driver: PathBuf,
}

impl Chrome {
    /// `None`, and a line that says so, where they are not installed; a failure with `AUTH_TEST_REQUIRE_ALL=1`.
    pub fn installed() -> Option<Self> {
        let browser = find(&["chromium", "chromium-browser", "google-chrome"]);
        let found = browser.zip(find(&["chromedriver"])).map(|(browser, driver)| Self { browser, driver });
        if found.is_none() {
            let all = env::var_os("AUTH_TEST_REQUIRE_ALL").is_some_and(|value| value == "1");
            assert!(!all, "chromium and chromedriver are not installed");
            println!("skipped: chromium and chromedriver are not installed");
        }
        found
    }

    /// Starts one.
    pub async fn open(&self) -> Browser {
        self.open_with(json!({})).await
    }

    /// Starts one that runs no script of any page.
    pub async fn open_without_scripts(&self) -> Browser {
        self.open_with(json!({ "profile.managed_default_content_settings.javascript": 2 })).await
    }

    async fn open_with(&self, preferences: Value) -> Browser {
        let mut complaints = Vec::new();
        while complaints.len() < TRIES {
            sleep(PAUSE * complaints.len() as u32).await;
            match self.try_open_with(&preferences).await {
                Ok(browser) => return browser,
                Err(complaint) => {
                    println!("once more: {complaint}");
                    complaints.push(complaint);
                }
            }
        }
        panic!("no browser could be started:\n{}", complaints.join("\n"))
    }

    async fn try_open_with(&self, preferences: &Value) -> Result<Browser, String> {
        let process = Driver::start(&self.driver)?;
        let wanted = self.capabilities(process.profile.path(), preferences).unwrap();
        let session = WebDriver::builder(&*process.url, wanted).request_timeout(START);
        match timeout(START, session).await {
            Ok(Ok(driver)) => Ok(Browser::new(driver, process)),
            Ok(Err(error)) => Err(format!("chromium does not start: {error}\n{}", process.log())),
            Err(_) => Err(format!("chromium does not start in {START:?}\n{}", process.log())),
        }
    }

    fn capabilities(&self, profile: &Path, preferences: &Value) -> WebDriverResult<ChromeCapabilities> {
        let mut wanted = DesiredCapabilities::chrome();
        wanted.set_binary(&self.browser.to_string_lossy())?;
        for flag in FLAGS {
            wanted.add_arg(flag)?;
        }
        wanted.add_arg(&format!("--user-data-dir={}", profile.display()))?;
        wanted.add_experimental_option("prefs", preferences)?;
        wanted.set_browser_log_level(LoggingPrefsLogLevel::All)?;
        Ok(wanted)
    }
}

fn find(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    names
        .iter()
        .find_map(|name| env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file()))
}

/// A chromedriver; with its handle goes every browser process on its profile.
#[derive(Debug)]
pub(super) struct Driver {
    process: Process,
    /// Where it takes commands.
    pub(super) url: String,
    profile: TempDir,
    /// What it leaves behind, and its standard error.
    scratch: TempDir,
}

impl Driver {
    fn start(program: &Path) -> Result<Self, String> {
        let (profile, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut process = Process::start(
            Command::new(program)
                .arg("--port=0")
                .env("TMPDIR", scratch.path())
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(File::create(scratch.path().join("stderr")).unwrap()),
        );
        let port = port(process.stdout()).recv_timeout(START);
        let url = format!("http://127.0.0.1:{}", port.unwrap_or_default());
        let driver = Self { process, url, profile, scratch };
        match port {
            Ok(_) => Ok(driver),
            Err(RecvTimeoutError::Disconnected) => {
                let mut driver = driver;
                let status = driver.process.ended_within(END);
                Err(format!("chromedriver says no port and ends ({status:?})\n{}", driver.log()))
            }
            Err(RecvTimeoutError::Timeout) => {
                Err(format!("chromedriver says no port in {START:?}\n{}", driver.log()))
            }
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.scratch.path().join("stderr")).unwrap_or_default()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.process.kill();
        let profile = self.profile.path().as_os_str().as_encoded_bytes();
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            if command.windows(profile.len()).any(|part| part == profile) {
                let _ =
                    Command::new("kill").arg("-KILL").arg(entry.file_name()).stderr(Stdio::null()).status();
            }
        }
    }
}

/// The port that a chromedriver is going to say; the other end hangs up when it does.
fn port(stdout: ChildStdout) -> Receiver<u16> {
    let (say, said) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let port = line.strip_prefix("ChromeDriver was started successfully on port ");
            if let Some(port) = port.and_then(|port| port.trim_end_matches('.').parse().ok()) {
                let _ = say.send(port);
            }
        }
    });
    said
}
