//! When a server is asked to end.

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGTERM and SIGINT; on other systems the interrupt of the terminal. Made before anybody learns that there is something to signal.
#[derive(Debug)]
pub struct Signals {
    #[cfg(unix)]
    terminate: Signal,
    #[cfg(unix)]
    interrupt: Signal,
}

#[cfg(unix)]
impl Signals {
    /// Takes the signals over; from now on they do not end the process by themselves.
    pub fn new() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for one of them.
    pub async fn wait(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    /// Nothing has to be prepared.
    #[expect(clippy::unnecessary_wraps, reason = "on Unix this can fail")]
    pub fn new() -> std::io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for the interrupt of the terminal.
    pub async fn wait(self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}
