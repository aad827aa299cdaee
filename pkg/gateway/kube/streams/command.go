package streams

import (
	"errors"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/guard"
)

// Command is who carries an exec or an attach. An error of any method ends the session, and what it was told of does not go
// on. Input and Resize are called from one goroutine, Output and Ended from another one.
type Command interface {
	// Input is told what the client sends to stdin, before it goes on.
	Input(p []byte) error
	// Output answers what may be shown by now of stdout (or the terminal) or stderr; with last, all the rest. It is good until
	// the next call.
	Output(errors bool, p []byte, last bool) ([]byte, error)
	// Resize is told of the terminal's new size in characters, before it goes on.
	Resize(columns, rows uint16) error
	// Ended is told how the command ended, as the cluster says, and answers what the client may be told.
	Ended(Status) (Status, error)
}

// maxStatus bounds what the cluster may say of how a command ended.
const maxStatus = 64 << 10

// command is what the streams of one exec or attach may carry, whatever the wire.
type command struct {
	plan  Plan
	to    Command
	sizes sizes

	said  []byte // of the status, which is not whole yet
	ended bool   // the status was told
	room  []byte
}

// sent takes what the client sends in a stream, and answers what goes on to the cluster.
func (c *command) sent(k kind, p []byte) ([]byte, error) {
	switch {
	case len(p) == 0:
		return nil, nil
	case k == stdin:
		return p, c.to.Input(p)
	case k == resize:
		return c.resized(p)
	}
	return nil, fromClient("data in stream %s", k)
}

func (c *command) resized(p []byte) ([]byte, error) {
	all, err := c.sizes.read(p)
	c.room = c.room[:0]
	for _, s := range all {
		if err == nil {
			err = c.to.Resize(s.Width, s.Height)
		}
		c.room = s.append(c.room)
	}
	return c.room, err
}

// shown takes what the cluster sends in a stream, and answers what the client gets; with last, nothing follows.
func (c *command) shown(k kind, p []byte, last bool) ([]byte, error) {
	switch {
	case k == stdout || k == stderr:
		return c.to.Output(k == stderr, p, last)
	case len(p) == 0:
		return nil, nil
	case k == status:
		return c.told(p)
	}
	return nil, fromCluster("data in stream %s", k)
}

// told takes a piece of the status, and answers all of it once it is whole.
func (c *command) told(p []byte) ([]byte, error) {
	if c.said = append(c.said, p...); len(c.said) > maxStatus || c.ended {
		return nil, fromCluster("more than a status in stream %s", status)
	}
	s, whole, err := parseStatus(c.said)
	if err != nil || !whole {
		return nil, err
	}
	c.ended = true
	if s, err = c.to.Ended(s); err != nil {
		return nil, err
	}
	return s.append(nil), nil
}

// verdict is what the client is told of a session that ends without the cluster saying how; false: nothing is to be said.
func (c *command) verdict(err error) (Status, bool) {
	if c.ended && err == nil {
		return Status{}, false
	}
	if err == nil {
		return Status{Reason: "InternalError", Code: 500, Message: "hoop: the cluster did not say how the command ended"}, true
	}
	text, refused := told(err)
	if refused {
		return Status{Reason: "Forbidden", Code: 403, Message: text}, !c.ended
	}
	return Status{Reason: "InternalError", Code: 500, Message: text}, !c.ended
}

// told is what a client is told of a session that was ended, and whether it was so because it may not go on.
func told(err error) (text string, refused bool) {
	var no *guard.Refusal
	var over *api.Error
	var broke *Violation
	switch {
	case errors.As(err, &no):
		return said(no.Message, no.Hint()), true
	case errors.As(err, &over): // the end of a grant, a lock
		return said(over.Message, over.Hint), true
	case errors.As(err, &broke):
		return "hoop: the session was ended: " + broke.Error(), false
	}
	return "hoop: the session was ended", false // the rest is for the log
}

func said(message, hint string) string {
	if hint == "" {
		return "hoop: " + message
	}
	return "hoop: " + strings.TrimSuffix(message, ".") + ". " + hint
}
