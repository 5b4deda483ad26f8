//! Progress on standard error: bars on a terminal, elsewhere a line for each blob, or for each of several operations.

use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use deploy::Outcome;
use deploy::summary::size;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use oci::Digest;

use crate::cli::ProgressMode;

/// Shows transfers; cheap to clone and to share.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    bars: Option<MultiProgress>,
    lines: Lines,
    all: Arc<Operations>,
}

/// Which lines are wanted where there are no bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lines {
    /// One for each blob; of several operations one for each of these.
    Few,
    /// One for each blob and for each operation.
    All,
    None,
}

/// How many operations there are, and how many are done.
#[derive(Debug, Default)]
struct Operations {
    count: AtomicUsize,
    done: AtomicUsize,
    bar: OnceLock<ProgressBar>,
}

/// One transfer; finishes when dropped.
#[derive(Debug)]
struct Transfer {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Chooses how to show progress; `Auto` follows `IMG_PROGRESS`, then the terminal.
    pub(crate) fn new(mode: Option<ProgressMode>) -> Self {
        let named = || match tool::env::IMG_PROGRESS.text().as_deref() {
            Some("bar") => ProgressMode::Bar,
            Some("log") => ProgressMode::Log,
            Some("none") => ProgressMode::None,
            _ => ProgressMode::Auto,
        };
        let (bars, lines) = match mode.unwrap_or_else(named) {
            ProgressMode::Auto if std::io::stderr().is_terminal() => (true, Lines::None),
            ProgressMode::Auto => (false, Lines::Few),
            ProgressMode::Bar => (true, Lines::None),
            ProgressMode::Log => (false, Lines::All),
            ProgressMode::None => (false, Lines::None),
        };
        let bars = bars.then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr()));
        Self { bars, lines, all: Arc::default() }
    }

    /// A line that is always wanted, whatever the mode.
    pub(crate) fn always(&self, line: &str) {
        // A closed standard error is no reason to fail a push.
        let write = || drop(writeln!(std::io::stderr(), "{line}"));
        match &self.bars {
            Some(bars) => bars.suspend(write),
            None => write(),
        }
    }

    fn several(&self) -> bool {
        self.all.count.load(Ordering::Relaxed) > 1
    }
}

impl deploy::Progress for Progress {
    fn transfer(&self, digest: Digest, bytes: u64) -> Box<dyn deploy::Transfer> {
        let bar = self.bars.as_ref().map(|bars| {
            let style = ProgressStyle::with_template(
                "{prefix} {bar:30} {bytes:>10}/{total_bytes:<10} {bytes_per_sec}",
            )
            .unwrap_or_else(|_| ProgressStyle::default_bar());
            bars.add(ProgressBar::new(bytes).with_style(style).with_prefix(short(digest)))
        });
        Box::new(Transfer { bar })
    }

    fn done(&self, digest: Digest, bytes: u64, outcome: Outcome) {
        let verb = match outcome {
            Outcome::Present => return,
            Outcome::Mounted => "mounted",
            Outcome::Uploaded => "uploaded",
        };
        if self.lines == Lines::All || (self.lines == Lines::Few && !self.several()) {
            self.always(&format!("{verb} {} ({})", short(digest), size(bytes)));
        }
    }

    fn operations(&self, count: usize) {
        let count = self.all.count.fetch_add(count, Ordering::Relaxed) + count;
        if let Some(bars) = self.bars.as_ref().filter(|_| count > 1) {
            let bar = self.all.bar.get_or_init(|| {
                let style = ProgressStyle::with_template("{pos} of {len} images {wide_bar}");
                let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
                bars.add(ProgressBar::new(0).with_style(style))
            });
            bar.set_length(count as u64);
            bar.set_position(self.all.done.load(Ordering::Relaxed) as u64);
        }
    }

    fn operation_done(&self, label: &str) {
        let done = self.all.done.fetch_add(1, Ordering::Relaxed) + 1;
        let count = self.all.count.load(Ordering::Relaxed);
        if let Some(bar) = self.all.bar.get() {
            bar.inc(1);
            if done == count {
                bar.finish_and_clear();
            }
        }
        if self.several() && self.lines != Lines::None {
            self.always(&format!("[{done}/{count}] {label}"));
        }
    }
}

impl deploy::Transfer for Transfer {
    fn advance(&self, bytes: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(bytes);
        }
    }

    fn restart(&self, offset: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(offset);
        }
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Enough of a digest to recognise it.
fn short(digest: Digest) -> String {
    format!("sha256:{}", &digest.hex()[..12])
}
