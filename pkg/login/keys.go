package login

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/zalando/go-keyring"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// Keyring is the part of the system's keyring that is used. Get says keyring.ErrNotFound when there is no entry.
type Keyring interface {
	Get(service, user string) (string, error)
	Set(service, user, secret string) error
}

type systemKeyring struct{}

func (systemKeyring) Get(service, user string) (string, error) {
	if err := noBus(os.Getenv); err != nil {
		return "", err
	}
	return keyring.Get(service, user)
}

func (systemKeyring) Set(service, user, secret string) error {
	if err := noBus(os.Getenv); err != nil {
		return err
	}
	return keyring.Set(service, user, secret)
}

// noBus keeps the D-Bus library from starting a bus of its own where none runs.
func noBus(getenv func(string) string) error {
	if runtime.GOOS != "linux" || getenv("DBUS_SESSION_BUS_ADDRESS") != "" {
		return nil
	}
	_, err := os.Stat(filepath.Join(getenv("XDG_RUNTIME_DIR"), "bus"))
	return err
}

const (
	keySize      = 32
	keyFile      = "token.key"
	noRingFile   = "no-keyring"
	ringService  = "hoop"
	ringUser     = "token-key"
	ringTimeout  = 3 * time.Second
	noRingMemory = 10 * time.Minute
)

// errNoRing says that the keyring can't be used now.
var errNoRing = errors.New("no keyring")

// keys finds and makes the key of the token files.
type keys struct {
	dir  *Dir
	keep string
	ring Keyring
}

// find returns the key that a token file says it was encrypted with.
func (k keys) find(where string) ([]byte, error) {
	if where == KeepFile {
		key, err := k.readFile()
		if err != nil {
			return nil, fmt.Errorf("%w (%w)", needed("The key of the stored sign-in is gone."), err)
		}
		return key, nil
	}
	key, err := k.readRing()
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", needed("The key of the stored sign-in is in a keyring that can't be read."), err)
	}
	return key, nil
}

// make returns the key to encrypt with, a new one if need be, and where it is kept.
func (k keys) make() (string, []byte, error) {
	if k.keep != KeepFile {
		key, err := k.readRing()
		if errors.Is(err, keyring.ErrNotFound) {
			key, err = k.makeRing()
		}
		if err == nil {
			return KeepKeyring, key, nil
		}
		if k.keep == KeepKeyring {
			return "", nil, fmt.Errorf("%w (%w)", &api.Error{Code: api.CodeUsage, Message: "There is no keyring to keep the sign-in's key in.",
				Hint: "Use --token-store file or none."}, err)
		}
	}
	key, err := k.makeFile()
	return KeepFile, key, err
}

func (k keys) readFile() ([]byte, error) {
	key, err := k.dir.Read(keyFile, keySize)
	if err == nil && len(key) != keySize {
		err = errDamaged
	}
	return key, err
}

// errDamaged says that the key file has another size than a key.
var errDamaged = errors.New("the key file is damaged")

func (k keys) makeFile() ([]byte, error) {
	key, err := k.readFile()
	if err == nil || !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errDamaged) {
		return key, err
	}
	if key, err = newKey(); err != nil {
		return nil, err
	}
	return key, k.dir.WriteDurable(keyFile, key)
}

func (k keys) makeRing() ([]byte, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	_, err = k.bounded(func() (string, error) {
		return "", k.ring.Set(ringService, ringUser, base64.StdEncoding.EncodeToString(key))
	})
	return key, err
}

func newKey() ([]byte, error) {
	key := make([]byte, keySize)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("draw a key: %w", err)
	}
	return key, nil
}

func (k keys) readRing() ([]byte, error) {
	text, err := k.bounded(func() (string, error) { return k.ring.Get(ringService, ringUser) })
	if err != nil {
		return nil, err
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) != keySize {
		return nil, keyring.ErrNotFound // somebody else's entry, or a damaged one: it is replaced
	}
	return key, nil
}

// bounded runs one call of the keyring for at most three seconds. A call that takes longer can't be ended: its
// goroutine stays until the process ends. That there is no keyring is remembered, so that loops don't wait.
func (k keys) bounded(call func() (string, error)) (string, error) {
	if k.remembered() {
		return "", errNoRing
	}
	type result struct {
		text string
		err  error
	}
	done := make(chan result, 1)
	go func() {
		text, err := call()
		done <- result{text, err}
	}()
	timer := time.NewTimer(ringTimeout)
	defer timer.Stop()
	select {
	case r := <-done:
		if r.err != nil && !errors.Is(r.err, keyring.ErrNotFound) {
			k.remember()
			return "", fmt.Errorf("%w: %w", errNoRing, r.err)
		}
		return r.text, r.err
	case <-timer.C:
		k.remember()
		return "", fmt.Errorf("%w: it did not answer within %v", errNoRing, ringTimeout)
	}
}

func (k keys) remembered() bool {
	b, err := k.dir.Read(noRingFile, 64)
	if err != nil {
		return false
	}
	at, err := time.Parse(time.RFC3339, string(b))
	age := time.Since(at)
	return err == nil && age >= 0 && age < noRingMemory
}

// remember failing costs the next process its three seconds, and nothing else.
func (k keys) remember() {
	_ = k.dir.Write(noRingFile, []byte(time.Now().UTC().Format(time.RFC3339)))
}
