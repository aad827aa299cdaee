package sshhost_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/hoop-gateway/hoop/cmd/hoopd/dev/sshd"
	"github.com/hoop-gateway/hoop/pkg/freeport"
)

// server is a real OpenSSH server, whose log is what the tests believe.
var server *sshd.Server

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "hoop-sshd-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := start(dir); err != nil {
		fmt.Fprintln(os.Stderr, "sshd is needed:", err)
		return 1
	}
	code := m.Run()
	if err := server.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func start(dir string) error {
	if err := os.Chmod(dir, 0o711); err != nil {
		return err
	}
	host, err := sshd.Prepare(filepath.Join(dir, "host"), filepath.Join(dir, "key"))
	if err != nil {
		return err
	}
	port, err := freeport.Next()
	if err != nil {
		return err
	}
	server, err = host.Start(context.Background(), port)
	return err
}
