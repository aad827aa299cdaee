package sshhost_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/ssh"
)

type bind struct {
	Address string
	Port    uint32
}

func addressOf(t testing.TB, place string) bind {
	t.Helper()
	a, err := net.ResolveTCPAddr("tcp", place)
	must(t, err)
	return bind{a.IP.String(), uint32(a.Port)}
}

func (s *session) ask(t testing.TB, kind string, payload any) bool {
	t.Helper()
	ok, _, err := s.client.SendRequest(kind, true, ssh.Marshal(payload))
	must(t, err)
	return ok
}

// answerEach takes every channel of a type that comes to the client, and answers what is sent there.
func (s *session) answerEach(kind string) *atomic.Int64 {
	var came atomic.Int64
	channels := s.client.HandleChannelOpen(kind)
	go func() { // ends with the connection
		for asked := range channels {
			came.Add(1)
			ch, requests, err := asked.Accept()
			if err != nil {
				return
			}
			go ssh.DiscardRequests(requests)
			go func() { _, _ = io.Copy(ch, ch); _ = ch.Close() }()
		}
	}()
	return &came
}

func TestAListenerIsItsSessionsAlone(t *testing.T) {
	place := freeAddress(t)
	mine, other := open(t, remote(place)), open(t, remote(place))
	came, strayed := mine.answerEach("forwarded-tcpip"), other.answerEach("forwarded-tcpip")
	if !mine.ask(t, "tcpip-forward", addressOf(t, place)) {
		t.Fatal("it was refused")
	}
	log := since(t)
	if other.ask(t, "cancel-tcpip-forward", addressOf(t, place)) {
		t.Error("another session ended it")
	}
	if strings.Contains(log(), "cancel-tcpip-forward") {
		t.Error("the host was asked to")
	}
	if other.ask(t, "tcpip-forward", addressOf(t, place)) {
		t.Error("another session listens there too")
	}
	_ = other.recording(t) // which ends it
	if got := talk(t, "tcp", place, "still mine"); got != "still mine" || came.Load() != 1 || strayed.Load() != 0 {
		t.Errorf("%q came back, %d connections came, %d strayed", got, came.Load(), strayed.Load())
	}
	if !mine.ask(t, "cancel-tcpip-forward", addressOf(t, place)) {
		t.Error("its own session can't end it")
	}
	within(t, "the host no longer listens", func() bool { return !listens(place)() })
	if mine.ask(t, "cancel-tcpip-forward", addressOf(t, place)) {
		t.Error("it was ended twice")
	}
	text := mine.recording(t)
	for _, want := range []string{"(remote-forward " + place + ")", `"what":"forwarded-tcpip","address":"` + place + `"`, `"sent_bytes":10,"received_bytes":10`, "a connection for " + place} {
		if !strings.Contains(text, want) {
			t.Errorf("the recording lacks %s: %s", want, text)
		}
	}
}

func TestAListenerThatNoRuleNamesIsNeverAskedFor(t *testing.T) {
	place := freeAddress(t)
	log := since(t)
	for name, x := range map[string]struct {
		policy string
		bind   bind
	}{
		"without a rule":                {allowAll, addressOf(t, place)},
		"by a rule for the other way":   {forwards("127.0.0.1:*"), addressOf(t, place)},
		"on everything, as nothing":     {remote("127.0.0.1:*", "0.0.0.0/0:*"), bind{"", addressOf(t, place).Port}},
		"on everything, as a star":      {remote("127.0.0.1:*", "[::]:*"), bind{"*", addressOf(t, place).Port}},
		"on everything, as zeros":       {remote("127.0.0.1:*", "[::]:*"), bind{"0.0.0.0", addressOf(t, place).Port}},
		"on everything, mapped":         {remote("127.0.0.1:*", "[::]:*"), bind{"::ffff:0.0.0.0", addressOf(t, place).Port}},
		"on a name":                     {remote("127.0.0.1:*"), bind{"own.test", addressOf(t, place).Port}},
		"on a port above 65535":         {remote("127.0.0.1:*"), bind{"127.0.0.1", 65536 + addressOf(t, place).Port}},
		"on any port, where one may be": {remote(place), bind{"127.0.0.1", 0}},
		"under detectors":               {remote("127.0.0.1:*") + "masks: [{name: m, detect: [email], as: redact}]\n", addressOf(t, place)},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, x.policy)
			if s.ask(t, "tcpip-forward", x.bind) {
				t.Error("it was granted")
			}
			if text := s.recording(t); !strings.Contains(text, `"type":"refused"`) {
				t.Errorf("the recording lacks it: %s", text)
			}
		})
	}
	if strings.Contains(log(), "tcpip-forward") {
		t.Error("the host was asked")
	}
}

func TestALimitOnBytesHoldsForAllConnectionsOfAListener(t *testing.T) {
	place := freeAddress(t)
	s := open(t, remote(place)+"limits: [{name: little, bytes: 25, per: command}]\n")
	s.answerEach("forwarded-tcpip")
	if !s.ask(t, "tcpip-forward", addressOf(t, place)) {
		t.Fatal("it was refused")
	}
	for i, want := range []string{"0123456789", "0123456789", ""} {
		if got := talk(t, "tcp", place, "0123456789"); got != want {
			t.Errorf("%d: %q came back", i, got)
		}
	}
}

func TestNothingComesByAListenerUnrecorded(t *testing.T) {
	place := freeAddress(t)
	s := open(t, remote(place))
	came := s.answerEach("forwarded-tcpip")
	if !s.ask(t, "tcpip-forward", addressOf(t, place)) {
		t.Fatal("it was refused")
	}
	must(t, s.writer.Seal("the disk is gone"))
	if got := talk(t, "tcp", place, "x"); got != "" || came.Load() != 0 {
		t.Errorf("%q came back, %d connections came", got, came.Load())
	}
}

func TestAPolicyThatNoLongerAllowsAListenerRefusesWhatComesThere(t *testing.T) {
	place := freeAddress(t)
	s := open(t, remote(place))
	came := s.answerEach("forwarded-tcpip")
	if !s.ask(t, "tcpip-forward", addressOf(t, place)) {
		t.Fatal("it was refused")
	}
	s.follow(t, remote("127.0.0.1:1"))
	if got := talk(t, "tcp", place, "x"); got != "" || came.Load() != 0 {
		t.Errorf("%q came back, %d connections came", got, came.Load())
	}
}

// A host opens to the client what it was asked for and nothing else, whatever it says.
func TestAHostOpensOnlyWhatItWasAskedFor(t *testing.T) {
	type step struct {
		kind    string
		payload any
		want    bool
	}
	nothing := struct {
		Zero []byte `ssh:"rest"`
	}{}
	origin := func(host string, port uint32) tcpOpen { return tcpOpen{host, port, "10.9.9.9\x1b[31m", 70000} }
	before := []step{
		{"forwarded-tcpip", origin("127.0.0.1", 8080), false}, {"forwarded-streamlocal@openssh.com", struct{ Path, R string }{"/tmp/x.sock", ""}, false},
		{"auth-agent@openssh.com", nothing, false}, {"x11", struct {
			O string
			P uint32
		}{"127.0.0.1", 1}, false}, {"session", nothing, false}, {"direct-tcpip", origin("127.0.0.1", 22), false}, {"nonsense", nothing, false},
	}
	listening := []step{
		{"forwarded-tcpip", origin("127.0.0.1", 8081), false}, {"forwarded-tcpip", origin("127.0.0.2", 8080), false}, {"forwarded-tcpip", origin("", 8080), false},
		{"forwarded-tcpip", nothing, false}, {"forwarded-tcpip", origin("127.0.0.1", 8080), true}, {"auth-agent@openssh.com", nothing, false},
	}
	did := make(chan string, 100)
	steps := func(conn *ssh.ServerConn, all []step, when string) {
		for _, x := range all {
			ch, requests, err := conn.OpenChannel(x.kind, ssh.Marshal(x.payload))
			if (err == nil) != x.want {
				did <- fmt.Sprintf("%s: %s %v: %v", when, x.kind, x.payload, err)
			}
			if err == nil {
				go ssh.DiscardRequests(requests)
				_ = ch.Close()
			}
		}
		did <- ""
	}
	host := rudeHost(t, func(conn *ssh.ServerConn, channels <-chan ssh.NewChannel, requests <-chan *ssh.Request) {
		steps(conn, before, "unasked")
		for req := range requests {
			_ = req.Reply(true, nil)
			switch req.Type {
			case "tcpip-forward":
				go steps(conn, listening, "listening")
			case "cancel-tcpip-forward":
				go steps(conn, before, "ended")
			}
		}
	})
	s := open(t, remote("127.0.0.1:8080"), host)
	came := s.answerEach("forwarded-tcpip")
	strays := s.answerEach("auth-agent@openssh.com")
	await := func() {
		for problem := range did {
			if problem == "" {
				return
			}
			t.Error(problem)
		}
	}
	await()
	if !s.ask(t, "tcpip-forward", bind{"127.0.0.1", 8080}) {
		t.Fatal("it was refused")
	}
	await()
	if !s.ask(t, "cancel-tcpip-forward", bind{"127.0.0.1", 8080}) {
		t.Fatal("it could not be ended")
	}
	await()
	if came.Load() != 1 || strays.Load() != 0 {
		t.Errorf("%d and %d channels came to the client", came.Load(), strays.Load())
	}
	if text := s.recording(t); strings.Count(text, "nothing was asked for") != 2*len(before)+len(listening)-1 || strings.Contains(text, `\u001b`) {
		t.Errorf("the recording lacks what the host wanted, or shows it as it is: %s", text)
	}
}

func TestSocketsAreListenedOnAtTheHost(t *testing.T) {
	dir := folder(t)
	path := filepath.Join(dir, "back.sock")
	s := open(t, fmt.Sprintf("version: 1\nrules: [{name: listen, ssh: {channels: [remote-forward], sockets: [%q]}, verdict: allow}]\n", path))
	log := since(t)
	for _, other := range []string{filepath.Join(dir, "other.sock"), "back.sock", dir + "/../" + filepath.Base(dir) + "/back.sock", ""} {
		if s.ask(t, "streamlocal-forward@openssh.com", struct{ P string }{other}) {
			t.Errorf("%q was granted", other)
		}
	}
	if strings.Contains(log(), "streamlocal-forward") {
		t.Error("the host was asked")
	}
	came := s.answerEach("forwarded-streamlocal@openssh.com")
	if !s.ask(t, "streamlocal-forward@openssh.com", struct{ P string }{path}) {
		t.Fatal("it was refused")
	}
	if got := talk(t, "unix", path, "through a socket"); got != "through a socket" || came.Load() != 1 {
		t.Errorf("%q came back, %d connections came", got, came.Load())
	}
	if !s.ask(t, "cancel-streamlocal-forward@openssh.com", struct{ P string }{path}) {
		t.Error("it could not be ended")
	}
	within(t, "the host no longer listens", func() bool {
		conn, err := net.Dial("unix", path)
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
	_ = os.Remove(path)
}
