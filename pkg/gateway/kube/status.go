package kube

import (
	"encoding/json"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/exchange"
)

// status is an API server's Status, as clients print it.
type status struct {
	Kind       string         `json:"kind"`
	APIVersion string         `json:"apiVersion"`
	Metadata   struct{}       `json:"metadata"`
	Status     string         `json:"status"`
	Message    string         `json:"message"`
	Reason     string         `json:"reason"`
	Details    *statusDetails `json:"details,omitempty"`
	Code       int            `json:"code"`
}

type statusDetails struct {
	Causes            []statusCause `json:"causes,omitempty"`
	RetryAfterSeconds int           `json:"retryAfterSeconds,omitempty"`
}

type statusCause struct {
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// Cause is the reason under which a Status has hoop's refusal as JSON.
const Cause = "HoopRefusal"

// statusOf is the HTTP status of a refusal's code.
func statusOf(code string) int {
	switch code {
	case codeMasked:
		return 400
	case codeNotFound:
		return 404
	}
	return exchange.StatusOf(code)
}

// reason is an API server's words for what a status means, by which clients decide what to do.
func reason(code int) string {
	switch code {
	case 400:
		return "BadRequest"
	case 403:
		return "Forbidden"
	case 404:
		return "NotFound"
	case 405:
		return "MethodNotAllowed"
	case 409:
		return "Conflict"
	case 413:
		return "RequestEntityTooLarge"
	case 415:
		return "UnsupportedMediaType"
	case 429:
		return "TooManyRequests"
	case 503:
		return "ServiceUnavailable"
	case 504:
		return "Timeout"
	}
	return "InternalError"
}

// StatusOf is the Status with which a refusal is told, and its HTTP status. Clients print the message, so it has the remedies too;
// the refusal itself stands in the causes.
func StatusOf(r *api.Refusal) (code int, body []byte) {
	code = statusOf(r.Code)
	message := "hoop: " + r.Message
	for _, m := range r.Remedy {
		message = strings.TrimSuffix(message, ".") + ". " + m.Text
	}
	refusal, _ := json.Marshal(r) // texts alone: it can't fail
	return code, encodeStatus(code, message, 0, statusCause{Cause, string(refusal)})
}

// StatusHeld is the Status with which a client is asked to come again while a person is asked; client-go does by itself.
func StatusHeld(message string, seconds int) (code int, body []byte) {
	return 429, encodeStatus(429, "hoop: "+message, seconds)
}

// StatusFailed is the Status where nothing was judged, or no answer came.
func StatusFailed(code int, why *api.Error) []byte {
	message := "hoop: " + why.Message
	if why.Hint != "" {
		message += " " + why.Hint
	}
	return encodeStatus(code, message, 0)
}

func encodeStatus(code int, message string, retry int, causes ...statusCause) []byte {
	s := status{Kind: "Status", APIVersion: "v1", Status: "Failure", Message: message, Reason: reason(code), Code: code}
	if len(causes) > 0 || retry > 0 {
		s.Details = &statusDetails{Causes: causes, RetryAfterSeconds: retry}
	}
	body, _ := json.Marshal(s) // texts and numbers alone
	return append(body, '\n')
}
