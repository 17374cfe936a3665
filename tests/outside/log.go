// Checks a log with golang.org/x/mod/sumdb: proofs from standard input, one JSON object a line, answered by `good` or
// `bad`; or, with a folder, every tile and every entry of the log exported there.
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type check struct {
	Kind       string
	Entry      []byte
	Index      int64
	Hashes     []string
	Checkpoint string
	Old        string
}

// open verifies a C2SP checkpoint's signature and reads it.
func open(text string, verifier note.Verifier) (tlog.Tree, error) {
	opened, err := note.Open([]byte(text), note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() || lines[3] != "" {
		return tlog.Tree{}, errors.New("not a checkpoint of this log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || strconv.FormatInt(size, 10) != lines[1] {
		return tlog.Tree{}, errors.New("not a size")
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tlog.Tree{}, errors.New("not a root")
	}
	tree := tlog.Tree{N: size}
	copy(tree.Hash[:], root)
	return tree, nil
}

func (c *check) run(verifier note.Verifier) error {
	tree, err := open(c.Checkpoint, verifier)
	if err != nil {
		return err
	}
	var hashes []tlog.Hash
	for _, text := range c.Hashes {
		hash, err := tlog.ParseHash(text)
		if err != nil {
			return err
		}
		hashes = append(hashes, hash)
	}
	if c.Kind == "consistency" {
		old, err := open(c.Old, verifier)
		if err != nil {
			return err
		}
		if old.N > tree.N {
			return errors.New("a step back")
		}
		return tlog.CheckTree(hashes, tree.N, tree.Hash, old.N, old.Hash)
	}
	return tlog.CheckRecord(hashes, tree.N, tree.Hash, c.Index, tlog.RecordHash(c.Entry))
}

// tiles reads tiles of an exported log by their C2SP paths.
type tiles struct{ folder string }

func (t tiles) Height() int { return 8 }
func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range wanted {
		// x/mod says tile/8/L/N where C2SP says tile/L/N.
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		bytes, err := os.ReadFile(filepath.Join(t.folder, path))
		if err != nil {
			return nil, err
		}
		all = append(all, bytes)
	}
	return all, nil
}
func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

// whole checks every entry of an exported log against its tiles, and those against the checkpoint.
func whole(folder string, verifier note.Verifier) error {
	text, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	if err != nil {
		return err
	}
	tree, err := open(string(text), verifier)
	if err != nil {
		return err
	}
	reader := tlog.TileHashReader(tree, tiles{folder})
	for first := int64(0); first < tree.N; first += 256 {
		width := tree.N - first
		if width > 256 {
			width = 256
		}
		tile := tlog.Tile{H: 8, L: 0, N: first / 256, W: int(width)}
		path := strings.Replace(tile.Path(), "tile/8/0/", "tile/entries/", 1)
		bundle, err := os.ReadFile(filepath.Join(folder, path))
		if err != nil {
			return err
		}
		var indexes []int64
		for n := first; n < first+width; n++ {
			indexes = append(indexes, tlog.StoredHashIndex(0, n))
		}
		hashes, err := reader.ReadHashes(indexes)
		if err != nil {
			return err
		}
		for n := int64(0); n < width; n++ {
			if len(bundle) < 2 || len(bundle) < 2+int(binary.BigEndian.Uint16(bundle)) {
				return fmt.Errorf("bundle %s is cut", path)
			}
			size := int(binary.BigEndian.Uint16(bundle))
			if tlog.RecordHash(bundle[2:2+size]) != hashes[n] {
				return fmt.Errorf("entry %d is not the one in the tree", first+n)
			}
			bundle = bundle[2+size:]
		}
		if len(bundle) != 0 {
			return fmt.Errorf("bundle %s goes on", path)
		}
	}
	fmt.Printf("whole %d\n", tree.N)
	return nil
}

func main() {
	verifier, err := note.NewVerifier(os.Args[1])
	if err == nil && len(os.Args) > 2 {
		err = whole(os.Args[2], verifier)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if len(os.Args) > 2 {
		return
	}
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c check
		err := json.Unmarshal(lines.Bytes(), &c)
		if err == nil {
			err = c.run(verifier)
		}
		if err == nil {
			fmt.Fprintln(out, "good")
		} else {
			fmt.Fprintln(out, "bad", err)
		}
	}
}
