package web

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/exchange"
	"github.com/hoop-gateway/hoop/pkg/http1"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// say puts a request into words: for who approves it, for the recording, and for the digest.
//
// Who approves sees the fields that may change what the request does, and the digest holds all of them, in the order in which fields of
// one name come: of two, a service takes the one or the other. A handshake's key is drawn anew each time and means nothing.
func (s *service) say(m *exchange.Meaning, q *exchange.Request, facts *policy.HTTP, body []byte) {
	line := q.Method + " " + facts.Path + asking(q.Asked, q.Query)
	if q.Upgrade != "" {
		line += " (" + q.Upgrade + ")"
	}
	m.Command.Text = line
	sent := m.Send.Fields
	if q.Upgrade != "" {
		sent = slices.Clone(sent) // a handshake of ours takes their place
	}
	for _, f := range sent {
		name := strings.ToLower(f.Name)
		if handshakeKey(q, name) {
			continue
		}
		if t := treatmentOf(name); t != quiet && t != dropped { // what is dropped is here only where the gateway says it itself
			m.Command.Text += "\n" + f.Name + ": " + forReview(name, f)
		}
	}
	if len(body) > 0 {
		m.Command.Text += "\n\n" + string(body)
	}
	m.Command.Recorded = s.recorded(q, facts.Path, body)
	m.Command.Rewritten = m.Command.Text // so that no recording holds it: fields have what is nobody's to read
	m.Command.NormalOf = func() string {
		return s.base.String() + "\n" + line + "\n" + normalFields(q, sent) + "\n" + string(body)
	}
}

// normalFields are the fields that are sent, by their names.
func normalFields(q *exchange.Request, sent http1.Fields) string {
	fields := make([]string, 0, len(sent))
	for _, f := range sent {
		if name := strings.ToLower(f.Name); !handshakeKey(q, name) {
			fields = append(fields, name+": "+f.Value)
		}
	}
	sort.SliceStable(fields, func(i, j int) bool {
		a, _, _ := strings.Cut(fields[i], ":")
		b, _, _ := strings.Cut(fields[j], ":")
		return a < b
	})
	kept, _ := json.Marshal(fields)
	return string(kept)
}

// handshakeKey says whether a field is the key of a handshake.
func handshakeKey(q *exchange.Request, name string) bool {
	return name == "sec-websocket-key" && q.Upgrade != ""
}

// forReview is a field's value as a reviewer may see it: enough to tell it from another one, where it may be a secret.
func forReview(name string, f http1.Field) string {
	if !exchange.Secretive(name) {
		return f.Value
	}
	sum := sha256.Sum256([]byte(f.Value))
	return fmt.Sprintf("(not shown; its SHA-256 begins with %x)", sum[:4])
}
