package kube

import (
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/exchange"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/http1"
)

// words says refusals as an API server does.
type words struct{ held *waits }

// Refuse answers a request that does not run. One that waits for a person is asked to come again, as long as clients do that by
// themselves.
func (w words) Refuse(r *guard.Refusal) exchange.Reply {
	if r.Code == "approval_required" && r.ApprovalID != "" && w.held.again(r.ApprovalID, time.Now()) {
		code, body := StatusHeld(r.Message, againAfter)
		reply := told(code, body)
		reply.Fields = append(reply.Fields, http1.Field{Name: "Retry-After", Value: strconv.Itoa(againAfter)}, warning(r.Message))
		return reply
	}
	code, body := StatusOf(&r.Refusal)
	reply := told(code, body)
	reply.Fields = append(reply.Fields, exchange.RetryAfter(r)...)
	return reply
}

// Fail answers where no cluster did.
func (words) Fail(status int, why *api.Error) exchange.Reply {
	return told(status, StatusFailed(status, why))
}

func told(status int, body []byte) exchange.Reply {
	return exchange.Reply{Status: status, Body: body, Fields: http1.Fields{{Name: "Content-Type", Value: typeJSON}, {Name: "Cache-Control", Value: "no-cache, private"}}}
}

// warning is a field that kubectl prints (RFC 9111's Warning, with the code 299 that Kubernetes uses).
func warning(message string) http1.Field {
	var b strings.Builder
	for _, c := range "hoop: " + message {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c >= ' ' && c < 0x7F:
			b.WriteRune(c)
		default:
			b.WriteByte('?')
		}
	}
	return http1.Field{Name: "Warning", Value: `299 - "` + b.String() + `"`}
}

const (
	// againAfter is in how many seconds a client is asked to come again. client-go does ten times, which outlasts patience.
	againAfter = 5
	// patience is for how long clients are asked to come again. Then they are told in words.
	patience = 45 * time.Second
	// mostWaits bounds how many requests are remembered.
	mostWaits = 4096
)

// waits are the requests for approvals that clients come again for, each with when the first did.
type waits struct {
	mu    sync.Mutex
	since map[string]time.Time
}

func newWaits() *waits { return &waits{since: map[string]time.Time{}} }

// again says whether a client is to come again for a request.
func (w *waits) again(id string, now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	since, known := w.since[id]
	if !known {
		for old, began := range w.since {
			if now.Sub(began) > time.Hour {
				delete(w.since, old)
			}
		}
		if len(w.since) >= mostWaits {
			return false
		}
		w.since[id], since = now, now
	}
	return now.Sub(since) < patience
}
