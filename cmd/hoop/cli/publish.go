package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/hoop-gateway/hoop/localproxy"
	"github.com/hoop-gateway/hoop/pkg/api"
)

// publish makes the open connection known, to `hoop env` and to the next connect. What it returns takes that back. Without
// a state folder, as in a container with a read-only home, only that is lost.
func (l *link) publish(ctx context.Context, e localproxy.Endpoint) (cleanup func()) {
	cleanup = func() {}
	dir, err := l.program.stateDir()
	if err != nil || len(l.options.command) > 0 {
		return cleanup
	}
	name := l.grant.Connection.Name
	if remove, err := register(ctx, dir, l.broker.origin, running{Connection: name, Ready: time.Now(), Env: e.Env()}); err == nil {
		cleanup = remove
	}
	if e.Socket == "" {
		_ = rememberPort(dir, l.broker.origin, name, e.Port)
	}
	return cleanup
}

// envHeader marks a file as one that hoop may replace and remove.
const envHeader = "# written by hoop connect, removed at its end"

// writeEnvFile writes a private file as a whole. A file that hoop did not write is never replaced.
func writeEnvFile(path string, vars []localproxy.Var) error {
	text, err := localproxy.FormatEnv("dotenv", vars)
	if err != nil {
		return fmt.Errorf("write the environment: %w", err)
	}
	if err := replaceable(path); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".hoop-env-*") // mode 0600
	if err != nil {
		return fmt.Errorf("%w (%w)", &api.Error{Code: api.CodeUsage, Message: "The file for --env-file can't be written."}, err)
	}
	defer os.Remove(f.Name())
	_, err = io.WriteString(f, envHeader+"\n"+text)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	return err
}

func replaceable(path string) error {
	foreign := &api.Error{Code: api.CodeUsage, Message: path + " exists and was not written by hoop.", Hint: "Name another file for --env-file."}
	st, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || !st.Mode().IsRegular() {
		return foreign
	}
	f, err := os.Open(path)
	if err != nil {
		return foreign
	}
	defer f.Close()
	head := make([]byte, len(envHeader))
	if _, err := io.ReadFull(f, head); err != nil || !bytes.Equal(head, []byte(envHeader)) {
		return foreign
	}
	return nil
}
