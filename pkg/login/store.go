package login

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// ErrNone says that nothing is stored.
var ErrNone = errors.New("no sign-in is stored")

// Where the key that encrypts the token file is kept.
const (
	KeepAuto    = "auto"    // in the keyring where there is one, else in a file
	KeepKeyring = "keyring" // in the keyring or nowhere
	KeepFile    = "file"    // in a second file
	KeepNone    = "none"    // nothing is stored
)

// maxStored bounds a token file.
const maxStored = 64 << 10

// Store keeps sign-ins in a folder, encrypted, one file for each broker.
type Store struct {
	dir  *Dir
	keys keys
	warn func(string)
}

// NewStore keeps sign-ins in dir. keep is one of the Keep words but KeepNone; warn is told in one line, at a
// sign-in, when KeepAuto finds no keyring. ring is nil for the system's.
func NewStore(dir *Dir, keep string, ring Keyring, warn func(string)) (*Store, error) {
	switch keep {
	case KeepAuto, KeepKeyring, KeepFile:
	default:
		return nil, &api.Error{Code: api.CodeUsage, Message: fmt.Sprintf("Token store %q is not known.", keep), Hint: "auto, keyring, file or none."}
	}
	if ring == nil {
		ring = systemKeyring{}
	}
	return &Store{dir: dir, keys: keys{dir: dir, keep: keep, ring: ring}, warn: warn}, nil
}

// sealed is the token file. Key says where its key is: "keyring" or "file".
type sealed struct {
	V     int    `json:"v"`
	Key   string `json:"key"`
	Nonce []byte `json:"nonce"`
	Data  []byte `json:"data"`
}

// fileName hides the broker's name from who lists the folder, and keeps every name a valid one.
func fileName(prefix, origin string) string {
	h := sha256.Sum256([]byte(origin))
	return prefix + "-" + hex.EncodeToString(h[:8])
}

// Load returns the sign-in at a broker. The error is ErrNone when there is none, and an *api.Error with
// api.CodeSignInNeeded when there is one that can't be read any more.
func (s *Store) Load(origin string) (Saved, error) {
	raw, err := s.dir.Read(fileName("token", origin), maxStored)
	if errors.Is(err, fs.ErrNotExist) {
		return Saved{}, ErrNone
	}
	if err != nil {
		return Saved{}, err
	}
	var file sealed
	if err := json.Unmarshal(raw, &file); err != nil || file.V != 1 {
		return Saved{}, needed("The stored sign-in is damaged.")
	}
	key, err := s.keys.find(file.Key)
	if err != nil {
		return Saved{}, err
	}
	plain, err := file.open(key, origin)
	if err != nil {
		return Saved{}, needed("The stored sign-in can't be read with the key that is there.")
	}
	var saved Saved
	if err := json.Unmarshal(plain, &saved); err != nil || saved.Origin != origin {
		return Saved{}, needed("The stored sign-in belongs to another broker.")
	}
	return saved, nil
}

// Begin saves a new sign-in, and says so where its key could not be kept as it should.
func (s *Store) Begin(ctx context.Context, saved Saved) error {
	unlock, err := s.Lock(ctx, saved.Origin)
	if err != nil {
		return err
	}
	defer unlock()
	where, err := s.save(saved)
	if err == nil && where == KeepFile && s.keys.keep == KeepAuto && s.warn != nil {
		s.warn("no keyring here: the sign-in is encrypted with a key that lies beside it in " + s.dir.path + "; whoever can read your files can use it")
	}
	return err
}

// Save replaces the sign-in at its broker. Hold its Lock.
func (s *Store) Save(saved Saved) error {
	_, err := s.save(saved)
	return err
}

func (s *Store) save(saved Saved) (where string, err error) {
	where, key, err := s.keys.make()
	if err != nil {
		return "", err
	}
	plain, err := json.Marshal(saved)
	if err != nil {
		return "", fmt.Errorf("encode the sign-in: %w", err)
	}
	file, err := seal(key, where, saved.Origin, plain)
	if err != nil {
		return "", err
	}
	raw, err := json.Marshal(file)
	if err != nil {
		return "", fmt.Errorf("encode the sign-in: %w", err)
	}
	return where, s.dir.WriteDurable(fileName("token", saved.Origin), raw)
}

// Delete forgets the sign-in at a broker.
func (s *Store) Delete(origin string) error { return s.dir.Remove(fileName("token", origin)) }

// lockWait bounds the wait for another process that refreshes: a broker answers within that, or not at all.
const lockWait = 20 * time.Second

// Lock keeps other processes from refreshing the sign-in at a broker.
func (s *Store) Lock(ctx context.Context, origin string) (func(), error) {
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	return s.dir.Lock(ctx, fileName("lock", origin))
}

func aead(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("key of the token store: %w", err)
	}
	return cipher.NewGCM(block)
}

// bound is what a token file is tied to besides its key: moved to another broker's name, it can't be opened.
func bound(origin string) []byte { return []byte("hoop token 1\x00" + origin) }

func seal(key []byte, where, origin string, plain []byte) (sealed, error) {
	a, err := aead(key)
	if err != nil {
		return sealed{}, err
	}
	file := sealed{V: 1, Key: where, Nonce: make([]byte, a.NonceSize())}
	if _, err := rand.Read(file.Nonce); err != nil {
		return sealed{}, fmt.Errorf("draw a nonce: %w", err)
	}
	file.Data = a.Seal(nil, file.Nonce, plain, bound(origin))
	return file, nil
}

func (f sealed) open(key []byte, origin string) ([]byte, error) {
	a, err := aead(key)
	if err != nil {
		return nil, err
	}
	if len(f.Nonce) != a.NonceSize() {
		return nil, errors.New("nonce of the token file")
	}
	return a.Open(nil, f.Nonce, f.Data, bound(origin))
}
