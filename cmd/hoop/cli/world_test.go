package cli

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/pgsql/pgtest"
	"github.com/hoop-gateway/hoop/pkg/tunnel"
)

// world is a broker, a provider and a gateway that do as a test says, in front of a real PostgreSQL.
type world struct {
	t       testing.TB
	server  *httptest.Server
	gateway *tunnel.Split
	address string
	ca      []byte // PEM, of the gateway
	caKey   *ecdsa.PrivateKey
	caCert  *x509.Certificate
	pg      *pgtest.Server

	mu       sync.Mutex
	polls    int // answers "pending" before a sign-in at the provider
	sessions int
	grants   map[string]*api.Grant
	ended    []string
	streams  map[string]chan api.GrantEvent
	fail     map[string]*api.Error // by "METHOD /path"
	once     map[string]bool       // of those, which fail once more and then no longer
	answers  map[string]any        // by "METHOD /path"
	asked    map[string]string     // the last body by "METHOD /path"
	life     time.Duration         // of access tokens
	grantTTL time.Duration
	raw      map[string][]byte // recordings
}

func newWorld(t testing.TB, pg *pgtest.Server) *world {
	t.Helper()
	w := &world{t: t, pg: pg, grants: map[string]*api.Grant{}, streams: map[string]chan api.GrantEvent{}, fail: map[string]*api.Error{}, once: map[string]bool{},
		answers: map[string]any{}, asked: map[string]string{}, life: 10 * time.Minute, grantTTL: 30 * time.Minute, raw: map[string][]byte{}}
	w.makeCA()
	w.serveGateway()
	w.server = httptest.NewUnstartedServer(w)
	w.server.EnableHTTP2 = true
	w.server.StartTLS()
	t.Cleanup(func() {
		w.mu.Lock()
		for _, s := range w.streams {
			close(s)
		}
		w.streams = map[string]chan api.GrantEvent{}
		w.mu.Unlock()
		w.server.CloseClientConnections()
		w.server.Close()
	})
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) makeCA() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	w.must(err)
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "world"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	w.must(err)
	w.caKey = key
	w.caCert, err = x509.ParseCertificate(der)
	w.must(err)
	w.ca = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func (w *world) sign(pub any, name string, life time.Duration) []byte {
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(life)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, w.caCert, pub, w.caKey)
	w.must(err)
	return der
}

// serveGateway relays tunnels to the database, for certificates of grants that live.
func (w *world) serveGateway() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	w.must(err)
	cert := tls.Certificate{Certificate: [][]byte{w.sign(key.Public(), "gateway.test", time.Hour)}, PrivateKey: key}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	w.must(err)
	w.address = ln.Addr().String()
	w.gateway, err = tunnel.NewSplit(ln, tunnel.Config{Gateway: &tls.Config{Certificates: []tls.Certificate{cert}}, Verify: func(chain []*x509.Certificate) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		if g := w.grants[chain[0].Subject.CommonName]; g == nil || g.State != "active" {
			return fmt.Errorf("grant %q", chain[0].Subject.CommonName)
		}
		return chain[0].CheckSignatureFrom(w.caCert)
	}})
	w.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = w.gateway.Serve(ctx) })
	wg.Go(func() {
		for n := 1; ; n++ {
			in, err := w.gateway.Accept(ctx)
			if err != nil {
				return
			}
			go w.relay(in, n)
		}
	})
	w.t.Cleanup(func() { cancel(); wg.Wait() })
}

func (w *world) relay(in *tunnel.Incoming, n int) {
	if name := in.Hello.Connection; w.connection(name).Kind == "http" || w.connection(name).Kind == "kubernetes" {
		w.answer(in, n)
		return
	}
	db, err := net.Dial("unix", fmt.Sprintf("%s/.s.PGSQL.%d", w.pg.Socket, w.pg.Port))
	if err != nil {
		_ = in.Refuse(&api.Error{Code: api.CodeTargetDown, Message: err.Error()})
		return
	}
	defer db.Close()
	c, err := in.Accept(fmt.Sprintf("ses_%d", n))
	if err != nil {
		return
	}
	defer c.Close()
	head := make([]byte, 4)
	if _, err := io.ReadFull(c, head); err != nil {
		return
	}
	rest := make([]byte, binary.BigEndian.Uint32(head)-4)
	if _, err := io.ReadFull(c, rest); err != nil {
		return
	}
	fields := strings.Split(string(rest[4:]), "\x00")
	for i := 0; i+1 < len(fields); i += 2 {
		if fields[i] == "user" {
			fields[i+1] = w.pg.User
		}
	}
	body := string(rest[:4]) + strings.Join(fields, "\x00")
	if _, err := db.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(body)+4)), body...)); err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(db, c)
		_ = db.(*net.UnixConn).CloseWrite()
	}()
	_, _ = io.Copy(c, db)
}

// answer is a service, or a cluster, that says which connection was asked for what, and with which secrets.
func (w *world) answer(in *tunnel.Incoming, n int) {
	c, err := in.Accept(fmt.Sprintf("ses_%d", n))
	if err != nil {
		return
	}
	defer c.Close()
	for r := bufio.NewReader(c); ; {
		q, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		text := fmt.Sprintf("%s %s of %s, secrets %q %q\n", q.Method, q.RequestURI, in.Hello.Connection, q.Header.Get("Authorization"), q.Header.Get("Cookie"))
		if _, err := fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(text), text); err != nil {
			return
		}
	}
}

// ServeHTTP is broker and provider.
func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	route := r.Method + " " + r.URL.Path
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	w.mu.Lock()
	w.asked[route] = string(body)
	failure, answer, canned := w.fail[route], w.answers[route], false
	if answer != nil {
		canned = true
	}
	raw := w.raw[route]
	if w.once[route] {
		delete(w.fail, route)
	}
	w.mu.Unlock()
	switch {
	case failure != nil:
		problem(rw, failure)
	case raw != nil:
		_, _ = rw.Write(raw)
	case strings.HasPrefix(r.URL.Path, "/idp/"):
		w.provider(rw, r)
	case !strings.HasPrefix(r.URL.Path, "/v1/login") && strings.HasPrefix(r.URL.Path, "/v1/") && !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer access-"):
		problem(rw, &api.Error{Status: 401, Code: api.CodeSignInNeeded, Message: "There is no sign-in.", Hint: "Run `hoop login`.", RequestID: "rq_1"})
	case canned:
		send(rw, answer)
	default:
		w.route(rw, r, route, body)
	}
}

func send(rw http.ResponseWriter, v any) {
	rw.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(rw).Encode(v)
}

func problem(rw http.ResponseWriter, e *api.Error) {
	rw.Header().Set("Content-Type", "application/problem+json")
	rw.WriteHeader(max(e.Status, 400))
	_ = json.NewEncoder(rw).Encode(e)
}

func (w *world) provider(rw http.ResponseWriter, r *http.Request) {
	issuer := w.server.URL + "/idp"
	switch r.URL.Path {
	case "/idp/.well-known/openid-configuration":
		send(rw, map[string]string{"issuer": issuer, "device_authorization_endpoint": issuer + "/device", "token_endpoint": issuer + "/token"})
	case "/idp/device":
		send(rw, map[string]any{"device_code": "canary-device-code", "user_code": "WDJB-MJHT", "verification_uri": issuer + "/code", "expires_in": 600, "interval": 1})
	case "/idp/token":
		w.mu.Lock()
		w.polls--
		pending := w.polls >= 0
		w.mu.Unlock()
		if pending {
			rw.Header().Set("Content-Type", "application/json")
			rw.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(rw, `{"error":"authorization_pending"}`)
			return
		}
		send(rw, map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": "canary-id.p.s", "refresh_token": "canary-provider-refresh"})
	}
}

func dev() api.Identity {
	return api.Identity{Issuer: "https://idp.test", Subject: "1", User: "dev", Groups: []string{"developers"}, Type: "human"}
}

func (w *world) route(rw http.ResponseWriter, r *http.Request, route string, body []byte) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case route == "GET /.well-known/hoop":
		send(rw, api.Discovery{Version: "1.2.3", OldestClient: "1.0.0", Providers: []api.Provider{{Name: "corp", Kind: "oidc", Issuer: w.server.URL + "/idp", ClientID: "hoop", Scopes: []string{"openid"}, Device: "provider"}}})
	case route == "POST /v1/login", route == "POST /v1/login/refresh":
		w.mu.Lock()
		w.sessions++
		n, life := w.sessions, w.life
		w.mu.Unlock()
		s := api.Session{AccessToken: fmt.Sprintf("access-canary-%d", n), ExpiresAt: time.Now().Add(life), Identity: dev()}
		if !strings.Contains(string(body), "workload") {
			s.RefreshToken, s.RefreshExpiresAt = fmt.Sprintf("refresh-canary-%d", n), time.Now().Add(8*time.Hour)
		}
		send(rw, s)
	case route == "POST /v1/logout":
		send(rw, struct{}{})
	case route == "GET /v1/whoami":
		send(rw, dev())
	case route == "GET /v1/connections":
		send(rw, api.Connections{Connections: []api.Connection{w.connection("db-prod")}})
	case route == "GET /v1/grants":
		w.mu.Lock()
		defer w.mu.Unlock()
		var out api.Grants
		for _, g := range w.grants {
			out.Grants = append(out.Grants, *g)
		}
		send(rw, out)
	case route == "POST /v1/grants":
		w.grant(rw, body)
	case len(parts) == 3 && parts[1] == "grants" && r.Method == "DELETE":
		w.mu.Lock()
		before := w.grants[parts[2]].Closed
		w.mu.Unlock()
		w.end(parts[2], "ended", "The grant was ended.")
		w.mu.Lock()
		defer w.mu.Unlock()
		w.ended = append(w.ended, parts[2])
		out := *w.grants[parts[2]]
		out.Closed = before
		send(rw, out)
	case len(parts) == 4 && parts[3] == "events":
		w.events(rw, r, parts[2])
	default:
		problem(rw, &api.Error{Status: 404, Code: api.CodeNotFound, Message: "There is no such thing.", RequestID: "rq_404"})
	}
}

func (w *world) connection(name string) api.Connection {
	for prefix, kind := range map[string]string{"web-": "ssh", "http-": "http", "kube-": "kubernetes"} {
		if strings.HasPrefix(name, prefix) {
			return api.Connection{Name: name, Kind: kind, Rule: "devs", TTL: 1800, Reason: "optional"}
		}
	}
	return api.Connection{Name: name, Kind: "postgres", Database: "postgres", Labels: map[string]string{"env": "prod"}, Rule: "devs", TTL: 1800, Reason: "optional"}
}

func (w *world) grant(rw http.ResponseWriter, body []byte) {
	var in api.GrantRequest
	if json.Unmarshal(body, &in) != nil || !slices.Contains([]string{"db-prod", "db-stage", "web-1", "web-2", "http-a", "http-b", "kube-1", "kube-2"}, in.Connection) {
		problem(rw, &api.Error{Status: 404, Code: api.CodeNoSuchConnection, Message: "There is no connection of that name within your reach.", Hint: "hoop ls", RequestID: "rq_2"})
		return
	}
	pub, err := x509.ParsePKIXPublicKey(in.PublicKey)
	if err != nil {
		problem(rw, &api.Error{Code: api.CodeUsage, Message: "public key"})
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	g := &api.Grant{ID: fmt.Sprintf("gr_%d", len(w.grants)+1), Connection: w.connection(in.Connection), Identity: dev(), Reason: in.Reason, State: "active", CreatedAt: time.Now(), ExpiresAt: time.Now().Add(w.grantTTL)}
	w.grants[g.ID], w.streams[g.ID] = g, make(chan api.GrantEvent, 16)
	out := *g
	der := w.sign(pub, g.ID, 5*time.Minute)
	out.Certificate = &api.Certificate{Certificate: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), NotAfter: time.Now().Add(5 * time.Minute), RenewAfter: time.Now().Add(2 * time.Minute)}
	out.Gateway = &api.Gateway{Addresses: []string{w.address}, ServerName: "gateway.test", CA: string(w.ca)}
	send(rw, out)
}

// end ends a grant, as a person or the clock does.
func (w *world) end(id, code, message string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over(id, code, message) {
		w.streams[id] <- *w.grants[id].Closed
	}
}

// over ends a grant without telling those who listen. w.mu is held.
func (w *world) over(id, code, message string) bool {
	g := w.grants[id]
	if g == nil || g.State != "active" {
		return false
	}
	g.State, g.Closed = "ended", &api.GrantEvent{Type: api.EventClosed, Code: code, Message: message}
	return true
}

// announce sends an event to every living grant.
func (w *world) announce(e api.GrantEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, g := range w.grants {
		if g.State == "active" {
			w.streams[id] <- e
		}
	}
}

func (w *world) events(rw http.ResponseWriter, r *http.Request, id string) {
	w.mu.Lock()
	stream := w.streams[id]
	w.mu.Unlock()
	rw.Header().Set("Content-Type", "text/event-stream")
	rw.WriteHeader(http.StatusOK)
	rw.(http.Flusher).Flush()
	for seq := int64(1); ; seq++ {
		select {
		case e, open := <-stream:
			if !open {
				return
			}
			e.Seq, e.Time = seq, time.Now()
			raw, _ := json.Marshal(e)
			_, _ = fmt.Fprintf(rw, "id: %d\ndata: %s\n\n", seq, raw)
			rw.(http.Flusher).Flush()
		case <-r.Context().Done():
			return
		}
	}
}
