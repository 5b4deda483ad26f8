"""The JSON schemas of the image specification, and an independent validator for them."""

import json
import pathlib

import jsonschema
import referencing
from jsonschema import ValidationError  # noqa: F401, for callers
from referencing.jsonschema import DRAFT4

# Debian's copy of the specification.
FOLDER = pathlib.Path("/usr/share/gocode/src/github.com/opencontainers/image-spec/schema")
NAMES = {
    "application/vnd.oci.image.manifest.v1+json": "image-manifest-schema.json",
    "application/vnd.oci.image.index.v1+json": "image-index-schema.json",
    "application/vnd.oci.image.config.v1+json": "config-schema.json",
    "descriptor": "content-descriptor.json",
    "layout": "image-layout-schema.json",
}


def _registry():
    """Schemas by every name that others call them: their own id, and their file's name beside that."""
    resources = []
    for path in FOLDER.glob("*.json"):
        schema = json.loads(path.read_text())
        resource = DRAFT4.create_resource(schema)
        base = schema.get("id", "").rsplit("/", 1)[0]
        resources += [(uri, resource) for uri in (schema.get("id", ""), f"{base}/{path.name}", path.name,
                                                  f"https://opencontainers.org/schema/{path.name}",
                                                  f"https://opencontainers.org/schema/image/{path.name}",
                                                  f"https://opencontainers.org/schema/image/descriptor/{path.name}",
                                                  f"https://opencontainers.org/schema/image/layout/{path.name}",
                                                  f"https://opencontainers.org/schema/image/manifest/{path.name}",
                                                  f"https://opencontainers.org/schema/image/index/{path.name}") if uri]
    return referencing.Registry().with_resources(resources)


def validate(document, kind):
    """Fails with the reason when a document does not follow the schema of its kind: a media type, `descriptor` or `layout`."""
    schema = json.loads((FOLDER / NAMES[kind]).read_text())
    jsonschema.Draft4Validator(schema, registry=_registry()).validate(document)
