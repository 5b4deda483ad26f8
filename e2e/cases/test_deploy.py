"""Many images with one command, and what is pushed beside an image: tags of manifests, documents about it."""

import json
import re

from harness import judges, process, servers
from harness.bench import Bench


class Deploy(Bench):
    """The workspace `deploy` and Debian's docker-registry."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = cls.server(servers.DockerRegistry(cls.folder))
        cls.deploy = cls.workspace("deploy", cls.registry, None)
        cls.deploy.edit("data/destination.txt", "localhost:5000", cls.registry.host)

    def name(self, repository):
        return f"{self.registry.host}/{repository}"

    def test_tags_and_referrers(self):
        self.deploy.run_target("//:push_app", "--repository", "tagged/app")
        index = judges.manifest(self.name("tagged/app:1.0"))
        for child in index["manifests"]:
            tag = f"1.0-linux-{child['platform']['architecture']}"
            self.assertEqual(judges.digest(self.name(f"tagged/app:{tag}")), child["digest"])
        # A registry without the referrers API has a tag for them.
        tags = judges.crane("ls", "--insecure", self.name("tagged/app")).split()
        self.assertEqual(len([tag for tag in tags if not tag.startswith("sha256-")]), 3, tags)

        digest = judges.digest(self.name("tagged/app:1.0"))
        found = process.run(["oras", "discover", "--plain-http", "--format", "json", self.name(f"tagged/app@{digest}")])
        referrers = json.loads(found.stdout)
        referrers = referrers.get("manifests") or referrers.get("referrers")
        self.assertEqual([referrer["artifactType"] for referrer in referrers], ["application/vnd.cyclonedx+json"])
        sbom = judges.manifest(self.name(f"tagged/app@{referrers[0]['digest']}"))
        self.assertEqual(sbom["subject"]["digest"], digest)
        pulled = self.folder / "pulled"
        process.run(["oras", "pull", "--plain-http", "--output", pulled, self.name(f"tagged/app@{referrers[0]['digest']}")])

    def test_files_say_where_to(self):
        self.deploy.run_target("//:push_from_files")
        self.assertEqual(judges.crane("ls", "--insecure", self.name("from/a/file")).split(), ["one", "two"])
        self.deploy.edit("data/tags.txt", "one", "not a tag")
        done = self.deploy.build("//:push_from_files", "--output_groups=deploy_manifest", expect=1)
        self.assertRegex(done.stderr, r"error: //:push_from_files: `tag_file` `data/tags.txt`: `not a tag` is not a tag")
        self.deploy.edit("data/tags.txt", "not a tag", "one")
        self.deploy.edit("data/destination.txt", "/from/a/file", "")
        done = self.deploy.build("//:push_from_files", "--output_groups=deploy_manifest", expect=1)
        self.assertIn("in `data/destination.txt` is not `registry/repository`", done.stderr)
        self.deploy.edit("data/destination.txt", r"\n", "/from/a/file\n")

    def test_many_with_one_command(self):
        done = self.deploy.run_target("//:deploy")
        names = ["deploy/app:1.0", "deploy/tool:1.0", "deploy/report:1.0", "deploy/report:latest"]
        for name in names:
            judges.validate(self.name(name))
        printed = done.stdout.splitlines()
        report = judges.digest(self.name("deploy/report:1.0"))
        for name in [*names, f"archive/report@{report}", "deploy/app:1.0-linux-arm64"]:
            self.assertIn(self.name(name), printed)
        judges.validate(self.name(f"archive/report@{report}"))
        done = self.deploy.run_target("//:deploy")
        self.assertEqual(len(re.findall("^unchanged ", done.stderr, re.MULTILINE)), 4, done.stderr)

    def test_what_is_refused(self):
        for target, messages in (
            ("push_two_of_one_tag", [r"//:push_two_of_one_tag: `manifest_tags`: the tag `linux` is claimed by `sha256:\w+` \(linux/amd64\) and by "
                                     r"`sha256:\w+` \(linux/arm64/v8\)\nhint: tell them apart with"]),
            ("push_with_stranger", [r"//:push_with_stranger: `referrers`: `//:sbom` is about `sha256:\w+`, which is not part of this push"]),
            ("deploy_two_of_one_tag", [r"//:deploy_two_of_one_tag: `\S+/deploy/app:1.0` is to be `sha256:\w+` for `//:push_app` and "
                                       r"`sha256:\w+` for `//:push_tool_as_app`\nhint: give them different tags"]),
        ):
            done = self.deploy.build(f"//:{target}", "--output_groups=deploy_manifest", expect=1)
            for message in messages:
                self.assertRegex(done.stderr, re.compile(message))
