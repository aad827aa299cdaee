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
	_ = s.Served(t, patience)
}

func TestAClientThatLeavesAnUploadFreesTheTarget(t *testing.T) {
	freed := make(chan error, 1)
	target := raw(t, func(c net.Conn) { _, err := io.Copy(io.Discard, c); freed <- err })
	s := open(t, target, allowAll)
	s.Send("PUT /x HTTP/1.1\nHost: x\nContent-Length: 30000000\n\n" + big(2*bodyCap))
	_ = s.Conn.Close()
	select {
	case <-freed:
	case <-time.After(patience):
		t.Fatal("the target still waits for the rest")
	}
	_ = s.Served(t, patience)
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
	case <-time.After(patience):
		t.Fatal("the target still works for a client that left")
	}
}

// J1: a method that is named far behind is the one that some frameworks serve.
func TestNoUploadNamesAnotherMethodBehindItsFirstMiB(t *testing.T) {
	form, multi := "Content-Type: application/x-www-form-urlencoded", "Content-Type: multipart/form-data; boundary=x"
	part := func(name, value string) string {
		return "\r\n--x\r\nContent-Disposition: form-data; " + name + "\r\n\r\n" + value + "\r\n--x--\r\n"
	}
	file := "--x\r\nContent-Disposition: form-data; name=f; filename=\"a%20b.txt\"\r\n\r\n" + big(bodyCap)
	for _, c := range []struct{ fields, body string }{
		{form, "a=" + big(bodyCap) + "&_method=DELETE"}, {form, "a=" + big(bodyCap) + "&_method=DELETE&b=" + big(bodyCap)}, {"", "a=" + big(bodyCap) + ";%5Fmethod=DELETE"},
		{form, big(bodyCap-3) + "&_method=DELETE"}, {form, big(bodyCap-len("&_method=")) + "&_method=DELETE"}, {"Content-Type: text/plain", big(bodyCap) + "&_METHOD=DELETE"},
		{form, big(bodyCap) + "&" + strings.Repeat("+", 9000) + "_method=DELETE"}, {form, big(bodyCap) + "&_method%00" + strings.Repeat("x", 9000) + "=DELETE"},
		{form, big(bodyCap) + "&_method[" + strings.Repeat("x", 2000) + "=DELETE"},
		{multi, file + part(`name="_method"`, "DELETE")}, {multi, file + part("\r\n name*=utf-8''%5Fmethod", "DELETE")}, {multi, file + part(`name=a; name="_method"`, "DELETE")},
		{multi, file[:bodyCap-30] + part(`name="_method"`, "DELETE") + big(bodyCap)}, {multi, file + part(strings.Repeat("x=y;", 4000)+"name=_method", "DELETE")},
		{multi, file + strings.ReplaceAll(part("name=_method", "DELETE"), "\r\n", "\n")}, {multi, file + strings.ReplaceAll(part("name=_method", "DELETE"), "Content-Disposition:", "CONTENT-disposition :")},
		{form, big(bodyCap-3001) + "&" + strings.Repeat("%20", 2000) + "_method=DELETE"}, {form, big(bodyCap) + "&_m%65thod%00%zz=DELETE"}, {form, big(bodyCap) + "&x%u002dhttp-method-override=DELETE"},
		{multi, file + "\r\n--x\r\nContent-ID: _method\r\n\r\nDELETE\r\n--x--\r\n"}, {multi, file + "\r\n--x\r\nX-A: Content-Disposition: form-data; name=_method\r\n\r\nDELETE\r\n--x--\r\n"},
		{multi, file + "\r\n--x\r\nX-A: " + strings.Repeat("a", 3*around) + "Content-Disposition: form-data; name=_method\r\n\r\nDELETE\r\n--x--\r\n"},
	} {
		log := &journal{}
		s := open(t, took(t, log), allowAll)
		a := s.Ask("POST /x", c.fields, c.body)
		if a.StatusCode != 400 || !strings.Contains(a.Text, "another method") || !a.Close {
			t.Errorf("%s, %d bytes, %.40q: %s %s", c.fields, len(c.body), c.body[len(c.body)-40:], a.Status, a.Text)
		}
		if text := log.String(); text != "" && !strings.Contains(text, "EOF") && !strings.Contains(text, "reset") {
			t.Errorf("the service got all of it: %s", text)
		}
		if text := s.Recording(); !strings.Contains(text, `"malformed"`) {
			t.Errorf("the recording does not say why:\n%.2000s", text)
		}
	}
	for _, c := range []struct{ fields, body string }{
		{form, "_method=post&a=" + big(bodyCap) + "&payment_method=card"}, {form, big(2 * bodyCap)}, {form, "a=" + big(bodyCap) + "&b=_method"}, {form, strings.Repeat("x", 2*bodyCap)},
		{multi, file + part(`name="payment_method"`, "_method")}, {multi, file + part(`name=f2; filename="method.pdf"`, big(bodyCap))},
		{multi, file + part(`name="g"`, `x["Content-Disposition"]="a; name=_method";`+strings.Repeat("y", 20000))},
		{multi, part(`name="_method"`, "post") + file}, {"Content-Type: application/octet-stream", big(bodyCap) + "&_method=DELETE"},
	} {
		log := &journal{}
		if a := open(t, took(t, log), allowAll).Ask("POST /x", c.fields, c.body); a.Text != fmt.Sprintf("%d %s", len(c.body), sumOf(c.body)) {
			t.Errorf("%s %.40q: %s %s", c.fields, c.body[len(c.body)-40:], a.Status, a.Text)
		}
	}
}

// inPieces looks at a body that comes in pieces, of which not much may be held back.
func inPieces(t *testing.T, mediaType, text string, cut uint8) (found error) {
	t.Helper()
	pieces := newTail("POST", mediaType)
	for rest := text; rest != "" && found == nil; {
		n := min(len(rest), int(cut)%40+1)
		found = pieces.look([]byte(rest[:n]))
		rest = rest[n:]
		if len(pieces.held) > 2*longestHead+around+100 {
			t.Fatalf("%d bytes are held back", len(pieces.held))
		}
	}
	return found
}

func FuzzTail(f *testing.F) {
	f.Add("a=b&_method=DELETE&c=d", uint8(3), false)
	f.Add("--x\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nDELETE\r\n--x--\r\n", uint8(5), true)
	f.Add("&+++%5fmethod%00x=PUT;", uint8(1), false)
	f.Fuzz(func(t *testing.T, text string, cut uint8, parts bool) {
		mediaType := formType
		if parts {
			mediaType = "multipart/form-data; boundary=x"
		}
		found := inPieces(t, mediaType, text, cut)
		whole := newTail("POST", mediaType).look([]byte(text))
		if !parts && whole == nil && !jsonish([]byte(text)) {
			whole = overridden("POST", mediaType, []byte(text+"&"), true)
		}
		if whole != nil && found == nil {
			t.Errorf("%q says another method when it is read whole: %v", text, whole)
		}
	})
}
