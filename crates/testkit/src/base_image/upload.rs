//! The few requests that a push by somebody in a hurry needs: no retries, no authentication.

use anyhow::{Context as _, bail};
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use reqwest::{Client, Response, StatusCode, Url};

use super::body;
use super::layer::Layer;
use crate::image::Document;

pub(super) struct Uploader {
    http: Client,
    base: Url,
}

impl Uploader {
    pub(super) fn new(registry: &Url, repository: &str) -> Result<Self, anyhow::Error> {
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = Client::builder().no_proxy().tls_certs_only([]).build()?;
        Ok(Self { http, base: registry.join(&format!("v2/{repository}/"))? })
    }

    /// Sends a layer if it is not there; returns the bytes sent.
    pub(super) async fn layer(&self, layer: &Layer) -> Result<u64, anyhow::Error> {
        let sent = self.put(&layer.digest.to_string(), layer.size, || body(layer.chunks())).await;
        sent.with_context(|| format!("failed to push layer `{}`", layer.name))
    }

    pub(super) async fn blob(&self, document: &Document) -> Result<u64, anyhow::Error> {
        let bytes = document.bytes.clone();
        self.put(&document.digest().to_string(), bytes.len() as u64, || bytes.clone().into()).await
    }

    pub(super) async fn manifest(&self, name: &str, document: &Document) -> Result<(), anyhow::Error> {
        let url = self.base.join(&format!("manifests/{name}"))?;
        let request =
            self.http.put(url).header(CONTENT_TYPE, &document.media_type).body(document.bytes.clone());
        expect(request.send().await?, StatusCode::CREATED).await.map(drop)
    }

    async fn put(
        &self,
        digest: &str,
        size: u64,
        body: impl Fn() -> reqwest::Body,
    ) -> Result<u64, anyhow::Error> {
        let there = self.http.head(self.base.join(&format!("blobs/{digest}"))?).send().await?;
        if there.status() == StatusCode::OK {
            return Ok(0);
        }
        let answer =
            self.http.post(self.base.join("blobs/uploads/")?).header(CONTENT_LENGTH, 0).send().await?;
        let begun = expect(answer, StatusCode::ACCEPTED).await?;
        let location = begun.headers().get(LOCATION).context("an upload without `Location`")?.to_str()?;
        let mut url = begun.url().join(location)?;
        url.query_pairs_mut().append_pair("digest", digest);
        let request =
            self.http.put(url).header(CONTENT_TYPE, "application/octet-stream").header(CONTENT_LENGTH, size);
        expect(request.body(body()).send().await?, StatusCode::CREATED).await?;
        Ok(size)
    }
}

async fn expect(answer: Response, status: StatusCode) -> Result<Response, anyhow::Error> {
    if answer.status() != status {
        let (url, found) = (answer.url().clone(), answer.status());
        bail!("`{url}` answered {found}, expected {status}: {}", answer.text().await.unwrap_or_default());
    }
    Ok(answer)
}
