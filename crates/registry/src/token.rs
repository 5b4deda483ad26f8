//! Tokens (distribution's token specification and its OAuth 2 variant): exchanged for credentials or for nothing.

use std::time::{Duration, Instant};

use auth::{Credential, Secret};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Url};
use serde::Deserialize;

use crate::classify::authority;
use crate::scopes::Scopes;
use crate::transport::{Body, Outgoing};
use crate::{Cause, Client};

/// No token server needs more.
const MAX_ANSWER: u64 = 1 << 20;

/// What a token without a stated life time is good for (token specification).
const DEFAULT_LIFE: Duration = Duration::from_mins(1);

/// A token and when to replace it: somewhat before it expires.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) value: Secret,
    pub(crate) renew_at: Instant,
}

#[derive(Deserialize)]
struct Answer {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<u64>,
}

impl Client {
    /// Asks a token server for a token.
    pub(crate) async fn exchange(
        &self,
        realm: &Url,
        service: Option<&str>,
        scopes: &Scopes,
        credential: Option<&Credential>,
    ) -> Result<Token, Cause> {
        let request = match credential {
            Some(Credential::IdentityToken(token)) => refresh_request(realm, service, scopes, token),
            Some(Credential::Basic { username, password }) => {
                let mut request = plain_request(realm, service, scopes);
                request.headers.insert(AUTHORIZATION, basic(username, password)?);
                request
            }
            Some(Credential::Bearer(_)) | None => plain_request(realm, service, scopes),
        };
        let wrap = |cause| Cause::Token { realm: authority(realm), cause: Box::new(cause) };
        self.ask_token_server(&request).await.map_err(wrap)
    }

    async fn ask_token_server(&self, request: &Outgoing) -> Result<Token, Cause> {
        let now = self.config().clock.now();
        let response = self.send_once(request, None).await?;
        if !response.status().is_success() {
            return Err(response.into_failure(&*self.config().clock).await);
        }
        let expected = "a token in JSON";
        let html = response.media_type().filter(|media_type| media_type == "text/html");
        if let Some(content_type) = html {
            return Err(Cause::NotARegistry { content_type, expected });
        }
        let body = response.bytes(MAX_ANSWER).await?;
        let answer: Answer = serde_json::from_slice(&body)
            .map_err(|_| Cause::Protocol("the token server's answer is not JSON with a `token`"))?;
        let value = answer
            .token
            .or(answer.access_token)
            .filter(|token| !token.is_empty())
            .ok_or(Cause::Protocol("the token server's answer has no `token`"))?;
        let life = answer.expires_in.map_or(DEFAULT_LIFE, Duration::from_secs).min(Duration::from_hours(24));
        let margin = (life / 5).min(Duration::from_secs(30));
        Ok(Token { value: Secret::new(value), renew_at: now + life.saturating_sub(margin) })
    }
}

fn plain_request(realm: &Url, service: Option<&str>, scopes: &Scopes) -> Outgoing {
    let mut url = realm.clone();
    {
        let mut query = url.query_pairs_mut();
        if let Some(service) = service {
            query.append_pair("service", service);
        }
        for scope in &scopes.0 {
            query.append_pair("scope", scope);
        }
    }
    let mut request = Outgoing::new(Method::GET, url);
    request.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    request
}

fn refresh_request(realm: &Url, service: Option<&str>, scopes: &Scopes, token: &Secret) -> Outgoing {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "refresh_token").append_pair("client_id", "rules_img");
    if let Some(service) = service {
        form.append_pair("service", service);
    }
    form.append_pair("scope", &scopes.0.join(" ")).append_pair("refresh_token", token.expose());
    let mut request = Outgoing::new(Method::POST, realm.clone());
    let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
    request.headers.insert(CONTENT_TYPE, form_type);
    request.body = Body::Bytes(form.finish().into());
    request
}

/// `Basic ...`, marked so that no debug output shows it.
pub(crate) fn basic(username: &str, password: &Secret) -> Result<HeaderValue, Cause> {
    use base64::Engine as _;
    let pair = format!("{username}:{}", password.expose());
    header(&format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)))
}

/// `Bearer ...`, marked so that no debug output shows it.
pub(crate) fn bearer(token: &Secret) -> Result<HeaderValue, Cause> {
    header(&format!("Bearer {}", token.expose()))
}

fn header(text: &str) -> Result<HeaderValue, Cause> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| Cause::Protocol("a token with characters that no header can carry"))?;
    value.set_sensitive(true);
    Ok(value)
}
