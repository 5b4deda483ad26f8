"""What other readers see in a tar: GNU tar, bsdtar and Python's tarfile, in one form that can be compared."""

import codecs
import collections
import datetime
import os
import re
import subprocess
import tarfile

# name: bytes, without what does not change its meaning. kind: file, hard, link, dir, char, block, fifo, other. Times are seconds.
Entry = collections.namedtuple("Entry", "name kind size mode uid gid mtime link")

# From the first character of a verbose line.
KINDS = {"-": "file", "h": "hard", "l": "link", "d": "dir", "c": "char", "b": "block", "p": "fifo"}
C_LOCALE = {**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC"}


class Refused(Exception):
    """A reader does not take an archive; says why."""


def cleaned(name):
    """A path without leading, trailing and doubled slashes and dots."""
    return b"/".join(part for part in name.split(b"/") if part not in (b"", b"."))


def output_of(*command):
    """What a reader prints, or why it refuses."""
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, env=C_LOCALE, timeout=60, check=False)
    if done.returncode != 0:
        raise Refused(done.stderr.decode(errors="replace").strip()[-300:])
    return done.stdout


def mode_of(letters):
    """`rwxr-xr-x` as a number."""
    value = sum(1 << (8 - at) for at, letter in enumerate(letters) if letter not in "-ST")
    return value | sum(bit for at, bit in ((2, 0o4000), (5, 0o2000), (8, 0o1000)) if letters[at] in "sStT")


def unescaped(text):
    """A name as GNU tar and bsdtar escape it, as bytes."""
    return codecs.escape_decode(text)[0]


GNU_LINE = re.compile(rb'(.)(\S{9})\S? (\d+)/(\d+) +(\d+|\d+,\d+) (\S+ \S+) +"((?:[^"\\]|\\.)*)"(?: (?:->|link to) "((?:[^"\\]|\\.)*)")?(.*)')


def gnu_tar(path):
    """As GNU tar lists it."""
    entries = []
    for line in output_of("tar", "--numeric-owner", "--full-time", "--quoting-style=c", "-P", "-tvf", path).splitlines():
        match = GNU_LINE.fullmatch(line)
        if not match:
            raise Refused(f"a line that is none: {line}")
        letter, letters, uid, gid, size, time, name, link, _ = match.groups()
        try:
            time = datetime.datetime.fromisoformat(time.decode()[:26]).replace(tzinfo=datetime.timezone.utc)
        except ValueError as error:
            raise Refused(f"a time of no calendar: {error}") from error
        entries.append(Entry(cleaned(unescaped(name)), KINDS.get(letter.decode(), "other"), int(size) if size.isdigit() else 0,
                             mode_of(letters.decode()), int(uid), int(gid), int(time.timestamp() // 1), unescaped(link or b"")))
    return entries


BSD_LINE = re.compile(rb"(.)(\S{9})\S? +\d+ (-?\d+) +(-?\d+) +(\d+|\d+,\d+) (\w{3} [ \d]\d  ?\S+) (.*)")


def bsdtar(path):
    """As bsdtar lists it; its times have no seconds and are left out (`None`)."""
    entries = []
    for line in output_of("bsdtar", "--numeric-owner", "-P", "-tvf", path).split(b"\n")[:-1]:
        match = BSD_LINE.fullmatch(line)
        if not match:
            raise Refused(f"a line that is none: {line}")
        letter, letters, uid, gid, size, _, name = match.groups()
        kind = KINDS.get(letter.decode(), "other")
        separator = {"hard": b" link to ", "link": b" -> "}.get(kind)
        name, link = name.split(separator, 1) if separator and separator in name else (name, b"")
        entries.append(Entry(cleaned(unescaped(name)), kind, int(size) if size.isdigit() else 0, mode_of(letters.decode()),
                             int(uid), int(gid), None, unescaped(link)))
    return entries


PYTHON_KINDS = {tarfile.REGTYPE: "file", tarfile.AREGTYPE: "file", tarfile.CONTTYPE: "file", tarfile.GNUTYPE_SPARSE: "file",
                tarfile.LNKTYPE: "hard", tarfile.SYMTYPE: "link",
                tarfile.DIRTYPE: "dir", tarfile.CHRTYPE: "char", tarfile.BLKTYPE: "block", tarfile.FIFOTYPE: "fifo"}


def python(path):
    """As Python's tarfile sees it."""
    try:
        with tarfile.open(path, errorlevel=2) as archive:
            return [
                Entry(cleaned(os.fsencode(member.name)), PYTHON_KINDS.get(member.type, "other"), member.size, member.mode & 0o7777, member.uid,
                      member.gid, int(member.mtime // 1), os.fsencode(member.linkname) if member.islnk() or member.issym() else b"")
                for member in archive
            ]
    except (tarfile.TarError, ValueError, OverflowError, EOFError, OSError) as error:
        raise Refused(repr(error)) from error


READERS = {"GNU tar": gnu_tar, "bsdtar": bsdtar, "Python": python}
OURS = {"file": "file", "dir": "dir", "link": "link", "char": "char", "block": "block", "fifo": "fifo"}


def mtree(text):
    """Our own listing. Hardlinks look like files there."""
    entries = []
    for line in text.splitlines()[1:]:
        path, *words = line.split(" ")
        values = dict(word.split("=", 1) for word in words)
        link = unescaped(values.get("link", "").encode())
        size = int(values["size"]) if values["type"] == "file" and "size" in values else 0
        entries.append(Entry(cleaned(unescaped(path.encode())), OURS[values["type"]], size, int(values["mode"], 8),
                             int(values["uid"]), int(values["gid"]), int(values["time"]), link))
    return entries


def agree(ours, theirs):
    """Whether a listing of ours and one of another reader say the same, as far as both can say it."""
    return len(ours) == len(theirs) and all(map(same, ours, theirs))


def same(ours, theirs):
    """The same for one entry. Only we know the size of what a hardlink names, only they know what it names."""
    if theirs.kind == "hard":
        theirs = theirs._replace(kind="file", size=ours.size, link=b"")
    if theirs.kind in ("dir", "link", "char", "block", "fifo"):
        theirs = theirs._replace(size=0)
    if theirs.mtime is None:
        theirs = theirs._replace(mtime=ours.mtime)
    return ours == theirs
