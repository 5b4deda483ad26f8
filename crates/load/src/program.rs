//! Programs that take archives, and answer questions about the images that they have.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use plan::Daemon;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tool::Failure;

use crate::archive::{Archive, Unwritten};

/// What is kept of an answer. That to a question about 200 images of 100 layers has 1.5 MB.
const LONGEST_ANSWER: usize = 16 << 20;
/// How long the output of a program is waited for that has ended: what it started may hold it open.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// Lines of a program's last words that are repeated.
const REPEATED: usize = 8;

/// A program.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    name: String,
    daemon: Daemon,
}

/// What a program said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: ExitStatus,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Why a program has no image.
#[derive(Debug)]
pub(crate) enum NotTaken {
    /// It did not want it.
    Refused(Failure),
    /// The image cannot be brought.
    Failed(Failure),
}

impl NotTaken {
    /// Why, whatever the kind.
    pub(crate) fn into_failure(self) -> Failure {
        match self {
            Self::Refused(failure) | Self::Failed(failure) => failure,
        }
    }
}

impl Program {
    /// A program of this name, for a daemon.
    pub(crate) fn new(name: impl Into<String>, daemon: Daemon) -> Self {
        Self { name: name.into(), daemon }
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Runs it without input, and returns what it said, whether it succeeded or not.
    pub(crate) async fn ask(&self, words: &[&str]) -> Result<Answer, Failure> {
        let mut child = self.start(words, Stdio::null())?;
        Ok(Output::of(&mut child).end(&mut child).await?)
    }

    /// Runs it without input; it has to succeed.
    pub(crate) async fn tell(&self, words: &[&str]) -> Result<(), Failure> {
        let answer = self.ask(words).await?;
        if answer.status.success() { Ok(()) } else { Err(self.refusal(words, &answer)) }
    }

    /// Has it take an archive by `image load`. Where a source gives other bytes than it should, it begins anew from the next.
    pub(crate) async fn load(&self, archive: &Archive<'_>) -> Result<(), NotTaken> {
        loop {
            match self.try_load(archive).await {
                Err((_, true)) => {}
                result => return result.map_err(|(not_taken, _)| not_taken),
            }
        }
    }

    /// The second part of an error says whether it is worth to begin anew.
    async fn try_load(&self, archive: &Archive<'_>) -> Result<(), (NotTaken, bool)> {
        const WORDS: [&str; 2] = ["image", "load"];
        let failed = |failure| (NotTaken::Failed(failure), false);
        let mut child = self.start(&WORDS, Stdio::piped()).map_err(failed)?;
        let output = Output::of(&mut child);
        let mut input = child.stdin.take().ok_or_else(|| failed(no_pipe()))?;
        let (broken, whole) = match archive.write(&mut input).await {
            Ok(()) => (None, true),
            Err(Unwritten::Output { error, rest }) => (Some(error), rest),
            Err(unwritten) => {
                // Before its input ends: it must not take a part for the whole.
                let killed = child.kill().await;
                drop(input);
                tracing::debug!("`{}` was ended: {killed:?}", self.name);
                return Err(match unwritten {
                    Unwritten::Blob { failure, again } => (NotTaken::Failed(failure), again),
                    Unwritten::Other(failure) => failed(failure),
                    Unwritten::Output { error, .. } => failed(error.into()),
                });
            }
        };
        drop(input);
        let answer = output.end(&mut child).await.map_err(|error| failed(error.into()))?;
        tracing::debug!("`{} image load` said: {}{}", self.name, answer.out, answer.err);
        // docker with a containerd says that an image cannot be unpacked, and succeeds.
        let complains = answer.out.lines().any(|line| line.starts_with("Error"));
        if !answer.status.success() || complains {
            return Err((NotTaken::Refused(self.refusal(&WORDS, &answer)), false));
        }
        match broken {
            Some(error) if !whole => Err((NotTaken::Refused(self.ended_early(error, &answer)), false)),
            _ => Ok(()),
        }
    }

    fn start(&self, words: &[&str], input: Stdio) -> Result<Child, Failure> {
        tracing::debug!("running `{} {}`", self.name, words.join(" "));
        let mut command = Command::new(&self.name);
        command.args(words).stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command.spawn().map_err(|error| self.not_started(error))
    }

    fn not_started(&self, error: io::Error) -> Failure {
        let missing = error.kind() == io::ErrorKind::NotFound;
        let failure = Failure::new(error).context(format!("failed to run `{}`", self.name));
        if !missing {
            return failure;
        }
        let install = format!("install `{}`, or put it into PATH", self.name);
        failure.hint(install).hint(other_daemon(self.daemon))
    }

    /// What it said when it failed.
    fn refusal(&self, words: &[&str], answer: &Answer) -> Failure {
        let said = last_words(answer);
        let command = format!("`{} {}`", self.name, words.join(" "));
        let error = if said.is_empty() {
            anyhow::anyhow!("{command} failed ({}) and did not say why", answer.status)
        } else {
            anyhow::anyhow!("{command} failed ({}): {said}", answer.status)
        };
        let failure = Failure::new(error);
        if !unreachable(&said) {
            return failure;
        }
        failure.hint(format!("start {}", self.daemon.as_str())).hint(other_daemon(self.daemon))
    }

    fn ended_early(&self, error: io::Error, answer: &Answer) -> Failure {
        let said = last_words(answer);
        let said = if said.is_empty() { String::new() } else { format!(" (it said: {said})") };
        Failure::new(error)
            .context(format!("`{} image load` ended before it had read the whole image{said}", self.name))
    }
}

/// How to use something else.
pub(crate) fn other_daemon(daemon: Daemon) -> String {
    let other = if daemon == Daemon::Docker { "podman" } else { "docker" };
    format!(
        "or choose another daemon: --@rules_img//img/settings:load_daemon={other}; or name the program to use in LOADER_BINARY"
    )
}

/// Whether a message says that a daemon does not run.
fn unreachable(said: &str) -> bool {
    ["Cannot connect to the Docker daemon", "failed to connect to the docker API", "Cannot connect to Podman"]
        .iter()
        .any(|text| said.contains(text))
}

fn no_pipe() -> Failure {
    Failure::new(anyhow::anyhow!("the program has no standard input"))
}

/// The end of what a program said, from the first line on that speaks of an error, in one line.
pub(crate) fn last_words(answer: &Answer) -> String {
    let of = |text: &str| {
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let from = lines.iter().position(|line| line.to_lowercase().starts_with("error"));
        let from = from.unwrap_or(lines.len().saturating_sub(REPEATED));
        lines[from..].iter().take(REPEATED).copied().collect::<Vec<_>>().join("; ")
    };
    let said = of(&answer.err);
    if said.is_empty() || (answer.status.success() && !answer.out.is_empty()) {
        of(&answer.out)
    } else {
        said
    }
}

/// The output of a program, which is read while it runs.
struct Output {
    out: Said,
    err: Said,
}

/// One of its streams.
struct Said {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Output {
    fn of(child: &mut Child) -> Self {
        Self { out: Said::by(child.stdout.take()), err: Said::by(child.stderr.take()) }
    }

    /// Waits until the program has ended, and for what it said until then.
    async fn end(self, child: &mut Child) -> io::Result<Answer> {
        let status = child.wait().await?;
        let (out, err) = tokio::join!(self.out.text(), self.err.text());
        Ok(Answer { status, out, err })
    }
}

impl Said {
    /// The beginning of it; the rest is read and forgotten, so that the program can go on.
    fn by(stream: Option<impl AsyncRead + Unpin + Send + 'static>) -> Self {
        let bytes = Arc::<Mutex<Vec<u8>>>::default();
        let kept = Arc::clone(&bytes);
        let reader = tokio::spawn(async move {
            let Some(mut stream) = stream else { return };
            let mut buffer = vec![0; 64 << 10];
            while let Ok(count @ 1..) = stream.read(&mut buffer).await {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                let room = LONGEST_ANSWER.saturating_sub(kept.len());
                kept.extend(&buffer[..count.min(room)]);
            }
        });
        Self { bytes, reader }
    }

    async fn text(mut self) -> String {
        if tokio::time::timeout(LAST_WORDS, &mut self.reader).await.is_err() {
            self.reader.abort();
        }
        let bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
