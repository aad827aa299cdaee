package kube

import (
	"strconv"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/exchange"
)

// The codes of refusals that no policy makes: see statusOf.
const (
	codeMalformed   = exchange.CodeMalformed
	codeNotFound    = "not_served"
	codeNotAllowed  = exchange.CodeMethod
	codeTooLarge    = exchange.CodeTooLarge
	codeUnsupported = exchange.CodeUnsupported
	codeMasked      = "masked_value"
)

// ruleRequest stands where a rule's name would: it is the request's form that is refused.
const ruleRequest = "request"

func refusal(code, message, hint string) *api.Refusal {
	return &api.Refusal{Code: code, Rule: ruleRequest, Message: message, Remedy: []api.Remedy{{Kind: "rewrite", Text: hint}}}
}

func badRequest(message string) *api.Refusal {
	return refusal(codeMalformed, message, "Send the request in the form that kubectl or a client library writes.")
}

func notFound(message string) *api.Refusal {
	return refusal(codeNotFound, message, "Ask for a path that kubectl or a client library writes.")
}

func notAllowed(message string) *api.Refusal {
	return refusal(codeNotAllowed, message, "Send the request in the form that kubectl or a client library writes.")
}

// clipped is a client's text in quotes, for a message.
func clipped(s string) string {
	if len(s) > 100 {
		s = s[:100] + "…"
	}
	return strconv.QuoteToASCII(s)
}

func tooLarge() *api.Refusal {
	return refusal(codeTooLarge, "The body is larger than 3 MiB.", "Send it in smaller pieces.")
}
