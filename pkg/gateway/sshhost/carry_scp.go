package sshhost

import (
	"context"
	"errors"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/gateway/sshhost/scp"
	"github.com/hoop-gateway/hoop/pkg/gateway/sshhost/sftp"
)

// carries carries a transfer in its own way.
func (c *channel) carries(text string, t *transfer) {
	if t.channel != "scp" {
		c.move(text, t)
		return
	}
	flags := scp.Flags{Recursive: strings.Contains(t.flags, "r"), Times: strings.Contains(t.flags, "p"), Folder: strings.Contains(t.flags, "d")}
	c.withFiles("scp", text, func(ctx context.Context, f *sftp.Files) error {
		carry := scp.Source
		if t.write {
			carry = scp.Sink
		}
		err := carry(ctx, f, c.Channel, t.paths()[0], flags)
		if errors.Is(err, scp.ErrPartly) {
			return ending{status: 1}
		}
		return err
	})
}

// Error makes an ending what serving files may end with.
func (e ending) Error() string { return e.outcome().Tag }
