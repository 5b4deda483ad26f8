//! A large multi-platform image for demonstrations: the same bytes every time, made while they are sent, never on disk.
//!
//! The large layers are shared by all platforms, as data often is; each platform adds a small layer of its own. Their
//! content does not compress and takes next to no time to make.

use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use oci::media_type::{OCI_CONFIG, OCI_INDEX, OCI_MANIFEST};
use oci::{Digest, Platform};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::image::Document;

mod layer;
mod upload;

use layer::Layer;
use upload::Uploader;

/// In how many layers the large part comes.
const DATA_LAYERS: u64 = 4;
/// Size of what each platform has for itself.
const OWN_SIZE: u64 = 1 << 20;
/// Images made at another time would have other digests.
const CREATED: &str = "2024-01-01T00:00:00Z";

/// What to make and where to put it.
#[derive(Clone, Debug)]
pub struct Options {
    /// `http://host:port` of the registry.
    pub registry: url::Url,
    /// The repository.
    pub repository: String,
    /// The tag.
    pub tag: String,
    /// Bytes of layers that each image has, about.
    pub size: u64,
    /// For which platforms.
    pub platforms: Vec<Platform>,
    /// A small tar, plain or gzip, that becomes the lowest layer of each image.
    pub rootfs: Option<std::path::PathBuf>,
}

/// What was made.
#[derive(Debug, serde::Serialize)]
pub struct Made {
    /// Digest of the index.
    pub digest: Digest,
    /// Bytes of layers of one image.
    pub image_bytes: u64,
    /// Bytes that were sent; less than all of it when some was there already.
    pub sent_bytes: u64,
}

/// Makes the image and pushes it.
pub async fn push(options: &Options) -> Result<Made, anyhow::Error> {
    let uploader = Uploader::new(&options.registry, &options.repository)?;
    let rootfs = options.rootfs.as_deref().map(read_rootfs).transpose()?;
    let data: Vec<Layer> = (0..DATA_LAYERS)
        .map(|number| Layer::generated(&format!("opt/data/{number}"), number + 1, options.size / DATA_LAYERS))
        .collect();
    let mut own = Vec::new();
    for (number, platform) in (0u64..).zip(&options.platforms) {
        let folder = format!("opt/platform/{}", platform.to_string().replace('/', "-"));
        own.push(Layer::generated(&folder, 1000 + number, OWN_SIZE));
    }
    let layers: Vec<&Layer> = rootfs.iter().chain(&data).chain(&own).collect();
    let sent: Vec<u64> = stream::iter(layers.into_iter().map(|layer| uploader.layer(layer)))
        .buffer_unordered(4)
        .try_collect()
        .await?;

    let mut manifests = Vec::new();
    for (platform, own) in options.platforms.iter().zip(&own) {
        let layers: Vec<&Layer> = rootfs.iter().chain(&data).chain([own]).collect();
        let (config, manifest) = image(platform, &layers);
        uploader.blob(&config).await?;
        uploader.manifest(&manifest.digest().to_string(), &manifest).await?;
        let mut descriptor = manifest.descriptor();
        descriptor["platform"] = json!(platform);
        manifests.push(descriptor);
    }
    let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests});
    let index = Document::json(OCI_INDEX, &index);
    uploader.manifest(&options.tag, &index).await?;
    let image_bytes = rootfs.iter().chain(&data).chain(own.first()).map(|layer| layer.size).sum();
    Ok(Made { digest: index.digest(), image_bytes, sent_bytes: sent.into_iter().sum() })
}

fn image(platform: &Platform, layers: &[&Layer]) -> (Document, Document) {
    let history: Vec<_> = layers
        .iter()
        .map(|layer| json!({"created": CREATED, "created_by": format!("testkit base-image {}", layer.name)}))
        .collect();
    let mut config = json!({
        "created": CREATED,
        "architecture": platform.architecture,
        "os": platform.os,
        "config": {
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "BASE=testkit"],
            "Cmd": ["/bin/sh"],
            "WorkingDir": "/",
            "Labels": {"org.opencontainers.image.title": "testkit base image"},
        },
        "rootfs": {"type": "layers", "diff_ids": layers.iter().map(|layer| layer.diff_id()).collect::<Vec<_>>()},
        "history": history,
    });
    if let Some(variant) = &platform.variant {
        config["variant"] = json!(variant);
    }
    let config = Document::json(OCI_CONFIG, &config);
    let descriptors: Vec<_> = layers.iter().map(|layer| layer.descriptor()).collect();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": config.descriptor(),
        "layers": descriptors,
    });
    (config, Document::json(OCI_MANIFEST, &manifest))
}

fn read_rootfs(path: &Path) -> Result<Layer, anyhow::Error> {
    let bytes: Bytes = fs_err::read(path)?.into();
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(Layer::given("rootfs", &bytes));
    }
    let mut tar = Vec::new();
    flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_end(&mut tar).context("the rootfs is no gzip")?;
    Ok(Layer::given("rootfs", &tar))
}

/// A hasher that can be fed by a stream.
fn hash(chunks: impl Iterator<Item = Bytes>) -> Digest {
    let mut state = Sha256::new();
    for chunk in chunks {
        state.update(&chunk);
    }
    Digest::from_bytes(state.finalize().into())
}

type Chunks = Box<dyn Iterator<Item = Bytes> + Send>;

/// A stream over chunks that cost little to make.
fn body(chunks: Chunks) -> reqwest::Body {
    reqwest::Body::wrap_stream(stream::iter(chunks.map(Ok::<_, io::Error>)))
}

/// The pattern that all generated content is cut from.
fn pattern() -> Arc<[u8]> {
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut bytes = Vec::with_capacity(layer::CHUNK);
    while bytes.len() < layer::CHUNK {
        // xorshift64*: no compressor finds anything in it.
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        bytes.extend_from_slice(&state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes());
    }
    bytes.into()
}
