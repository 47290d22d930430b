//! A Chromium of one's own: empty profile, no window, driven through its chromedriver.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that fails fails its test"
)]

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::prelude::*;
use thirtyfour::{Cookie, LoggingPrefsLogLevel};
use tokio::time::{sleep, timeout};
use url::Position;

use crate::shop_support::PATIENCE;

/// What a page is looked at with on a phone.
pub(crate) const PHONE: (u32, u32) = (360, 740);

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
pub(crate) struct Chrome {
    browser: PathBuf,
    driver: PathBuf,
}

impl Chrome {
    /// `None`, and a line that says so, where they are not installed; a failure with `AUTH_TEST_REQUIRE_ALL=1`.
    pub(crate) fn installed() -> Option<Self> {
        let browser = find(&["chromium", "chromium-browser", "google-chrome"]);
        let found = browser.zip(find(&["chromedriver"])).map(|(browser, driver)| Self { browser, driver });
        if found.is_none() {
            let all = env::var_os("AUTH_TEST_REQUIRE_ALL").is_some_and(|value| value == "1");
            assert!(!all, "chromium and chromedriver are not installed");
            println!("skipped: chromium and chromedriver are not installed");
        }
        found
    }

    pub(crate) async fn open(&self) -> Browser {
        self.open_with(json!({})).await
    }

    /// One that runs no script of any page.
    pub(crate) async fn open_without_scripts(&self) -> Browser {
        self.open_with(json!({ "profile.managed_default_content_settings.javascript": 2 })).await
    }

    async fn open_with(&self, preferences: Value) -> Browser {
        let profile = tempfile::tempdir().unwrap();
        let (process, port) = start(&self.driver);
        let process = Process { child: process, profile };
        let mut wanted = DesiredCapabilities::chrome();
        wanted.set_binary(&self.browser.to_string_lossy()).unwrap();
        for flag in FLAGS {
            wanted.add_arg(flag).unwrap();
        }
        wanted.add_arg(&format!("--user-data-dir={}", process.profile.path().display())).unwrap();
        wanted.add_experimental_option("prefs", preferences).unwrap();
        wanted.set_browser_log_level(LoggingPrefsLogLevel::All).unwrap();
        let url = format!("http://127.0.0.1:{port}");
        let driver = WebDriver::new(&*url, wanted).await.expect("chromium starts");
        Browser { driver, url, _process: process }
    }
}

fn find(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    names
        .iter()
        .find_map(|name| env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file()))
}

/// Starts a chromedriver; the port that it found.
fn start(program: &Path) -> (Child, u16) {
    let mut command = Command::new(program);
    command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("chromedriver can be started");
    let stdout = child.stdout.take().unwrap();
    let (say, said) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let port = line.strip_prefix("ChromeDriver was started successfully on port ");
            if let Some(port) = port.and_then(|port| port.trim_end_matches('.').parse().ok()) {
                let _ = say.send(port);
            }
        }
    });
    let port = said.recv_timeout(PATIENCE).unwrap_or_else(|_| {
        let _ = child.kill();
        panic!("chromedriver says no port")
    });
    (child, port)
}

/// The chromedriver, and every browser process on its profile.
struct Process {
    child: Child,
    profile: TempDir,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
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

/// A running browser.
pub(crate) struct Browser {
    driver: WebDriver,
    url: String,
    _process: Process,
}

impl Drop for Browser {
    /// Its processes are ended by force, so it need not be asked to quit.
    fn drop(&mut self) {
        let _ = self.driver.clone().leak();
    }
}

impl Browser {
    pub(crate) async fn goto(&self, url: &str) {
        self.driver.goto(url).await.unwrap();
    }

    /// Waits until it shows the page at this path (and query), and not the one on which something was clicked.
    pub(crate) async fn at(&self, path: &str) {
        let mut last = String::new();
        let arrived = timeout(PATIENCE, async {
            loop {
                let url = self.driver.current_url().await.unwrap();
                url[Position::BeforePath..].clone_into(&mut last);
                let arrived = "return document.readyState == 'complete' && !window.isLeaving";
                if last == path && self.script(arrived).await == true {
                    break;
                }
                sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        assert!(arrived.is_ok(), "at {last} instead of {path}: {}", self.text().await);
    }

    /// The button of the browser itself.
    pub(crate) async fn back(&self) {
        self.driver.back().await.unwrap();
    }

    pub(crate) async fn title(&self) -> String {
        self.driver.title().await.unwrap()
    }

    /// The text as it is seen.
    pub(crate) async fn text(&self) -> String {
        self.driver.find(By::Tag("body")).await.unwrap().text().await.unwrap()
    }

    pub(crate) async fn count(&self, css: &str) -> usize {
        self.driver.find_all(By::Css(css)).await.unwrap().len()
    }

    pub(crate) async fn fill(&self, css: &str, text: &str) {
        let field = self.driver.find(By::Css(css)).await.unwrap();
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Clicks the only thing of that kind, which leads to another page.
    pub(crate) async fn click(&self, css: &str) {
        let found = self.driver.find_all(By::Css(css)).await.unwrap();
        assert_eq!(found.len(), 1, "{css}");
        self.script("window.isLeaving = true").await;
        found[0].click().await.unwrap();
    }

    /// Runs a script; what it returns.
    pub(crate) async fn script(&self, script: &str) -> Value {
        self.driver.execute(script, vec![]).await.unwrap().json().clone()
    }

    /// The status of the page that is shown.
    pub(crate) async fn status(&self) -> u64 {
        let script = "return performance.getEntriesByType('navigation')[0].responseStatus";
        self.script(script).await.as_u64().unwrap()
    }

    pub(crate) async fn cookies(&self) -> Vec<Cookie> {
        self.driver.get_all_cookies().await.unwrap()
    }

    /// What the console said since it was last asked, a line each.
    pub(crate) async fn console(&self) -> Vec<String> {
        let log = self.driver.browser_log().await.unwrap();
        log.into_iter().map(|entry| format!("{} {}", entry.level, entry.message)).collect()
    }

    pub(crate) async fn window(&self) -> WindowHandle {
        self.driver.window().await.unwrap()
    }

    pub(crate) async fn new_tab(&self) -> WindowHandle {
        let tab = self.driver.new_tab().await.unwrap();
        self.show(&tab).await;
        tab
    }

    pub(crate) async fn show(&self, window: &WindowHandle) {
        self.driver.switch_to_window(window.clone()).await.unwrap();
    }

    /// A command of the developer tools.
    pub(crate) async fn devtools(&self, command: &str, parameters: Value) {
        let url = format!("{}/session/{}/goog/cdp/execute", self.url, self.driver.session_id());
        let body = json!({ "cmd": command, "params": parameters });
        let answer = reqwest::Client::new().post(url).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{command}: {}", answer.text().await.unwrap());
    }

    /// Looks as a phone does.
    pub(crate) async fn as_phone(&self) {
        let (width, height) = PHONE;
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 2, "mobile": true });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Takes a picture, when `AUTH_TEST_SHOTS` names a folder for them.
    pub(crate) async fn picture(&self, name: &str) {
        let Some(folder) = env::var_os("AUTH_TEST_SHOTS").map(PathBuf::from) else { return };
        fs::create_dir_all(&folder).unwrap();
        self.driver.screenshot(&folder.join(format!("{name}.png"))).await.unwrap();
    }

    /// Signs in with the form that is shown.
    pub(crate) async fn sign_in(&self, user: &str, password: &str) {
        self.fill("#username", user).await;
        self.fill("#password", password).await;
        self.click("main form button").await;
    }
}
