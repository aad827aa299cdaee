package record

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// Key is one Ed25519 public key, in the form of keys.json and /v1/keys.
type Key struct {
	ID      string    `json:"id"` // hex of the first 8 bytes of the public key's SHA-256
	Public  []byte    `json:"public"`
	Created time.Time `json:"created_at"`
}

// Keys is a set of public keys that recordings are signed with. The zero Keys trusts nothing.
type Keys struct {
	Keys []Key `json:"keys"`
}

// maxKeysFile bounds what is read of a keys.json.
const maxKeysFile = 1 << 20

// Lookup finds a key by its id.
func (k Keys) Lookup(id string) (ed25519.PublicKey, bool) {
	for _, key := range k.Keys {
		if key.ID == id {
			return key.Public, true
		}
	}
	return nil, false
}

// ParseKeys reads the JSON form. A key whose id is not its own is an error, so that no key can stand in for another.
func ParseKeys(data []byte) (Keys, error) {
	var keys Keys
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&keys); err != nil {
		return Keys{}, fmt.Errorf("parse keys: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Keys{}, errors.New("parse keys: there is more after the JSON object")
	}
	for i, key := range keys.Keys {
		if len(key.Public) != ed25519.PublicKeySize {
			return Keys{}, fmt.Errorf("parse keys: key %d is %d bytes long, an Ed25519 public key is %d", i+1, len(key.Public), ed25519.PublicKeySize)
		}
		if id := keyID(key.Public); hex.EncodeToString(id[:]) != key.ID {
			return Keys{}, fmt.Errorf("parse keys: key %d is called %q, but its id is %x", i+1, key.ID, id)
		}
	}
	return keys, nil
}

// LoadKeys reads a keys.json.
func LoadKeys(name string) (Keys, error) {
	f, err := os.Open(name)
	if err != nil {
		return Keys{}, fmt.Errorf("read keys: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxKeysFile+1))
	if err != nil {
		return Keys{}, fmt.Errorf("read keys: %w", err)
	}
	if len(data) > maxKeysFile {
		return Keys{}, fmt.Errorf("read keys: %s is over %d bytes long", name, maxKeysFile)
	}
	return ParseKeys(data)
}

// publish adds a key to keys.json unless it is there. Old keys stay: recordings outlive them.
func publish(name string, key Key) error {
	keys, err := LoadKeys(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, known := keys.Lookup(key.ID); known {
		return nil
	}
	keys.Keys = append(keys.Keys, key)
	text, err := json.MarshalIndent(keys, "", "  ")
	if err != nil {
		return fmt.Errorf("encode keys: %w", err)
	}
	temp, err := writeTemp(name, append(text, '\n'))
	if err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	if err := os.Rename(temp, name); err != nil {
		return errors.Join(fmt.Errorf("write keys: %w", err), os.Remove(temp))
	}
	return nil
}
