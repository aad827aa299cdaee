package api_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
)

func token(context.Context) (string, error) { return "the-token", nil }

// serve starts a server that answers as h does, and a client of it.
func serve(t *testing.T, h http.HandlerFunc) (*api.Client, *httptest.Server) {
	t.Helper()
	s := httptest.NewTLSServer(h)
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	c, err := api.NewClient(s.URL+"/", roots, token, api.ClientVersion("1.2.3"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, s
}

func code(err error) string {
	var e *api.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return fmt.Sprint(err)
}

func answer(w http.ResponseWriter, status int, kind string, v any) {
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// A13: a token goes over https, or in the clear to this machine where that was asked for.
func TestOnlyHTTPSIsABroker(t *testing.T) {
	for base, ok := range map[string]bool{
		"https://hoop.test": true, "https://hoop.test/prefix/": true, "http://hoop.test": false, "http://localhost:1": false,
		"http://127.0.0.1:1": false, "ftp://hoop.test": false, "hoop.test": false, "": false, "https://": false,
		"https://user:secret@hoop.test": false, "https://hoop.test/?x": false, "https://hoop.test/#x": false, "javascript:alert(1)": false,
	} {
		if _, err := api.NewClient(base, nil, token); (err == nil) != ok {
			t.Errorf("%s: %v", base, err)
		} else if err != nil && code(err) != api.CodeUsage {
			t.Errorf("%s: %v, want usage", base, err)
		}
	}
	for base, ok := range map[string]bool{
		"http://127.0.0.1:1": true, "http://[::1]:1": true, "http://hoop.test": false, "http://127.0.0.1.evil.test": false, "http://0.0.0.0:1": false,
	} {
		if _, err := api.NewClient(base, nil, token, api.AllowLoopbackHTTP()); (err == nil) != ok {
			t.Errorf("%s with the option: %v", base, err)
		}
	}
}

func TestACallCarriesTheTokenAndTheVersion(t *testing.T) {
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer the-token" || r.Header.Get("User-Agent") != "hoop/1.2.3" || r.URL.Path != "/v1/whoami" {
			t.Errorf("%s %v", r.URL, r.Header)
		}
		answer(w, 200, "application/json", api.Identity{User: "dev"})
	})
	if who, err := c.WhoAmI(t.Context()); err != nil || who.User != "dev" {
		t.Errorf("%+v, %v", who, err)
	}
}

func TestCallsBeforeASignInCarryNoToken(t *testing.T) {
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Errorf("%s carries a token", r.URL)
		}
		answer(w, 200, "application/json", struct{}{})
	})
	_, err1 := c.Discover(t.Context())
	_, err2 := c.Login(t.Context(), api.LoginRequest{})
	_, err3 := c.Refresh(t.Context(), "r")
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Error(err)
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	var reached atomic.Bool
	other := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	t.Cleanup(other.Close)
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	})
	if _, err := c.WhoAmI(t.Context()); code(err) != api.CodeUnreachable {
		t.Errorf("%v", err)
	}
	if reached.Load() {
		t.Error("the token went elsewhere")
	}
}

func TestAProblemIsATypedError(t *testing.T) {
	c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		answer(w, 429, "application/problem+json", api.Error{Code: api.CodeTooMany, Message: "m", Hint: "h", Retryable: true, RequestID: "rq"})
	})
	_, err := c.WhoAmI(t.Context())
	var e *api.Error
	if !errors.As(err, &e) || e.Code != api.CodeTooMany || e.Message != "m" || e.Hint != "h" || !e.Retryable || e.RequestID != "rq" || e.Status != 429 || e.RetryAfter != 7 {
		t.Errorf("%+v", err)
	}
}

// What is not in a broker's words was not said by a broker, whatever its status.
func TestAnAnswerThatIsNoBrokersIsUnreachable(t *testing.T) {
	for what, h := range map[string]http.HandlerFunc{
		"a proxy's page":        func(w http.ResponseWriter, _ *http.Request) { answer(w, 502, "text/html", "<h1>Bad Gateway</h1>") },
		"a portal's page":       func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, "text/html", "Sign in to the WiFi") },
		"a problem of no code":  func(w http.ResponseWriter, _ *http.Request) { answer(w, 403, "application/problem+json", struct{}{}) },
		"JSON of another shape": func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, "application/json", []int{1}) },
		"an endless answer": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			for range 20 {
				_, _ = w.Write(make([]byte, 1<<20))
			}
		},
		"a cut answer": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("{"))
			panic(http.ErrAbortHandler)
		},
	} {
		c, _ := serve(t, h)
		if _, err := c.WhoAmI(t.Context()); code(err) != api.CodeUnreachable {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestABrokerThatIsNotThereIsUnreachableWithAHint(t *testing.T) {
	c, s := serve(t, nil)
	s.Close()
	_, err := c.WhoAmI(t.Context())
	var e *api.Error
	if !errors.As(err, &e) || e.Code != api.CodeUnreachable || e.Hint == "" || !e.Retryable || strings.Contains(e.Message, "the-token") {
		t.Errorf("%+v", err)
	}
	_, s = serve(t, func(http.ResponseWriter, *http.Request) {})
	stranger, err := api.NewClient(s.URL, nil, token)
	if err != nil {
		t.Fatal(err)
	}
	_, err = stranger.WhoAmI(t.Context())
	if !errors.As(err, &e) || e.Code != api.CodeUnreachable || !strings.Contains(e.Hint, "HOOP_CA_FILE") {
		t.Errorf("a certificate that is not trusted: %+v", err)
	}
}

func TestTheCallersOwnEndIsNotTheBrokersFault(t *testing.T) {
	c, _ := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := c.WhoAmI(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

func TestWithoutASignInNothingIsSent(t *testing.T) {
	_, s := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("something was sent") })
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	for _, source := range []func(context.Context) (string, error){nil, func(context.Context) (string, error) { return "", &api.Error{Code: api.CodeSignInNeeded} }} {
		c, err := api.NewClient(s.URL, roots, source)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.WhoAmI(t.Context()); code(err) != api.CodeSignInNeeded {
			t.Errorf("%v", err)
		}
	}
}

// An id is a part of a path and stays one.
func TestIDsCanNotLeaveTheirPlace(t *testing.T) {
	var paths []string
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.Method+" "+r.URL.EscapedPath()+"?"+r.URL.RawQuery)
		answer(w, 200, "application/json", struct{}{})
	})
	_, _ = c.Approval(t.Context(), "../locks?x=1#y")
	_ = c.Unlock(t.Context(), "https://idp.test|a/b c")
	want := []string{"GET /v1/approvals/..%2Flocks%3Fx=1%23y?", "DELETE /v1/locks/https:%2F%2Fidp.test%7Ca%2Fb%20c?"}
	if fmt.Sprint(paths) != fmt.Sprint(want) {
		t.Errorf("%q, want %q", paths, want)
	}
}

func TestARecordingIsStreamed(t *testing.T) {
	c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "bytes") })
	body, err := c.Recording(t.Context(), "se_1")
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if text, err := io.ReadAll(body); err != nil || string(text) != "bytes" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestWaitingGoesOnUntilSomebodyDecides(t *testing.T) {
	var calls atomic.Int64
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if d, err := time.ParseDuration(r.URL.Query().Get("timeout")); err != nil || d <= 0 || d > time.Minute {
			t.Errorf("timeout %q", r.URL.RawQuery)
		}
		state := api.ApprovalPending
		if calls.Add(1) == 3 {
			state = api.ApprovalRejected
		}
		answer(w, 200, "application/json", api.Approval{State: state})
	})
	if a, err := c.WaitApproval(t.Context(), "ap_1", time.Minute); err != nil || a.State != api.ApprovalRejected || calls.Load() != 3 {
		t.Errorf("%+v, %v after %d calls", a, err, calls.Load())
	}
}

// stream answers with these events, then breaks.
func stream(w http.ResponseWriter, events ...string) {
	w.Header().Set("Content-Type", "text/event-stream")
	for _, e := range events {
		_, _ = io.WriteString(w, e)
	}
	w.(http.Flusher).Flush()
}

func event(seq int64, kind string) string {
	text, _ := json.Marshal(api.GrantEvent{Seq: seq, Type: kind})
	return fmt.Sprintf(": ping\n\nid: %d\nevent: %s\ndata: %s\n\n", seq, kind, text)
}

func TestAnEventStreamIsTakenUpWhereItBroke(t *testing.T) {
	var calls atomic.Int64
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch calls.Add(1) {
		case 1:
			if r.Header.Get("Last-Event-ID") != "" {
				t.Errorf("%v", r.Header)
			}
			stream(w, event(1, "a"), event(2, "b"), "data: {\"seq\":3,\"eve") // cut in the middle of one
		case 2:
			answer(w, 503, "application/problem+json", api.Error{Code: api.CodeUnavailable, Retryable: true})
		default:
			if r.Header.Get("Last-Event-ID") != "2" {
				t.Errorf("resumed after %q", r.Header.Get("Last-Event-ID"))
			}
			stream(w, event(2, "b"), event(3, "c"), event(4, api.EventClosed), event(5, "never"))
		}
	})
	var got []string
	for e, err := range c.Events(t.Context(), "gr_1", 0) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e.Type)
	}
	if fmt.Sprint(got) != "[a b c closed]" {
		t.Errorf("%v", got)
	}
}

func TestAStreamThatCanNotSucceedEndsWithItsError(t *testing.T) {
	c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 404, "application/problem+json", api.Error{Code: api.CodeNotFound})
	})
	n := 0
	for e, err := range c.Events(t.Context(), "gr_1", 0) {
		if n++; code(err) != api.CodeNotFound {
			t.Errorf("%+v, %v", e, err)
		}
	}
	if n != 1 {
		t.Errorf("%d errors", n)
	}
}

func TestAStreamEndsWithItsContextAndItsReader(t *testing.T) {
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		stream(w, event(1, "a"), event(2, "b"))
		<-r.Context().Done()
	})
	for range c.Events(t.Context(), "gr_1", 0) {
		break
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	for e, err := range c.Events(ctx, "gr_1", 0) {
		if last = err; e.Seq == 2 {
			cancel()
		}
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("%v", last)
	}
}
