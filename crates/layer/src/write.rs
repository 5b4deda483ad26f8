//! The layer writer: nodes in order become a tar stream, equal files become hardlinks.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::Path;

use blob::Hasher;
use fs_err::File;
use oci::{Annotations, Digest};

use crate::attributes::Attributes;
use crate::compress::{Codec, Compressed, Jobs, compress};
use crate::contents::{LayerSpec, Node, NodeKind, collect};
use crate::error::LayerError;
use crate::prefetch::{self, Prefetched, Request};
use crate::seekable::{self, Index, Layout, TocEntry};
use crate::tar_header::{HeaderKind, encode};
use crate::tar_sink::TarSink;

/// Threads that read small files; more of them only wait for each other.
const MAX_READERS: usize = 4;

/// What a file counts for at least when threads are chosen.
const SMALLEST_INPUT: u64 = 16 << 10;

/// How a layer is written.
#[derive(Clone, Copy, Debug)]
pub struct WriteOptions {
    /// Compression.
    pub codec: Codec,
    /// Compressing threads. Never changes a byte.
    pub jobs: Jobs,
    /// Whether single files of the layer can be fetched: eStargz with gzip, zstd:chunked with zstd.
    pub seekable: bool,
}

/// A layer that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Digests and sizes.
    pub blob: Compressed,
    /// What the layer's descriptor must say so that the layer is found seekable.
    pub annotations: Annotations,
}

/// Writes the layer of `spec` into `output`.
pub fn write_layer(
    spec: &LayerSpec,
    options: WriteOptions,
    output: &mut (dyn Write + Send),
) -> Result<Written, LayerError> {
    let nodes = collect(spec, options.jobs.most())?;
    let index = options.seekable.then(|| seekable_index(options.codec, &nodes)).transpose()?;
    let jobs = options.jobs.for_input(input_of(&nodes));
    let (annotations, blob) = compress(options.codec, jobs, output, move |sink| {
        let tar = write_nodes(&nodes, TarSink::new(sink, index), jobs)?;
        // The table of contents of a seekable layer takes as much memory as they do.
        drop(nodes);
        tar.finish()
    })?;
    let annotations = seekable::annotations(annotations, &blob);
    Ok(Written { blob, annotations })
}

/// Writes the entries, of which small files are read ahead.
fn write_nodes<'a>(nodes: &[Node], tar: TarSink<'a>, jobs: NonZeroUsize) -> Result<TarSink<'a>, LayerError> {
    let candidates = candidates(nodes);
    // A table of contents has the digest of every file.
    let all = tar.is_indexed();
    let is_candidate = |size, attributes| candidates.contains(&(size, attributes));
    let requests: Vec<Request<'_>> = nodes
        .iter()
        .filter_map(|node| match &node.kind {
            NodeKind::File { source, size } if *size <= prefetch::LIMIT => {
                Some(Request { source, size: *size, hash: all || is_candidate(*size, &node.attributes) })
            }
            _ => None,
        })
        .collect();
    std::thread::scope(|scope| {
        let small = Prefetched::start(scope, &requests, jobs.get().min(MAX_READERS));
        let mut writer =
            Writer { tar, small, stored: BTreeMap::new(), sizes: BTreeSet::new(), header: Vec::new() };
        for node in nodes {
            let is_candidate =
                matches!(&node.kind, NodeKind::File { size, .. } if is_candidate(*size, &node.attributes));
            writer.node(node, is_candidate)?;
        }
        Ok(writer.tar)
    })
}

/// How much work the contents are. To open a small file costs as much as to compress some.
fn input_of(nodes: &[Node]) -> u64 {
    let weight = |node: &Node| match node.kind {
        NodeKind::File { size, .. } => size.max(SMALLEST_INPUT),
        _ => 0,
    };
    nodes.iter().map(weight).sum()
}

/// The index of a seekable layer, if it can be one.
fn seekable_index(codec: Codec, nodes: &[Node]) -> Result<Index, LayerError> {
    let mut index = Index::new(codec)?;
    index.reserve(nodes.len());
    let reserved = |node: &&Node| node.path.as_str() == seekable::TOC_NAME;
    match nodes.iter().find(reserved).filter(|_| index.layout() == Layout::Estargz) {
        Some(node) => {
            Err(LayerError::Reserved { path: node.path.clone(), source_text: node.kind.describe() })
        }
        None => Ok(index),
    }
}

/// What decides whether two files may be one, before their contents are looked at.
type Shape<'a> = (u64, &'a Attributes);

/// The shapes that more than one file has. Only these are hashed.
fn candidates(nodes: &[Node]) -> BTreeSet<Shape<'_>> {
    let mut once = BTreeSet::new();
    let mut twice = BTreeSet::new();
    for node in nodes {
        if let NodeKind::File { size, .. } = node.kind {
            let shape = (size, &*node.attributes);
            if !once.insert(shape) {
                twice.insert(shape);
            }
        }
    }
    twice
}

struct Writer<'a, 'n> {
    tar: TarSink<'a>,
    small: Prefetched,
    /// Files whose content is in the tar, by shape and digest.
    stored: BTreeMap<(Shape<'n>, Digest), &'n str>,
    /// Shapes of the files in `stored`.
    sizes: BTreeSet<Shape<'n>>,
    header: Vec<u8>,
}

impl<'n> Writer<'_, 'n> {
    fn node(&mut self, node: &'n Node, is_candidate: bool) -> Result<(), LayerError> {
        match &node.kind {
            NodeKind::Directory(_) => self.header(node, HeaderKind::Directory),
            NodeKind::Symlink(target) => self.header(node, HeaderKind::Symlink { target }),
            NodeKind::Empty(_) => self.header(node, HeaderKind::File { size: 0 }),
            NodeKind::File { size, .. } if *size <= prefetch::LIMIT => {
                self.small_file(node, *size, is_candidate)
            }
            NodeKind::File { source, size } => self.large_file(node, source, *size, is_candidate),
        }
    }

    fn header(&mut self, node: &Node, kind: HeaderKind<'_>) -> Result<(), LayerError> {
        self.header.clear();
        encode(node.path.as_str(), kind, &node.attributes, &mut self.header);
        let entry = || TocEntry::new(node.path.as_str(), kind, &node.attributes);
        let entry = self.tar.is_indexed().then(entry);
        self.tar.header(&self.header, entry)
    }

    fn small_file(&mut self, node: &'n Node, size: u64, is_candidate: bool) -> Result<(), LayerError> {
        let content = self.small.next()?;
        if is_candidate && self.link(node, size, content.digest)? {
            return Ok(());
        }
        self.header(node, HeaderKind::File { size })?;
        self.tar.content(size).write_all(content.bytes(), content.digest)?;
        if is_candidate {
            self.remember(node, size, content.digest);
        }
        Ok(())
    }

    /// Streams a file. It is read twice only if a file of its shape is in the tar already.
    fn large_file(
        &mut self,
        node: &'n Node,
        source: &Path,
        size: u64,
        is_candidate: bool,
    ) -> Result<(), LayerError> {
        if self.sizes.contains(&(size, &*node.attributes)) {
            let (digest, _) = blob::hash_file(source).map_err(LayerError::Read)?;
            if self.link(node, size, Some(digest))? {
                return Ok(());
            }
        }
        self.header(node, HeaderKind::File { size })?;
        let mut file = File::open(source).map_err(LayerError::Read)?;
        let mut content = self.tar.content(size);
        // The index hashes what it lists.
        let mut hasher = (is_candidate && !content.is_hashed()).then(Hasher::new);
        let found = content.copy_from(&mut file, |bytes| {
            if let Some(hasher) = &mut hasher {
                hasher.update(bytes);
            }
        })?;
        let more = std::io::Read::read(&mut file, &mut [0]).map_err(LayerError::Read)?;
        if found != size || more != 0 {
            let found = found + more as u64;
            return Err(LayerError::Changed { path: source.to_owned(), expected: size, found });
        }
        let digest = content.finish()?.or_else(|| hasher.map(|hasher| hasher.finish().0));
        if is_candidate {
            self.remember(node, size, digest);
        }
        Ok(())
    }

    /// Writes a hardlink, if this content is in the tar already; returns whether it is.
    fn link(&mut self, node: &'n Node, size: u64, digest: Option<Digest>) -> Result<bool, LayerError> {
        let Some(digest) = digest else { return Ok(false) };
        let Some(&target) = self.stored.get(&((size, &*node.attributes), digest)) else { return Ok(false) };
        self.header(node, HeaderKind::Hardlink { target })?;
        Ok(true)
    }

    fn remember(&mut self, node: &'n Node, size: u64, digest: Option<Digest>) {
        if let Some(digest) = digest {
            let shape = (size, &*node.attributes);
            self.sizes.insert(shape);
            self.stored.insert((shape, digest), node.path.as_str());
        }
    }
}
