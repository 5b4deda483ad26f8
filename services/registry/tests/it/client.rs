//! A plain HTTP client with the few requests that most tests begin with.

use std::sync::OnceLock;

use oci::{Digest, media_type};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

/// Requests to one server.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    url: String,
}

impl Client {
    pub(crate) fn new(url: &str) -> Self {
        static PROVIDER: OnceLock<()> = OnceLock::new();
        // The workspace's reqwest wants a provider of cryptography, also where nothing is encrypted.
        PROVIDER.get_or_init(|| drop(rustls::crypto::ring::default_provider().install_default()));
        Self { http: reqwest::Client::builder().no_proxy().build().unwrap(), url: url.to_owned() }
    }

    /// Trusts one certificate and no other.
    pub(crate) fn trusting(url: &str, pem: &str) -> Self {
        let client = Self::new(url);
        let certificate = reqwest::Certificate::from_pem(pem.as_bytes()).unwrap();
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([certificate]).build().unwrap();
        Self { http, ..client }
    }

    /// Speaks HTTP/2 from the first byte, as a client does that was told to.
    pub(crate) fn http2(url: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().http2_prior_knowledge().build().unwrap();
        Self { http, ..Self::new(url) }
    }

    /// A request to a path below `/v2/`, or to a `Location`.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/v2/{path}") };
        self.http.request(method, format!("{}{path}", self.url))
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    pub(crate) fn head(&self, path: &str) -> RequestBuilder {
        self.request(Method::HEAD, path)
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path)
    }

    pub(crate) fn put(&self, path: &str) -> RequestBuilder {
        self.request(Method::PUT, path)
    }

    pub(crate) fn patch(&self, path: &str) -> RequestBuilder {
        self.request(Method::PATCH, path)
    }

    pub(crate) fn delete(&self, path: &str) -> RequestBuilder {
        self.request(Method::DELETE, path)
    }

    /// Uploads a blob in one request.
    pub(crate) async fn push_blob(&self, repository: &str, bytes: &[u8]) -> Digest {
        let digest = blob::digest_of(bytes);
        let path = format!("{repository}/blobs/uploads/?digest={digest}");
        expect(self.post(&path).body(bytes.to_vec()), StatusCode::CREATED).await;
        digest
    }

    /// Begins an upload and returns its location.
    pub(crate) async fn start_upload(&self, repository: &str) -> String {
        let response = expect(self.post(&format!("{repository}/blobs/uploads/")), StatusCode::ACCEPTED).await;
        header(&response, "location").to_owned()
    }

    /// Pushes a document under a tag or its digest.
    pub(crate) fn put_manifest(&self, repository: &str, reference: &str, document: &Value) -> RequestBuilder {
        self.put_bytes(repository, reference, document["mediaType"].as_str().unwrap(), document.to_string())
    }

    pub(crate) fn put_bytes(
        &self,
        repository: &str,
        reference: &str,
        content_type: &str,
        body: impl Into<reqwest::Body>,
    ) -> RequestBuilder {
        self.put(&format!("{repository}/manifests/{reference}"))
            .header("content-type", content_type)
            .body(body)
    }

    /// Pushes the blobs of an image with some content, and returns its manifest.
    pub(crate) async fn push_parts(&self, repository: &str, content: &str) -> Value {
        let config = self.push_blob(repository, b"{}").await;
        let layer = self.push_blob(repository, content.as_bytes()).await;
        json!({
            "schemaVersion": 2,
            "mediaType": media_type::OCI_MANIFEST,
            "config": {"mediaType": media_type::OCI_CONFIG, "digest": config, "size": 2},
            "layers": [{"mediaType": media_type::OCI_LAYER, "digest": layer, "size": content.len()}],
        })
    }

    /// Pushes an image by digest.
    pub(crate) async fn push_image(&self, repository: &str, content: &str) -> (Digest, Value) {
        let manifest = self.push_parts(repository, content).await;
        let digest = digest_of(&manifest);
        expect(self.put_manifest(repository, &digest.to_string(), &manifest), StatusCode::CREATED).await;
        (digest, manifest)
    }
}

/// An index of manifests.
pub(crate) fn index(manifests: &[(Digest, &Value)]) -> Value {
    let manifests: Vec<Value> =
        manifests.iter().map(|(digest, document)| descriptor(*digest, document)).collect();
    json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": manifests})
}

/// The descriptor of a document.
pub(crate) fn descriptor(digest: Digest, document: &Value) -> Value {
    json!({"mediaType": document["mediaType"], "digest": digest, "size": document.to_string().len()})
}

pub(crate) fn digest_of(document: &Value) -> Digest {
    blob::digest_of(document.to_string().as_bytes())
}

/// Sends a request and insists on a status.
pub(crate) async fn expect(request: RequestBuilder, status: StatusCode) -> Response {
    let response = request.send().await.unwrap();
    if response.status() != status {
        let (url, found) = (response.url().clone(), response.status());
        panic!("{url}: expected {status}, found {found}: {}", response.text().await.unwrap_or_default());
    }
    response
}

/// Sends a request and insists on an error in the form of the specification; returns status and code.
pub(crate) async fn refusal(request: RequestBuilder) -> (u16, String) {
    let response = request.send().await.unwrap();
    let status = response.status();
    assert!(status.is_client_error(), "{} answered {status}", response.url());
    assert_eq!(header(&response, "content-type"), "application/json");
    let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    let error = &body["errors"][0];
    assert!(!error["message"].as_str().unwrap().is_empty());
    (status.as_u16(), error["code"].as_str().unwrap().to_owned())
}

pub(crate) fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

pub(crate) fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).unwrap_or_else(|| panic!("no header `{name}`")).to_str().unwrap()
}
