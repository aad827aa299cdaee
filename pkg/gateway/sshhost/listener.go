package sshhost

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/record"
)

// Channels that the host opens to the client (RFC 4254, sections 6.3.2 and 7.2, and OpenSSH's PROTOCOL).
const (
	forwardedTCP    = "forwarded-tcpip"
	forwardedSocket = "forwarded-streamlocal@openssh.com"
	agentChannel    = "auth-agent@openssh.com"
	x11Channel      = "x11"
)

// maxListeners is how much one session may have the host listen on.
const maxListeners = 16

// listener is what the host may open channels to the client for, and the pass of the command that admitted it.
type listener struct {
	what  string // the type of those channels
	asked string // the address or path in the client's words, which it knows the listener by
	bind  string // and as the host was asked
	port  uint32 // where the host listens
	pass  *guard.Pass
	owner *channel // that it ends with; nil: with the session
	once  bool     // for one connection

	uses     int        // of its pass, by connections and by who ends it, under the mutex of its session's listeners
	gone     bool       // the host is to open no more channels for it
	counting sync.Mutex // over what limits count, for all of its connections
}

func (l *listener) String() string {
	switch l.what {
	case forwardedTCP:
		return net.JoinHostPort(shown(l.asked), strconv.FormatUint(uint64(l.port), 10))
	case forwardedSocket:
		return shown(l.bind)
	}
	return l.what
}

// listeners are those of one session. No other session has a way to them.
type listeners struct {
	mu  sync.Mutex
	all []*listener
}

// begin has the host listen, and remembers it before the first channel can come: who looks for one waits for that.
func (l *listeners) begin(x *listener, ask func() error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.all) >= maxListeners {
		return fmt.Errorf("there are %d listeners already", maxListeners)
	}
	if err := ask(); err != nil {
		return err
	}
	l.all = append(l.all, x)
	return nil
}

// use answers a listener, which keeps its pass until it is released; nil: there is none.
func (l *listeners) use(is func(*listener) bool) *listener {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.IndexFunc(l.all, is)
	if i < 0 {
		return nil
	}
	x := l.all[i]
	x.uses++
	if x.once {
		x.gone, l.all = true, slices.Delete(l.all, i, i+1)
	}
	return x
}

// remove has no more channels come for the listeners that is picks, and answers them, to be released.
func (l *listeners) remove(is func(*listener) bool) (gone []*listener) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = slices.DeleteFunc(l.all, func(x *listener) bool {
		if !is(x) {
			return false
		}
		x.uses++
		x.gone = true
		gone = append(gone, x)
		return true
	})
	return gone
}

// release gives a listener back. What it admitted ends when nobody uses it and nobody can: connections outlive the listener
// that they came by.
func (s *session) release(x *listener) {
	s.listening.mu.Lock()
	x.uses--
	over := x.gone && x.uses == 0
	s.listening.mu.Unlock()
	if !over {
		return
	}
	if err := x.pass.Finish(guard.Outcome{Tag: "closed"}); err != nil {
		s.log.Error("outcome not recorded", "error", err)
	}
}

// stopListening ends listeners.
func (s *session) stopListening(is func(*listener) bool) {
	for _, x := range s.listening.remove(is) {
		s.release(x)
	}
}

// hostAsks answers the channels that the host wants to open to the client: those that a live listener of this session is for.
func (s *session) hostAsks(ctx context.Context, run func(func())) {
	for asked := range s.host.channels {
		if !s.linkBegins() {
			_ = asked.Reject(ssh.ResourceShortage, "too many connections")
			continue
		}
		run(func() {
			defer s.linkEnds()
			s.hostOpens(ctx, asked)
		})
	}
}

// hostOpens carries one connection from the host to the client. Nothing is accepted before it is judged and recorded.
func (s *session) hostOpens(ctx context.Context, asked ssh.NewChannel) {
	x, from, payload := s.meant(asked)
	if x == nil {
		s.noted("forward", "The host wanted to open a channel that nothing was asked for: "+describeChannel(asked))
		_ = asked.Reject(ssh.Prohibited, "not asked for")
		return
	}
	defer s.release(x)
	err := s.gate.Again(ctx, x.pass)
	if err == nil && s.gate.Scan() != nil {
		err = errUnseen
	}
	if err == nil {
		err = x.pass.Event(record.Notice{Code: "forward", Message: fmt.Sprintf("%s: a connection for %s from %s", x.what, x, from)})
	}
	if err == nil {
		err = s.gate.Commit()
	}
	if err != nil {
		_ = asked.Reject(ssh.Prohibited, "not admitted")
		return
	}
	l := &link{session: s, pass: x.pass, of: x, what: x.what, address: x.String(), resolved: from, began: time.Now()}
	client, clientAsks, err := s.client.conn.OpenChannel(x.what, payload)
	if err != nil {
		reason, message := refusedOpen(err)
		_ = asked.Reject(reason, message)
		l.finish(fmt.Errorf("the client did not take it: %s", message))
		return
	}
	var hostAsks <-chan *ssh.Request
	err = s.up.Continue(x.pass, func(ssh.Conn) (err error) { l.host, hostAsks, err = asked.Accept(); return err })
	if err != nil {
		_ = client.Close()
		ssh.DiscardRequests(clientAsks)
		l.finish(errHostGone)
		return
	}
	l.client = client
	l.finish(l.carry(ctx, clientAsks, hostAsks))
}

// noted is gate.Note, for a bounded number of times: a host may say what it likes for as long as it likes.
func (s *session) noted(code, message string) {
	if s.notes.Add(1) <= maxNotes {
		s.gate.Note(code, message)
	}
}

// maxNotes is how often one session records what nobody asked for.
const maxNotes = 1000

// meant finds, to be released, the listener that the host opens a channel for, whence the connection comes, and what the client is told.
func (s *session) meant(asked ssh.NewChannel) (x *listener, from string, payload []byte) {
	switch asked.ChannelType() {
	case forwardedTCP:
		m, err := decode[tcpOpen](asked.ExtraData())
		if err != nil {
			return nil, "", nil
		}
		x = s.listening.use(func(l *listener) bool { return l.what == forwardedTCP && l.bind == m.Host && l.port == m.Port })
		if x == nil {
			return nil, "", nil
		}
		origin, port := whence(m.Origin, m.OriginPort)
		return x, origin.String(), ssh.Marshal(tcpOpen{Host: x.asked, Port: x.port, Origin: origin.Addr().String(), OriginPort: port})
	case forwardedSocket:
		m, err := decode[struct{ Path, Reserved string }](asked.ExtraData())
		if err != nil {
			return nil, "", nil
		}
		x = s.listening.use(func(l *listener) bool { return l.what == forwardedSocket && l.bind == m.Path })
		return x, "the host", ssh.Marshal(struct{ Path, Reserved string }{m.Path, ""})
	case agentChannel:
		return s.listening.use(func(l *listener) bool { return l.what == agentChannel }), "the host", nil
	case x11Channel:
		m, err := decode[x11Open](asked.ExtraData())
		if err != nil {
			return nil, "", nil
		}
		origin, port := whence(m.Origin, m.Port)
		x = s.listening.use(func(l *listener) bool { return l.what == x11Channel })
		return x, origin.String(), ssh.Marshal(x11Open{origin.Addr().String(), port})
	}
	return nil, "", nil
}

// whence is where a connection comes from, as far as the host says an address.
func whence(host string, port uint32) (netip.AddrPort, uint32) {
	a, err := netip.ParseAddr(host)
	if err != nil || port > 65535 {
		return netip.AddrPortFrom(netip.IPv4Unspecified(), 0), 0
	}
	return netip.AddrPortFrom(a.Unmap().WithZone(""), uint16(port)), port
}
