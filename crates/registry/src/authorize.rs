//! Which `Authorization` a request gets: none until the registry asks, then what its challenge wants.

use std::sync::Arc;

use auth::{Credential, Found};
use reqwest::header::HeaderValue;
use reqwest::{StatusCode, Url};

use crate::call::Call;
use crate::cause::Retry;
use crate::challenge::Challenge;
use crate::classify::authority;
use crate::realm::{Verdict, judge};
use crate::response::Response;
use crate::scopes::Scopes;
use crate::token::{basic, bearer};
use crate::transport::Outgoing;
use crate::{Cause, Client, CredentialUse};

impl Client {
    /// Sends a request with the credentials that the registry is known to want. If it turns out to want others, or
    /// a token has expired, it is sent once more.
    pub(crate) async fn request(&self, call: &Call, request: &Outgoing) -> Result<Response, Cause> {
        // A gateway has credentials of its own, and knows whom it trusts with them.
        if call.host.gateway.is_some() {
            call.note_credential(CredentialUse::Gateway);
            return self.send(&call.host, request, None).await;
        }
        let first = call.host.first_request().await;
        let authorization = match call.host.challenge() {
            Some(challenge) => self.authorization(call, &challenge, None).await?,
            None => None,
        };
        let answer = self.send(&call.host, request, authorization.as_ref()).await;
        let answer = match first {
            Some(_) if call.host.is_plain() => self.or_tls(call, request, answer).await,
            _ => answer,
        };
        let challenge = match &answer {
            Ok(answer) if answer.status() == StatusCode::UNAUTHORIZED && call.host.is_own(answer.url()) => {
                Challenge::from_headers(answer.headers())
            }
            _ => None,
        };
        if let Some(challenge) = &challenge {
            call.host.learn(challenge.clone());
        }
        call.host.note_asked();
        drop(first);
        let refusal = answer?;
        let Some(challenge) = challenge.or_else(|| denied_together(call, &refusal)) else {
            return Ok(refusal);
        };
        let new = self.authorization(call, &challenge, authorization.as_ref()).await?;
        // The same again would be refused again.
        if new == authorization {
            return Ok(refusal);
        }
        let mut again = request.clone();
        if call.host.is_own(refusal.url()) {
            again.url = refusal.url().clone();
        }
        refusal.drain().await;
        self.send(&call.host, &again, new.as_ref()).await
    }

    /// A registry on this machine is first spoken to over plain HTTP. One that speaks TLS says 400 to that, or nothing
    /// that could be understood; then it is asked once more.
    async fn or_tls(
        &self,
        call: &Call,
        request: &Outgoing,
        mut answer: Result<Response, Cause>,
    ) -> Result<Response, Cause> {
        let perhaps = match &mut answer {
            Ok(answer) => {
                answer.release();
                answer.status() == StatusCode::BAD_REQUEST
            }
            // hyper's words for bytes that are no HTTP; a TLS alert is such.
            Err(Cause::Interrupted(source)) => source.to_string().contains("invalid HTTP"),
            Err(_) => false,
        };
        let mut over_tls = request.clone();
        if !perhaps || over_tls.url.set_scheme("https").is_err() {
            return answer;
        }
        match self.send(&call.host, &over_tls, None).await {
            second @ (Ok(_) | Err(Cause::Tls { plain: false, .. })) => {
                call.host.note_tls();
                second
            }
            Err(_) => answer,
        }
    }

    /// What answers a challenge; `refused` is what was just turned down, so that it is not taken from the cache.
    async fn authorization(
        &self,
        call: &Call,
        challenge: &Challenge,
        refused: Option<&HeaderValue>,
    ) -> Result<Option<HeaderValue>, Cause> {
        let found = self.credential(call).await;
        match challenge {
            Challenge::Basic => match found.map(|found| found.credential) {
                Some(Credential::Basic { username, password }) => basic(&username, &password).map(Some),
                Some(Credential::Bearer(token)) => bearer(&token).map(Some),
                Some(Credential::IdentityToken(_)) | None => Ok(None),
            },
            Challenge::Bearer { realm, service } => {
                if let Some(Found { credential: Credential::Bearer(token), .. }) = &found {
                    return bearer(token).map(Some);
                }
                let found = self.entrust(call, realm, found)?;
                self.token(call, realm, service.as_deref(), found.as_ref(), refused).await.map(Some)
            }
        }
    }

    /// Looks credentials up; the sources may block, so they run on a thread of their own.
    async fn credential(&self, call: &Call) -> Option<Found> {
        let keychain = Arc::clone(self.keychain());
        let (host, repository) = (call.remote.registry.to_string(), call.remote.repository.to_string());
        let look_up = move || keychain.look_up(&host, &repository);
        let answer = tokio::task::spawn_blocking(look_up).await.unwrap_or_default();
        call.note_credential(match &answer.found {
            Some(found) => CredentialUse::Used(found.source.clone()),
            None => CredentialUse::NoneFound(answer.asked),
        });
        answer.found
    }

    /// Keeps credentials back from token servers that may not see them.
    fn entrust(&self, call: &Call, realm: &Url, found: Option<Found>) -> Result<Option<Found>, Cause> {
        let trusted = &self.config().trusted_token_servers;
        match judge(&call.remote.registry, call.host.is_plain(), realm, trusted) {
            Verdict::Trusted => Ok(found),
            Verdict::Refused(reason) => Err(Cause::TokenServer { realm: authority(realm), reason }),
            Verdict::Anonymous => {
                if let Some(Found { source, .. }) = found {
                    let (registry, realm) = (&call.remote.registry, authority(realm));
                    self.warn_once(format!(
                        "`{registry}` names the token server `{realm}`, which is of another domain: the credentials from {source} are not sent there"
                    ));
                    call.note_credential(CredentialUse::Withheld { source, realm });
                }
                Ok(None)
            }
        }
    }

    /// The token for a call: that of its repository's group, or where a server does not want to give several rights
    /// at once, one for this call alone.
    async fn token(
        &self,
        call: &Call,
        realm: &Url,
        service: Option<&str>,
        found: Option<&Found>,
        refused: Option<&HeaderValue>,
    ) -> Result<HeaderValue, Cause> {
        let ask = Ask { realm, service, credential: found.map(|found| &found.credential) };
        if let Some(together) = call.together() {
            match self.kept_token(call, &ask, &together, refused, false).await {
                Ok(Some(value)) => return Ok(value),
                Ok(None) => call.host.deny_together(&call.remote.repository),
                Err(cause) if cause.retry() == Retry::Never => {
                    tracing::debug!("`{}` grants no rights together: {cause}", call.remote.registry);
                    call.host.refuse_together(&call.remote.repository);
                }
                Err(cause) => return Err(cause),
            }
        }
        let token = self.kept_token(call, &ask, &call.scopes, refused, true).await?;
        token.ok_or(Cause::Protocol("the token server's answer has no `token`"))
    }

    /// A token that is kept, or fetched once however many tasks wait for it. One that was refused is renewed, or is none.
    async fn kept_token(
        &self,
        call: &Call,
        ask: &Ask<'_>,
        scopes: &Scopes,
        refused: Option<&HeaderValue>,
        renew: bool,
    ) -> Result<Option<HeaderValue>, Cause> {
        let slot = call.host.token_cell(scopes);
        let mut kept = slot.lock().await;
        // Whoever held the lock before may have been refused.
        if !renew && call.together().is_none() {
            return Ok(None);
        }
        if let Some(token) = kept.as_ref().filter(|token| self.config().clock.now() < token.renew_at) {
            let value = bearer(&token.value)?;
            if Some(&value) != refused {
                return Ok(Some(value));
            }
            if !renew {
                return Ok(None);
            }
        }
        let token = self.exchange(ask.realm, ask.service, scopes, ask.credential).await?;
        let value = bearer(&token.value)?;
        *kept = Some(token);
        Ok(Some(value))
    }
}

/// Whom to ask for a token, and as whom.
struct Ask<'a> {
    realm: &'a Url,
    service: Option<&'a str>,
    credential: Option<&'a Credential>,
}

/// Some registries answer 403 where a token lacks rights. One that stood for several repositories may have fewer than
/// were asked for.
fn denied_together(call: &Call, refusal: &Response) -> Option<Challenge> {
    let denied = refusal.status() == StatusCode::FORBIDDEN && call.host.is_own(refusal.url());
    let challenge =
        call.host.challenge().filter(|challenge| matches!(challenge, Challenge::Bearer { .. }))?;
    (denied && call.together().is_some()).then(|| {
        call.host.deny_together(&call.remote.repository);
        challenge
    })
}
