package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
)

// link is the hash of entry n of a chain: over its name, its place, the hash before and itself.
func link(chain string, n int64, prev, doc []byte) []byte {
	h := sha256.New()
	for _, part := range [][]byte{[]byte(chain), binary.BigEndian.AppendUint64(nil, uint64(n)), prev, doc} {
		// Lengths first, so that no two entries are the same bytes.
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write(part)
	}
	return h.Sum(nil)
}

func (t *sqliteTx) Append(chain string, e Entry) error {
	doc, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode an entry of %s: %w", chain, err)
	}
	n, prev := int64(0), []byte{}
	err = t.one("SELECT n, hash FROM chain WHERE name = ? ORDER BY n DESC LIMIT 1", []any{chain}, &n, &prev)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	n++
	_, err = t.exec("INSERT INTO chain (name, n, prev, hash, doc) VALUES (?, ?, ?, ?, ?)",
		chain, n, prev, link(chain, n, prev, doc), string(doc))
	return err
}

func (t *sqliteTx) Entries(chain string) ([]Entry, error) {
	rows, err := t.query("SELECT n, prev, hash, doc FROM chain WHERE name = ? ORDER BY n", chain)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	entries, want := []Entry{}, []byte{}
	for rows.Next() {
		var n int64
		var prev, hash []byte
		var doc string
		if err := rows.Scan(&n, &prev, &hash, &doc); err != nil {
			return nil, t.broken("read", err)
		}
		expected := int64(len(entries)) + 1
		if n != expected || !bytes.Equal(prev, want) || !bytes.Equal(hash, link(chain, n, prev, []byte(doc))) {
			return nil, fmt.Errorf("entry %d of %s: %w", expected, chain, ErrBroken)
		}
		var e Entry
		if err := t.decode("chain", doc, &e); err != nil {
			return nil, err
		}
		entries, want = append(entries, e), hash
	}
	if err := rows.Err(); err != nil {
		return nil, t.broken("read", err)
	}
	return entries, nil
}
