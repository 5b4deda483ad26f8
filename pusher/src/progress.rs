//! Progress on standard error: bars on a terminal, a line for each blob elsewhere.

use std::io::{IsTerminal as _, Write as _};

use deploy::Outcome;
use deploy::summary::size;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use oci::Digest;

use crate::cli::ProgressMode;

/// Shows transfers; cheap to clone and to share.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    bars: Option<MultiProgress>,
    lines: bool,
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
        let bars = match mode.unwrap_or_else(named) {
            ProgressMode::Auto => std::io::stderr().is_terminal(),
            ProgressMode::Bar => true,
            ProgressMode::Log => false,
            ProgressMode::None => return Self { bars: None, lines: false },
        };
        let target = if bars { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self { bars: bars.then(|| MultiProgress::with_draw_target(target)), lines: !bars }
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

    fn line(&self, line: &str) {
        if self.lines {
            self.always(line);
        }
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
        self.line(&format!("{verb} {} ({})", short(digest), size(bytes)));
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
