package sshhost

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strconv"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// bindRequest is a global request for a listener at the host, or for its end (RFC 4254, section 7.1).
type bindRequest struct {
	Address string
	Port    uint32
}

// globalAsked answers a request for or against a listener at the host. The client waits for the answer, as it does for a
// person where a rule asks for one.
func (s *session) globalAsked(ctx context.Context, req *ssh.Request) (ok bool, answer []byte) {
	switch req.Type {
	case "tcpip-forward":
		m, err := decode[bindRequest](req.Payload)
		if err != nil {
			break
		}
		w := wanted{channel: policy.ChannelRemoteForward, kind: req.Type, asked: net.JoinHostPort(shown(m.Address), strconv.FormatUint(uint64(m.Port), 10))}
		w.to, w.problem = binding(m.Address, m.Port)
		return s.listen(ctx, w, &listener{what: forwardedTCP, asked: m.Address, port: m.Port})
	case "streamlocal-forward@openssh.com":
		m, err := decode[struct{ Path string }](req.Payload)
		if err != nil {
			break
		}
		w := wanted{channel: policy.ChannelRemoteForward, kind: req.Type, asked: shown(m.Path), problem: canonicalSocket(m.Path)}
		w.to.Socket = m.Path
		return s.listen(ctx, w, &listener{what: forwardedSocket, asked: m.Path, bind: m.Path})
	case "cancel-tcpip-forward":
		m, err := decode[bindRequest](req.Payload)
		if err != nil || !s.unlisten(req, func(l *listener) bool {
			return l.what == forwardedTCP && l.asked == m.Address && l.port == m.Port
		}) {
			break
		}
		return true, nil
	case "cancel-streamlocal-forward@openssh.com":
		m, err := decode[struct{ Path string }](req.Payload)
		if err != nil || !s.unlisten(req, func(l *listener) bool { return l.what == forwardedSocket && l.asked == m.Path }) {
			break
		}
		return true, nil
	}
	s.gate.Reject(ctx, plainCommand("request", fmt.Sprintf("(request %.60q)", req.Type)), noForward("There is nothing that this asks for."))
	return false, nil
}

// listen has the host listen, once that is admitted.
func (s *session) listen(ctx context.Context, w wanted, x *listener) (ok bool, answer []byte) {
	pass, err := s.admit(ctx, w)
	if err != nil {
		return false, nil
	}
	x.pass = pass
	err = s.listening.begin(x, func() error { return s.up.With(pass, func(h ssh.Conn) error { return x.open(h, w) }) })
	if err != nil {
		s.log.Info("host does not listen", "error", err)
		_ = pass.Finish(guard.Outcome{Error: shown(err.Error())})
		return false, nil
	}
	if x.what == forwardedTCP && w.to.Port == 0 {
		answer = binary.BigEndian.AppendUint32(nil, x.port)
	}
	return true, answer
}

var errNotListening = errors.New("the host refused to listen")

// open asks the host for what was judged: an address, not a name that stands for one.
func (x *listener) open(h ssh.Conn, w wanted) error {
	if x.what == forwardedSocket {
		if ok, _, err := h.SendRequest(w.kind, true, ssh.Marshal(struct{ Path string }{x.bind})); err != nil || !ok {
			return errors.Join(err, errNotListening)
		}
		return nil
	}
	if len(w.to.Addresses) == 1 { // else the empty name, which is all of them
		x.bind = w.to.Addresses[0].String()
	}
	ok, answer, err := h.SendRequest(w.kind, true, ssh.Marshal(bindRequest{x.bind, x.port}))
	if err != nil || !ok {
		return errors.Join(err, errNotListening)
	}
	if x.port != 0 {
		return nil
	}
	if len(answer) != 4 || binary.BigEndian.Uint32(answer) == 0 || binary.BigEndian.Uint32(answer) > 65535 {
		return fmt.Errorf("%w, or does not say where", errNotListening)
	}
	x.port = binary.BigEndian.Uint32(answer)
	return nil
}

// unlisten ends a listener of this session; there is no way to name another's.
func (s *session) unlisten(req *ssh.Request, is func(*listener) bool) bool {
	gone := s.listening.remove(is)
	for _, x := range gone {
		payload := ssh.Marshal(bindRequest{x.bind, x.port})
		if x.what == forwardedSocket {
			payload = ssh.Marshal(struct{ Path string }{x.bind})
		}
		err := s.up.Continue(x.pass, func(h ssh.Conn) error { _, _, err := h.SendRequest(req.Type, true, payload); return err })
		if err != nil {
			s.log.Info("listener not ended", "error", err)
		}
		s.release(x)
	}
	return len(gone) > 0
}
