// Command estargz opens an eStargz layer with the library of the stargz-snapshotter project, checks the digest of its
// table of contents, and reads every chunk of every file against the digest that the table has for it.
//
// usage: estargz LAYER TOC_DIGEST
package main

import (
	"fmt"
	"io"
	"os"
	"path"

	"github.com/containerd/stargz-snapshotter/estargz"
	"github.com/opencontainers/go-digest"
)

type counts struct{ files, chunks, bytes int64 }

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: estargz LAYER TOC_DIGEST")
		os.Exit(2)
	}
	seen, err := check(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
	fmt.Printf("files %d chunks %d bytes %d\n", seen.files, seen.chunks, seen.bytes)
}

func check(name, tocDigest string) (counts, error) {
	var seen counts
	file, err := os.Open(name)
	if err != nil {
		return seen, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return seen, err
	}
	reader, err := estargz.Open(io.NewSectionReader(file, 0, info.Size()))
	if err != nil {
		return seen, err
	}
	verifier, err := reader.VerifyTOC(digest.Digest(tocDigest))
	if err != nil {
		return seen, err
	}
	root, ok := reader.Lookup("")
	if !ok {
		// A layer without entries has no root either.
		return seen, nil
	}
	err = walk(reader, verifier, "", root, &seen)
	return seen, err
}

func walk(reader *estargz.Reader, verifier estargz.TOCEntryVerifier, name string, entry *estargz.TOCEntry, seen *counts) error {
	var failed error
	entry.ForeachChild(func(base string, child *estargz.TOCEntry) bool {
		below := path.Join(name, base)
		switch child.Type {
		case "dir":
			failed = walk(reader, verifier, below, child, seen)
		case "reg":
			failed = read(reader, verifier, below, child, seen)
		}
		return failed == nil
	})
	return failed
}

func read(reader *estargz.Reader, verifier estargz.TOCEntryVerifier, name string, entry *estargz.TOCEntry, seen *counts) error {
	seen.files++
	if entry.Size == 0 {
		return nil
	}
	content, err := reader.OpenFile(name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for offset := int64(0); offset < entry.Size; {
		chunk, ok := reader.ChunkEntryForOffset(name, offset)
		if !ok {
			return fmt.Errorf("%s: no chunk at %d", name, offset)
		}
		check, err := verifier.Verifier(chunk)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if _, err := io.Copy(check, io.NewSectionReader(content, offset, chunk.ChunkSize)); err != nil {
			return fmt.Errorf("%s at %d: %w", name, offset, err)
		}
		if !check.Verified() {
			return fmt.Errorf("%s: the chunk at %d has another digest", name, offset)
		}
		seen.chunks++
		seen.bytes += chunk.ChunkSize
		offset += chunk.ChunkSize
	}
	return nil
}
