package postgres_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/credential"
	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/jackc/pgproto3/v2"
)

func hello() []byte {
	return join(&pgproto3.StartupMessage{ProtocolVersion: 3 << 16, Parameters: map[string]string{"user": "me"}})
}

// heard is what a fake target was sent.
type heard struct {
	mu    sync.Mutex
	bytes []byte
}

func (h *heard) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.bytes = append(h.bytes, b...)
	return len(b), nil
}

func (h *heard) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return string(h.bytes)
}

// asks is a target that answers each message of the gateway's sign-in with the next of its own.
func asks(t *testing.T, h *heard, answers ...func(asked []byte) []byte) gateway.Target {
	return behind(t, func(c net.Conn) {
		defer func() { _ = c.Close() }()
		buf := make([]byte, 64<<10)
		for _, answer := range answers {
			n, err := c.Read(buf)
			if err != nil {
				return
			}
			_, _ = h.Write(buf[:n])
			_, _ = c.Write(answer(buf[:n]))
		}
		if len(answers) > 0 {
			_, _ = io.Copy(h, c)
		}
	})
}

func always(answer []byte) func([]byte) []byte { return func([]byte) []byte { return answer } }

// A target that is none gets nothing of the credential, takes no memory and no time, and the client learns nothing of it.
func TestAHostileTargetIsNotSignedInTo(t *testing.T) {
	mechanisms := always(message('R', "\x00\x00\x00\x0aSCRAM-SHA-256\x00\x00"))
	next := func(more string) func([]byte) []byte {
		return func(asked []byte) []byte {
			_, nonce, _ := strings.Cut(string(asked), "r=")
			return message('R', "\x00\x00\x00\x0b"+strings.ReplaceAll(more, "NONCE", nonce))
		}
	}
	salt := base64.StdEncoding.EncodeToString([]byte("salt"))
	accepted := message('R', "\x00\x00\x00\x00")
	for name, answers := range map[string][]func([]byte) []byte{
		"asks for the password in clear":      {always(message('R', "\x00\x00\x00\x03"))},
		"asks for an MD5 digest":              {always(message('R', "\x00\x00\x00\x05salt"))},
		"knows no mechanism":                  {always(message('R', "\x00\x00\x00\x0a\x00"))},
		"names a mechanism without its end":   {always(message('R', "\x00\x00\x00\x0aSCRAM-SHA-256"))},
		"has no name for a mechanism":         {always(message('R', "\x00\x00\x00\x0a\x00\x00\x00"))},
		"knows channel binding only":          {always(message('R', "\x00\x00\x00\x0aSCRAM-SHA-256-PLUS\x00\x00"))},
		"wants 2^31 iterations":               {mechanisms, next("r=NONCEx,s=" + salt + ",i=2147483648")},
		"wants more iterations than it may":   {mechanisms, next("r=NONCEx,s=" + salt + ",i=600001")},
		"has a nonce of 1 MiB":                {mechanisms, next("r=NONCE" + strings.Repeat("x", 1<<20) + ",s=" + salt + ",i=1")},
		"has another nonce":                   {mechanisms, next("r=other,s=" + salt + ",i=4096")},
		"skips its own proof":                 {mechanisms, always(accepted)},
		"proves nothing":                      {mechanisms, next("r=NONCEx,s=" + salt + ",i=4096"), always(append(message('R', "\x00\x00\x00\x0cv=AAAA"), accepted...))},
		"is ready before anybody signed in":   {always(message('Z', "I"))},
		"sends rows before anybody did":       {always(append(message('T', "\x00\x00"), message('D', "\x00\x00")...))},
		"fails without a code":                {always(message('E', "SFATAL\x00Mx\x00\x00"))},
		"fails without an end":                {always(message('E', "SFATAL"))},
		"announces 2^32-1 bytes":              {always(header('R', 1<<32-1))},
		"announces nothing":                   {always(header('S', 0))},
		"recovers from a crash":               {always(message('E', "SFATAL\x00VFATAL\x00C57P03\x00Mthe database system is in recovery mode\x00\x00"))},
		"wants a mechanism that nobody knows": {always(message('R', "\x00\x00\x00\x63"))},
		"closes":                              nil,
	} {
		t.Run(name, func(t *testing.T) {
			var h heard
			s := listenFor(t, allowAll, asks(t, &h, answers...))
			done := time.AfterFunc(10*time.Second, func() { t.Error("it takes too long"); _ = s.listener.Close() })
			got := dialAndSend(t, s, hello())
			done.Stop()
			if !strings.Contains(got, "VFATAL") || !strings.Contains(got, "C08006") && !strings.Contains(got, "C08P01") {
				t.Errorf("the client is told %q", got)
			}
			for _, secret := range []string{agentPassword, "md5"} {
				if strings.Contains(h.String(), secret) {
					t.Errorf("the target heard %q", h.String())
				}
			}
			if strings.Contains(got, agentPassword) || strings.Contains(got, s.target.Address) || len(got) > 4096 {
				t.Errorf("the client is told %q", got)
			}
		})
	}
}

// The client is told what to do about a target that asks for too much work; one that asks for as much as it may is signed in to.
func TestATargetAsksForABoundedNumberOfIterations(t *testing.T) {
	role := func(n string) gateway.Target {
		admin(t, "SET scram_iterations = "+n+"; DROP ROLE IF EXISTS iterated; CREATE ROLE iterated LOGIN PASSWORD '"+agentPassword+"'; GRANT SELECT ON users TO iterated")
		to := target()
		to.Credential = credential.Login{User: "iterated", Password: credential.NewSecret(agentPassword)}
		return to
	}
	if count(t, "SELECT current_setting('server_version_num')::int >= 160000") == "t" {
		if got := transcript(t, listenFor(t, allowAll, role("600000")).client(t), "SELECT current_user"); !strings.Contains(got, "iterated") {
			t.Errorf("with as many as it may ask for: %q", got)
		}
	}
	var h heard
	salt := base64.StdEncoding.EncodeToString([]byte("salt"))
	to := asks(t, &h, always(message('R', "\x00\x00\x00\x0aSCRAM-SHA-256\x00\x00")), func(asked []byte) []byte {
		_, nonce, _ := strings.Cut(string(asked), "r=")
		return message('R', "\x00\x00\x00\x0br="+nonce+"x,s="+salt+",i=9999999")
	})
	if got := dialAndSend(t, listenFor(t, allowAll, to), hello()); !strings.Contains(got, "asks for 9999999 iterations") || !strings.Contains(got, "lower scram_iterations") {
		t.Errorf("the client is told %q", got)
	}
	if strings.Contains(h.String(), "p=") {
		t.Errorf("the target got a proof: %q", h.String())
	}
}

// certificate is one for 127.0.0.1 and the pool that trusts it, unless changed.
func certificate(t *testing.T, change func(*x509.Certificate)) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "target"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	change(template)
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// A target that can't prove its name hears nothing but the wish for encryption.
func TestATargetThatCantProveItsNameIsNotSignedInTo(t *testing.T) {
	good, trusted := certificate(t, func(*x509.Certificate) {})
	other, otherTrusted := certificate(t, func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"other.example"} })
	old, oldTrusted := certificate(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
	forged, _ := certificate(t, func(*x509.Certificate) {})
	for name, c := range map[string]struct {
		shown  tls.Certificate
		roots  *x509.CertPool
		answer byte
		in     bool
	}{
		"itself":             {good, trusted, 'S', true},
		"of another name":    {other, otherTrusted, 'S', false},
		"too old":            {old, oldTrusted, 'S', false},
		"nobody vouches":     {forged, trusted, 'S', false},
		"speaks no TLS":      {good, trusted, 'N', false},
		"speaks without":     {good, trusted, 'E', false},
		"and says more than": {good, trusted, 'R', false},
	} {
		t.Run(name, func(t *testing.T) {
			var h heard
			to := behind(t, func(conn net.Conn) {
				defer func() { _ = conn.Close() }()
				ask := make([]byte, 8)
				if _, err := io.ReadFull(conn, ask); err != nil {
					return
				}
				_, _ = conn.Write([]byte{c.answer})
				if c.answer != 'S' {
					_, _ = conn.Write(message('R', "\x00\x00\x00\x03")[1:])
					_, _ = io.Copy(&h, conn)
					return
				}
				secured := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{c.shown}})
				if secured.Handshake() != nil {
					return
				}
				up, err := net.Dial("tcp", target().Address)
				if err != nil {
					return
				}
				defer func() { _ = up.Close() }()
				go func() { _, _ = io.Copy(secured, up); _ = secured.Close() }()
				_, _ = io.Copy(up, io.TeeReader(secured, &h))
			})
			to.TLS = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: "127.0.0.1", RootCAs: c.roots}
			s := listenFor(t, allowAll, to)
			if c.in {
				if got := say(t, s.raw(t), 1, &query{String: "SELECT 1"}); got != "T D C ZI" || !strings.Contains(h.String(), "SELECT 1") {
					t.Errorf("got %s", got)
				}
				return
			}
			if got := dialAndSend(t, s, hello()); !strings.Contains(got, "C08006") || strings.Contains(got, "VERROR") {
				t.Errorf("the client is told %q", got)
			}
			if h.String() != "" {
				t.Errorf("the target heard %q", h.String())
			}
		})
	}
}

// What a target says between answers is passed on where it stands, or ends the session.
func TestWhatATargetSaysBetweenAnswersIsPassedOnInOrder(t *testing.T) {
	shape := message('T', "\x00\x01a\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x19\xff\xff\xff\xff\xff\xff\x00\x00")
	row, tag, ready := message('D', "\x00\x01\x00\x00\x00\x01x"), message('C', "SELECT 1\x00"), message('Z', "I")
	warning, note, setting := message('N', "SWARNING\x00VWARNING\x00C01000\x00Mx\x00\x00"), message('A', "\x00\x00\x00\x01c\x00p\x00"), message('S', "TimeZone\x00UTC\x00")
	failed := message('E', "SERROR\x00VERROR\x00C40001\x00Mx\x00\x00")
	killed := message('E', "SFATAL\x00VFATAL\x00C57P01\x00Mx\x00\x00")
	for name, c := range map[string]struct {
		said [][]byte
		want string
		over bool
	}{
		"a notice before everything":      {[][]byte{warning, shape, row, tag, ready}, "N T D C ZI", false},
		"anything between rows":           {[][]byte{shape, row, warning, note, setting, row, tag, ready}, "T D N A S D C ZI", false},
		"anything before it is ready":     {[][]byte{shape, row, tag, warning, setting, note, ready}, "T D C N S A ZI", false},
		"an error behind the tag":         {[][]byte{shape, row, tag, failed, ready}, "T D C E40001 ZI", false},
		"an error behind some rows":       {[][]byte{shape, row, failed, ready}, "T D E40001 ZI", false},
		"anything while nothing is asked": {[][]byte{shape, row, tag, ready, note, warning, setting}, "T D C ZI A N S", false},
		"its end in the middle":           {[][]byte{shape, row, killed}, "T D E57P01", true},
		"its end while nothing is asked":  {[][]byte{shape, row, tag, ready, killed}, "T D C ZI E57P01", true},
	} {
		t.Run(name, func(t *testing.T) {
			to := behind(t, func(conn net.Conn) { relayUntil(conn, bytes.Join(c.said, nil), c.over) })
			s := listenFor(t, allowAll, to)
			conn := s.raw(t)
			if _, err := conn.Write(join(&query{String: "SELECT 'rude'"})); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, len(bytes.Join(c.said, nil)))
			if _, err := io.ReadFull(conn, got); err != nil || summary(got) != c.want {
				t.Fatalf("got %s, want %s, %v", summary(got), c.want, err)
			}
			if c.over {
				if rest, err := io.ReadAll(conn); err != nil || strings.Contains(string(rest), "C08P01") {
					t.Errorf("then %q, %v", rest, err)
				}
				return
			}
			if got := say(t, conn, 1, &query{String: "SELECT 1"}); got != "T D C ZI" {
				t.Errorf("the session does not go on: %s", got)
			}
		})
	}
}

// relayUntil is relay, of a target that goes away behind its answer where it is over.
func relayUntil(c net.Conn, answer []byte, over bool) {
	if !over {
		relay(c, answer)
		return
	}
	near, far := net.Pipe()
	go relay(far, answer)
	go func() {
		_, _ = io.Copy(near, c)
		_ = near.Close()
	}()
	buf := make([]byte, 64<<10)
	for {
		n, err := near.Read(buf)
		if err != nil {
			break
		}
		_, _ = c.Write(buf[:n])
		if bytes.HasSuffix(buf[:n], answer) {
			break
		}
	}
	_ = c.Close()
	_ = near.Close()
}

// A target that breaks off in a transaction is told as such, and nothing is sent again by itself.
func TestATargetThatBreaksOffEndsTheSessionAndNothingIsRepeated(t *testing.T) {
	admin(t, "CREATE TABLE once(i int); GRANT ALL ON once TO agent")
	const end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%broken_off%' AND pid <> pg_backend_pid()"
	t.Cleanup(func() { admin(t, end, "DROP TABLE once") })
	for name, off := range map[string]func(*testing.T, func()){
		"57P01": func(t *testing.T, _ func()) {
			admin(t, end)
		},
		"08006": func(_ *testing.T, reset func()) { reset() },
	} {
		t.Run(name, func(t *testing.T) {
			reset := make(chan struct{})
			to := behind(t, func(c net.Conn) {
				go func() {
					<-reset
					_ = c.(*net.TCPConn).SetLinger(0)
					_ = c.Close()
				}()
				relay(c, nil)
			})
			s := listenFor(t, allowAll, to)
			conn := s.raw(t)
			if got := say(t, conn, 2, &query{String: "BEGIN"}, &query{String: "INSERT INTO once VALUES (1)"}); got != "C ZT C ZT" {
				t.Fatal(got)
			}
			mark := "broken_off_" + name
			if _, err := conn.Write(join(&query{String: "INSERT INTO once SELECT 1 FROM pg_sleep(30) /* " + mark + " */"})); err != nil {
				t.Fatal(err)
			}
			for !strings.Contains(server.Log(), mark) {
			}
			off(t, sync.OnceFunc(func() { close(reset) }))
			got, err := io.ReadAll(conn)
			if err != nil || !strings.Contains(string(got), "C"+name) {
				t.Errorf("the client is told %q, %v", got, err)
			}
			if n := strings.Count(server.Log(), "statement: INSERT INTO once SELECT 1 FROM pg_sleep(30) /* "+mark); n != 1 {
				t.Errorf("it was sent %d times", n)
			}
			if got := count(t, "SELECT count(*) FROM once"); got != "0" {
				t.Errorf("%s rows are there", got)
			}
		})
	}
}
