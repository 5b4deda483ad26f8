//! Images in folders, and programs that take them, for tests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use deploy::{Caches, Context, Overrides, Silent};
use oci::{Descriptor, DiffId, Digest, media_type};
use plan::{Blob, Daemon, Kind, Load, Name, Plan, Root, Strategy};
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tool::runfiles::Runfiles;

use crate::program::Program;

/// What a build made, and a program that takes it.
pub(crate) struct Fixture {
    pub(crate) folder: TempDir,
    pub(crate) plan: Plan,
    pub(crate) caches: Caches,
    pub(crate) dry_run: bool,
    runfiles: BTreeMap<String, PathBuf>,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let (plan, caches) = (Plan::default(), Caches::default());
        let folder = tempfile::tempdir().unwrap();
        Self { folder, plan, caches, dry_run: false, runfiles: BTreeMap::new() }
    }

    /// A blob that the build made.
    pub(crate) fn add(&mut self, media_type: &str, kind: Kind, bytes: &[u8]) -> Descriptor {
        let digest = blob::digest_of(bytes);
        let path = self.folder.path().join(digest.hex());
        fs_err::write(&path, bytes).unwrap();
        let runfile = format!("_main/{}", digest.hex());
        self.runfiles.insert(runfile.clone(), path);
        self.know(media_type, kind, bytes, Some(runfile))
    }

    /// A layer that is not here.
    pub(crate) fn add_lazy_layer(&mut self, bytes: &[u8]) -> Descriptor {
        self.know(media_type::OCI_LAYER, Kind::Layer, bytes, None)
    }

    fn know(&mut self, media_type: &str, kind: Kind, bytes: &[u8], runfile: Option<String>) -> Descriptor {
        let descriptor = Descriptor::new(media_type, blob::digest_of(bytes), bytes.len() as u64);
        let (label, sources) = (None, Vec::new());
        let (media_type, size) = (media_type.to_owned(), descriptor.size);
        let known = Blob { media_type, size, kind, runfile, label, sources };
        self.plan.blobs.insert(descriptor.digest, known);
        descriptor
    }

    pub(crate) fn add_layers(&mut self, texts: &[&str]) -> Vec<Descriptor> {
        texts.iter().map(|text| self.add(media_type::OCI_LAYER, Kind::Layer, text.as_bytes())).collect()
    }

    /// An image of these layers, which are unpacked as they are.
    pub(crate) fn add_image(&mut self, architecture: &str, layers: &[Descriptor]) -> Descriptor {
        let diff_ids: Vec<String> = layers.iter().map(|layer| diff_id(layer).to_string()).collect();
        let config = json!({"os": "linux", "architecture": architecture, "rootfs": {"type": "layers", "diff_ids": diff_ids}});
        let config = self.add(media_type::OCI_CONFIG, Kind::Config, config.to_string().as_bytes());
        let manifest = json!({"schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": config, "layers": layers});
        let bytes = manifest.to_string();
        let mut manifest = self.add(media_type::OCI_MANIFEST, Kind::Manifest, bytes.as_bytes());
        manifest.platform = Some(oci::Platform::new("linux", architecture, ""));
        manifest
    }

    pub(crate) fn add_index(&mut self, manifests: &[Descriptor]) -> Descriptor {
        let index = json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": manifests});
        self.add(media_type::OCI_INDEX, Kind::Manifest, index.to_string().as_bytes())
    }

    pub(crate) fn context(self) -> (Context, TempDir) {
        let keychain = auth::Keychain::new(auth::Locations::default().sources());
        let context = Context {
            client: registry::Client::new(registry::Config::default(), keychain),
            caches: self.caches,
            runfiles: Runfiles::listed(self.runfiles),
            plan: self.plan,
            progress: Box::new(Silent),
            transfers: Semaphore::new(4).into(),
            dry_run: self.dry_run,
            overrides: Overrides::default(),
        };
        (context, self.folder)
    }
}

/// The load of an image.
pub(crate) fn load_of(root: &Descriptor, daemon: Daemon, names: &[&str]) -> Load {
    let Descriptor { media_type, digest, size, .. } = root.clone();
    Load {
        label: "//:load".to_owned(),
        strategy: Strategy::Lazy,
        daemon,
        name: Name::Whole(names.iter().map(ToString::to_string).collect()),
        root: Root { media_type, digest, size },
        original: None,
    }
}

/// What a layer is when it is unpacked, in these tests.
pub(crate) fn diff_id(layer: &Descriptor) -> DiffId {
    DiffId(layer.digest)
}

/// A program that behaves as a shell script says: `$1 $2` are its words, `$folder` is its folder.
pub(crate) struct FakeDaemon {
    pub(crate) folder: TempDir,
}

impl FakeDaemon {
    pub(crate) fn new(behaviour: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs_err::write(folder.path().join("behaviour"), behaviour).unwrap();
        // A link, and no copy: a file that was just written cannot be run while another test starts a program.
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fake_daemon.sh");
        std::os::unix::fs::symlink(script, folder.path().join("daemon")).unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self) -> String {
        self.folder.path().join("daemon").display().to_string()
    }

    pub(crate) fn program(&self, daemon: Daemon) -> Program {
        Program::new(self.path(), daemon)
    }

    /// The words that it got, in order, without those of formats.
    pub(crate) fn calls(&self) -> Vec<String> {
        let calls = fs_err::read_to_string(self.folder.path().join("calls")).unwrap_or_default();
        calls.lines().map(|call| call.split(" --").next().unwrap_or(call).to_owned()).collect()
    }

    /// What it was given, by path.
    pub(crate) fn archive(&self) -> BTreeMap<String, Vec<u8>> {
        let file = fs_err::File::open(self.folder.path().join("archive")).unwrap();
        let mut archive = tar::Archive::new(file);
        let entries = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().display().to_string();
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
            (path, bytes)
        });
        entries.filter(|(path, _)| !path.ends_with('/')).collect()
    }

    /// Whether the archive has a blob, and it is the right one.
    pub(crate) fn has(&self, digest: Digest) -> bool {
        let archive = self.archive();
        let found = archive.get(&format!("blobs/sha256/{}", digest.hex()));
        found.is_some_and(|bytes| blob::digest_of(bytes) == digest)
    }
}
