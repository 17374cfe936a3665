//! A sample service and a browser of its own for each test: the service is the real binary, the
//! browser a headless Chromium driven over WebDriver, which is one HTTP request a command.
use base64::Engine;
use serde_json::Value;
use serde_json::json;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;
use tempfile::TempDir;

/// How long anything on a page may take: the machine may be busy.
const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(50);

/// A process that ends with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A sample service with a browser in front of it.
pub struct Desk {
    address: String,
    client: reqwest::Client,
    session: String,
    _service: Process,
    _driver: Process,
    dir: TempDir,
}

/// One browser at a time: two would only be in each other's way.
static ONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Runs a test at a desk; where no browser is installed it says so, and in CI it fails.
pub async fn at_a_desk(name: &str, test: impl AsyncFnOnce(&Desk)) {
    let installed = |program: &str| {
        let found = Command::new(program).arg("--version").stderr(Stdio::null()).output();
        found.is_ok_and(|output| output.status.success())
    };
    if !installed("chromedriver") || !installed("chromium") {
        assert!(std::env::var_os("CI").is_none(), "CI needs chromium and chromedriver");
        let _ = writeln!(std::io::stderr(), "{name} is not run: no chromium and chromedriver here");
        return;
    }
    let _one = ONE.lock().await;
    let desk = Desk::open().await;
    test(&desk).await;
    desk.shot(name).await;
    let problems = desk.problems().await;
    assert!(problems.is_empty(), "the browser complains: {problems:?}");
}

/// Starts a program and gives it with the number that follows a mark on one of its lines.
fn started(mut command: Command, mark: &str) -> (Process, String) {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let process = Process(child);
    let found = lines.find_map(|line| {
        let line = line.unwrap();
        let (_, rest) = line.split_once(mark)?;
        Some(rest.chars().take_while(char::is_ascii_digit).collect())
    });
    // What it goes on to say is read, so that it never waits for a reader.
    std::thread::spawn(move || lines.count());
    (process, found.expect("the program says where it listens"))
}

impl Drop for Desk {
    /// The browser goes with its session, however the test ended.
    fn drop(&mut self) {
        let address = self.session.strip_prefix("http://").and_then(|rest| rest.split_once('/'));
        let Some((host, path)) = address else { return };
        let Ok(mut stream) = std::net::TcpStream::connect(host) else { return };
        let _ = stream.set_read_timeout(Some(Duration::from_secs(20)));
        let head = format!("DELETE /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        if stream.write_all(head.as_bytes()).is_ok() {
            let _ = stream.read(&mut [0; 512]);
        }
    }
}

impl Desk {
    async fn open() -> Self {
        let dir = TempDir::new().unwrap();
        let mut service = Command::new(env!("CARGO_BIN_EXE_passavant"));
        service.args(["demo", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"]);
        service.arg("--data-dir").arg(dir.path().join("data"));
        let (service, port) = started(service, "console: http://127.0.0.1:");
        let mut driver = Command::new("chromedriver");
        driver.args(["--port=0", "--log-level=SEVERE"]).stderr(Stdio::null());
        let (driver, driver_port) = started(driver, "started successfully on port ");
        // The service's own client brings the provider of TLS that any other needs as well.
        let _ = passavant::outbound::client();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let driver_address = format!("http://127.0.0.1:{driver_port}/session");
        let profile = dir.path().join("browser");
        let arguments = json!([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            "--lang=en-GB",
            "--window-size=1280,900",
            format!("--user-data-dir={}", profile.display()),
        ]);
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {"args": arguments}, "goog:loggingPrefs": {"browser": "ALL"}
        }}});
        let answer = client.post(&driver_address).json(&wanted).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        let id = answer["value"]["sessionId"].as_str().unwrap_or_else(|| panic!("{answer}"));
        let desk = Self {
            address: format!("http://127.0.0.1:{port}"),
            session: format!("{driver_address}/{id}"),
            client,
            _service: service,
            _driver: driver,
            dir,
        };
        desk.size(1280).await;
        desk
    }

    async fn command(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let request =
            self.client.request(method.parse().unwrap(), format!("{}{path}", self.session));
        let request = if method == "POST" { request.json(body) } else { request };
        let answer = request.send().await.map_err(|error| error.to_string())?;
        let good = answer.status().is_success();
        let mut answer: Value = answer.json().await.map_err(|error| error.to_string())?;
        let value = answer["value"].take();
        if good { Ok(value) } else { Err(value["message"].to_string()) }
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.command("POST", path, body).await;
        answer.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Goes to a page.
    pub async fn go(&self, path: &str) {
        self.post("/url", &json!({"url": format!("{}{path}", self.address)})).await;
    }

    /// Runs a script; what it returns.
    pub async fn js(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({"script": script, "args": []})).await
    }

    /// Waits until an expression is true.
    pub async fn until(&self, expression: &str) {
        let began = Instant::now();
        loop {
            let script = json!({"script": format!("return !!({expression})"), "args": []});
            // While a page goes and another comes there is nothing to ask.
            if self.command("POST", "/execute/sync", &script).await == Ok(Value::Bool(true)) {
                return;
            }
            if began.elapsed() > PATIENCE {
                self.shot("failed").await;
                let text = self.js("return location.href + ' ' + document.body.innerText").await;
                panic!("waited in vain for {expression}; the page says: {text}");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Waits until the page holds what a selector finds.
    pub async fn sees(&self, selector: &str) {
        self.until(&format!("document.querySelector({})", json!(selector))).await;
    }

    /// The text of what a selector finds.
    pub async fn text(&self, selector: &str) -> String {
        self.sees(selector).await;
        let script = format!("return document.querySelector({}).innerText.trim()", json!(selector));
        self.js(&script).await.as_str().unwrap().to_owned()
    }

    async fn element(&self, selector: &str) -> String {
        self.sees(selector).await;
        let using = json!({"using": "css selector", "value": selector});
        let found = self.post("/element", &using).await;
        found.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned()
    }

    /// Clicks on what a selector finds.
    pub async fn click(&self, selector: &str) {
        let element = self.element(selector).await;
        self.post(&format!("/element/{element}/click"), &json!({})).await;
    }

    /// Types into what a selector finds.
    pub async fn enter(&self, selector: &str, text: &str) {
        let element = self.element(selector).await;
        self.post(&format!("/element/{element}/value"), &json!({"text": text})).await;
    }

    /// Types where the cursor is, as a scanner does.
    pub async fn keys(&self, keys: &str) {
        let each = keys.chars().flat_map(|key| {
            [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})]
        });
        let source = json!({"type": "key", "id": "keys", "actions": each.collect::<Vec<_>>()});
        self.post("/actions", &json!({"actions": [source]})).await;
    }

    /// A command of the browser's own protocol.
    pub async fn cdp(&self, command: &str, parameters: Value) {
        self.post("/goog/cdp/execute", &json!({"cmd": command, "params": parameters})).await;
    }

    /// How wide the page is.
    pub async fn size(&self, width: u32) {
        let mobile = width < 600;
        let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": mobile});
        self.cdp("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Light or dark.
    pub async fn scheme(&self, scheme: &str) {
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.cdp("Emulation.setEmulatedMedia", features).await;
    }

    /// Whether the network is there.
    pub async fn network(&self, there: bool) {
        let speed = json!({
            "offline": !there, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1
        });
        self.cdp("Network.enable", json!({})).await;
        self.cdp("Network.emulateNetworkConditions", speed).await;
    }

    /// Keeps the page as it is printed among what CI gives out.
    pub async fn print(&self, name: &str) {
        let page = self.post("/print", &json!({"background": true})).await;
        let page = base64::engine::general_purpose::STANDARD.decode(page.as_str().unwrap());
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
        std::fs::write(folder.join(format!("{name}.pdf")), page.unwrap()).unwrap();
    }

    /// A connection on which everything takes so much longer.
    pub async fn slow(&self, latency_ms: u32) {
        let speed = json!({
            "offline": false, "latency": latency_ms, "downloadThroughput": -1, "uploadThroughput": -1
        });
        self.cdp("Network.enable", json!({})).await;
        self.cdp("Network.emulateNetworkConditions", speed).await;
    }

    /// Keeps a file beside the browser; gives where it is.
    pub fn keep(&self, name: &str, content: &[u8]) -> PathBuf {
        let file = self.dir.path().join(name);
        std::fs::write(&file, content).unwrap();
        file
    }

    /// Drags files from elsewhere over the middle of the page, and drops them there if they are to be.
    pub async fn drag(&self, files: &[&Path], drop: bool) {
        let data = json!({"items": [], "files": files, "dragOperationsMask": 1});
        let kinds = if drop {
            ["dragEnter", "dragOver", "drop"]
        } else {
            ["dragEnter", "dragOver", "dragOver"]
        };
        for kind in kinds {
            let event = json!({"type": kind, "x": 300, "y": 300, "data": data});
            self.cdp("Input.dispatchDragEvent", event).await;
        }
    }

    /// Puts a file into a field, as if somebody had chosen it.
    pub async fn choose(&self, selector: &str, name: &str, content: &str) {
        let file = self.keep(name, content.as_bytes());
        self.enter(selector, file.to_str().unwrap()).await;
    }

    /// Keeps a picture of the page among what CI gives out.
    pub async fn shot(&self, name: &str) {
        let Ok(picture) = self.command("GET", "/screenshot", &Value::Null).await else { return };
        let picture = base64::engine::general_purpose::STANDARD.decode(picture.as_str().unwrap());
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), picture.unwrap()).unwrap();
    }

    /// What the browser complains about: a page that breaks its own policy, a script that fails.
    /// Refusals and lost connections that a test asks for are none.
    pub async fn problems(&self) -> Vec<String> {
        let log = self.command("POST", "/se/log", &json!({"type": "browser"})).await;
        let lines = log.unwrap().as_array().cloned().unwrap();
        let severe = lines.iter().filter(|line| line["level"] == "SEVERE");
        let words = severe.map(|line| line["message"].as_str().unwrap_or_default().to_owned());
        words.filter(|line| !line.contains("Failed to load resource")).collect()
    }

    /// What a checker of WCAG 2.2 AA finds on the page.
    pub async fn barriers(&self) -> Vec<String> {
        self.js(include_str!("axe.min.js")).await;
        let script = "const done = arguments[arguments.length - 1];
            const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
            const said = node => node.html.slice(0, 160) + ' ' + (node.any[0]?.message ?? '');
            axe.run(document, {runOnly: tags}).then(
                found => done(found.violations.map(v => v.id + ': ' + v.nodes.map(said).join(' | '))),
                error => done([String(error)]));";
        let found = self.post("/execute/async", &json!({"script": script, "args": []})).await;
        found.as_array().unwrap().iter().map(|v| v.as_str().unwrap().to_owned()).collect()
    }

    /// The present window.
    pub async fn window(&self) -> String {
        let found = self.command("GET", "/window", &Value::Null).await;
        found.unwrap().as_str().unwrap().to_owned()
    }

    /// Goes to a window.
    pub async fn to_window(&self, window: &str) {
        self.post("/window", &json!({"handle": window})).await;
    }

    /// Goes to the window that is not this one, once it is there.
    pub async fn to_another_window(&self, window: &str) {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let all = self.command("GET", "/window/handles", &Value::Null).await.unwrap();
            let other = all.as_array().unwrap().iter().find(|other| *other != window);
            if let Some(other) = other {
                return self.to_window(other.as_str().unwrap()).await;
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!("there is no other window");
    }

    /// A token of somebody of the sample.
    pub fn token(&self, role: &str, state: &str) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_passavant"));
        command.args(["token", "--role", role, "--state", state, "--data-dir"]);
        let output = command.arg(self.data_dir()).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// A sample declaration in its request.
    pub fn declared(&self, sample: &str) -> Value {
        let file = self.data_dir().join(format!("{sample}.json"));
        serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
    }

    /// Asks the API for something, as another system would.
    pub async fn api(&self, path: &str, token: &str, body: &Value) -> Value {
        let request = self.client.post(format!("{}{path}", self.address)).bearer_auth(token);
        let key = format!("{:?}", passavant::clock::Ids::nonce(&passavant::clock::SystemIds));
        let answer = request
            .header("Idempotency-Key", key.replace([' ', '[', ']'], ""))
            .json(body)
            .send()
            .await
            .unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Signs in as somebody of the sample.
    pub async fn sign_in(&self, person: &str) {
        self.go("/console/sign-in").await;
        self.click(&format!("button[value={person}]")).await;
        self.sees(".who").await;
    }

    /// Checks a sample and waits for its verdict.
    pub async fn sample(&self, verdict: &str) {
        self.go("/console/scan").await;
        self.click(&format!("[data-sample={verdict}]")).await;
        self.sees(&format!("[data-verdict={verdict}]")).await;
    }
}
