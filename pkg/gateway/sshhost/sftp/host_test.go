package sftp_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/gateway/sshhost/sftp"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/policy"
	"github.com/hoop-gateway/hoop/pkg/record"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// rude is a host of which a test says how it answers. What it was asked is kept.
type rude struct {
	answer func(r asked) []byte // nil: as an empty host does

	mu  sync.Mutex
	all []asked
}

// asked is a request that reached the host: its type, its first string, what is behind it.
type asked struct {
	kind byte
	id   uint32
	name string
	rest []byte
}

func (h *rude) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	for {
		p, err := readPacket(c)
		if err != nil {
			return
		}
		if p[0] == 1 {
			_, _ = c.Write(frame([]byte{2, 0, 0, 0, 3}))
			continue
		}
		n := binary.BigEndian.Uint32(p[5:])
		a := asked{p[0], binary.BigEndian.Uint32(p[1:]), string(p[9 : 9+n]), p[9+n:]}
		h.mu.Lock()
		h.all = append(h.all, a)
		h.mu.Unlock()
		out := h.answer(a)
		if out == nil {
			out = usual(a)
		}
		if _, err := c.Write(frame(out)); err != nil {
			return
		}
	}
}

// usual is how a host of plain files answers.
func usual(a asked) []byte {
	switch a.kind {
	case 16:
		return answer(104, a.id, 1, "/home", "/home", 0)
	case 7, 17:
		return answer(105, a.id, 4, 0o100644)
	case 3, 11:
		return answer(102, a.id, "host's own handle")
	}
	return answer(101, a.id, 0, "", "")
}

func answer(kind byte, id uint32, fields ...any) []byte {
	b := request(kind, fields...)
	binary.BigEndian.PutUint32(b[1:], id)
	return b
}

func frame(b []byte) []byte { return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...) }

func readPacket(r io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint32(head[:]))
	_, err := io.ReadFull(r, b)
	return b, err
}

func (h *rude) kinds(kind byte) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, a := range h.all {
		if a.kind == kind {
			n++
		}
	}
	return n
}

// start serves a client over a host, under rules that can change.
func (h *rude) start(t *testing.T, rules func() *policy.Policy) (client net.Conn, served chan error, err error) {
	t.Helper()
	files, err := h.open(t, rules)
	if err != nil {
		return nil, nil, err
	}
	client, far := net.Pipe()
	served = make(chan error, 1)
	go func() {
		served <- files.Serve(context.Background(), whole{far})
		_ = far.Close()
	}()
	t.Cleanup(func() { _ = client.Close(); _ = files.Close(); <-served })
	must(t, client.SetDeadline(time.Now().Add(20*time.Second)))
	_, err = client.Write(frame([]byte{1, 0, 0, 0, 3}))
	must(t, err)
	_, err = readPacket(client)
	must(t, err)
	return client, served, nil
}

// open opens the host's files.
func (h *rude) open(t *testing.T, rules func() *policy.Policy) (*sftp.Files, error) {
	t.Helper()
	dir := t.TempDir()
	signer, err := record.LoadOrCreateSigner(filepath.Join(dir, "keys"))
	must(t, err)
	w, err := record.Create(filepath.Join(dir, "se_test.hrec"), record.Header{Session: "se_test", Kind: "ssh", Started: time.Now()}, record.Options{Signer: signer})
	must(t, err)
	gate, err := guard.New(guard.Config{
		ID: "se_test", GrantID: "gr_test", Subject: policy.Subject{User: "dev"}, Connection: policy.Connection{Name: "web", Kind: "ssh"},
		Policy: func() guard.Policy { return rules() }, Recorder: w, Approvals: nobody{}, Log: slog.New(slog.DiscardHandler), Now: time.Now, ResultCap: 1 << 20,
	})
	must(t, err)
	pass, err := gate.Admit(t.Context(), sftp.Opening("sftp", "(sftp)"))
	must(t, err)
	up := guard.NewUpstream(gate, 0)
	must(t, up.With(pass, func(int) error { return nil }))
	ours, theirs := net.Pipe()
	go h.serve(theirs)
	return sftp.Open(t.Context(), sftp.Config{
		Gate: gate, Channel: "sftp", Opening: pass, Host: ours, Log: slog.New(slog.DiscardHandler), Tell: func(*guard.Refusal) {}, Waiting: func(string) {},
	})
}

// whole is a pipe, which can only be closed both ways.
type whole struct{ net.Conn }

func (w whole) CloseWrite() error { return w.Close() }

type nobody struct{}

var errNobody = errors.New("nobody is there")

func (nobody) AskApproval(context.Context, api.Approval, string) (api.Approval, error) {
	return api.Approval{}, errNobody
}
func (nobody) AwaitApproval(context.Context, string) (api.Approval, error) {
	return api.Approval{}, errNobody
}
func (nobody) ClaimApproval(context.Context, string, string, api.Identity, []api.Approvers) error {
	return errNobody
}
func (nobody) WithdrawApproval(context.Context, string, api.Identity) error    { return nil }
func (nobody) PublishGrantEvent(context.Context, string, api.GrantEvent) error { return nil }

const everything = "version: 1\nrules: [{name: all, effects: [read, write, delete], ssh: {channels: [sftp]}, verdict: allow}]\n"

func always(t *testing.T, text string) func() *policy.Policy {
	t.Helper()
	p, err := policy.Parse([]byte(text), "policy")
	must(t, err)
	return func() *policy.Policy { return p }
}

func ask(t *testing.T, client net.Conn, kind byte, fields ...any) (byte, []byte) {
	t.Helper()
	_, err := client.Write(frame(answer(kind, 7, fields...)))
	must(t, err)
	p, err := readPacket(client)
	must(t, err)
	return p[0], p[5:]
}

func TestAPathThatBecomesALinkWhileItIsOpenedIsClosedAgain(t *testing.T) {
	h := &rude{}
	opened := false
	h.answer = func(a asked) []byte {
		opened = opened || a.kind == 3
		if a.kind == 7 && opened && a.name == "/srv" {
			return answer(105, a.id, 4, 0o120777)
		}
		if a.kind == 19 {
			return answer(104, a.id, 1, "/etc", "", 0)
		}
		return nil
	}
	client, _, err := h.start(t, always(t, everything))
	must(t, err)
	kind, rest := ask(t, client, 3, "/srv/file", 1, 0)
	if kind != 101 || !strings.Contains(string(rest), "changed while it was opened") {
		t.Errorf("%d, %q", kind, rest)
	}
	if kind, _ := ask(t, client, 16, "."); kind != 104 || h.kinds(4) != 1 {
		t.Errorf("the host's handle was closed %d times", h.kinds(4))
	}
}

func TestTheHostsHandlesAndWordsStayBehind(t *testing.T) {
	h := &rude{answer: func(a asked) []byte {
		if a.kind == 5 {
			return answer(101, a.id, 4, "the host's words", "")
		}
		return nil
	}}
	client, _, err := h.start(t, always(t, everything))
	must(t, err)
	kind, rest := ask(t, client, 3, "file", 1, 0)
	if kind != 102 || strings.Contains(string(rest), "host") {
		t.Fatalf("%d, %q", kind, rest)
	}
	if kind, rest := ask(t, client, 5, string(rest[4:]), uint64(0), 10); kind != 101 || strings.Contains(string(rest), "host's") {
		t.Errorf("%d, %q", kind, rest)
	}
	if kind, _ := ask(t, client, 5, "host's own handle", uint64(0), 10); kind != 101 || h.kinds(5) != 1 {
		t.Errorf("the host's own handle is good for something: %d", kind)
	}
}

func TestAHostThatBreaksTheProtocol(t *testing.T) {
	for what, broken := range map[string]func(a asked) []byte{
		"more than was asked for": func(a asked) []byte { return answer(103, a.id, strings.Repeat("x", 11)) },
		"no data":                 func(a asked) []byte { return answer(102, a.id, "h") },
		"a string behind its end": func(a asked) []byte { return answer(103, a.id, 1<<30) },
		"another's answer":        func(a asked) []byte { return answer(103, a.id+100, "x") },
		"a type that is none":     func(a asked) []byte { return answer(1, a.id, "x") },
	} {
		t.Run(what, func(t *testing.T) {
			h := &rude{answer: func(a asked) []byte {
				if a.kind == 5 {
					return broken(a)
				}
				return nil
			}}
			client, _, err := h.start(t, always(t, everything))
			must(t, err)
			_, rest := ask(t, client, 3, "file", 1, 0)
			if _, err := client.Write(frame(answer(5, 7, string(rest[4:]), uint64(0), 10))); err != nil {
				t.Fatal(err)
			}
			p, err := readPacket(client)
			if ends := what == "another's answer"; ends != errors.Is(err, io.EOF) || !ends && (p[0] != 101 || strings.Contains(string(p), "xxx")) {
				t.Errorf("the client got %q (%v)", p, err)
			}
		})
	}
}

func TestAHostThatDoesNotTellLinksIsNotServed(t *testing.T) {
	h := &rude{answer: func(a asked) []byte {
		if a.kind == 7 {
			return answer(105, a.id, 0)
		}
		return nil
	}}
	if _, _, err := h.start(t, always(t, everything)); err == nil {
		t.Error("it is")
	}
}

func TestAChangedPolicyStopsWhatIsOpen(t *testing.T) {
	before, after := always(t, everything), always(t, strings.Replace(everything, "[read, write, delete]", "[delete]", 1))
	var mu sync.Mutex
	now := before
	h := &rude{answer: func(a asked) []byte {
		if a.kind == 5 {
			return answer(103, a.id, "data")
		}
		return nil
	}}
	client, _, err := h.start(t, func() *policy.Policy { mu.Lock(); defer mu.Unlock(); return now() })
	must(t, err)
	_, rest := ask(t, client, 3, "file", 3, 0)
	handle := string(rest[4:])
	if kind, _ := ask(t, client, 5, handle, uint64(0), 10); kind != 103 {
		t.Fatalf("read: %d", kind)
	}
	if kind, rest := ask(t, client, 6, handle, uint64(0), "x"); kind != 101 || binary.BigEndian.Uint32(rest) != 0 {
		t.Fatalf("written: %d", kind)
	}
	mu.Lock()
	now = after
	mu.Unlock()
	for _, c := range [][]any{{byte(5), handle, uint64(0), 10}, {byte(6), handle, uint64(0), "y"}} {
		if kind, rest := ask(t, client, c[0].(byte), c[1:]...); kind != 101 || binary.BigEndian.Uint32(rest) != 3 {
			t.Errorf("%v: %d, %q", c, kind, rest)
		}
	}
	if h.kinds(5) != 1 || h.kinds(6) != 1 {
		t.Error("the host was asked again")
	}
}

func TestAHostThatGoesOnTellingNames(t *testing.T) {
	page := []any{64}
	for range 64 {
		page = append(page, strings.Repeat("n", 4000), "", 0)
	}
	h := &rude{answer: func(a asked) []byte {
		if a.kind == 12 {
			return answer(104, a.id, page...)
		}
		return nil
	}}
	for rules, pages := range map[string]int{everything: 270, everything + "limits: [{name: few, bytes: 1MiB, per: command}]\n": 6} {
		h.all = nil
		files, err := h.open(t, always(t, rules))
		must(t, err)
		all, err := files.List(t.Context(), "/srv")
		_, problem := files.Resolve(t.Context(), "/srv", true) // whose answer comes behind what was asked before
		must(t, problem)
		if n := h.kinds(12); err == nil || n > pages || h.kinds(4) != 1 {
			t.Errorf("%d names of %d pages, %d closed: %v", len(all), n, h.kinds(4), err)
		}
		must(t, files.Close())
	}
}
