package kube

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/exchange"
	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// Kind is the kind of the connections that this package serves.
const Kind = "kubernetes"

// Protocol serves connections of kind kubernetes.
type Protocol struct {
	exchange.Door
	log  *slog.Logger
	now  func() time.Time
	held *waits
}

// New makes the protocol.
func New(log *slog.Logger) *Protocol {
	held := newWaits()
	return &Protocol{exchange.NewDoor(words{held}), log, time.Now, held}
}

// By has tokens live by another clock than the system's. It is called before any connection is served.
func (p *Protocol) By(now func() time.Time) *Protocol {
	p.now = now
	return p
}

// Open makes ready to reach the cluster, which the first request does.
func (p *Protocol) Open(_ context.Context, g gateway.Greeting, t gateway.Target) (gateway.Session, error) {
	c, err := newCluster(p, t)
	if err != nil {
		p.log.Error("connection can't be made", "connection", t.Connection.Name, "error", err)
		return nil, &api.Error{Code: api.CodeTargetDown, Message: "The gateway can't use what it has for this cluster.", Hint: "Ask who runs the gateway: its log says more."}
	}
	target := &exchange.Target{Dial: c.dial, Host: t.Base.Host, Sign: c.sign}
	return &session{exchange.NewSession(p.log, g.(*exchange.Client), c, target), c}, nil
}

// session is one socket.
type session struct {
	*exchange.Session
	cluster *cluster
}

// About describes the cluster, and as whom it sees this person.
func (s *session) About() (database, role string, settings map[string]string) {
	if as := s.cluster.as; as != nil {
		role = as.User
	}
	return "", role, map[string]string{"origin": s.cluster.origin()}
}

// Judge understands a request as it would be understood in a session. It asks nothing of the cluster.
func (p *Protocol) Judge(ctx context.Context, t gateway.Target, _ []policy.Mask, command string) (gateway.Judgement, error) {
	return p.JudgeText(ctx, t.Programs, command), nil
}

// JudgeText does the same: for words in kubectl's manner, or for a request's line, and its body as JSON behind an empty line.
func (p *Protocol) JudgeText(_ context.Context, own policy.Programs, command string) gateway.Judgement {
	head, content, _ := strings.Cut(command, "\n\n")
	t, why := written(head)
	if why != nil {
		return gateway.Judgement{Problem: why}
	}
	path, query := t.Target()
	q := asked{t.Method, path, query, "", []byte(content)}
	if q.contentType = typeJSON; t.Verb == "patch" {
		if q.contentType = typeStrategicPatch; strings.HasPrefix(strings.TrimSpace(content), "[") {
			q.contentType = typeJSONPatch
		}
	}
	m, why := understand(q, own)
	if why != nil {
		return gateway.Judgement{Problem: why}
	}
	if ports := t.Query.Values("ports"); len(ports) == 1 && t.what() == "pods/portforward" { // as a connection to it is judged
		if port, err := strconv.ParseUint(ports[0], 10, 16); err == nil {
			m.facts.Kube.Port = uint16(port)
		}
	}
	return gateway.Judgement{Facts: m.facts, Rewritten: m.line()}
}
