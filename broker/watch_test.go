package broker_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/broker"
	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/policy"
	"github.com/hoop-gateway/hoop/pkg/record"
)

// folder holds real recordings.
type folder string

func (f folder) Open(path string) (io.ReadSeekCloser, error) {
	return os.Open(filepath.Join(string(f), path))
}

// watched is an open session with a recording that is being written, and who may watch it.
type watched struct {
	*world
	dev, guard, other user
	info              api.SessionInfo
	writer            *record.Writer
}

func watch(t *testing.T) *watched {
	t.Helper()
	dir := t.TempDir()
	w := &watched{world: newWorld(t, func(c *broker.Config) { c.Recordings = folder(dir) })}
	w.policy.set(func(p *fakePolicy) { p.powers["watchers"] = []policy.Power{policy.SessionsWatch} })
	w.dev, w.guard, w.other = w.signIn("dev", "developers"), w.signIn("guard", "watchers"), w.signIn("other", "developers")
	g, _ := w.grant(w.dev)
	w.info = w.open(g, "se_000001")
	signer, err := record.NewSigner()
	w.must(err)
	w.writer, err = record.Create(filepath.Join(dir, w.info.Recording), record.Header{Session: w.info.ID}, record.Options{Signer: signer})
	w.must(err)
	return w
}

func (w *watched) note(text string) {
	w.t.Helper()
	_, err := w.writer.AppendEvent(record.Notice{Message: text})
	w.must(err)
}

// read begins to watch as u.
func (w *watched) read(u user) (*record.Reader, io.Closer) {
	w.t.Helper()
	body, err := u.WatchSession(w.t.Context(), w.info.ID)
	w.must(err)
	r, err := record.NewReader(body)
	w.must(err)
	return r, body
}

// next is the next notice, or the error that there is none.
func next(r *record.Reader) (string, error) {
	for {
		e, err := r.Next()
		if err != nil {
			return "", err
		}
		if b, err := record.Decode(e); err == nil {
			if n, ok := b.(record.Notice); ok {
				return n.Message, nil
			}
		}
	}
}

func TestASessionIsWatchedWhileItIsWrittenAndUntilItEnds(t *testing.T) {
	w := watch(t)
	w.note("before")
	r, body := w.read(w.guard)
	defer body.Close()
	for _, text := range []string{"before", "one", "two"} {
		if text != "before" {
			w.note(text)
		}
		if got, err := next(r); err != nil || got != text {
			t.Fatalf("%q, %v, want %q while the session goes on", got, err, text)
		}
	}
	w.must(w.writer.Seal("closed"))
	if got, err := next(r); !errors.Is(err, io.EOF) {
		t.Errorf("%q, %v after the session", got, err)
	}
}

// Only what is in the kernel is seen: what is staged may still fail to be kept.
func TestAWatcherSeesWhatWasCommittedAlone(t *testing.T) {
	w := watch(t)
	r, body := w.read(w.guard)
	defer body.Close()
	encoded, err := record.Encode(record.Notice{Message: "staged"})
	w.must(err)
	_, err = w.writer.Stage(record.TypeNotice, encoded)
	w.must(err)
	seen := make(chan string, 1)
	go func() {
		text, _ := next(r)
		seen <- text
	}()
	select {
	case text := <-seen:
		t.Fatalf("%q was seen before it was kept", text)
	case <-time.After(500 * time.Millisecond):
	}
	w.must(w.writer.Commit())
	if text := <-seen; text != "staged" {
		t.Errorf("%q", text)
	}
}

// M8: a live stream is for those whose session it is and those who hold the power; for all others there is none.
func TestOnlyThosePowerIsGivenToWatch(t *testing.T) {
	w := watch(t)
	security := w.signIn("sec", "security") // may read what is over, and not watch
	for _, u := range []user{w.other, security} {
		_, err := u.WatchSession(t.Context(), w.info.ID)
		missing := wantCode(t, err, api.CodeNotFound)
		_, err = u.WatchSession(t.Context(), "se_none01")
		if none := wantCode(t, err, api.CodeNotFound); none.Message != missing.Message {
			t.Errorf("%q and %q", none.Message, missing.Message)
		}
	}
	_, err := w.anonymous().WatchSession(t.Context(), w.info.ID)
	wantCode(t, err, api.CodeSignInNeeded)
	if got := w.auditKinds(w.info.ID); len(got) != 0 {
		t.Errorf("audit: %v", got)
	}
	for _, u := range []user{w.dev, w.guard} {
		_, body := w.read(u)
		w.must(body.Close())
	}
	if got := w.auditKinds(w.info.ID); !slices.Equal(got, []string{"session_watched", "session_watched"}) {
		t.Errorf("audit: %v", got)
	}
	_, err = w.guard.Recording(t.Context(), w.info.ID)
	wantCode(t, err, api.CodeNotFound)
}

func TestASessionThatIsOverIsNotWatched(t *testing.T) {
	w := watch(t)
	w.info.State = "sealed"
	w.must(w.broker.CloseSession(t.Context(), w.info))
	_, err := w.guard.WatchSession(t.Context(), w.info.ID)
	wantCode(t, err, api.CodeConflict)
	_, err = w.other.WatchSession(t.Context(), w.info.ID)
	wantCode(t, err, api.CodeNotFound)
}

// C7, P4: who may not watch any more sees nothing more within a second, and is not told that the session ended.
func TestAWatcherIsCutOffWithTheirPowerTheirSignInOrALock(t *testing.T) {
	for what, lose := range map[string]func(*watched){
		"the policy": func(w *watched) { w.policy.set(func(p *fakePolicy) { delete(p.powers, "watchers") }) },
		"a lock": func(w *watched) {
			_, err := w.signIn("sec", "security").Lock(w.t.Context(), "guard", "")
			w.must(err)
		},
		"signing out": func(w *watched) { w.must(w.guard.Logout(w.t.Context())) },
	} {
		t.Run(what, func(t *testing.T) {
			w := watch(t)
			r, body := w.read(w.guard)
			defer body.Close()
			lose(w)
			began := time.Now()
			if got, err := next(r); err == nil || errors.Is(err, io.EOF) {
				t.Errorf("%q, %v", got, err)
			}
			if took := time.Since(began); took > time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

// A gateway that died leaves a recording without a seal.
func TestWatchingEndsWithASessionThatCrashed(t *testing.T) {
	w := watch(t)
	r, body := w.read(w.guard)
	defer body.Close()
	w.note("last")
	w.info.State = "crashed"
	w.must(w.broker.CloseSession(t.Context(), w.info))
	if got, err := next(r); got != "last" {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := next(r); !errors.Is(err, io.EOF) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestOneSessionHasFewWatchers(t *testing.T) {
	w := watch(t)
	for range 8 {
		_, body := w.read(w.guard)
		defer body.Close()
	}
	_, err := w.guard.WatchSession(t.Context(), w.info.ID)
	wantCode(t, err, api.CodeTooMany)
}
