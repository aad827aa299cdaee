package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"

	"github.com/hoop-gateway/hoop/cmd/hoopd/config"
	"github.com/hoop-gateway/hoop/cmd/hoopd/pki"
	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/gateway/web"
	"github.com/hoop-gateway/hoop/pkg/grant"
	"github.com/hoop-gateway/hoop/pkg/record"
)

// keys are three authorities, each for its own use, the recordings' signer, and who tells services whom they serve.
type keys struct {
	https   *tls.Config
	caFile  string // what clients trust; "" where the certificate is somebody else's
	gateway *pki.Authority
	grants  *grant.Authority
	signer  *record.Signer
	public  []api.Key
	asserts *web.Asserter
}

// openKeys reads the keys of the state folder, or makes them. One that others can read is refused.
func openKeys(cfg *config.Config, log *slog.Logger) (k keys, err error) {
	if err := stateFolder(cfg.State, cfg.Gateway.Recordings); err != nil {
		return k, err
	}
	if err := k.certificate(cfg, log); err != nil {
		return k, err
	}
	if k.gateway, err = pki.LoadOrCreate(cfg.State, "gateway-ca"); err != nil {
		return k, err
	}
	if k.grants, err = grant.LoadOrCreateAuthority(cfg.State); err != nil {
		return k, err
	}
	if k.asserts, err = web.LoadOrCreateAsserter(cfg.State, cfg.Broker.PublicURL); err != nil {
		return k, err
	}
	k.signer, k.public, err = signingKeys(cfg)
	return k, err
}

// certificate is what HTTPS shows: the configured one, or one of hoopd's own authority.
func (k *keys) certificate(cfg *config.Config, log *slog.Logger) error {
	if t := cfg.Broker.TLS; t != nil {
		files, err := pki.LoadFiles(t.Cert, t.Key, log)
		if err != nil {
			return err
		}
		k.https = files.Server()
		return nil
	}
	ca, err := pki.LoadOrCreate(cfg.State, "https-ca")
	if err != nil {
		return err
	}
	k.caFile = ca.Path()
	log.Info("no TLS certificate is configured, so hoopd made an authority: clients need it as HOOP_CA_FILE", "file", ca.Path())
	u, err := url.Parse(cfg.Broker.PublicURL)
	if err != nil {
		return fmt.Errorf("read the public URL: %w", err)
	}
	k.https = ca.Server(u.Hostname())
	return nil
}

// stateFolder makes the folders, private, and refuses a state folder that others can write to.
func stateFolder(state, recordings string) error {
	for _, dir := range []string{state, recordings} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("make the folder %s: %w", dir, err)
		}
		info, err := os.Stat(dir)
		if err != nil {
			return fmt.Errorf("look at the folder %s: %w", dir, err)
		}
		if info.Mode().Perm()&0o022 != 0 {
			return usageError{fmt.Errorf("the folder %s has mode %04o and can be written to by others\n    hint: chmod 700 %s", dir, info.Mode().Perm(), dir)}
		}
	}
	return nil
}

// signingKeys loads the recordings' signer. The public keys stand beside the recordings, the private one does not.
func signingKeys(cfg *config.Config) (*record.Signer, []api.Key, error) {
	dir := filepath.Join(cfg.State, "recorder")
	signer, err := record.LoadOrCreateSigner(dir)
	if err != nil {
		return nil, nil, err
	}
	known, err := record.LoadKeys(filepath.Join(dir, "keys.json"))
	if err != nil {
		return nil, nil, err
	}
	if err := publish(filepath.Join(dir, "keys.json"), filepath.Join(cfg.Gateway.Recordings, "keys.json")); err != nil {
		return nil, nil, fmt.Errorf("publish the recordings' keys: %w", err)
	}
	var keys []api.Key
	for _, k := range known.Keys {
		keys = append(keys, api.Key{ID: k.ID, Public: k.Public, Created: k.Created})
	}
	return signer, keys, nil
}

func publish(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(to), ".keys-*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return os.Rename(f.Name(), to)
}
