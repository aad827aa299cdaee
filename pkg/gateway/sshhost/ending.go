package sshhost

import (
	"fmt"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/record"
)

// Exit statuses of ours, as shells and ssh have them.
const (
	refusedStatus = 126
	lostStatus    = 255
)

// ending is how a command ended at the host. The zero ending is a success.
type ending struct {
	status uint32
	signal *exitSignal
	none   bool // the host said nothing
}

func (e ending) lost() bool { return e.none }

// outcome is the ending for the record.
func (e ending) outcome() guard.Outcome {
	switch {
	case e.none:
		return guard.Outcome{Error: "the host did not say how it ended"}
	case e.signal != nil:
		return guard.Outcome{Tag: fmt.Sprintf("signal %.20q", e.signal.Signal)}
	default:
		return guard.Outcome{Tag: fmt.Sprintf("exit %d", e.status)}
	}
}

// exit is the ending for the recording of the streams.
func (e ending) exit(o guard.Outcome) record.Exit {
	x := record.Exit{Error: o.Error}
	switch {
	case e.none:
	case e.signal != nil:
		x.Signal, x.CoreDumped = e.signal.Signal, e.signal.Core
	default:
		x.Status = &e.status
	}
	return x
}

// awaitEnd takes what the host says of a command until it closes the channel.
func awaitEnd(replies <-chan *ssh.Request) ending {
	e := ending{none: true}
	for req := range replies {
		switch req.Type {
		case "exit-status":
			if s, err := decode[exitStatus](req.Payload); err == nil {
				e = ending{status: s.Status}
			}
		case "exit-signal":
			if s, err := decode[exitSignal](req.Payload); err == nil {
				e = ending{signal: &s}
			}
		}
		if req.WantReply {
			_ = req.Reply(req.Type == "keepalive@openssh.com", nil)
		}
	}
	return e
}

// exit tells the client how its command ended, and closes the channel.
func (c *channel) exit(e ending) {
	c.telling.Lock()
	defer c.telling.Unlock()
	switch {
	case e.none:
		_, _ = c.SendRequest("exit-status", false, ssh.Marshal(exitStatus{lostStatus}))
	case e.signal != nil:
		_, _ = c.SendRequest("exit-signal", false, ssh.Marshal(*e.signal))
	default:
		_, _ = c.SendRequest("exit-status", false, ssh.Marshal(exitStatus{e.status}))
	}
	_ = c.CloseWrite()
	_ = c.Close()
}
