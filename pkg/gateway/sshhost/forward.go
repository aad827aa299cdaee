package sshhost

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// Channels that a client opens for a connection from the host (RFC 4254, section 7.2, and OpenSSH's PROTOCOL).
const (
	directTCP    = "direct-tcpip"
	directSocket = "direct-streamlocal@openssh.com"
)

type (
	tcpOpen struct {
		Host       string
		Port       uint32
		Origin     string
		OriginPort uint32
	}
	socketOpen struct {
		Path     string
		Reserved string
		Number   uint32
	}
)

// wanted is a forwarded connection that a client asks for.
type wanted struct {
	channel string // policy's word
	kind    string // SSH's
	to      policy.Forward
	problem string // why it can't be judged
	asked   string // where to, in words
}

// forwardAsked answers a channel that a client wants for something else than commands. It may wait for a person, so it
// must not be in the way of other channels.
func (s *session) forwardAsked(ctx context.Context, asked ssh.NewChannel, run func(func())) {
	if kind := asked.ChannelType(); kind != directTCP && kind != directSocket {
		r := s.gate.Reject(ctx, plainCommand("forward", describeChannel(asked)), noForward("Channels of this type are not served."))
		_ = asked.Reject(ssh.Prohibited, oneLine(r))
		return
	}
	if !s.linkBegins() {
		_ = asked.Reject(ssh.ResourceShortage, fmt.Sprintf("hoop: There are %d connections open already.", maxLinks))
		return
	}
	run(func() {
		defer s.linkEnds()
		s.forward(ctx, asked)
	})
}

// forward judges a connection, has the host make it, and carries it. Nothing is accepted before.
func (s *session) forward(ctx context.Context, asked ssh.NewChannel) {
	w := s.wants(ctx, asked)
	pass, err := s.admit(ctx, w)
	if err != nil {
		_ = asked.Reject(ssh.Prohibited, oneLine(err))
		return
	}
	l := &link{session: s, pass: pass, what: w.kind, address: w.asked, began: time.Now()}
	host, hostAsks, at, err := s.connect(pass, w)
	if l.resolved = at; err != nil {
		l.finish(fmt.Errorf("the host did not connect: %w", err))
		reason, message := refusedOpen(err)
		_ = asked.Reject(reason, "hoop: the host did not connect: "+message)
		return
	}
	client, clientAsks, err := asked.Accept()
	if err != nil {
		_ = host.Close()
		ssh.DiscardRequests(hostAsks)
		l.finish(errLeft)
		return
	}
	l.client, l.host = client, host
	l.finish(l.carry(ctx, clientAsks, hostAsks))
}

// wants reads what a client wants a channel for, and finds out what it means.
func (s *session) wants(ctx context.Context, asked ssh.NewChannel) wanted {
	if asked.ChannelType() == directSocket {
		w := wanted{channel: policy.ChannelForwardSocket, kind: directSocket}
		m, err := decode[socketOpen](asked.ExtraData())
		if err != nil {
			w.problem = "the request is malformed"
			return w
		}
		w.to.Socket, w.problem, w.asked = m.Path, canonicalSocket(m.Path), shown(m.Path)
		return w
	}
	w := wanted{channel: policy.ChannelForward, kind: directTCP}
	m, err := decode[tcpOpen](asked.ExtraData())
	if err != nil {
		w.problem = "the request is malformed"
		return w
	}
	w.asked = net.JoinHostPort(shown(m.Host), strconv.FormatUint(uint64(m.Port), 10))
	w.to, w.problem = destination(ctx, concerned{s, m.Port}, m.Host, m.Port)
	if w.to.Name != "" {
		w.asked = net.JoinHostPort(w.to.Name, strconv.Itoa(int(w.to.Port)))
	}
	return w
}

// concerned finds addresses for names that a rule may let this connection go to, and none for others: to look up whatever a
// client says would carry what it says to whoever answers for that name. Without an address nothing is admitted.
type concerned struct {
	session *session
	port    uint32
}

// LookupNetIP answers errUnconcerned for a name that no rule is for.
func (c concerned) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	standing := c.session.gate.Standing()
	if standing == nil || !standing.Forwards.Concern(host, uint16(c.port)) {
		return nil, errUnconcerned
	}
	return c.session.names.LookupNetIP(ctx, network, host)
}

var errUnconcerned = errors.New("no rule is for this name")

// shown is a text of a peer's in at most 200 characters that can stand in a line.
func shown(text string) string {
	quoted := strconv.QuoteToASCII(text)
	return quoted[1 : 1+min(len(quoted)-2, 200)]
}

// admit asks for what a client wants. Where detectors look at what commands answer, nothing passes that they can't see.
func (s *session) admit(ctx context.Context, w wanted) (*guard.Pass, error) {
	c := w.command()
	if w.problem != "" {
		return nil, s.gate.Reject(ctx, c, noForward("This can't be judged: "+w.problem+"."))
	}
	if s.gate.Scan() != nil {
		return nil, s.gate.Reject(ctx, c, unseen())
	}
	pass, err := s.gate.Admit(ctx, c)
	if err == nil && pass.Scan() != nil { // the policy changed meanwhile
		err = s.gate.Reject(ctx, c, unseen())
		return nil, errors.Join(err, pass.Finish(guard.Outcome{Error: "not opened"}))
	}
	return pass, err
}

// command is what the guard judges: every address that the connection may come to, and the name that stood for them.
func (w wanted) command() guard.Command {
	effect := policy.Transfer
	if w.channel == policy.ChannelAgent {
		effect = policy.Privilege
	}
	facts := policy.Command{SSH: &policy.SSH{Channel: w.channel}}
	if w.asked != "" {
		facts.SSH.Forward = &w.to
	}
	for _, object := range objects(w.to) {
		facts.Accesses = append(facts.Accesses, policy.Access{Effect: effect, Object: object})
	}
	if len(facts.Accesses) == 0 {
		facts.Accesses = []policy.Access{{Effect: effect}}
	}
	text := w.String()
	return guard.Command{
		Facts: facts, Text: text, Recorded: text, Normal: text, Rewritten: text, Cut: true,
		Hooks: guard.Hooks{NoHold: func(context.Context) string { return "" }},
	}
}

// objects are what rules may name: every address with the port, and the name that stood for them.
func objects(f policy.Forward) (all []string) {
	if f.Socket != "" {
		return []string{f.Socket}
	}
	port := strconv.Itoa(int(f.Port))
	if f.Name != "" {
		all = []string{net.JoinHostPort(f.Name, port)}
	}
	for _, a := range f.Addresses {
		all = append(all, net.JoinHostPort(a.String(), port))
	}
	return all
}

// String is the connection for reviewers and the record: "(forward db.internal:5432 at 10.1.2.3)".
func (w wanted) String() string {
	text := "(" + w.channel
	if w.asked != "" {
		text += " " + w.asked
	}
	if w.to.Name != "" && len(w.to.Addresses) > 0 {
		text += " at " + strings.Join(sorted(w.to.Addresses), ", ")
	}
	return text + ")"
}

// sorted are addresses in one order, whichever the resolver had.
func sorted(addresses []netip.Addr) (texts []string) {
	for _, a := range slices.SortedFunc(slices.Values(addresses), netip.Addr.Compare) {
		texts = append(texts, a.String())
	}
	return texts
}

// connect has the host make an admitted connection: to the addresses that were judged, one after the other, and never by
// name. at is where it came to.
func (s *session) connect(p *guard.Pass, w wanted) (ch ssh.Channel, requests <-chan *ssh.Request, at string, err error) {
	err = s.up.With(p, func(h ssh.Conn) (err error) {
		if w.kind == directSocket {
			ch, requests, err = h.OpenChannel(directSocket, ssh.Marshal(socketOpen{Path: w.to.Socket}))
			return err
		}
		for _, a := range w.to.Addresses {
			at = netip.AddrPortFrom(a, w.to.Port).String()
			ch, requests, err = h.OpenChannel(directTCP, ssh.Marshal(tcpOpen{Host: a.String(), Port: uint32(w.to.Port), Origin: "127.0.0.1"}))
			if failed := (*ssh.OpenChannelError)(nil); !errors.As(err, &failed) || failed.Reason != ssh.ConnectionFailed {
				return err
			}
		}
		return err
	})
	return ch, requests, at, err
}

// refusedOpen is why the host did not open a channel, in words that can stand in a line.
func refusedOpen(err error) (ssh.RejectionReason, string) {
	var no *ssh.OpenChannelError
	if !errors.As(err, &no) {
		return ssh.ConnectionFailed, "its connection is over"
	}
	if no.Reason < ssh.Prohibited || no.Reason > ssh.ResourceShortage {
		no.Reason = ssh.ConnectionFailed
	}
	return no.Reason, shown(no.Message)
}

// noForward refuses what carries no command, whatever the policy says.
func noForward(message string) refusal {
	r := notServed(message)
	r.Remedy = nil
	return r
}

func unseen() refusal {
	return noForward("Detectors look at what commands answer here, and can't look into forwarded connections.")
}

// oneLine is a refusal where there is no room for more.
func oneLine(err error) string {
	var r *guard.Refusal
	if !errors.As(err, &r) {
		return "hoop: it was not admitted"
	}
	line := "hoop: " + r.Message
	if hint := r.Hint(); hint != "" {
		line += " " + hint
	}
	return line
}
