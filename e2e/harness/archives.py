"""Tars made by hand, block by block, without help from any library, so that they can be as wrong as an attacker likes."""


def header(name=b"f", kind=b"0", size=0, *, link=b"", fields=(), checksum=None):
    """One header block: ustar, unless `fields` (pairs of offset and bytes) say otherwise."""
    block = bytearray(512)
    parts = [(0, name[:100]), (100, b"0000644\0"), (108, b"0000000\0"), (116, b"0000000\0"), (124, b"%011o\0" % size),
             (136, b"00000000000\0"), (156, kind), (157, link[:100]), (257, b"ustar\x0000"), *fields]
    for at, value in parts:
        block[at:at + len(value)] = value
    block[148:156] = b" " * 8
    block[148:156] = checksum if checksum is not None else b"%06o\0 " % sum(block)
    return bytes(block)


def padded(content):
    """Content with zeros up to the next block."""
    return content + bytes(-len(content) % 512)


def file(name=b"f", content=b"content", **options):
    """A regular file."""
    return header(name, b"0", len(content), **options) + padded(content)


def record(key, value):
    """One record of an extended header."""
    rest = b" " + key + b"=" + value + b"\n"
    length = len(rest) + 1
    while len(b"%d" % length) + len(rest) != length:
        length += 1
    return b"%d" % length + rest


def extended(*records, kind=b"x"):
    """An extended header; records are bytes, or pairs of key and value."""
    body = b"".join(one if isinstance(one, bytes) else record(*one) for one in records)
    return header(b"pax", kind, len(body)) + padded(body)


def long_name(value, kind=b"L"):
    """GNU's way to say a long name (`L`) or link (`K`)."""
    return header(b"././@LongLink", kind, len(value) + 1) + padded(value + b"\0")


END = bytes(1024)


def table():
    """(what it is, bytes) of all archives; each is small."""
    for family in (names, links, types, sizes, repetitions, records, numbers, headers, truncations, ends, holes):
        for what, archive in family():
            yield f"{family.__name__}: {what}", archive


NAMES = [b"/absolute", b"//twice", b"../up", b"a/../b", b"a/../../b", b"..", b".", b"./", b"/", b"./a", b"a//b", b"a/./b", b"a/", b"a/..",
         b"", b"line\nfeed", b"back\\slash", b"C:\\windows", b"\xff\xfe", "ünï".encode(), b" ", b"~", b"-rf", b".wh.a", b"d/.wh..wh..opq",
         b"n" * 100, b"tab\t", b"\x1b[31m", b"a:b", b"$(x)"]


def names():
    """Names of files and folders, in the header and in extended headers."""
    for name in NAMES:
        yield f"file {name}", file(name) + END
        yield f"folder {name}", header(name, b"5") + END
        yield f"in a record {name}", extended((b"path", name)) + file(b"other") + END
        yield f"long {name}", long_name(name) + file(b"other") + END


def links():
    """Targets that leave the root, that are not there, that are the link itself."""
    for target in (b"/etc/passwd", b"../../x", b"f", b"l", b"missing", b"", b".", b"..", b"\xff", b"a\nb"):
        for kind in (b"1", b"2"):
            yield f"{kind} to {target}", file() + header(b"l", kind, link=target) + END
            yield f"{kind} to {target} and through it", file() + header(b"l", kind, link=target) + file(b"l/through") + END


def types():
    """Every type there was, and some that never were."""
    for kind in (bytes([number]) for number in (0, 1, *range(0x20, 0x7f), 0x80, 0xff)):
        yield f"type {kind}", header(b"f", kind) + END


def sizes():
    """Sizes that header and extended header disagree about, and content where there should be none."""
    for extended_size, header_size in ((b"7", 8), (b"8", 7), (b"0", 7), (b"7", 0), (b"512", 7), (b"7", 7), (b"007", 7), (b"", 7),
                                       (b"-1", 7),
                                       (b"7.0", 7), (b"9999999999999999999999", 7), (b"18446744073709551615", 7),
                                       (b"9223372036854775808", 7)):
        inner = file(b"smuggled", b"")
        yield (f"{extended_size} and {header_size}",
               extended((b"size", extended_size)) + header(b"f", b"0", header_size) + padded(b"content") + inner + END)
    for kind in b"123456":
        for size in (1, 512):
            yield f"type {kind:c} with {size} bytes", header(b"f", bytes([kind]), size,
                link=b"x") + padded(b"x" * size) + file(b"next") + END
    yield "8 GiB that are not there", header(b"f", b"0", (8 << 30) - 1) + END
    yield "2 EiB that are not there", header(b"f", b"0", fields=[(124, b"\x80\0\0\0\x20\0\0\0\0\0\0\0")]) + END


def repetitions():
    """One question answered twice."""
    for key, first, second in ((b"path", b"a", b"b"), (b"path", b"a", b"a"), (b"size", b"7", b"7"), (b"size", b"7", b"0"),
                               (b"linkpath", b"a", b"b"),
                               (b"mtime", b"1", b"2"), (b"uid", b"1", b"2"), (b"comment", b"x", b"y"),
                               (b"SCHILY.xattr.user.a", b"1", b"2")):
        yield f"{key} {first} and {second}", extended((key, first), (key, second)) + file() + END
        yield f"{key} {first} and {second} in two", extended((key, first)) + extended((key, second)) + file() + END
    yield "a record and a long name", extended((b"path", b"a")) + long_name(b"b") + file() + END
    yield "a long name and a record", long_name(b"b") + extended((b"path", b"a")) + file() + END
    yield "the same as record and long name", long_name(b"a") + extended((b"path", b"a")) + file() + END
    yield "two long names", long_name(b"a") + long_name(b"b") + file() + END
    yield "two long links", long_name(b"a", b"K") + long_name(b"b", b"K") + header(b"l", b"2") + END
    yield "one name for two files", file(b"a", b"1") + file(b"a", b"2") + END
    yield "a file and then a folder", file(b"a") + header(b"a/", b"5") + file(b"a/b") + END
    yield "a global path", extended((b"path", b"a"), kind=b"g") + file() + END
    yield "a global size", extended((b"size", b"0"), kind=b"g") + file() + END
    yield "a global time", extended((b"mtime", b"7"), kind=b"g") + file() + END
    yield "global headers at the end", file() + extended((b"comment", b"a"), kind=b"g") + END


def records():
    """Records that are none, or that hold what does not belong there."""
    for body in (b"6 a=b", b"7 a=b\n", b"5 a=b\n", b"x a=b\n", b" 6 a=b\n", b"+6 a=b\n", b"006 a=b\n", b"4 a\n", b"4 =\n", b"5 =b\n",
                 b"0 a=b\n", b"\n", b"-6 a=b\n",
                 b"99999999999999999999 a=b\n", b"18446744073709551622 a=b\n", b"6 a=b\0", b"6 a=b\n\0\0\0", b"6 a=b\n garbage", b"",
                 b"6\ta=b\n"):
        yield f"{body}", extended(body) + file() + END
    for key, value in ((b"path", b"a\0b"), (b"path", b""), (b"path", b"/"), (b"path", b"d/"), (b"linkpath", b"x"), (b"uid", b"-1"),
                       (b"uid", b"x"), (b"uid", b"4294967296"),
                       (b"gid", b"99999999999999999999"), (b"mtime", b"1.5"), (b"mtime", b"-1.5"), (b"mtime", b"x"),
                       (b"mtime", b"1e9"), (b"mtime", b"99999999999999999999"),
                       (b"uname", b"\xff"), (b"hdrcharset", b"BINARY"), (b"charset", b"ISO-IR 8859 1"),
                       (b"SCHILY.xattr.user.a", b"\0=\n"), (b"\xff", b"a"),
                       (b"SCHILY.dev", b"1"), (b"LIBARCHIVE.creationtime", b"1"), (b"RHT.security.selinux", b"x"),
                       (b"SCHILY.fflags", b"nodump")):
        yield f"{key} = {value}", extended((key, value)) + file() + END


def numbers():
    """Numeric fields as no two writers write them."""
    values = (b"\0\0\0\0\0\0\0\0", b"        ", b"77777777", b"644 \0x\0\0", b"0000648\0", b"-000644\0", b"  644 \0\0",
        b"\xff\xff\xff\xff\xff\xff\xff\xff",
              b"\x80\0\0\0\0\0\0\x07", b"\x81\0\0\0\0\0\0\0", b"0x1ff\0\0\0", b"+644\0\0\0\0")
    for name, at in (("mode", 100), ("uid", 108), ("gid", 116), ("size", 124), ("mtime", 136), ("device", 329)):
        for value in values:
            width = 12 if name in ("size", "mtime") else 8
            yield f"{name} {value}", header(b"f", b"0", fields=[(at, value.ljust(width, b"\0"))]) + END


def headers():
    """Formats, checksums and prefixes."""
    signed = header(b"\xe9", b"0")
    low = sum(byte - 256 if byte > 127 else byte for byte in signed[:148] + b" " * 8 + signed[156:])
    for what, archive in (
            ("a wrong checksum", file() + header(checksum=b"000000\0 ")), ("an empty checksum", header(checksum=bytes(8))),
            ("a signed checksum", header(b"\xe9", b"0", checksum=b"%06o\0 " % low)),
            ("v7", header(fields=[(257, bytes(255))])), ("GNU", header(fields=[(257, b"ustar  \0")])),
            ("ustar of version 99", header(fields=[(263, b"99")])),
            ("ustar without version", header(fields=[(257, b"ustar\0\0\0")])), ("another magic", header(fields=[(257, b"tarux\0")])),
            ("a prefix", header(fields=[(345, b"d/e")])), ("a prefix with a slash", header(fields=[(345, b"d/")])),
            ("a prefix that climbs", header(fields=[(345, b"../..")])),
            ("a prefix in v7", header(fields=[(257, bytes(8)), (345, b"d")])), ("a prefix in GNU", header(fields=[(257, b"ustar  \0"),
            (345, b"d")])),
            ("an absolute prefix", header(fields=[(345, b"/d")])), ("a full prefix", header(b"n" * 100, fields=[(345, b"p" * 155)])),
            ("a folder of v7", header(b"d/", b"\0", fields=[(257, bytes(255))])),
            ("a folder with content", header(b"d/", b"0", 7) + padded(b"content")),
            ("a name behind NUL", header(b"a\0b")), ("owners that are no text", header(fields=[(265, b"\xff" * 31)])),
            ("owners without end", header(fields=[(265, b"o" * 32)])),
            ("a mode with a type", header(fields=[(100, b"0100644\0")])), ("setuid", header(fields=[(100, b"0004755\0")]))):
        yield what, archive + END


def truncations():
    """A whole archive, cut at every block and beside it."""
    archive = extended((b"path", b"a/b")) + file(b"f", b"x" * 700) + long_name(b"n" * 120) + file(b"g") + header(b"d", b"5")
    for at in range(512, len(archive) + 1, 512):
        yield f"after {at} bytes", archive[:at]
        yield f"after {at - 1} bytes", archive[:at - 1]
    yield "an extended header alone", extended((b"path", b"a")) + END
    yield "a long name alone", long_name(b"a") + END


def ends():
    """What lies at the end, and behind it."""
    one = file(b"a")
    for what, archive in (("none", one), ("one block", one + bytes(512)), ("many", one + bytes(20480)),
                          ("half a block", one + bytes(256)), ("nothing else", END),
                          ("a zero block between", one + bytes(512) + file(b"b") + END),
                          ("an archive behind", one + END + file(b"b") + END), ("text behind", one + END + b"text"),
                          ("a byte behind", one + END + b"\1"), ("dirty padding", header(b"a", b"0", 3) + b"abc" + b"\1" * 509 + END),
                          ("a header of spaces", one + b" " * 512)):
        yield what, archive


def holes():
    """GNU's four ways to write files with holes."""
    gnu = (257, b"ustar  \0")
    one = [(386, b"%011o\0" % 0), (398, b"%011o\0" % 7), (483, b"%011o\0" % 7)]
    yield "the old form", header(b"s", b"S", 7, fields=[gnu, *one]) + padded(b"content") + file(b"next") + END
    yield "the old form with more blocks", header(b"s", b"S", 7, fields=[gnu, *one, (482, b"\1")]) + bytes(512) + padded(b"content") + END
    yield "the old form without end", header(b"s", b"S", 7, fields=[gnu, *one, (482, b"\1")]) + (b"\1" * 512) * 40
    yield "the old form in ustar", header(b"s", b"S", 7, fields=one) + padded(b"content") + END
    sparse = [(b"GNU.sparse.size", b"7"), (b"GNU.sparse.numblocks", b"1"), (b"GNU.sparse.offset", b"0"), (b"GNU.sparse.numbytes", b"7")]
    yield "0.0", extended(*sparse) + file(b"s") + END
    yield "0.1", extended((b"GNU.sparse.size", b"7"), (b"GNU.sparse.numblocks", b"1"), (b"GNU.sparse.name", b"real"),
        (b"GNU.sparse.map", b"0,7")) + file(b"s") + END
    new = [(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.name", b"real"), (b"GNU.sparse.realsize", b"7")]
    yield "1.0", extended(*new) + file(b"s", b"1\n0\n7\n".ljust(512, b"\0") + b"content") + END
    yield "1.0 with a wild map", extended(*new) + file(b"s", b"99999999999\n".ljust(512, b"\0")) + END
    yield "1.0 with a wild size", extended(*new[:3],
        (b"GNU.sparse.realsize", b"-7")) + file(b"s", b"1\n0\n7\n".ljust(512, b"\0") + b"content") + END
