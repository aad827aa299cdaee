package sshhost_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// forwards is a policy that lets connections go to the places that are listed.
func forwards(places ...string) string {
	return fmt.Sprintf("version: 1\nrules: [{name: there, ssh: {channels: [forward], forwards: [%s]}, verdict: allow}]\n", quoted(places))
}

func quoted(texts []string) string { return `"` + strings.Join(texts, `", "`) + `"` }

type tcpOpen struct {
	Host       string
	Port       uint32
	Origin     string
	OriginPort uint32
}

// dial opens a forwarded connection.
func (s *session) dial(host string, port uint32) (ssh.Channel, error) {
	ch, requests, err := s.client.OpenChannel("direct-tcpip", ssh.Marshal(tcpOpen{host, port, "client-origin", 7}))
	if err != nil {
		return nil, err
	}
	go ssh.DiscardRequests(requests)
	return ch, nil
}

// echo sends text and wants it back, to the end.
func echo(t testing.TB, ch ssh.Channel, text string) {
	t.Helper()
	wrote := make(chan error, 1)
	go func() { _, err := io.WriteString(ch, text); wrote <- errors.Join(err, ch.CloseWrite()) }()
	got, err := io.ReadAll(ch)
	must(t, err)
	must(t, <-wrote)
	if string(got) != text {
		t.Errorf("%d bytes came back of %d", len(got), len(text))
	}
	_ = ch.Close()
}

// since is what the host's log says from now on.
func since(t testing.TB) func() string {
	t.Helper()
	before := len(serverLog(t))
	return func() string { return serverLog(t)[before:] }
}

func TestAForwardGoesToTheAddressThatWasJudged(t *testing.T) {
	c := service(t, "tcp", "127.0.0.1:0")
	s := open(t, forwards(c.place()))
	log := since(t)
	text := make([]byte, 4<<20)
	_, err := rand.Read(text)
	must(t, err)
	for _, host := range []string{"127.0.0.1", "own.test", "OWN.test.", "localhost", "mapped.test", "::ffff:127.0.0.1"} {
		ch, err := s.dial(host, c.port())
		if err != nil {
			t.Fatalf("%s: %v", host, err)
		}
		echo(t, ch, string(text))
	}
	if c.came.Load() != 6 {
		t.Errorf("%d connections came", c.came.Load())
	}
	if got := log(); strings.Count(got, fmt.Sprintf("target 127.0.0.1 port %d", c.port())) != 6 || strings.Contains(got, "own.test") || strings.Contains(got, "client-origin") {
		t.Error("the host was asked for something else")
	}
	place := fmt.Sprintf("own.test:%d", c.port())
	got := s.recording(t)
	for _, want := range []string{
		"(forward " + place + " at 127.0.0.1)", `"address":"` + place + `","resolved":"` + c.place() + `","sent_bytes":4194304,"received_bytes":4194304`, `"duration_us"`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the recording lacks %s: %s", want, got)
		}
	}
}

func TestNoForwardGoesElsewhere(t *testing.T) {
	c := service(t, "tcp", "127.0.0.1:0")
	port := c.port()
	all := []string{"*:*", "0.0.0.0/0:*", "[::/0]:*", "*.test:*", "*.internal:*"}
	for name, x := range map[string]struct {
		policy string
		host   string
		port   uint32
	}{
		"without a rule":                           {allowAll, "127.0.0.1", port},
		"with an agent's rule":                     {"version: 1\nrules: [{name: a, ssh: {channels: [agent]}, verdict: allow}]\n", "127.0.0.1", port},
		"to another port":                          {forwards(fmt.Sprintf("127.0.0.1:%d", port+1)), "127.0.0.1", port},
		"to the host's own by a rule for all":      {forwards(all...), "127.0.0.1", port},
		"to the host's own, written as IPv6":       {forwards(all...), "::ffff:127.0.0.1", port},
		"to the host's own by a name":              {forwards(all...), "own.test", port},
		"to the host's own as localhost":           {forwards(all...), "localhost", port},
		"to the host's own as localhost., a dot":   {forwards(all...), "LOCALHOST.", port},
		"to a name of which one address is listed": {forwards("127.0.0.1:*"), "both.test", port},
		"to metadata":                              {forwards(all...), "169.254.169.254", 80},
		"to metadata by a name":                    {forwards(all...), "meta.test", 80},
		"to what is unspecified":                   {forwards(append(all, "0.0.0.0:*")...), "0.0.0.0", port},
		"to what is unspecified, in IPv6":          {forwards(append(all, "[::]:*")...), "::", port},
		"to what is unspecified, by a name":        {forwards(append(all, "0.0.0.0:*")...), "none.test", port},
		"to a number":                              {forwards(append(all, "127.0.0.1:*")...), "2130706433", port},
		"to a number in hexadecimal":               {forwards(append(all, "127.0.0.1:*")...), "0x7f000001", port},
		"to an octal address":                      {forwards(append(all, "127.0.0.1:*")...), "0177.0.0.1", port},
		"to a short address":                       {forwards(append(all, "127.0.0.1:*")...), "127.1", port},
		"to a short address with a dot":            {forwards(append(all, "127.0.0.1:*")...), "127.1.", port},
		"to an address with a zone":                {forwards(append(all, "[fe80::/10]:*")...), "fe80::1%lo", port},
		"to a name of an address with a zone":      {forwards(append(all, "[fe80::/10]:*")...), "zone.test", port},
		"to an address in brackets":                {forwards(append(all, "[::1]:*")...), "[::1]", port},
		"to nothing":                               {forwards(append(all, "127.0.0.1:*")...), "", port},
		"to a dot":                                 {forwards(append(all, "127.0.0.1:*")...), ".", port},
		"to a name that nobody knows":              {forwards(all...), "gone.test", port},
		"to port 0":                                {forwards(append(all, "127.0.0.1:*")...), "127.0.0.1", 0},
		"to a port above 65535":                    {forwards(append(all, "127.0.0.1:*")...), "127.0.0.1", 65536 + port},
		"to a name with a NUL":                     {forwards(append(all, "127.0.0.1:*")...), "own.test\x00.internal", port},
		"to a name with a line":                    {forwards(append(all, "127.0.0.1:*")...), "own.test\nx", port},
		"to a path":                                {forwards(append(all, "127.0.0.1:*")...), "/run/x.sock", port},
		"to a very long name":                      {forwards(append(all, "127.0.0.1:*")...), strings.Repeat("a.", 10000) + "test", port},
		"under detectors":                          {forwards("127.0.0.1:*") + "masks: [{name: m, detect: [email], as: redact}]\n", "127.0.0.1", port},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, x.policy)
			log := since(t)
			ch, err := s.dial(x.host, x.port)
			if err == nil {
				_ = ch.Close()
				t.Fatal("it was opened")
			}
			var no *ssh.OpenChannelError
			if !errors.As(err, &no) || no.Reason != ssh.Prohibited || !strings.HasPrefix(no.Message, "hoop: ") {
				t.Errorf("the client was told %v", err)
			}
			text := s.recording(t) // and so the session is over
			if !strings.Contains(text, `"type":"refused"`) || !strings.Contains(text, "(forward") {
				t.Errorf("the recording lacks it: %s", text)
			}
			if strings.Contains(log(), "direct-tcpip") || c.came.Load() != 0 {
				t.Error("the host was asked")
			}
		})
	}
}

// asking are the names that were looked up.
type asking struct{ asked chan string }

func (a asking) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	a.asked <- host
	return []netip.Addr{netip.MustParseAddr("10.9.9.9")}, nil
}

// A client can't have the gateway tell names to whoever answers for them.
func TestNamesThatNoRuleIsForAreNotLookedUp(t *testing.T) {
	a := asking{make(chan string, 100)}
	visit, signer := keys(t)
	for rules, want := range map[string]int{
		allowAll: 0, remote("127.0.0.1:*"): 0, forwards("db.internal:443", "10.0.0.0/8:80"): 0, forwards("*.test:444"): 0,
		"version: 1\nrules: [{name: no, ssh: {channels: [forward], forwards: [\"*:*\"]}, verdict: deny}]\n":                              0,
		"version: 1\nrules: [{name: other, who: {groups: [others]}, ssh: {channels: [forward], forwards: [\"*:*\"]}, verdict: allow}]\n": 0,
		forwards("192.0.2.0/24:443"): 1, forwards("*.told.test:443") + "masks: [{name: m, detect: [email], as: redact}]\n": 1,
	} {
		s := attendWith(t, rules, target(t), visit, a)
		s.signIn(t, visit, ssh.PublicKeys(signer))
		if _, err := s.dial("secret.told.test", 443); err == nil {
			t.Errorf("%s: it was opened", rules)
		}
		if got := len(a.asked); got != want {
			t.Errorf("%s: %d names were looked up", rules, got)
		}
		for len(a.asked) > 0 {
			<-a.asked
		}
	}
}

func TestAHeldForwardIsOpenedOnceItIsApprovedAndNotBefore(t *testing.T) {
	c := service(t, "tcp", "127.0.0.1:0")
	s := open(t, fmt.Sprintf(`
version: 1
rules: [{name: ask, ssh: {channels: [forward], forwards: ["%s"]}, verdict: approve, approval: {by: {groups: [ops]}, hold: 20s}}]
`, c.place()))
	s.desk.wait = make(chan string)
	log := since(t)
	type answer struct {
		ch  ssh.Channel
		err error
	}
	for _, state := range []string{api.ApprovalRejected, api.ApprovalApproved} {
		asked, came := s.desk.asked.Load(), c.came.Load()
		opened := make(chan answer, 1)
		go func() { ch, err := s.dial("own.test", c.port()); opened <- answer{ch, err} }()
		within(t, "it is asked for", func() bool { return s.desk.asked.Load() == asked+1 })
		if len(opened) > 0 || c.came.Load() != came || strings.Contains(log(), "direct-tcpip") {
			t.Error("it was opened before anybody approved")
		}
		s.desk.wait <- state
		got := <-opened
		if (got.err == nil) != (state == api.ApprovalApproved) {
			t.Fatalf("%s: %v", state, got.err)
		}
		if got.err == nil {
			echo(t, got.ch, "approved")
		}
	}
	if c.came.Load() != 1 || s.desk.used.Load() != 1 {
		t.Errorf("%d came, %d approvals were used", c.came.Load(), s.desk.used.Load())
	}
}

func TestAForwardThatIsHeldIsNotOpenedForAClientThatLeft(t *testing.T) {
	c := service(t, "tcp", "127.0.0.1:0")
	s := open(t, fmt.Sprintf(`
version: 1
rules: [{name: ask, ssh: {channels: [forward], forwards: ["%s"]}, verdict: approve, approval: {by: {groups: [ops]}, hold: 20s}}]
`, c.place()))
	s.desk.wait = make(chan string)
	go func() { _, _ = s.dial("127.0.0.1", c.port()) }()
	within(t, "it is asked for", func() bool { return s.desk.asked.Load() == 1 })
	_ = s.recording(t)
	if c.came.Load() != 0 || s.desk.used.Load() != 0 {
		t.Error("it was opened")
	}
}

func TestNoForwardIsOpenedUnrecorded(t *testing.T) {
	c := service(t, "tcp", "127.0.0.1:0")
	s := open(t, forwards(c.place()))
	must(t, s.writer.Seal("the disk is gone"))
	if _, err := s.dial("127.0.0.1", c.port()); err == nil {
		t.Error("it was opened")
	}
	if c.came.Load() != 0 {
		t.Error("it came to the service")
	}
}

func TestTheEndOfASessionCutsItsForwards(t *testing.T) {
	c := service(t, "tcp", "127.0.0.1:0")
	s := open(t, forwards(c.place()))
	var open []ssh.Channel
	for range 3 {
		ch, err := s.dial("127.0.0.1", c.port())
		must(t, err)
		open = append(open, ch)
	}
	began := time.Now()
	s.end(&api.Error{Code: api.CodeLocked, Message: "You were locked."})
	for _, ch := range open {
		_, _ = io.Copy(io.Discard, ch)
	}
	err := <-s.served
	s.served <- err
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %v", took)
	}
	if text := s.recording(t); strings.Count(text, `"type":"forward"`) != 3 || !strings.Contains(text, "You were locked.") {
		t.Errorf("the recording does not tell how they ended: %s", text)
	}
}

func TestAPolicyThatNoLongerAllowsAForwardCutsIt(t *testing.T) {
	c := service(t, "tcp", "127.0.0.1:0")
	s := open(t, forwards(c.place()))
	must(t, s.raw.SetDeadline(time.Now().Add(20*time.Second)))
	ch, err := s.dial("127.0.0.1", c.port())
	must(t, err)
	piece := make([]byte, 4)
	for _, still := range []string{"kept", "also"} {
		_, err = io.WriteString(ch, still)
		must(t, err)
		_, err = io.ReadFull(ch, piece)
		must(t, err)
		s.follow(t, forwards(c.place(), "10.0.0.1:1"))
	}
	s.follow(t, forwards("10.0.0.1:1"))
	_, _ = io.WriteString(ch, "late")
	if rest, _ := io.ReadAll(ch); len(rest) > 0 {
		t.Errorf("%q came back", rest)
	}
}

func TestALimitOnBytesCutsAForward(t *testing.T) {
	c := service(t, "tcp", "127.0.0.1:0")
	s := open(t, forwards(c.place())+"limits: [{name: little, bytes: 100000, per: command}]\n")
	must(t, s.raw.SetDeadline(time.Now().Add(20*time.Second)))
	ch, err := s.dial("127.0.0.1", c.port())
	must(t, err)
	go func() { _, _ = ch.Write(bytes.Repeat([]byte("x"), 1<<20)) }() // ends with the channel
	got, _ := io.ReadAll(ch)
	if len(got) == 0 || len(got) > 100_000 {
		t.Errorf("%d bytes came back", len(got))
	}
	if text := s.recording(t); !strings.Contains(text, "limit_reached") {
		t.Errorf("the recording lacks the limit: %s", text)
	}
}

func TestAForwardThatRunsTooLongIsCut(t *testing.T) {
	c := service(t, "tcp", "127.0.0.1:0")
	s := open(t, forwards(c.place())+"limits: [{name: brief, statement: 1s}]\n")
	must(t, s.raw.SetDeadline(time.Now().Add(20*time.Second)))
	ch, err := s.dial("127.0.0.1", c.port())
	must(t, err)
	_, _ = io.Copy(io.Discard, ch) // ends with the channel
	if text := s.recording(t); !strings.Contains(text, "limit_reached") {
		t.Errorf("the recording lacks the limit: %s", text)
	}
}

func TestAForwardThatTheHostCantMakeFailsAsItDoesWithoutHoop(t *testing.T) {
	c := service(t, "tcp", "127.0.0.1:0")
	port := c.port()
	must(t, c.Close())
	s := open(t, forwards("127.0.0.1:*"))
	_, err := s.dial("127.0.0.1", port)
	var no *ssh.OpenChannelError
	if !errors.As(err, &no) || no.Reason != ssh.ConnectionFailed || !strings.Contains(no.Message, "Connection refused") {
		t.Errorf("%v", err)
	}
	if text := s.recording(t); !strings.Contains(text, `"type":"forward"`) || !strings.Contains(text, "Connection refused") {
		t.Errorf("the recording lacks it: %s", text)
	}
}

func TestOfTheAddressesThatWereJudgedTheFirstThatAnswersIsTaken(t *testing.T) {
	c := service(t, "tcp", "127.0.0.1:0")
	s := open(t, forwards("127.0.0.0/8:*"))
	ch, err := s.dial("two.test", c.port())
	must(t, err)
	echo(t, ch, "at the second one")
	if text := s.recording(t); !strings.Contains(text, `"resolved":"`+c.place()+`"`) || !strings.Contains(text, "at 127.0.0.1, 127.0.0.2)") {
		t.Errorf("the recording does not say where it came to: %s", text)
	}
}

func TestThereAreOnlySoManyForwards(t *testing.T) {
	c := service(t, "tcp", "127.0.0.1:0")
	s := open(t, forwards(c.place()))
	var open []ssh.Channel
	for {
		ch, err := s.dial("127.0.0.1", c.port())
		if err != nil {
			break
		}
		if open = append(open, ch); len(open) > 100 {
			t.Fatal("there is no bound")
		}
	}
	for _, ch := range open {
		echo(t, ch, "x")
	}
	within(t, "there is room again", func() bool {
		ch, err := s.dial("127.0.0.1", c.port())
		if err == nil {
			_ = ch.Close()
		}
		return err == nil
	})
}
