package main_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/tunnel"
)

// person is somebody who is signed in.
type person struct {
	*api.Client
	session api.Session
}

func (p *process) roots(t *testing.T) *x509.CertPool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(p.dir, "state", "https-ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		t.Fatal("https-ca.crt holds no certificate")
	}
	return roots
}

func (p *process) client(t *testing.T, token string) *api.Client {
	t.Helper()
	c, err := api.NewClient("https://127.0.0.1:"+strconv.Itoa(p.ports(t).Broker), p.roots(t), func(context.Context) (string, error) { return token, nil })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// login signs in with a token that was made for scripts.
func (p *process) login(t *testing.T, user string) person {
	t.Helper()
	token, stderr, code := program(t).run(t, "dev", "token", user, "--state", p.dir)
	if code != 0 {
		t.Fatalf("dev token: %s", stderr)
	}
	return p.exchange(t, api.LoginRequest{IDToken: strings.TrimSpace(token)})
}

func (p *process) exchange(t *testing.T, in api.LoginRequest) person {
	t.Helper()
	session, err := p.client(t, "").Login(t.Context(), in)
	if err != nil {
		t.Fatalf("login: %v", err)
	}
	return person{p.client(t, session.AccessToken), session}
}

// post sends a form as a script does, and answers status and body.
func post(t *testing.T, to string, form url.Values) (int, string) {
	t.Helper()
	res, err := http.PostForm(to, form)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, body(t, res)
}

func body(t *testing.T, res *http.Response) string {
	t.Helper()
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// signIn is the device flow (RFC 8628), by the pages that a person sees.
func (p *process) signIn(t *testing.T, account string) person {
	t.Helper()
	issuer := "http://127.0.0.1:" + strconv.Itoa(p.ports(t).Provider)
	var flow struct {
		DeviceCode string `json:"device_code"`
		UserCode   string `json:"user_code"`
		URL        string `json:"verification_uri"`
	}
	_, text := post(t, issuer+"/device_authorization", url.Values{"client_id": {"hoop"}, "scope": {"openid profile groups offline_access"}})
	if err := json.Unmarshal([]byte(text), &flow); err != nil || flow.UserCode == "" {
		t.Fatalf("device flow: %s", text)
	}
	poll := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "client_id": {"hoop"}, "device_code": {flow.DeviceCode}}
	if _, text := post(t, issuer+"/oauth/token", poll); !strings.Contains(text, "authorization_pending") {
		t.Fatalf("before the person confirmed: %s", text)
	}
	page, err := http.Get(flow.URL)
	if err != nil {
		t.Fatal(err)
	}
	if text := body(t, page); !strings.Contains(text, `name="user_code"`) {
		t.Fatalf("the page: %s", text)
	}
	if code, text := post(t, flow.URL, url.Values{"user_code": {strings.ToLower(flow.UserCode)}, "account": {account}}); code != 200 || !strings.Contains(text, flow.UserCode) {
		t.Fatalf("the code: %d %s", code, text)
	}
	if code, text := post(t, flow.URL+"/confirm", url.Values{"user_code": {flow.UserCode}, "account": {account}, "decision": {"approve"}}); code != 200 {
		t.Fatalf("the confirmation: %d %s", code, text)
	}
	var tokens struct {
		IDToken      string `json:"id_token"`
		RefreshToken string `json:"refresh_token"`
	}
	_, text = post(t, issuer+"/oauth/token", poll)
	if err := json.Unmarshal([]byte(text), &tokens); err != nil || tokens.IDToken == "" || tokens.RefreshToken == "" {
		t.Fatalf("tokens: %s", text)
	}
	if _, again := post(t, issuer+"/oauth/token", poll); strings.Contains(again, "id_token") {
		t.Fatal("a device code gave tokens twice")
	}
	return p.exchange(t, api.LoginRequest{IDToken: tokens.IDToken, RefreshToken: tokens.RefreshToken})
}

// connect gets a grant and opens a connection of pgconn through the tunnel.
func (who person) connect(t *testing.T) *pgconn.PgConn {
	t.Helper()
	conn, err := who.tryConnect(t)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func (who person) tryConnect(t *testing.T) (*pgconn.PgConn, error) {
	t.Helper()
	open, database, err := who.ask(t, tunnel.Hello{Connection: "db-prod"})
	if err != nil {
		return nil, err
	}
	c, err := pgconn.ParseConfig("host=127.0.0.1 port=5432 user=any sslmode=disable dbname=" + database)
	if err != nil {
		t.Fatal(err)
	}
	c.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) { return open(ctx) }
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	conn, err := pgconn.ConnectConfig(ctx, c)
	if err == nil {
		t.Cleanup(func() { _ = conn.Close(context.Background()) })
	}
	return conn, err
}

// ask gets a grant, and answers what opens tunnels under it, and the connection's database.
func (who person) ask(t *testing.T, hello tunnel.Hello) (open func(context.Context) (net.Conn, error), database string, err error) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	g, err := who.CreateGrant(t.Context(), api.GrantRequest{Connection: hello.Connection, PublicKey: public})
	if err != nil {
		return nil, "", err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair([]byte(g.Certificate.Certificate), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(g.Gateway.CA))
	hello.V, hello.Client = tunnel.Version, "test"
	return func(ctx context.Context) (net.Conn, error) {
		conn, _, err := tunnel.Dial(ctx,
			tunnel.Target{Addresses: g.Gateway.Addresses, ServerName: g.Gateway.ServerName, Roots: roots},
			func(context.Context) (*tls.Certificate, error) { return &pair, nil }, hello)
		return conn, err
	}, g.Connection.Database, nil
}

// query answers the cells of a command's last result.
func query(t *testing.T, conn *pgconn.PgConn, sql string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	results, err := conn.Exec(ctx, sql).ReadAll()
	if err != nil {
		return "", err
	}
	var cells []string
	for _, r := range results {
		for _, row := range r.Rows {
			for _, cell := range row {
				if cell == nil {
					cells = append(cells, "NULL")
					continue
				}
				cells = append(cells, string(cell))
			}
		}
	}
	return strings.Join(cells, "|"), nil
}
