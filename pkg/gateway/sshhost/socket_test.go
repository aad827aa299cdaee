package sshhost_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// folder is one in which the host's user may work.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "hoop-sock-")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o777))
	return dir
}

func TestSocketsOfTheHostAreReachedByTheirPaths(t *testing.T) {
	dir := folder(t)
	path := filepath.Join(dir, "a.sock")
	c := service(t, "unix", path)
	must(t, os.Chmod(path, 0o777))
	log := since(t)
	s := open(t, fmt.Sprintf("version: 1\nrules: [{name: there, ssh: {channels: [forward-socket], sockets: [%q]}, verdict: allow}]\n", dir+"/*.sock"))
	dial := func(path string) (ssh.Channel, error) {
		ch, requests, err := s.client.OpenChannel("direct-streamlocal@openssh.com", ssh.Marshal(struct {
			Path, Reserved string
			N              uint32
		}{path, "", 0}))
		if err == nil {
			go ssh.DiscardRequests(requests)
		}
		return ch, err
	}
	ch, err := dial(path)
	must(t, err)
	echo(t, ch, "through a socket")
	for _, other := range []string{dir + "/b", "/run/docker.sock", dir + "/../" + filepath.Base(dir) + "/a.sock", dir + "//a.sock", "a.sock", "", dir + "/a.sock\x00x", "\x00" + path, dir + "/" + strings.Repeat("x", 200) + ".sock"} {
		if _, err := dial(other); err == nil {
			t.Errorf("%q was opened", other)
		}
	}
	if got := log(); strings.Count(got, "direct-streamlocal") == 0 || strings.Count(got, "server_request_direct_streamlocal") > 1 || c.came.Load() != 1 {
		t.Errorf("the host was asked: %s", got)
	}
	if text := s.recording(t); !strings.Contains(text, `"what":"direct-streamlocal@openssh.com"`) {
		t.Errorf("the recording lacks it: %s", text)
	}
}
