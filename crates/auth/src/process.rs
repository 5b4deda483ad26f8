//! Programs that are asked on standard input and answer on standard output, within limits.

use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::Error;

/// How long a helper may take: longer than a browser login that is already warm, shorter than patience.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// No helper has a megabyte to say.
const MAX_OUTPUT: u64 = 64 << 10;

pub(crate) struct Output {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Output {
    /// What a non-zero exit means.
    pub(crate) fn failure(&self, program: &str) -> Error {
        let said = if self.stdout.trim().is_empty() { &self.stderr } else { &self.stdout };
        Error::HelperFailed {
            program: program.to_owned(),
            status: self.status.to_string(),
            message: first_line(said),
        }
    }
}

/// A line that can be shown: never JSON, which may hold a secret.
fn first_line(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it said nothing");
    if line.contains(['{', '"']) {
        return "it said something that may be secret".to_owned();
    }
    line.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// Runs `<program> get`.
pub(crate) fn run(program: &str, input: &[u8], timeout: Duration) -> Result<Output, Error> {
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
