package localproxy

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/http1"
)

// reply is an answer that is given here instead of by the gateway. The socket is closed behind it.
type reply struct {
	status int
	why    *api.Error    // nil: a redirect
	page   string        // what a person at a browser is told beside why
	more   http1.Fields  // of the answer
	guess  bool          // somebody tried a secret: it costs a turn
	ask    func() *reply // says what to reply when that is due; nil: this
}

// saying puts what is wrong into the words of a protocol. q is nil where no request could be read.
type saying func(r *reply, q *http1.Request) (mediaType string, body []byte)

// encode is the whole answer. It is never kept by anybody, and never shared with another origin.
func (r *reply) encode(q *http1.Request, say saying) []byte {
	a := http1.Answer{Status: r.status, Fields: append(http1.Fields{
		{Name: "Cache-Control", Value: "no-store"},
		{Name: "Referrer-Policy", Value: "no-referrer"},
		{Name: "X-Content-Type-Options", Value: "nosniff"},
	}, r.more...), Close: true}
	var body []byte
	if r.why != nil {
		var mediaType string
		mediaType, body = say(r, q)
		a.Fields = append(a.Fields, http1.Field{Name: "Content-Type", Value: mediaType})
	}
	a.Length = int64(len(body))
	out := http1.AppendAnswer(nil, &a)
	if q != nil && q.Method == http.MethodHead {
		return out
	}
	return append(out, body...)
}

// saysHTTP is problem+json (RFC 9457), or a page for a person.
func saysHTTP(r *reply, q *http1.Request) (mediaType string, body []byte) {
	if q != nil && strings.Contains(strings.ToLower(q.Fields.Get("Accept")), "text/html") {
		return "text/html; charset=utf-8", r.html()
	}
	problem := *r.why
	problem.Status, problem.Title = r.status, http.StatusText(r.status)
	return "application/problem+json", mustJSON(problem)
}

// html is a page without scripts, which nothing can be put into.
func (r *reply) html() []byte {
	text := r.page
	if text == "" {
		text = r.why.Hint
	}
	return fmt.Appendf(nil, `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>hoop: %[1]s</title>`+
		`<meta http-equiv="Content-Security-Policy" content="default-src 'none'"></head><body><h1>%[1]s</h1><p>%[2]s</p><p>%[3]s</p><p><small>hoop, %[4]s</small></p></body></html>`+"\n",
		html.EscapeString(http.StatusText(r.status)), html.EscapeString(r.why.Message), html.EscapeString(text), html.EscapeString(r.why.Code))
}

// kubeStatus is what clients of Kubernetes print (metav1.Status).
type kubeStatus struct {
	Kind       string      `json:"kind"`
	APIVersion string      `json:"apiVersion"`
	Metadata   struct{}    `json:"metadata"`
	Status     string      `json:"status"`
	Message    string      `json:"message"`
	Reason     string      `json:"reason"`
	Details    kubeDetails `json:"details"`
	Code       int         `json:"code"`
}

type kubeDetails struct {
	Causes []kubeCause `json:"causes"`
}

type kubeCause struct {
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// saysKubernetes is a Status, with the error of hoop as its cause.
func saysKubernetes(r *reply, _ *http1.Request) (mediaType string, body []byte) {
	reasons := map[int]string{http.StatusBadRequest: "BadRequest", http.StatusUnauthorized: "Unauthorized", http.StatusForbidden: "Forbidden",
		http.StatusServiceUnavailable: "ServiceUnavailable"}
	reason, known := reasons[r.status]
	if !known {
		reason = "BadRequest"
	}
	return "application/json", mustJSON(kubeStatus{
		Kind: "Status", APIVersion: "v1", Status: "Failure", Reason: reason, Code: r.status,
		Message: strings.TrimSpace(r.why.Message + " " + r.why.Hint),
		Details: kubeDetails{Causes: []kubeCause{{Reason: r.why.Code, Message: string(mustJSON(r.why))}}},
	})
}

// mustJSON encodes values that are texts and numbers alone, which can't fail.
func mustJSON(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}
