//! Docker's credential helpers: programs that are given a server's name and answer with a user and a secret.

use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::{Credential, Error, Secret};

/// How long a helper may take: longer than a browser login that is already warm, shorter than patience.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// No helper has a megabyte to say.
const MAX_OUTPUT: u64 = 64 << 10;

/// What all of docker's helpers say, by contract, when they have nothing.
const NOT_FOUND: &str = "credentials not found";

/// A helper `docker-credential-<name>`, looked up on `PATH`.
#[derive(Clone, Debug)]
pub struct DockerHelper {
    program: String,
    timeout: Duration,
}

#[derive(Deserialize)]
struct HelperAnswer {
    #[serde(rename = "Username", default)]
    username: String,
    #[serde(rename = "Secret", default)]
    secret: String,
}

impl DockerHelper {
    /// The helper of that name, as written in `credHelpers` and `credsStore`.
    pub fn new(name: &str) -> Result<Self, Error> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        if name.is_empty() || !name.bytes().all(plain) {
            return Err(Error::HelperName { name: name.chars().take(100).collect() });
        }
        Ok(Self::program(format!("docker-credential-{name}")))
    }

    /// A helper by its full name or path.
    pub fn program(program: impl Into<String>) -> Self {
        Self { program: program.into(), timeout: DEFAULT_TIMEOUT }
    }

    /// The same helper with another time limit.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Asks for the credentials of a server; `None` when the helper has none.
    pub fn get(&self, server: &str) -> Result<Option<Credential>, Error> {
        let output = run(&self.program, server.as_bytes(), self.timeout)?;
        if !output.status.success() {
            let said = if output.stdout.trim().is_empty() { &output.stderr } else { &output.stdout };
            if output.stdout.to_ascii_lowercase().contains(NOT_FOUND) {
                return Ok(None);
            }
            return Err(Error::HelperFailed {
                program: self.program.clone(),
                status: output.status.to_string(),
                message: first_line(said),
            });
        }
        let answer: HelperAnswer = serde_json::from_str(&output.stdout).map_err(|_| Error::HelperAnswer {
            program: self.program.clone(),
            problem: "not a JSON object with the strings `Username` and `Secret`",
        })?;
        let secret = Secret::new(answer.secret);
        Ok(match answer.username.as_str() {
            _ if secret.is_empty() => None,
            "<token>" => Some(Credential::IdentityToken(secret)),
            _ => Some(Credential::Basic { username: answer.username, password: secret }),
        })
    }
}

/// A line that can be shown: never JSON, which may hold a secret.
fn first_line(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it said nothing");
    if line.contains(['{', '"']) { "it said something that may be secret".to_owned() } else { shorten(line) }
}

fn shorten(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

struct Output {
    status: ExitStatus,
    stdout: String,
    stderr: String,
}

fn run(program: &str, input: &[u8], timeout: Duration) -> Result<Output, Error> {
    let deadline = Instant::now() + timeout;
    let mut child = Command::new(program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|source| Error::HelperStart { program: program.to_owned(), source })?;
    // A helper may answer without reading what it was asked; then the write fails, and that is all right.
    if let Some(mut stdin) = child.stdin.take() {
        let input = input.to_owned();
        std::thread::spawn(move || stdin.write_all(&input));
    }
    let stdout = child.stdout.take().map(read_in_background);
    let stderr = child.stderr.take().map(read_in_background);
    let result = wait(&mut child, program, timeout, deadline).and_then(|status| {
        let stdout = collect(stdout, program, timeout, deadline)?;
        Ok(Output { status, stdout, stderr: collect(stderr, program, timeout, deadline).unwrap_or_default() })
    });
    if result.is_err() {
        drop(child.kill());
        drop(child.wait());
    }
    result
}

/// Waits for the program's end; there is no portable wait with a time limit.
fn wait(child: &mut Child, program: &str, timeout: Duration, deadline: Instant) -> Result<ExitStatus, Error> {
    let mut pause = Duration::from_millis(1);
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) if Instant::now() >= deadline => {
                return Err(Error::HelperTimeout { program: program.to_owned(), timeout });
            }
            Ok(None) => std::thread::sleep(pause),
            Err(source) => return Err(Error::HelperStart { program: program.to_owned(), source }),
        }
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// Reads up to the limit, and then on without keeping anything, so that the program is not stuck on a full pipe.
fn read_in_background(mut pipe: impl Read + Send + 'static) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        drop(pipe.by_ref().take(MAX_OUTPUT + 1).read_to_end(&mut bytes));
        drop(std::io::copy(&mut pipe, &mut std::io::sink()));
        drop(sender.send(bytes));
    });
    receiver
}

fn collect(
    pipe: Option<mpsc::Receiver<Vec<u8>>>,
    program: &str,
    timeout: Duration,
    deadline: Instant,
) -> Result<String, Error> {
    let Some(receiver) = pipe else { return Ok(String::new()) };
    let left = deadline.saturating_duration_since(Instant::now());
    let bytes = receiver
        .recv_timeout(left)
        .map_err(|_| Error::HelperTimeout { program: program.to_owned(), timeout })?;
    if bytes.len() as u64 > MAX_OUTPUT {
        return Err(Error::HelperAnswer { program: program.to_owned(), problem: "more than 64 KiB" });
    }
    String::from_utf8(bytes)
        .map_err(|_| Error::HelperAnswer { program: program.to_owned(), problem: "not UTF-8" })
}
