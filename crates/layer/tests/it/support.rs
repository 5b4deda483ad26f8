//! Small trees of files, described in a few lines.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use layer::{
    Archive, Codec, Entry, FileMetadata, Format, ImagePath, Jobs, LayerError, LayerSpec, ListingStyle,
    Source, WriteOptions, Written, write_layer,
};
use tempfile::TempDir;

/// A folder with sources, and the entries of a layer made of them.
pub(crate) struct Fixture {
    pub(crate) folder: TempDir,
    pub(crate) spec: LayerSpec,
    pub(crate) seekable: bool,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), spec: LayerSpec::default(), seekable: false }
    }

    /// Where a source of this name lies.
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a source.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.at(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(&path, content).unwrap();
        path
    }

    /// Adds an entry.
    pub(crate) fn entry(&mut self, path: &str, source: Source) -> &mut Self {
        self.spec.entries.push(Entry { path: image_path(path), source });
        self
    }

    /// Adds a file with a source of its own.
    pub(crate) fn file(&mut self, path: &str, content: impl AsRef<[u8]>) -> &mut Self {
        let source = self.write(&format!("sources/{}", self.spec.entries.len()), content);
        self.entry(path, Source::File(source))
    }

    pub(crate) fn symlink(&mut self, path: &str, target: &str) -> &mut Self {
        self.entry(path, Source::Symlink(target.to_owned()))
    }

    /// Adds a folder of files; names that end in a slash are empty folders.
    pub(crate) fn tree(&mut self, path: &str, files: &[(&str, &str)]) -> &mut Self {
        let name = format!("trees/{}", self.spec.entries.len());
        fs_err::create_dir_all(self.at(&name)).unwrap();
        for (file, content) in files {
            if let Some(folder) = file.strip_suffix('/') {
                fs_err::create_dir_all(self.at(&format!("{name}/{folder}"))).unwrap();
            } else {
                self.write(&format!("{name}/{file}"), content);
            }
        }
        let source = self.at(&name);
        self.entry(path, Source::Tree(source))
    }

    /// Sets metadata of one path, as JSON.
    pub(crate) fn metadata(&mut self, path: &str, json: &str) -> &mut Self {
        self.spec.file_metadata.insert(image_path(path), metadata(json));
        self
    }

    /// Writes the layer.
    pub(crate) fn layer(
        &self,
        format: Format,
        level: Option<i32>,
        jobs: usize,
    ) -> Result<(Vec<u8>, Written), LayerError> {
        let codec = Codec::new(format, level)?;
        let jobs = Jobs::Exactly(NonZeroUsize::new(jobs).unwrap());
        let options = WriteOptions { codec, jobs, seekable: self.seekable };
        let mut blob = Vec::new();
        let written = write_layer(&self.spec, options, &mut blob)?;
        Ok((blob, written))
    }

    /// The layer without compression.
    pub(crate) fn tar(&self) -> Vec<u8> {
        self.layer(Format::None, None, 1).unwrap().0
    }

    /// Its listing without the first line.
    pub(crate) fn listing(&self) -> Vec<String> {
        listing(&self.tar(), Format::None).lines().skip(1).map(str::to_owned).collect()
    }

    /// Paths and what follows `type=` up to the next space, plus the target of links.
    pub(crate) fn outline(&self) -> Vec<String> {
        self.listing().iter().map(|line| outline(line)).collect()
    }

    /// Why there is no layer.
    pub(crate) fn error(&self) -> LayerError {
        self.layer(Format::None, None, 1).expect_err("a layer that cannot be")
    }
}

/// The listing of a blob.
pub(crate) fn listing(blob: &[u8], format: Format) -> String {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, blob).unwrap();
    let (_, listing) = layer::import::list(Archive::new(file.path(), format)).unwrap();
    listing.render(&ListingStyle::default())
}

/// `path type [-> target]` of a line of a listing.
pub(crate) fn outline(line: &str) -> String {
    let mut words = line.split(' ');
    let path = words.next().unwrap();
    let values: BTreeMap<&str, &str> = words.filter_map(|word| word.split_once('=')).collect();
    let mut text = format!("{path} {}", values["type"]);
    if let Some(target) = values.get("link") {
        text.push_str(" -> ");
        text.push_str(target);
    }
    if values.get("nlink").is_some_and(|names| *names != "1") {
        text.push_str(" x");
        text.push_str(values["nlink"]);
    }
    text
}

pub(crate) fn image_path(path: &str) -> ImagePath {
    ImagePath::parse(path).unwrap()
}

pub(crate) fn metadata(json: &str) -> FileMetadata {
    serde_json::from_str(json).unwrap()
}

/// Bytes that look random, the same on every run; every other kilobyte compresses well.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..length)
        .map(|at| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let byte = state.to_be_bytes()[0];
            if at / 1024 % 2 == 0 { byte } else { b'a' + byte % 4 }
        })
        .collect()
}

/// The uncompressed form of a blob, by other code than the importer's.
pub(crate) fn decompress(format: Format, blob: &[u8]) -> Vec<u8> {
    use std::io::Read as _;
    let mut tar = Vec::new();
    match format {
        Format::None => tar.extend_from_slice(blob),
        Format::Gzip => {
            flate2::read::MultiGzDecoder::new(blob).read_to_end(&mut tar).unwrap();
        }
        Format::Zstd => zstd::stream::copy_decode(blob, &mut tar).unwrap(),
    }
    tar
}

/// Runs a program; `None` if it is not there.
pub(crate) fn run(program: &str, arguments: &[&str], folder: &Path) -> Option<String> {
    let output = std::process::Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env("LC_ALL", "C.UTF-8")
        .output()
        .ok()?;
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}
