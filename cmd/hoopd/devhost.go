package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/hoop-gateway/hoop/cmd/hoopd/config"
	"github.com/hoop-gateway/hoop/cmd/hoopd/dev"
	"github.com/hoop-gateway/hoop/cmd/hoopd/dev/sshd"
)

// devHost is the sample host, or why there is none: hoopd dev goes on without it.
type devHost struct {
	*sshd.Host
	why    error
	server *sshd.Server
}

// named leaves a host alone that the configuration does not name.
func (h *devHost) named(cfg *config.Config) {
	if h.Host != nil && !slices.ContainsFunc(cfg.Connections, func(c config.Connection) bool { return c.Name == dev.HostName }) {
		h.Host, h.why = nil, fmt.Errorf("%s does not name it: remove the file, and it is written anew", cfg.File)
	}
}

func (h *devHost) start(ctx context.Context, state *dev.State) (err error) {
	if h.Host != nil {
		h.server, err = state.StartHost(ctx, h.Host)
	}
	return err
}

// watch ends everything when the host ends by itself.
func (h *devHost) watch(ctx context.Context) error {
	if h.server == nil {
		return nil
	}
	select {
	case <-ctx.Done():
		return nil
	case <-h.server.Done():
		return fmt.Errorf("the private sshd ended; its log %s says why", h.Log())
	}
}

func (h *devHost) stop() error {
	if h.server == nil {
		return nil
	}
	return h.server.Stop()
}

// line says where the host's log is, or why there is no host.
func (h *devHost) line() string {
	if h.server == nil {
		return fmt.Sprintf("  %s is not here    %v\n", dev.HostName, h.why)
	}
	return fmt.Sprintf("  what reached %s   %s  (a host: this machine, as %s)\n", dev.HostName, h.Log(), h.User)
}

// example is a command to try.
func (h *devHost) example() string {
	if h.server == nil {
		return ""
	}
	return "  hoop connect " + dev.HostName + " -- ssh " + dev.HostName + " uptime\n"
}
