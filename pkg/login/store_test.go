package login_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zalando/go-keyring"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/login"
)

// ring is a keyring in memory, which may hang or be absent.
type ring struct {
	entries map[string]string
	err     error
	hang    chan struct{} // when set, calls wait until it is closed
	calls   atomic.Int32
}

func (r *ring) Get(service, user string) (string, error) {
	r.calls.Add(1)
	if r.hang != nil {
		<-r.hang
	}
	if r.err != nil {
		return "", r.err
	}
	secret, ok := r.entries[service+"/"+user]
	if !ok {
		return "", keyring.ErrNotFound
	}
	return secret, nil
}

func (r *ring) Set(service, user, secret string) error {
	r.calls.Add(1)
	if r.err == nil {
		r.entries[service+"/"+user] = secret
	}
	return r.err
}

func saved() login.Saved {
	return login.Saved{Origin: origin, Issuer: issuer, Provider: "corp", Session: api.Session{AccessToken: "canary-access", RefreshToken: "canary-refresh",
		ExpiresAt: time.Now().Add(time.Hour).UTC().Truncate(time.Second), Identity: api.Identity{User: "dev"}}}
}

// open returns a store, and the warnings it gave.
func open(t testing.TB, path, keep string, r login.Keyring) (*login.Store, *[]string) {
	t.Helper()
	dir, err := login.OpenDir(path)
	must(t, err)
	var warnings []string
	s, err := login.NewStore(dir, keep, r, func(line string) { warnings = append(warnings, line) })
	must(t, err)
	return s, &warnings
}

func TestAStoredSignInIsReadAgain(t *testing.T) {
	for _, keep := range []string{login.KeepAuto, login.KeepKeyring, login.KeepFile} {
		r := &ring{entries: map[string]string{}}
		path := filepath.Join(t.TempDir(), "a", "b")
		s, warnings := open(t, path, keep, r)
		want := saved()
		must(t, s.Begin(t.Context(), want))
		s, _ = open(t, path, keep, r)
		got, err := s.Load(origin)
		if err != nil || got.Session.RefreshToken != want.Session.RefreshToken || got.Issuer != issuer || !got.Session.ExpiresAt.Equal(want.Session.ExpiresAt) {
			t.Errorf("%s: %+v (%v)", keep, got, err)
		}
		if len(*warnings) != 0 || (len(r.entries) == 1) != (keep != login.KeepFile) {
			t.Errorf("%s: warnings %q, %d entries in the keyring", keep, *warnings, len(r.entries))
		}
		if _, err := os.Lstat(filepath.Join(path, "token.key")); (err == nil) != (keep == login.KeepFile) {
			t.Errorf("%s: key file %v", keep, err)
		}
	}
}

// ATTACKS A10: a keyring that is absent or hangs costs three seconds once, one warning, and no sign-in.
func TestWithoutAKeyringTheKeyIsASecondFile(t *testing.T) {
	for name, r := range map[string]*ring{"absent": {err: errors.New("no bus")}, "hanging": {hang: make(chan struct{})}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if r.hang != nil {
					r.hang = make(chan struct{})
					defer close(r.hang)
				}
				path, begin := t.TempDir(), time.Now()
				s, warnings := open(t, path, login.KeepAuto, r)
				must(t, s.Begin(t.Context(), saved()))
				if d := time.Since(begin); d > 3*time.Second {
					t.Errorf("took %v", d)
				}
				if len(*warnings) != 1 || strings.Contains((*warnings)[0], "\n") || !strings.Contains((*warnings)[0], path) {
					t.Errorf("warnings %q", *warnings)
				}
				calls, begin := r.calls.Load(), time.Now()
				for range 5 { // other processes of a loop
					s, _ := open(t, path, login.KeepAuto, r)
					if _, err := s.Load(origin); err != nil {
						t.Error(err)
					}
					must(t, s.Save(saved()))
				}
				if time.Since(begin) != 0 || r.calls.Load() != calls {
					t.Errorf("the keyring was asked %d times more, in %v", r.calls.Load()-calls, time.Since(begin))
				}
				time.Sleep(11 * time.Minute) // synctest's clock
				must(t, s.Save(saved()))
				if r.calls.Load() == calls {
					t.Error("the keyring is never asked again")
				}
			})
		})
	}
}

func TestAForcedKeyringIsTheOnlyPlace(t *testing.T) {
	path := t.TempDir()
	s, _ := open(t, path, login.KeepKeyring, &ring{err: errors.New("no bus")})
	wantCode(t, s.Begin(t.Context(), saved()), api.CodeUsage)
	if files, _ := filepath.Glob(filepath.Join(path, "token*")); len(files) != 0 {
		t.Errorf("written: %v", files)
	}
	dir, err := login.OpenDir(path)
	must(t, err)
	_, err = login.NewStore(dir, "vault", nil, nil)
	wantCode(t, err, api.CodeUsage)
}

func TestAKeyThatIsGoneNeedsASignIn(t *testing.T) {
	r := &ring{entries: map[string]string{}}
	path := t.TempDir()
	s, _ := open(t, path, login.KeepAuto, r)
	must(t, s.Begin(t.Context(), saved()))
	clear(r.entries)
	_, err := s.Load(origin)
	wantCode(t, err, api.CodeSignInNeeded)
	r.entries["hoop/token-key"] = "AAAA" // damaged
	_, err = s.Load(origin)
	wantCode(t, err, api.CodeSignInNeeded)
	must(t, s.Begin(t.Context(), saved()))
	_, err = s.Load(origin)
	must(t, err)
}

func TestATokenFileIsEncryptedAndBound(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	path := filepath.Join(t.TempDir(), "hoop")
	s, _ := open(t, path, login.KeepFile, nil)
	must(t, s.Begin(t.Context(), saved()))
	other := saved()
	other.Origin = "https://other.example.com"
	must(t, s.Begin(t.Context(), other))
	files, err := filepath.Glob(filepath.Join(path, "*"))
	must(t, err)
	var tokens []string
	for _, f := range files {
		st, err := os.Lstat(f)
		must(t, err)
		if st.Mode() != 0o600 {
			t.Errorf("%s has mode %v", f, st.Mode())
		}
		b, err := os.ReadFile(f)
		must(t, err)
		if bytes.Contains(b, []byte("canary")) || strings.Contains(f, "example") {
			t.Errorf("%s says too much", f)
		}
		if strings.HasPrefix(filepath.Base(f), "token-") {
			tokens = append(tokens, f)
		}
	}
	if st, err := os.Lstat(path); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("the folder has mode %v (%v)", st.Mode(), err)
	}
	a, err := os.ReadFile(tokens[0])
	must(t, err)
	b, err := os.ReadFile(tokens[1])
	must(t, err)
	must(t, os.WriteFile(tokens[0], b, 0o600)) // one broker's file under the other's name
	must(t, os.WriteFile(tokens[1], bytes.Replace(a, []byte(`"data":"`), []byte(`"data":"AAAA`), 1), 0o600))
	for _, o := range []string{origin, other.Origin} {
		_, err := s.Load(o)
		wantCode(t, err, api.CodeSignInNeeded)
	}
	must(t, os.WriteFile(tokens[0], []byte("{}"), 0o600))
	must(t, os.WriteFile(tokens[1], bytes.Repeat([]byte(" "), 100<<10), 0o600))
	for _, o := range []string{origin, other.Origin} {
		if _, err := s.Load(o); err == nil || errors.Is(err, login.ErrNone) {
			t.Errorf("%s: %v", o, err)
		}
	}
}

// ATTACKS A11.
func TestAFolderThatOthersReachIsRefusedByName(t *testing.T) {
	base := t.TempDir()
	must(t, os.Mkdir(base+"/real", 0o700))
	must(t, os.Symlink(base+"/real", base+"/link"))
	must(t, os.Mkdir(base+"/open", 0o700))
	must(t, os.Chmod(base+"/open", 0o777))
	must(t, os.WriteFile(base+"/file", nil, 0o600))
	paths := []string{base + "/link", base + "/open", base + "/file", base + "/file/sub", "relative"}
	if os.Getuid() == 0 {
		must(t, os.Mkdir(base+"/theirs", 0o700))
		must(t, os.Chown(base+"/theirs", 65534, 65534))
		paths = append(paths, base+"/theirs")
	}
	for _, p := range paths {
		_, err := login.OpenDir(p)
		if e := wantCode(t, err, api.CodeUsage); !strings.Contains(e.Message, p) {
			t.Errorf("%q does not name %s", e.Message, p)
		}
	}
	must(t, os.Mkdir(base+"/readable", 0o755))
	_, err := login.OpenDir(base + "/readable")
	must(t, err)
	if st, err := os.Stat(base + "/readable"); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("still %v (%v)", st.Mode(), err)
	}
}

func TestAFileThatIsALinkOrOpenIsNotRead(t *testing.T) {
	path := t.TempDir()
	dir, err := login.OpenDir(path)
	must(t, err)
	must(t, os.WriteFile(path+"/real", []byte("x"), 0o600))
	must(t, os.Symlink(path+"/real", path+"/link"))
	must(t, os.WriteFile(path+"/open", []byte("x"), 0o600))
	must(t, os.Chmod(path+"/open", 0o644))
	must(t, syscall.Mkfifo(path+"/fifo", 0o600))
	for _, name := range []string{"link", "open", "fifo"} {
		_, err := dir.Read(name, 10)
		if e := wantCode(t, err, api.CodeUsage); !strings.Contains(e.Message, path+"/"+name) {
			t.Errorf("%q does not name the file", e.Message)
		}
	}
	if b, err := dir.Read("real", 10); err != nil || string(b) != "x" {
		t.Errorf("%q (%v)", b, err)
	}
	must(t, dir.Write("link", []byte("new"))) // replaces the link, not what it leads to
	if b, _ := os.ReadFile(path + "/real"); string(b) != "x" {
		t.Errorf("the link's target now holds %q", b)
	}
}

func TestALockIsHeldByOneAndEndsWithItsContext(t *testing.T) {
	dir, err := login.OpenDir(t.TempDir())
	must(t, err)
	if dir.Locked("l") {
		t.Error("locked before it exists")
	}
	unlock, err := dir.Lock(t.Context(), "l")
	must(t, err)
	if !dir.Locked("l") {
		t.Error("not locked")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := dir.Lock(ctx, "l"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	unlock()
	unlock, err = dir.Lock(t.Context(), "l")
	must(t, err)
	unlock()
}
