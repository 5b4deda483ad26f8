//! A deploy target as Bazel leaves it: the program under the target's name, its plan, its runfiles.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use oci::media_type::{OCI_CONFIG, OCI_LAYER, OCI_MANIFEST};
use plan::{Blob, Kind, Operation, Plan, Push, Root, Source};
use serde_json::json;
use tempfile::TempDir;
use testkit::{Document, FakeRegistry, Image};

pub(crate) const REPOSITORY: &str = "me/app";

/// The target `//:push` in a folder of its own.
pub(crate) struct Target {
    folder: TempDir,
    pub(crate) plan: Plan,
    environment: Vec<(&'static str, String)>,
}

/// What the program did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    /// Without times; `DIR` stands for the target's folder.
    pub(crate) stderr: String,
}

/// An image for one platform with these layers.
pub(crate) fn image(layers: &[&str]) -> Image {
    let layer = |text: &&str| Document { media_type: OCI_LAYER.to_owned(), bytes: (*text).to_owned().into() };
    let layers: Vec<Document> = layers.iter().map(layer).collect();
    let diff_ids: Vec<_> = layers.iter().map(Document::digest).collect();
    let config = json!({
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    });
    let config = Document::json(OCI_CONFIG, &config);
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": config.descriptor(),
        "layers": layers.iter().map(Document::descriptor).collect::<Vec<_>>(),
    });
    Image { manifest: Document::json(OCI_MANIFEST, &manifest), config, layers }
}

impl Target {
    /// A target that pushes a manifest or index; nothing is shipped with it yet.
    pub(crate) fn new(host: &str, root: &Document, tags: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs_err::create_dir(folder.path().join("home")).unwrap();
        let program = folder.path().join("push");
        fs_err::os::unix::fs::symlink(env!("CARGO_BIN_EXE_pusher"), program).unwrap();
        let push = Push {
            tags: tags.iter().map(ToString::to_string).collect(),
            ..Push::new("//:push", host, REPOSITORY, self::root(root))
        };
        let plan = Plan { operations: vec![Operation::Push(push)], ..Plan::default() };
        Self { folder, plan, environment: Vec::new() }
    }

    /// A target that pushes an image, all of whose parts are shipped with it.
    pub(crate) fn image(host: &str, image: &Image, tags: &[&str]) -> Self {
        let mut target = Self::new(host, &image.manifest, tags);
        target.ship_image(image);
        target
    }

    /// A target that pushes an image whose lowest layer lies where its base was pulled from.
    pub(crate) fn with_base(host: &str, image: &Image, tags: &[&str], base: &[(&str, &str)]) -> Self {
        let mut target = Self::image(host, image, tags);
        target.pulled(&image.layers[0], base);
        target
    }

    pub(crate) fn ship_image(&mut self, image: &Image) {
        self.ship(Kind::Manifest, &image.manifest);
        self.ship(Kind::Config, &image.config);
        for layer in &image.layers {
            self.ship(Kind::Layer, layer);
        }
    }

    /// Makes a document or layer a runfile.
    pub(crate) fn ship(&mut self, kind: Kind, document: &Document) {
        let file = self.runfile(document);
        fs_err::create_dir_all(file.parent().unwrap()).unwrap();
        fs_err::write(file, &document.bytes).unwrap();
        let blob = Blob {
            media_type: document.media_type.clone(),
            size: document.bytes.len() as u64,
            kind,
            runfile: Some(runfile(document)),
            label: None,
            sources: Vec::new(),
        };
        self.plan.add_blob(document.digest(), blob);
    }

    /// Another operation: an image to another repository.
    pub(crate) fn also(&mut self, name: &str, image: &Image, tags: &[&str]) -> &mut Push {
        self.ship_image(image);
        let push = Push {
            label: format!("//:{name}"),
            repository: format!("me/{name}"),
            tags: tags.iter().map(ToString::to_string).collect(),
            root: root(&image.manifest),
            ..self.push().clone()
        };
        self.plan.operations.push(Operation::Push(push));
        let Some(Operation::Push(push)) = self.plan.operations.last_mut() else { unreachable!() };
        push
    }

    /// All operations.
    pub(crate) fn pushes_mut(&mut self) -> impl Iterator<Item = &mut Push> {
        self.plan.operations.iter_mut().filter_map(Operation::as_push_mut)
    }

    /// A layer that the build does not have, but these repositories.
    pub(crate) fn pulled(&mut self, layer: &Document, sources: &[(&str, &str)]) {
        drop(fs_err::remove_file(self.runfile(layer)));
        let blob = self.plan.blobs.get_mut(&layer.digest()).unwrap();
        blob.runfile = None;
        blob.sources = sources
            .iter()
            .map(|(registry, repository)| Source {
                registry: (*registry).to_owned(),
                repository: (*repository).to_owned(),
            })
            .collect();
    }

    /// The first and mostly only operation.
    pub(crate) fn push(&mut self) -> &mut Push {
        self.plan.operations[0].as_push_mut().unwrap()
    }

    pub(crate) fn env(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    /// Where the runfile of a document is.
    pub(crate) fn runfile(&self, document: &Document) -> PathBuf {
        self.folder.path().join("push.runfiles").join(runfile(document))
    }

    /// A file in the target's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into the target's folder.
    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(&path, content).unwrap();
        path
    }

    /// Writes a program, with another process so that none that is started meanwhile holds it open for writing.
    pub(crate) fn script(&self, name: &str, content: &str) -> PathBuf {
        let path = self.file(name, "");
        let mut writer = Command::new("sh")
            .args(["-c", "cat > \"$0\" && chmod +x \"$0\""])
            .arg(&path)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        writer.stdin.take().unwrap().write_all(content.as_bytes()).unwrap();
        assert!(writer.wait().unwrap().success());
        path
    }

    /// Runs the target with its plan.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.file("push.json", &self.plan.to_json());
        self.run_as_it_is(arguments)
    }

    /// Runs the target with its plan; status, standard output and standard error as they are.
    pub(crate) fn run_binary(&self, arguments: &[&str]) -> (i32, Vec<u8>, String) {
        self.file("push.json", &self.plan.to_json());
        let output = self.command().args(arguments).output().unwrap();
        (output.status.code().unwrap(), output.stdout, String::from_utf8(output.stderr).unwrap())
    }

    /// Starts the target with its plan and does not wait for its end.
    pub(crate) fn start(&self) -> Child {
        self.file("push.json", &self.plan.to_json());
        self.command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Runs the target with whatever lies beside it.
    pub(crate) fn run_as_it_is(&self, arguments: &[&str]) -> Ran {
        let output = self.command().args(arguments).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        let stderr = stderr.replace(self.folder.path().to_str().unwrap(), "DIR");
        Ran {
            status: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: stderr.lines().map(|line| without_time(line) + "\n").collect(),
        }
    }

    /// The target without the environment of whoever runs the tests.
    fn command(&self) -> Command {
        let mut command = Command::new(self.folder.path().join("push"));
        command
            .env_clear()
            .env("HOME", self.folder.path().join("home"))
            .env("PATH", "/usr/bin:/bin")
            .env("IMG_PROGRESS", "none")
            .env("IMG_REGISTRY_RETRY_BASE_DELAY", "1ms")
            .env("IMG_REGISTRY_RETRY_MAX_DELAY", "5ms")
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Pushes and expects that all goes well; returns the one line that says what was done.
    pub(crate) fn pushes(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.status, 0, "{}", ran.stderr);
        assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
        ran.stderr.trim_end().to_owned()
    }

    /// Pushes and expects this message, and that nothing is tagged or left to be found by digest.
    pub(crate) fn fails(&self, registry: &FakeRegistry, expected: &str) {
        self.fails_with(1, registry, expected);
    }

    /// The same, with an exit status.
    pub(crate) fn fails_with(&self, status: i32, registry: &FakeRegistry, expected: &str) {
        let ran = self.run(&[]);
        assert_eq!(ran.stderr.replace(&registry.host(), "HOST"), expected);
        assert_eq!((ran.status, ran.stdout.as_str()), (status, ""));
        self.assert_nothing_pushed(registry);
    }

    pub(crate) fn assert_nothing_pushed(&self, registry: &FakeRegistry) {
        let push = self.plan.operations[0].as_push().unwrap();
        let names = push.tags.iter().cloned().chain([push.root.digest.to_string()]);
        for name in names {
            assert!(registry.manifest(REPOSITORY, &name).is_none(), "`{name}` is there");
        }
    }
}

/// What a plan says of the document that an operation is about.
pub(crate) fn root(document: &Document) -> Root {
    Root {
        media_type: document.media_type.clone(),
        digest: document.digest(),
        size: document.bytes.len() as u64,
    }
}

fn runfile(document: &Document) -> String {
    format!("rules_img_blobs/k8-fastbuild/bin/{}", document.digest().hex())
}

/// `..., 0.12 s` is another number each time.
fn without_time(line: &str) -> String {
    match line.rsplit_once(", ") {
        Some((before, time)) if time.ends_with(" s") => before.to_owned(),
        _ => line.to_owned(),
    }
}

/// What a registry was asked: the verb and the end of the path, digests shortened to the kind of what they name.
pub(crate) fn asked(registry: &FakeRegistry) -> Vec<String> {
    let short = |record: &testkit::Record| {
        let path = record.path.split('?').next().unwrap_or_default();
        let name = path.rsplit('/').next().unwrap_or_default();
        match record.kind {
            testkit::Kind::Manifest if name.starts_with("sha256:") => {
                format!("{} manifest {}", record.method, &name[..13])
            }
            testkit::Kind::Manifest => format!("{} manifest {name}", record.method),
            kind => format!("{} {kind}", record.method),
        }
    };
    registry.requests().iter().map(short).collect()
}

/// What [`asked`] calls a manifest by its digest.
pub(crate) fn by_digest(method: &str, document: &Document) -> String {
    format!("{method} manifest {}", &document.digest().to_string()[..13])
}
