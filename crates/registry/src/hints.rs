//! What a user can do about a failure.

use reqwest::StatusCode;

use crate::{Cause, CredentialUse, Error, Operation};

impl Error {
    /// Lines that say what to do, most helpful first; may be empty.
    pub fn hints(&self) -> Vec<String> {
        let mut hints = self.hints_about(self.cause());
        if self.attempts() > 1 {
            hints.push(format!("it was tried {} times", self.attempts()));
        }
        hints
    }

    fn hints_about(&self, cause: &Cause) -> Vec<String> {
        let registry = self.registry();
        match cause {
            Cause::Status { status, .. } => self.hints_about_status(*status),
            Cause::Token { cause, .. } => self.hints_about(cause),
            Cause::TokenServer { .. } => {
                vec!["ask whoever runs the registry which token server it uses".to_owned()]
            }
            Cause::UnknownHost { host, .. } | Cause::Refused { host, .. } if host != registry.as_str() => {
                vec![format!("the registry `{registry}` sends its clients to `{host}`")]
            }
            Cause::UnknownHost { host, .. } => {
                vec![format!("check the spelling of `{host}` and that the network is up")]
            }
            Cause::Refused { host, .. } => vec![format!("is a registry running at `{host}`?")],
            Cause::Tls { plain: true, host, .. } => vec![format!(
                "`{host}` speaks plain HTTP, which is only used for this machine; set IMG_INSECURE=1 to allow it"
            )],
            Cause::Tls { plain: false, .. } => {
                vec![
                    "set SSL_CERT_FILE to a file with the certificate authority that the registry uses"
                        .to_owned(),
                ]
            }
            Cause::NotARegistry { .. } => vec![format!(
                "is `{registry}` a registry? a proxy or a login page may have answered in its place"
            )],
            Cause::Mismatch(blob::Mismatch::Digest { .. } | blob::Mismatch::Long { .. }) => {
                vec![format!(
                    "`{registry}`, or a proxy before it, serves wrong content; nothing of it was kept"
                )]
            }
            Cause::Mismatch(blob::Mismatch::Short { .. })
            | Cause::Connect { .. }
            | Cause::Interrupted(_)
            | Cause::Idle(_)
            | Cause::TooLarge(_)
            | Cause::Document(_)
            | Cause::Redirect { .. }
            | Cause::Protocol(_)
            | Cause::LostUpload(_)
            | Cause::Content(_) => Vec::new(),
        }
    }

    fn hints_about_status(&self, status: StatusCode) -> Vec<String> {
        let remote = self.remote();
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
                if *self.credential() == CredentialUse::Gateway =>
            {
                vec![format!(
                    "requests go to a gateway: its rules have to allow this for `{remote}`, and its credentials have to be enough"
                )]
            }
            StatusCode::UNAUTHORIZED => self.hints_about_credentials(),
            StatusCode::FORBIDDEN => {
                let mut hints =
                    vec![format!("the credentials may lack the right to use `{remote}` this way")];
                hints.extend(self.hints_about_credentials());
                hints
            }
            StatusCode::NOT_FOUND => match self.operation() {
                Operation::PushBlob(_) | Operation::MountBlob(..) | Operation::PushManifest(_) => {
                    vec![format!("some registries want the repository created first: does `{remote}` exist?")]
                }
                _ => {
                    let mut hints = vec![format!("check the repository `{remote}` and the tag or digest")];
                    // Many registries answer 404 instead of telling strangers that a repository exists.
                    if *self.credential() != CredentialUse::NotAsked {
                        hints.extend(self.hints_about_credentials());
                    }
                    hints
                }
            },
            StatusCode::TOO_MANY_REQUESTS => {
                vec![
                    "the registry limits requests; logging in, or a mirror, often raises the limit"
                        .to_owned(),
                ]
            }
            _ => Vec::new(),
        }
    }

    fn hints_about_credentials(&self) -> Vec<String> {
        let registry = self.registry();
        let login = if registry.is_docker_hub() {
            "docker login".to_owned()
        } else {
            format!("docker login {registry}")
        };
        match self.credential() {
            CredentialUse::NotAsked => {
                vec!["the registry did not say which credentials it wants".to_owned()]
            }
            CredentialUse::NoneFound(places) if places.is_empty() => {
                vec![format!("no credentials for `{registry}` were found; run `{login}`")]
            }
            CredentialUse::NoneFound(places) => {
                vec![format!("no credentials for `{registry}` in {}; run `{login}`", places.join(", "))]
            }
            CredentialUse::Used(source) => {
                vec![format!("the credentials came from {source}; run `{login}` to renew them")]
            }
            CredentialUse::Gateway => Vec::new(),
            CredentialUse::Withheld { source, realm } => vec![format!(
                "the credentials from {source} were not sent, because the token server `{realm}` is of another domain than `{registry}`"
            )],
        }
    }
}
