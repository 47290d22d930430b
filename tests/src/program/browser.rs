//! What a person does with a browser, and sees in it.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use thirtyfour::prelude::*;
use thirtyfour::{Cookie, WindowHandle};
use tokio::time::{sleep, timeout};
use url::Position;

use super::chrome::Driver;
use crate::{PATIENCE, within};

/// What a page is looked at with on a phone.
pub const PHONE: (u32, u32) = (360, 740);

/// A running browser; it dies with its handle.
#[derive(Debug)]
pub struct Browser {
    driver: WebDriver,
    process: Driver,
}

impl Drop for Browser {
    /// Its processes are ended by force, so it need not be asked to quit.
    fn drop(&mut self) {
        let _ = self.driver.clone().leak();
    }
}

impl Browser {
    pub(super) fn new(driver: WebDriver, process: Driver) -> Self {
        Self { driver, process }
    }

    /// Goes to an address, and waits until its page is there.
    pub async fn goto(&self, url: &str) {
        within("the page is there", self.driver.goto(url)).await.unwrap();
    }

    /// Waits until it shows the page at this path (and query), and not the one on which something was clicked.
    pub async fn at(&self, path: &str) {
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
    pub async fn back(&self) {
        within("the page before is there", self.driver.back()).await.unwrap();
    }

    /// The title of the page.
    pub async fn title(&self) -> String {
        within("the page has a title", self.driver.title()).await.unwrap()
    }

    /// The text as it is seen.
    pub async fn text(&self) -> String {
        let text = async { self.driver.find(By::Tag("body")).await?.text().await };
        within("the page has a text", text).await.unwrap()
    }

    /// How many things there are of that kind.
    pub async fn count(&self, css: &str) -> usize {
        self.all(css).await.len()
    }

    async fn all(&self, css: &str) -> Vec<WebElement> {
        within("the page is searched", self.driver.find_all(By::Css(css))).await.unwrap()
    }

    /// Types a text into the first field of that kind, in place of what is there.
    pub async fn fill(&self, css: &str, text: &str) {
        let filled = async {
            let field = self.driver.find(By::Css(css)).await?;
            field.clear().await?;
            field.send_keys(text).await
        };
        within("the field is filled", filled).await.unwrap();
    }

    /// Clicks the only thing of that kind, which leads to another page.
    pub async fn click(&self, css: &str) {
        let found = self.all(css).await;
        assert_eq!(found.len(), 1, "{css}");
        self.script("window.isLeaving = true").await;
        within("it is clicked", found[0].click()).await.unwrap();
    }

    /// Runs a script; what it returns.
    pub async fn script(&self, script: &str) -> Value {
        within("the script ends", self.driver.execute(script, vec![])).await.unwrap().json().clone()
    }

    /// The status of the page that is shown.
    pub async fn status(&self) -> u64 {
        let script = "return performance.getEntriesByType('navigation')[0].responseStatus";
        self.script(script).await.as_u64().unwrap()
    }

    /// All cookies that it would send to the page that is shown.
    pub async fn cookies(&self) -> Vec<Cookie> {
        within("the cookies are told", self.driver.get_all_cookies()).await.unwrap()
    }

    /// What the console said since it was last asked, a line each.
    pub async fn console(&self) -> Vec<String> {
        let log = within("the console is read", self.driver.browser_log()).await.unwrap();
        log.into_iter().map(|entry| format!("{} {}", entry.level, entry.message)).collect()
    }

    /// The tab that is shown.
    pub async fn window(&self) -> WindowHandle {
        within("the tab is told", self.driver.window()).await.unwrap()
    }

    /// Opens a tab and shows it.
    pub async fn new_tab(&self) -> WindowHandle {
        let tab = within("a tab opens", self.driver.new_tab()).await.unwrap();
        self.show(&tab).await;
        tab
    }

    /// Shows a tab.
    pub async fn show(&self, window: &WindowHandle) {
        within("the tab is shown", self.driver.switch_to_window(window.clone())).await.unwrap();
    }

    /// A command of the developer tools.
    pub async fn devtools(&self, command: &str, parameters: Value) {
        let url = format!("{}/session/{}/goog/cdp/execute", self.process.url, self.driver.session_id());
        let body = json!({ "cmd": command, "params": parameters });
        let sent = async {
            let answer = reqwest::Client::new().post(url).json(&body).send().await.unwrap();
            assert!(answer.status().is_success(), "{command}: {}", answer.text().await.unwrap());
        };
        within("the developer tools obey", sent).await;
    }

    /// Looks as a phone does.
    pub async fn as_phone(&self) {
        let (width, height) = PHONE;
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 2, "mobile": true });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Takes a picture, when `AUTH_TEST_SHOTS` names a folder for them.
    pub async fn picture(&self, name: &str) {
        let Some(folder) = env::var_os("AUTH_TEST_SHOTS").map(PathBuf::from) else { return };
        fs::create_dir_all(&folder).unwrap();
        let taken = folder.join(format!("{name}.png"));
        within("a picture is taken", self.driver.screenshot(&taken)).await.unwrap();
    }

    /// Signs in with the form that is shown.
    pub async fn sign_in(&self, user: &str, password: &str) {
        self.fill("#username", user).await;
        self.fill("#password", password).await;
        self.click("main form button").await;
    }
}
