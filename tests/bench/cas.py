"""Writes and reads one blob of a remote cache with BuildGrid's own messages and gRPC's own client.

usage: cas.py write|read HOST:PORT FILE|DIGEST SIZE   (run by BuildGrid's Python)
"""

import hashlib
import pathlib
import sys
import time
import uuid

import grpc
from buildgrid._protos.google.bytestream import bytestream_pb2, bytestream_pb2_grpc

CHUNK = 1 << 20


def requests(path, name):
    """The messages of an upload."""
    with path.open("rb") as file:
        offset = 0
        while chunk := file.read(CHUNK):
            last = offset + len(chunk) == path.stat().st_size
            yield bytestream_pb2.WriteRequest(resource_name=name, write_offset=offset, data=chunk, finish_write=last)
            offset += len(chunk)


def main(verb, host, what, size):
    """Moves the blob; prints how many seconds that took, without the start of Python."""
    stub = bytestream_pb2_grpc.ByteStreamStub(grpc.insecure_channel(host, [("grpc.max_receive_message_length", -1)]))
    start = time.monotonic()
    if verb == "write":
        path = pathlib.Path(what)
        digest = hashlib.file_digest(path.open("rb"), "sha256").hexdigest()
        answer = stub.Write(requests(path, f"uploads/{uuid.uuid4()}/blobs/{digest}/{size}"))
        assert answer.committed_size in (int(size), -1), answer
    else:
        stream = stub.Read(bytestream_pb2.ReadRequest(resource_name=f"blobs/{what}/{size}"))
        assert sum(len(message.data) for message in stream) == int(size)
    print(time.monotonic() - start)


if __name__ == "__main__":
    main(*sys.argv[1:])
