package dev

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strconv"

	"github.com/hoop-gateway/hoop/cmd/hoopd/dev/sshd"
)

// HostName is the connection to the sample host.
const HostName = "web-1"

// Host makes the sample host's folder and keys. Its error says why there is none: sshd.ErrNone where no server is installed.
func (s *State) Host() (*sshd.Host, error) {
	if _, err := sshd.Find(); err != nil {
		return nil, err
	}
	dir, err := sshd.Place(s.Dir, HostName)
	if err != nil {
		return nil, err
	}
	h, err := sshd.Prepare(dir, "")
	if err != nil {
		return nil, err
	}
	err = h.Trust(filepath.Join(s.Dir, authority))
	for name, text := range map[string]string{
		"app/app.log":     "07:00:01 started\n07:12:44 warning: 3 requests took more than 2 s\n07:13:02 warning: the cache is full\n07:13:02 error: order 1817 was not saved\n",
		"app/release.txt": "2026.11.3\n",
		"app/cache.old":   "nobody needs this any more\n",
	} {
		err = errors.Join(err, h.Sample(name, text))
	}
	return h, err
}

func (s *State) hostAddress() string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Ports.Host))
}

// StartHost runs the sample host.
func (s *State) StartHost(ctx context.Context, h *sshd.Host) (*sshd.Server, error) {
	return h.Start(ctx, s.Ports.Host)
}
