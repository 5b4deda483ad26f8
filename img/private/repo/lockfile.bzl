"""Reads the lock file of prebuilt programs, `prebuilt_lockfile.json`.

It is a JSON list with one object per program and platform:

    {"program": "builder", "os": "linux", "cpu": "amd64", "version": "1.0.0", "sha256": "<hex>",
     "url_templates": ["https://example.com/{version}/{program}_{os}_{cpu}{dot}{extension}"]}

A digest is given as `sha256` (hex, with or without `sha256:`), as `integrity` (`sha256-<base64>`), or as both if they agree.
"""

load("//img/private/repo:host.bzl", "PLATFORMS", "PROGRAMS", "platform_name")

visibility([
    "//extensions",
    "//tests/repo",
])

_FIELDS = ["cpu", "download_mode", "integrity", "os", "program", "sha256", "url_templates", "urls", "version"]
_HEX = "0123456789abcdef"
_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

def integrity_of_sha256(sha256):
    """Turns a hexadecimal SHA-256 into the form that Bazel's downloader compares with.

    Args:
        sha256: string: 64 hexadecimal digits in any case, with or without the prefix `sha256:`.

    Returns:
        string or None: `sha256-<base64>`; None if the argument is not a SHA-256.
    """
    digits = sha256.lower().removeprefix("sha256:")
    if len(digits) != 64:
        return None
    bits = 0
    count = 0
    encoded = []
    for digit in digits.elems():
        value = _HEX.find(digit)
        if value < 0:
            return None
        bits = bits * 16 + value
        count += 4
        if count == 12:
            encoded += [_BASE64[bits // 64], _BASE64[bits % 64]]
            bits = 0
            count = 0

    # 64 digits are 21 groups of three and one more, whose four bits are padded to six.
    encoded += [_BASE64[bits * 4], "="]
    return "sha256-" + "".join(encoded)

def _string_of(entry, field, where):
    value = entry.get(field, "")
    if type(value) != "string":
        fail("{}: field `{}`: expected a string, found {}".format(where, field, repr(value)))
    return value

def _integrity_of(entry, where):
    integrity = _string_of(entry, "integrity", where)
    sha256 = _string_of(entry, "sha256", where)
    if not sha256:
        if not integrity.startswith("sha256-"):
            fail("{}: expected a digest in `sha256` (hex) or `integrity` (sha256-<base64>), found {}".format(
                where,
                repr(integrity),
            ))
        return integrity
    converted = integrity_of_sha256(sha256)
    if not converted:
        fail("{}: field `sha256`: expected 64 hexadecimal digits, found {}".format(where, repr(sha256)))
    if integrity and integrity != converted:
        fail("{}: `sha256` and `integrity` differ: {} is {}, not {}".format(where, sha256, converted, integrity))
    return converted

def _urls_of(entry, where):
    templates = entry.get("urls", []) + entry.get("url_templates", [])
    if not templates:
        fail("{}: expected at least one entry in `urls` or `url_templates`".format(where))
    extension = "exe" if entry["os"] == "windows" else ""
    values = {
        "{cpu}": entry["cpu"],
        "{dot}": "." if extension else "",
        "{extension}": extension,
        "{os}": entry["os"],
        "{program}": entry["program"],
        "{version}": _string_of(entry, "version", where),
    }
    urls = []
    for template in templates:
        for placeholder, value in values.items():
            if placeholder == "{version}" and placeholder in template and not value:
                fail("{}: field `version`: is missing, but {} needs it".format(where, repr(template)))
            template = template.replace(placeholder, value)
        urls.append(template)
    return urls

def _parse_entry(entry, where):
    if type(entry) != "dict":
        fail("{}: expected an object, found {}".format(where, repr(entry)))
    for field in entry:
        if field not in _FIELDS:
            fail("{}: unknown field `{}`; the fields are {}".format(where, field, ", ".join(_FIELDS)))
    if entry.get("download_mode", "url") != "url":
        fail("{}: field `download_mode`: expected \"url\", found {}".format(where, repr(entry["download_mode"])))
    if entry.get("program") not in PROGRAMS:
        fail("{}: field `program`: expected one of {}, found {}".format(
            where,
            ", ".join(PROGRAMS),
            repr(entry.get("program")),
        ))
    if (entry.get("os"), entry.get("cpu")) not in PLATFORMS:
        fail("{}: fields `os` and `cpu`: expected one of {}, found {} and {}".format(
            where,
            ", ".join([platform_name(os, cpu) for os, cpu in PLATFORMS]),
            repr(entry.get("os")),
            repr(entry.get("cpu")),
        ))
    return struct(
        program = entry["program"],
        os = entry["os"],
        cpu = entry["cpu"],
        urls = _urls_of(entry, where),
        integrity = _integrity_of(entry, where),
    )

def parse_lockfile(text, *, name):
    """Reads and checks a lock file.

    Args:
        text: string: the content of the lock file.
        name: string: what messages call the file.

    Returns:
        list of struct(program, os, cpu: strings; urls: list of string; integrity: string).
    """
    entries = json.decode(text, default = None)
    if type(entries) != "list":
        fail("{}: expected a JSON list of prebuilt programs".format(name))
    parsed = []
    seen = {}
    for index, entry in enumerate(entries):
        where = "{}: entry {}".format(name, index)
        parsed_entry = _parse_entry(entry, where)
        key = (parsed_entry.program, parsed_entry.os, parsed_entry.cpu)
        if key in seen:
            fail("{}: `{}` for {} is listed already, in entry {}".format(
                where,
                parsed_entry.program,
                platform_name(parsed_entry.os, parsed_entry.cpu),
                seen[key],
            ))
        seen[key] = index
        parsed.append(parsed_entry)
    return parsed

def programs_for_platform(entries, os, cpu):
    """What a platform's repository has to download.

    Args:
        entries: list of struct: what `parse_lockfile` returned.
        os: string: operating system.
        cpu: string: processor.

    Returns:
        dict: program -> JSON object with `urls` and `integrity`, as text.
    """
    return {
        entry.program: json.encode({"integrity": entry.integrity, "urls": entry.urls})
        for entry in entries
        if entry.os == os and entry.cpu == cpu
    }
