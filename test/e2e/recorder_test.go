package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// session is a line of the index.
type session struct {
	ID, State, Connection, Recording string
	GrantID                          string `json:"grant_id"`
	Identity                         struct{ User string }
}

func (u *user) sessions(t *testing.T) []session {
	t.Helper()
	var list struct{ Sessions []session }
	u.json(t, &list, "sessions", "ls")
	return list.Sessions
}

// exported is a recording by its session's id, in one of its forms.
func (u *user) exported(t *testing.T, id, format string) string {
	t.Helper()
	r := u.run(t, "sessions", "export", id, "--format", format)
	if r.code != 0 && r.code != 13 {
		t.Fatalf("export %s: exit %d %s", id, r.code, r.stderr)
	}
	return r.stdout
}

var marker = regexp.MustCompile(`mark_[a-z0-9_]+`)

func markers(text string) map[string]bool {
	found := map[string]bool{}
	for _, m := range marker.FindAllString(text, -1) {
		found[m] = true
	}
	return found
}

// smallDisk is how to start a program for which a folder is a disk of two megabytes: in a mount namespace of its own.
func smallDisk(folder string) []string {
	alone := []string{"unshare", "--mount"}
	if os.Geteuid() != 0 {
		alone = []string{"unshare", "--user", "--map-current-user", "--keep-caps", "--mount"}
	}
	return append(alone, "sh", "-c", `mount -t tmpfs -o size=2m,mode=700 none "$0" && exec "$@"`, folder)
}

func TestAFullDiskUnderTheRecorderStopsCommands(t *testing.T) {
	w := ownWorld(t)
	before := w.user(t, "security").sessions(t) // whose recordings are elsewhere
	if err := w.stop(); err != nil {
		t.Fatal(err)
	}
	disk := filepath.Join(w.dir, "small")
	if err := os.Mkdir(disk, 0o700); err != nil {
		t.Fatal(err)
	}
	config := strings.Replace(w.config(), "recordings: {results: 1MiB}", "recordings: {results: 1MiB, store: 'file:"+disk+"'}", 1)
	if err := os.WriteFile(filepath.Join(w.dir, "hoopd.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := w.start(smallDisk(disk)...); err != nil {
		t.Fatal(err)
	}
	dev, security := w.user(t, "dev"), w.user(t, "security")
	if r := dev.psql(t, "SELECT 'mark_earlier'"); r.code != 0 {
		t.Fatal(r.stderr)
	}
	l, from := dev.open(t, "db-prod"), w.logged(t)
	other := l.dial(t)
	if _, err := other.simple(t, "SELECT 'mark_other'"); err != nil {
		t.Fatal(err)
	}
	refused := fillUp(t, l)
	if _, err := l.tryDial(t.Context()); err == nil {
		t.Error("a session opened that can't be recorded")
	} else {
		t.Logf("a new session: %v", err)
	}
	if _, err := other.simple(t, fmt.Sprintf("SELECT 'mark_late', length('%s')", noise(100_000))); err == nil {
		t.Error("a command ran in another session that could not be recorded")
	}
	refused = append(refused, "mark_late")

	// What ran is recorded, and what was recorded verifies.
	recorded := map[string]bool{}
	for _, s := range security.sessions(t) {
		if slices.Contains(before, s) {
			continue
		}
		for m := range markers(security.exported(t, s.ID, "ndjson")) {
			recorded[m] = true
		}
		if r := security.run(t, "sessions", "verify", s.ID); r.code != 0 && r.code != 13 {
			t.Errorf("session %s: exit %d %s%s", s.ID, r.code, r.stdout, r.stderr)
		}
	}
	ran := markers(w.targetLog(t, from))
	if len(ran) < 3 || !recorded["mark_earlier"] {
		t.Fatalf("too little ran: %v, recorded %v", ran, recorded)
	}
	for m := range ran {
		if !recorded[m] {
			t.Errorf("%s ran and is not recorded", m)
		}
	}
	for _, m := range refused {
		if ran[m] {
			t.Errorf("%s ran though it could not be recorded", m)
		}
	}
}

// fillUp sends commands, large ones first, until not even a short one can be recorded. It answers the marks of those that
// were refused.
func fillUp(t *testing.T, l *listener) (refused []string) {
	t.Helper()
	for i, size := range []int{100_000, 3000, 10, 10, 10} {
		c, err := l.tryDial(t.Context())
		if err != nil {
			break // not even a new session
		}
		for sent := 0; err == nil && sent < 1000; sent++ {
			mark := fmt.Sprintf("mark_%d_%d_", i, sent)
			if _, err = c.simple(t, fmt.Sprintf("SELECT '%s', length('%s')", mark, noise(size))); err != nil {
				refused = append(refused, mark)
			}
		}
		if err == nil || !strings.Contains(err.Error(), "53100") {
			t.Fatalf("the disk is not full, or that is not said: %v", err)
		}
		closeSoon(c.PgConn)
	}
	return refused
}

// noise is text that does not compress to little, and is the same each time.
func noise(n int) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
	b, x := make([]byte, n), uint64(88172645463325252)
	for i := range b {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b[i] = letters[x%uint64(len(letters))]
	}
	return string(b)
}

func TestACopyOfARecordingIsVerifiedOffline(t *testing.T) {
	w := shared
	security := w.user(t, "security")
	l := w.user(t, "dev").open(t, "db-prod")
	c := l.dial(t)
	for i := range 3 {
		if _, err := c.simple(t, fmt.Sprintf("SELECT 'mark_copy_%d'", i)); err != nil {
			t.Fatal(err)
		}
	}
	of := func() session {
		all := security.sessions(t)
		i := slices.IndexFunc(all, func(s session) bool { return s.GrantID == l.grant })
		if i < 0 {
			t.Fatal("the session is not in the index")
		}
		return all[i]
	}
	id := of().ID
	if r := security.run(t, "sessions", "verify", id); r.code != 13 {
		t.Errorf("a session that is open: exit %d %s", r.code, r.stderr)
	}
	closeSoon(c.PgConn)
	eventually(t, commandTime, "the recording is sealed", func() bool { return of().State == "sealed" })

	whole := []byte(security.exported(t, id, "hrec"))
	keys := filepath.Join(w.dir, "state", "recordings", "keys.json")
	stranger := &user{world: w, env: []string{"HOME=" + t.TempDir(), "PATH=/nowhere"}} // who has the file and the keys alone
	verify := func(what string, content []byte, want int) {
		t.Helper()
		file := filepath.Join(t.TempDir(), "copy.hrec")
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		r := stranger.run(t, "sessions", "verify", file, "--keys", keys, "-o", "json")
		if r.code != want {
			t.Errorf("%s: exit %d, not %d: %s%s", what, r.code, want, r.stdout, r.stderr)
		}
		var report struct {
			State    string
			BadFrame int `json:"bad_frame"`
		}
		if err := json.Unmarshal([]byte(r.stdout), &report); err != nil || want == 14 && report.BadFrame == 0 {
			t.Errorf("%s: %v %s", what, err, r.stdout)
		}
	}
	verify("the whole", whole, 0)
	verify("cut by a byte", whole[:len(whole)-1], 13)
	verify("cut to nothing", whole[:16], 14)
	for _, at := range []int{len(whole) / 4, len(whole) / 2, len(whole) * 3 / 4, len(whole) - 1} {
		changed := bytes.Clone(whole)
		changed[at] ^= 1
		verify(fmt.Sprintf("byte %d of %d changed", at, len(whole)), changed, 14)
	}
	said := security.exported(t, id, "text")
	for i := range 3 {
		if !strings.Contains(said, fmt.Sprintf("mark_copy_%d", i)) {
			t.Errorf("the transcript lacks command %d:\n%s", i, said)
		}
	}
}
