package web

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/gateway"
)

// took is a service that says how much of a body came, and what its hash is.
func took(t testing.TB, log *journal) gateway.Target {
	return site(t, func(w http.ResponseWriter, r *http.Request) {
		sum := sha256.New()
		n, err := io.Copy(sum, r.Body)
		log.Add("%s %s %d %x %v %d", r.Method, r.URL.Path, n, sum.Sum(nil), err, r.ContentLength)
		fmt.Fprintf(w, "%d %x", n, sum.Sum(nil))
	})
}

// big is a body of n bytes that does not look like data.
func big(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "line %d of a long text\n", i)
	}
	return b.String()[:n]
}

func sumOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func TestUploadsOfEveryLengthArriveWhole(t *testing.T) {
	log := &journal{}
	target := took(t, log)
	for _, n := range []int{1, bodyCap - 1, bodyCap, bodyCap + 1, bodyCap + 2, 3*bodyCap + 17} {
		body := big(n)
		s := open(t, target, allowAll)
		if got := s.Ask("PUT /counted", "", body); got.Text != fmt.Sprintf("%d %s", n, sumOf(body)) {
			t.Errorf("%d bytes, counted: %s %q", n, got.Status, got.Text)
		}
		s = open(t, target, allowAll)
		s.Send("PUT /chunked HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\n\n" + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", n, body))
		if got := s.Read("PUT"); got.Text != fmt.Sprintf("%d %s", n, sumOf(body)) {
			t.Errorf("%d bytes, chunked: %s %q", n, got.Status, got.Text)
		}
	}
}

func TestALongUploadIsATransferThatIsHashed(t *testing.T) {
	log := &journal{}
	target := took(t, log)
	body := big(2 * bodyCap)
	writes := "version: 1\nrules: [{name: w, effects: [read, write], verdict: allow}]\n"
	if got := open(t, target, writes).Ask("PUT /kept-out", "", body); got.StatusCode != 403 {
		t.Errorf("a rule for writes admits a transfer: %s", got.Status)
	}
	if log.Count("kept-out") > 0 {
		t.Error("the service has it")
	}
	s := open(t, target, allowAll)
	s.Ask("PUT /let-in", "", body)
	if text := s.Recording(); !strings.Contains(text, sumOf(body[bodyCap:])) {
		t.Errorf("the recording has no hash of what was not shown:\n%s", text)
	}
}

func TestALongUploadCanNotBeApproved(t *testing.T) {
	log := &journal{}
	asks := "version: 1\nrules: [{name: w, effects: [write, transfer], verdict: approve, approval: {by: {groups: [dba]}}}]\n"
	got := open(t, took(t, log), asks).Ask("PUT /asked", "", big(bodyCap+1))
	if got.StatusCode != 403 || !strings.Contains(got.Text, "nobody can approve") || log.Count("asked") > 0 {
		t.Errorf("%s %s\n%s", got.Status, got.Text, log)
	}
}

func TestARefusalReachesAClientThatStillSends(t *testing.T) {
	log := &journal{}
	s := open(t, took(t, log), "version: 1\nrules: [{name: r, effects: [read], verdict: allow}]\n")
	go func() {
		_, _ = io.WriteString(s.Conn, "PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: 30000000\r\n\r\n"+big(30000000))
	}()
	if got := s.Read("PUT"); got.StatusCode != 403 || !got.Close {
		t.Errorf("%s, close %v", got.Status, got.Close)
	}
}

func TestAClientIsToldToContinueAndThenJudged(t *testing.T) {
	log := &journal{}
	s := open(t, took(t, log), allowAll)
	s.Send("PUT /x HTTP/1.1\nHost: x\nContent-Length: 5\nExpect: 100-continue\n\n")
	if line, err := s.In.ReadString('\n'); err != nil || line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("%q %v", line, err)
	}
	_, _ = s.In.ReadString('\n')
	if _, err := io.WriteString(s.Conn, "hello"); err != nil {
		t.Fatal(err)
	}
	if got := s.Read("PUT"); got.Text != "5 "+sumOf("hello") {
		t.Error(got.Text)
	}
	s.Send("PUT /a/../b HTTP/1.1\nHost: x\nContent-Length: 5\nExpect: 100-continue\n\n")
	if got := s.Read("PUT"); got.StatusCode != 400 || !got.Close {
		t.Errorf("what is refused by its head is not asked for its body: %s", got.Status)
	}
}

func TestAnEarlyAnswerReachesAClientThatStillSends(t *testing.T) {
	target := raw(t, func(c net.Conn) {
		r := bufio.NewReader(c)
		if _, err := http.ReadRequest(r); err == nil {
			_, _ = io.WriteString(c, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\n\r\nlarge")
		}
		_, _ = io.CopyN(io.Discard, r, 4<<20)
	})
	s := open(t, target, allowAll)
	go func() {
		_, _ = io.WriteString(s.Conn, "PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: 30000000\r\n\r\n"+big(30000000))
	}()
	if got := s.Read("PUT"); got.StatusCode != 413 || got.Text != "large" || !got.Close {
		t.Errorf("%s %q, close %v", got.Status, got.Text, got.Close)
	}
	_ = s.Served(t, 5*time.Second)
}

func TestAClientThatLeavesAnUploadFreesTheTarget(t *testing.T) {
	freed := make(chan error, 1)
	target := raw(t, func(c net.Conn) { _, err := io.Copy(io.Discard, c); freed <- err })
	s := open(t, target, allowAll)
	s.Send("PUT /x HTTP/1.1\nHost: x\nContent-Length: 30000000\n\n" + big(2*bodyCap))
	_ = s.Conn.Close()
	select {
	case <-freed:
	case <-time.After(2 * time.Second):
		t.Fatal("the target still waits for the rest")
	}
	_ = s.Served(t, 5*time.Second)
}

func TestAClientThatLeavesWhileItsUploadIsAnsweredFreesTheTarget(t *testing.T) {
	freed, whole := make(chan struct{}), make(chan struct{})
	target := raw(t, func(c net.Conn) {
		r := bufio.NewReader(c)
		q, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, q.Body)
		close(whole)
		_, _ = r.ReadByte()
		close(freed)
	})
	s := open(t, target, allowAll)
	body := big(2 * bodyCap)
	s.Send(fmt.Sprintf("PUT /x HTTP/1.1\nHost: x\nContent-Length: %d\n\n%s", len(body), body))
	<-whole
	_ = s.Conn.Close()
	select {
	case <-freed:
	case <-time.After(2 * time.Second):
		t.Fatal("the target still works for a client that left")
	}
}
