package broker

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// statusOf is the HTTP status of each code. A code that is missing here is an internal error.
func statusOf(code string) int {
	switch code {
	case api.CodeUsage:
		return http.StatusBadRequest
	case api.CodeSignInNeeded:
		return http.StatusUnauthorized
	case api.CodeDenied, api.CodeLocked, api.CodeRejected:
		return http.StatusForbidden
	case api.CodeNoSuchConnection, api.CodeNotFound:
		return http.StatusNotFound
	case api.CodeConflict, api.CodeApprovalPending:
		return http.StatusConflict
	case api.CodeGrantEnded:
		return http.StatusGone
	case api.CodeTooMany:
		return http.StatusTooManyRequests
	case api.CodeUnavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

func problem(code, message, hint string) *api.Error {
	return &api.Error{
		Type: "about:blank", Title: http.StatusText(statusOf(code)), Status: statusOf(code),
		Code: code, Message: message, Hint: hint,
		Retryable: code == api.CodeUnavailable || code == api.CodeTooMany,
	}
}

func usage(message, hint string) *api.Error { return problem(api.CodeUsage, message, hint) }

func notFound() *api.Error {
	return problem(api.CodeNotFound, "There is no such thing here.", "Check the id; what you may not see does not exist for you.")
}

func noSuchConnection() *api.Error {
	return problem(api.CodeNoSuchConnection, "There is no such connection.", "`hoop ls` lists the connections within your reach.")
}

// signInNeeded has one shape for every reason: which it was is in the log.
func signInNeeded() *api.Error {
	return problem(api.CodeSignInNeeded, "The sign-in is missing, not accepted, or over.", "Run `hoop login`.")
}

func locked() *api.Error {
	return problem(api.CodeLocked, "This account is locked.", "Ask those who run hoop why; the lock has to be lifted first.")
}

func denied(message string) *api.Error {
	return problem(api.CodeDenied, message, "Ask those who write the policy.")
}

func unavailable(message string) *api.Error {
	return problem(api.CodeUnavailable, message, "Try again in a moment; if it stays, tell those who run hoop.")
}

func grantIsOver(message string) *api.Error {
	return problem(api.CodeGrantEnded, message, "Run `hoop connect` again for a new grant.")
}

func tooMany(message string, seconds int64) *api.Error {
	e := problem(api.CodeTooMany, message, "Wait and try again.")
	e.RetryAfter = max(seconds, 1)
	return e
}

// writeProblem answers with err. What is not an *api.Error is told to the log and not to the client.
func (b *Broker) writeProblem(w http.ResponseWriter, r *http.Request, requestID string, err error) {
	var e *api.Error
	if !errors.As(err, &e) {
		b.cfg.Logger.Error("a request ended in an internal error",
			"request_id", requestID, "method", r.Method, "route", r.Pattern, "error", err.Error())
		e = problem(api.CodeInternal, "Something went wrong in the broker.", "Tell those who run hoop the request id.")
	}
	out := *e
	out.RequestID = requestID
	if out.Status == 0 {
		out.Status = statusOf(out.Code)
		out.Title = http.StatusText(out.Status)
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	if out.RetryAfter > 0 {
		h.Set("Retry-After", strconv.FormatInt(out.RetryAfter, 10))
	}
	if out.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
	w.WriteHeader(out.Status)
	// The client may be gone; there is nobody else to tell.
	_ = json.NewEncoder(w).Encode(out)
}
