package web

import (
	"encoding/json"
	"net/http"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/exchange"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/http1"
)

// words says refusals as problems (RFC 9457) that hold the refusal object of every protocol.
type words struct{}

// problem is the part of RFC 9457's object that is not the refusal's.
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Hint   string `json:"hint,omitempty"`
}

// Refuse answers a request that does not run.
func (words) Refuse(r *guard.Refusal) exchange.Reply {
	status := exchange.StatusOf(r.Code)
	reply := told(status, struct {
		problem
		api.Refusal
	}{problem{http.StatusText(status), status, r.Message, r.Hint()}, r.Refusal})
	reply.Fields = append(reply.Fields, exchange.RetryAfter(r)...)
	return reply
}

// Fail answers where no target did.
func (words) Fail(status int, why *api.Error) exchange.Reply {
	e := *why
	e.Title, e.Status = http.StatusText(status), status
	return told(status, struct {
		api.Error
		Detail string `json:"detail"`
	}{e, why.Message})
}

func told(status int, body any) exchange.Reply {
	text, err := json.Marshal(body)
	if err != nil { // strings, numbers and booleans only
		text = []byte(`{"code":"denied"}`)
	}
	return exchange.Reply{Status: status, Body: append(text, '\n'), Fields: http1.Fields{
		{Name: "Content-Type", Value: "application/problem+json"}, {Name: "Cache-Control", Value: "no-store"}, {Name: "X-Content-Type-Options", Value: "nosniff"},
	}}
}
