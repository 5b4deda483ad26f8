//! What every server does: where it listens, with TLS or without, that it listens, when it ends.
//!
//! Servers listen on loopback. They have no authentication, so any other address has to be asked for in words that say
//! what that means.
//!
//! ```
//! #[derive(clap::Parser)]
//! struct Cli {
//!     #[command(flatten)]
//!     listen: serving::Listen,
//! }
//! ```

mod listener;
mod signals;
mod tls;

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::anyhow;
use tool::Failure;

pub use listener::{Connection, Listener};
pub use signals::Signals;
pub use tls::{Tls, TlsFiles};

/// Where a server listens. The port is the program's own option, as its default is.
#[derive(Clone, Debug, clap::Args)]
pub struct Listen {
    /// Address to listen on
    #[arg(long, value_name = "IP", default_value = "127.0.0.1", value_parser = parse_address)]
    pub address: IpAddr,

    /// Listen on an address that other machines can reach: whoever can connect can do all that this server can do
    #[arg(long)]
    pub dangerously_without_authentication: bool,

    /// How connections are encrypted.
    #[command(flatten)]
    pub tls: TlsFiles,
}

/// Reads an address of this machine, for options; `localhost` is 127.0.0.1.
pub fn parse_address(text: &str) -> Result<IpAddr, std::net::AddrParseError> {
    if text == "localhost" { Ok(Ipv4Addr::LOCALHOST.into()) } else { text.parse() }
}

impl Listen {
    /// Address and port, unless that is one that nobody should listen on by mistake. `risk` says what everybody could do
    /// who can connect.
    pub fn socket(&self, port: u16, risk: &str) -> Result<SocketAddr, Failure> {
        if !self.address.is_loopback() && !self.dangerously_without_authentication {
            let error =
                anyhow!("`{}` is not a loopback address, and there is no authentication", self.address);
            return Err(Failure::usage(error).hint(format!(
                "listen on 127.0.0.1, or give --dangerously-without-authentication if everybody who can connect may {risk}"
            )));
        }
        Ok(SocketAddr::new(self.address, port))
    }
}

/// Says on standard output where the server listens: `listening on URL`.
pub fn announce(listener: &Listener, scheme: &str) -> std::io::Result<()> {
    say(&format!("listening on {}", listener.url(scheme)?))
}

/// Writes a line to standard output at once, for whoever waits for it.
pub fn say(line: &str) -> std::io::Result<()> {
    let mut output = std::io::stdout();
    writeln!(output, "{line}")?;
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_listened_on_by_mistake() {
        for (address, dangerous, expected) in [
            ("127.0.0.1", false, true),
            ("localhost", false, true),
            ("::1", false, true),
            ("0.0.0.0", false, false),
            ("192.0.2.1", false, false),
            ("0.0.0.0", true, true),
        ] {
            let address = parse_address(address).unwrap();
            let listen =
                Listen { address, dangerously_without_authentication: dangerous, tls: TlsFiles::default() };
            assert_eq!(listen.socket(0, "do anything").is_ok(), expected, "{address}");
        }
        assert!(parse_address("example.com").is_err());
    }
}
