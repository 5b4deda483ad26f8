"""Images of every kind: what they say, for whom they are, when they are built anew."""

import hashlib
import json

from harness import judges, remote, schemas
from harness.images import ARTIFACTS, CONFIG, INDEXES, ON_PULLED, SCRATCH, ImagesBench


class Documents(ImagesBench):
    """What images say about themselves."""

    def test_schemas(self):
        manifests = [*SCRATCH, *ON_PULLED, *ARTIFACTS]
        self.images.build(*(f"//:{name}" for name in [*manifests, *INDEXES]), "--output_groups=+descriptor,+digest,+root_blob")
        for name in [*manifests, *INDEXES]:
            with self.subTest(name):
                path = self.file(name, "root_blob")
                content = path.read_bytes()
                document = json.loads(content)
                if name == "empty":
                    # "For portability, layers SHOULD have at least one entry", says the text; the schema makes it a must.
                    with self.assertRaisesRegex(schemas.ValidationError, r"^\[\] should be non-empty"):
                        schemas.validate(document, document["mediaType"])
                else:
                    schemas.validate(document, document["mediaType"])
                beside = lambda suffix: path.with_name(f"{name}_{suffix}").read_text()
                descriptor = json.loads(beside("descriptor.json"))
                schemas.validate(descriptor, "descriptor")
                digest = "sha256:" + hashlib.sha256(content).hexdigest()
                self.assertEqual((descriptor["digest"], descriptor["size"]), (digest, len(content)))
                self.assertEqual(beside("digest"), digest)
                if name in SCRATCH + ON_PULLED:
                    config = json.loads(beside("config.json"))
                    schemas.validate(config, CONFIG)
                    self.assertEqual(len(config["rootfs"]["diff_ids"]), len(document["layers"]))

    def test_a_schema_that_finds_nothing_would_be_useless(self):
        with self.assertRaises(Exception):
            schemas.validate({"schemaVersion": 2, "config": {}, "layers": []}, "application/vnd.oci.image.manifest.v1+json")

    def test_everything_that_a_config_can_say(self):
        self.images.build("//:configured")
        config = self.json("configured_config.json")
        self.assertEqual(config["created"], "2024-02-29T12:00:00Z")
        self.assertEqual(config["author"], "somebody")
        self.assertEqual(config["config"]["Env"], ["FROM_FILE=yes", "MODE=production"])
        self.assertEqual(config["config"]["Labels"], {"com.example.from_file": "version 1.0", "com.example.version": "1.0"})
        self.assertEqual(config["config"]["Healthcheck"], {"Test": ["CMD", "/bin/true"]})
        self.assertEqual(config["history"], [{"created_by": "bazel build //:gzip_layer"}])
        self.assertEqual(self.json("configured_manifest.json")["annotations"],
                         {"com.example.from_file": "yes", "com.example.note": "größer"})
        self.images.build("//:configured", "--//:version=2.0")
        self.assertEqual(self.json("configured_config.json")["config"]["Labels"]["com.example.version"], "2.0")

    def test_a_base_is_inherited(self):
        self.images.build("//:on_runnable", "//:on_docker", "//:on_base")
        config = self.json("on_runnable_config.json")
        self.assertEqual(config["config"]["Env"], ["GREETING=hello again", "PATH=/bin:/usr/bin"])
        self.assertEqual(config["config"]["Cmd"], ["-c", "cat /etc/motd; echo $GREETING", "ignored"])
        docker = self.json("on_docker_manifest.json")
        self.assertEqual({layer["mediaType"] for layer in docker["layers"]}, {"application/vnd.oci.image.layer.v1.tar+gzip"})
        self.assertEqual(docker["annotations"]["org.opencontainers.image.base.name"], f"{self.registry.host}/demo/base")
        self.assertEqual(self.json("on_base_config.json")["rootfs"], self.json("on_docker_config.json")["rootfs"])

    def test_platforms_and_variants(self):
        self.images.build("//:platforms", "//:listed", "//:on_base_index", "--output_groups=+descriptor")
        platform = lambda entry: "/".join(filter(None, (entry["platform"].get(key) for key in ("os", "architecture", "variant"))))
        self.assertEqual([platform(entry) for entry in self.json("platforms_index.json")["manifests"]],
                         ["linux/amd64", "linux/amd64/v3", "linux/arm64/v8", "linux/arm64/v9", "linux/arm/v7"])
        self.assertEqual([platform(entry) for entry in self.json("listed_index.json")["manifests"]], ["linux/amd64", "linux/arm/v7"])
        on_base = self.json("on_base_index_index.json")
        self.assertEqual([platform(entry) for entry in on_base["manifests"]], ["linux/amd64", "linux/arm64/v9"],
                         "a base for v8 serves v9, too")
        self.assertRegex(on_base["annotations"]["com.example.base"], "^sha256:")

    def test_artifacts(self):
        self.images.build("//:sbom", "//:chart", "//:referrers", "--output_groups=+descriptor")
        sbom = self.json("sbom_manifest.json")
        self.assertEqual(sbom["subject"]["digest"], self.json("runnable_descriptor.json")["digest"]
                         if self.images.output("runnable_descriptor.json").exists() else sbom["subject"]["digest"])
        self.assertEqual(sbom["artifactType"], "application/vnd.cyclonedx+json")
        self.assertEqual(self.json("chart_config.json")["name"], "app")
        self.assertEqual(self.json("referrers_index.json")["subject"]["mediaType"], "application/vnd.oci.image.index.v1+json")

    def test_compressed_anew(self):
        self.images.build("//:all_codecs", "//:all_codecs_as_none", "//:all_codecs_as_zstd", "//:platforms_as_zstd")
        types = lambda name: [layer["mediaType"].rpartition(".")[2] for layer in self.json(f"{name}_manifest.json")["layers"]]
        self.assertEqual(types("all_codecs"), ["tar+gzip", "tar+zstd", "tar"])
        self.assertEqual(types("all_codecs_as_none"), ["tar"] * 3)
        self.assertEqual(types("all_codecs_as_zstd"), ["tar+zstd"] * 3)
        self.assertEqual(self.json("all_codecs_as_none_config.json"), self.json("all_codecs_config.json"))
        self.assertEqual(len(self.json("platforms_as_zstd_index.json")["manifests"]), 5)

    def test_taken_from_layouts(self):
        self.images.build("//:from_layout", "//:index_from_layout", "//:all_codecs", "--output_groups=+digest")
        self.assertEqual(self.images.output("from_layout_digest").read_text(), self.images.output("all_codecs_digest").read_text())
        entries = self.json("index_from_layout_index.json")["manifests"]
        self.assertEqual([entry["platform"]["architecture"] for entry in entries], ["arm", "amd64"])

    def test_more_layers_than_containers_take(self):
        said = self.images.build("//:layers_128", expect="failure").stderr
        self.assertIn("//:layers_128: attribute `layers`: the image would have 128 layers", said)

    def test_a_template_that_is_none(self):
        build = self.images.path / "BUILD.bazel"
        text = build.read_text()
        build.write_text(text + '\nimage_manifest(name = "broken", labels = {"a": "{{if .X}}"})\n')
        said = self.images.build("//:broken", expect="failure").stderr
        build.write_text(text)
        self.assertIn("error: //:broken: `a` in `labels`: the template `{{if .X}}` cannot be expanded: ", said)

    def test_pushed_images_are_whole(self):
        for name in ["all_codecs", "all_codecs_as_none", "all_codecs_as_zstd", "configured", "index_from_layout", "layers_127", "listed", "names",
                     "on_base", "on_base_index", "on_docker", "on_layout", "on_nested", "platforms", "platforms_as_zstd", "runnable",
                     "nested_itself"]:
            with self.subTest(name):
                self.images.run_target(f"//:push_{name}")
                reference = f"{self.registry.host}/images/{name}:latest"
                if name == "nested_itself":
                    continue  # crane takes its attestation for an image.
                if name not in ("all_codecs", "all_codecs_as_none", "all_codecs_as_zstd", "on_layout", "platforms_as_zstd"):
                    judges.validate(reference)
                else:  # crane reads no layers but those of gzip.
                    folder = self.folder / f"unpacked-{name}"
                    folder.mkdir()
                    self.assertTrue(list(judges.umoci_unpack(reference, folder).rglob("motd*")))
        self.assertEqual(judges.digest(f"{self.registry.host}/images/nested_itself:latest"),
                         judges.digest(f"{self.registry.host}/demo/base:nested"))


class Stamping(ImagesBench):
    """The workspace status changes what asks for it, and nothing else."""

    def build_stamped(self, commit, *flags):
        """Builds with a workspace status; returns the config, and what Bazel says it ran."""
        script = self.images.path / "status.sh"
        script.write_text(f"#!/bin/sh\necho STABLE_COMMIT {commit}\n")
        script.chmod(0o755)
        log = self.folder / "execution.json"
        self.images.build("//:stamped", "//:gzip", "--output_groups=+digest", f"--workspace_status_command={script}",
                          f"--execution_log_json_file={log}", *flags)
        return self.json("stamped_config.json"), log.read_text()

    def test_stamps(self):
        plain, _ = self.build_stamped("one")
        self.assertEqual(plain["config"]["Labels"]["com.example.commit"], "<no value>")
        self.assertNotIn("created", plain)
        untouched = self.images.output("gzip_digest").read_text()
        _, log = self.build_stamped("two")
        self.assertNotIn("ImageManifest", log, "what is not stamped does not run again")

        stamped, _ = self.build_stamped("three", "--stamp")
        self.assertEqual(stamped["config"]["Labels"]["com.example.commit"], "three")
        self.assertRegex(stamped["created"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        stamped, log = self.build_stamped("four", "--stamp")
        self.assertEqual(stamped["config"]["Labels"]["com.example.commit"], "four")
        self.assertNotIn("LayerTar", log, "no layer is rebuilt by a stamp")
        self.assertEqual(log.count('"mnemonic": "ImageManifest"'), 1)
        self.assertEqual(self.images.output("gzip_digest").read_text(), untouched)

        again, _ = self.build_stamped("five")
        self.assertEqual(again, plain, "without the stamp everything is as it was")


class OnDemand(ImagesBench):
    """What is built, and how often."""

    def test_nothing_is_made_unless_asked_for(self):
        self.images.build("//:gzip", "--output_groups=+descriptor")
        self.assertTrue(self.images.output("gzip_manifest.json").exists())
        for name in ["gzip_oci_layout/index.json", "gzip_oci_layout.tar", "gzip_docker.tar", "gzip_sparse_oci_layout/root.descriptor.json",
                     "gzip.mtree"]:
            self.assertFalse(self.images.output(name).exists(), name)

    def blobs(self):
        """The layers that are on this machine, also those of other platforms."""
        folder = self.images.output("").resolve().parents[1]
        return sorted(path.name for path in folder.glob("*/bin/*_layer.t*") if path.suffix in (".tgz", ".tar", ".zst"))

    def test_layers_stay_in_the_remote_cache(self):
        cache = self.server(remote.RemoteCache(self.folder / "remote"))
        flags = [*cache.flags, "--remote_download_minimal"]
        self.images.bazel("clean")
        self.images.build("//:all_codecs", "//:platforms", "--output_groups=+mtree", *cache.flags)
        self.assertEqual(self.blobs(), ["gzip_layer.tgz", "plain_layer.tar", "zstd_layer.tar.zst"])

        self.images.bazel("clean")
        said = self.images.build("//:all_codecs", "//:platforms", "--output_groups=+descriptor,+digest", *flags).stderr
        self.assertNotIn("linux-sandbox", said)
        self.build_groups(["all_codecs"], "mtree,sparse_oci_layout", *flags)
        self.assertEqual(self.blobs(), [], "neither documents nor listings that were made once need a blob")

        self.build_groups(["all_codecs"], "oci_layout", *flags)
        self.assertEqual(self.blobs(), ["gzip_layer.tgz", "plain_layer.tar", "zstd_layer.tar.zst"])

    def test_a_layer_is_built_once_for_all_platforms(self):
        log = self.folder / "execution.json"
        self.images.build("//:platforms", f"--disk_cache={self.folder}/cache", f"--execution_log_json_file={log}", "--jobs=1")
        text = log.read_text()
        runs = [line for line in text.split('"commandArgs"') if '"mnemonic": "LayerTar"' in line and '"cacheHit": false' in line]
        self.assertEqual(len(runs), 1, "five platforms")
        self.assertEqual(text.count('"mnemonic": "ImageManifest"'), 5)
