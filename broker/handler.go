package broker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// callTimeout bounds every call but those that say that they stay open.
const callTimeout = 25 * time.Second

// call is one request on its way through a route.
type call struct {
	w      http.ResponseWriter
	r      *http.Request
	id     string       // of the request
	who    api.Identity // the zero Identity on open routes
	signIn string
}

func (c *call) ctx() context.Context { return c.r.Context() }

// answered is returned by routes that wrote their answer themselves.
type answered struct{}

func newHandler(b *Broker) (http.Handler, error) {
	mux := http.NewServeMux()
	for _, r := range b.routes() {
		if r.who == "" || r.serve == nil {
			return nil, fmt.Errorf("broker: the route %s %s does not say who may call it", r.method, r.pattern)
		}
		mux.Handle(r.method+" "+r.pattern, b.handle(r))
	}
	none := route{who: anyone, serve: func(*call) (any, error) { return nil, notFound() }}
	mux.Handle("/", b.handle(none))
	return mux, nil
}

// handle is what happens around every route, in this order: an id, a net for panics,
// limits, sign-in, the route, its answer.
func (b *Broker) handle(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{w: w, id: newID("rq_")}
		h := w.Header()
		h.Set("X-Request-Id", c.id)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		defer b.recovered(c, r)
		ctx := r.Context()
		if !rt.stays {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, callTimeout)
			defer cancel()
		}
		c.r = r.WithContext(ctx)
		c.r.Body = http.MaxBytesReader(w, r.Body, rt.maxBody())
		out, err := b.serve(rt, c)
		if err != nil {
			b.writeProblem(w, r, c.id, err)
			return
		}
		if _, done := out.(answered); !done {
			b.writeJSON(c, out)
		}
	})
}

func (b *Broker) serve(rt route, c *call) (any, error) {
	if rt.who != anyone {
		if err := b.authenticate(c); err != nil {
			return nil, err
		}
		if wait := b.calls.take(personKey(c.who), b.now()); wait > 0 {
			return nil, tooMany("Too many calls in a minute.", wait)
		}
	}
	return rt.serve(c)
}

func (b *Broker) writeJSON(c *call, out any) {
	body, err := json.Marshal(out)
	if err != nil {
		b.writeProblem(c.w, c.r, c.id, fmt.Errorf("encode the answer: %w", err))
		return
	}
	c.w.Header().Set("Content-Type", "application/json")
	_, _ = c.w.Write(append(body, '\n')) // the client may be gone
}

// recovered turns a panic of a route into an internal error; the process and the other
// requests live on.
func (b *Broker) recovered(c *call, r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(v) // the server's own word for: drop the connection
	}
	b.cfg.Logger.Error("a request panicked", "request_id", c.id, "route", r.Pattern, "stack", string(debug.Stack()))
	b.writeProblem(c.w, r, c.id, errors.New("panic"))
}

// read decodes a JSON body strictly: a field that we don't know is an error, so nobody
// believes that something was asked for which was not understood.
func read[T any](c *call) (T, error) {
	var in T
	if kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return in, usage("The body must be application/json.", "Set the header Content-Type.")
	}
	body, err := io.ReadAll(c.r.Body) // bounded by MaxBytesReader
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return in, usage(fmt.Sprintf("The body is larger than %d bytes.", tooLarge.Limit), "Send less.")
	}
	if err != nil {
		return in, usage("The body could not be read.", "Send it again.")
	}
	return decodeStrict[T](body)
}

func decodeStrict[T any](body []byte) (T, error) {
	var in T
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return in, usage("The body is not what this route takes: "+err.Error()+".", "See /openapi.json.")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return in, usage("The body holds more than one JSON value.", "See /openapi.json.")
	}
	return in, nil
}

// readOptional is read for routes whose body may be missing.
func readOptional[T any](c *call) (T, error) {
	if c.r.ContentLength == 0 || c.r.Body == http.NoBody {
		var none T
		return none, nil
	}
	return read[T](c)
}
