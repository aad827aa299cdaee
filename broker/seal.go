package broker

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

const sealKeyFile = "provider-tokens.key"

// sealer encrypts the providers' refresh tokens in the store: a copy of the store alone
// gives nobody a sign-in at the provider.
type sealer struct{ aead cipher.AEAD }

// openSealer reads the key in dir, or makes one where there is none.
func openSealer(dir string) (*sealer, error) {
	path := filepath.Join(dir, sealKeyFile)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the state folder: %w", err)
	}
	key, err := readSealKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		key, err = makeSealKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("key of the providers' tokens: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("key of the providers' tokens: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("key of the providers' tokens: %w", err)
	}
	return &sealer{aead}, nil
}

func readSealKey(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if perm := info.Mode().Perm(); perm&0o077 != 0 || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s has mode %v and can be read by others: set it to 0600", path, info.Mode())
	}
	key, err := io.ReadAll(io.LimitReader(f, 33))
	if err != nil {
		return nil, err
	}
	if len(key) != 32 {
		return nil, fmt.Errorf("%s does not hold 32 bytes: it is damaged; without it people have to sign in again, so it may be removed", path)
	}
	return key, nil
}

func makeSealKey(path string) ([]byte, error) {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails: crypto/rand ends the process instead
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = f.Write(key)
	return key, errors.Join(err, f.Sync(), f.Close())
}

// seal encrypts a token for one sign-in: in another's row it does not open.
func (s *sealer) seal(token, signIn string) []byte {
	return s.aead.Seal(nil, nil, []byte(token), []byte(signIn))
}

func (s *sealer) open(sealed []byte, signIn string) (string, error) {
	token, err := s.aead.Open(nil, nil, sealed, []byte(signIn))
	if err != nil {
		return "", errors.New("the provider's token can't be opened: the key or the row was changed")
	}
	return string(token), nil
}
