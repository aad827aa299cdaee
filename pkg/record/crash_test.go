//go:build unix

package record_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/record"
	"golang.org/x/sys/unix"
)

// TestMain lets the test binary be the process that is killed or that meets a full disk.
func TestMain(m *testing.M) {
	switch os.Getenv("RECORD_TEST_CHILD") {
	case "append":
		appendForever(os.Getenv("RECORD_TEST_FILE"), os.Getenv("RECORD_TEST_KEYS"))
	case "full":
		appendUntilFull(os.Getenv("RECORD_TEST_FILE"), os.Getenv("RECORD_TEST_KEYS"))
	default:
		os.Exit(m.Run())
	}
}

// appendForever prints the number of every frame once it is acknowledged.
func appendForever(name, keys string) {
	w := must(record.Create(name, header(), record.Options{Signer: must(record.LoadOrCreateSigner(keys))}))
	for i := 0; ; i++ {
		if i%10 == 0 {
			if err := w.AppendBatch(uint64(i), rows(2000)); err != nil {
				panic(err)
			}
		}
		fmt.Println(must(w.Append(record.TypeNotice, note(fmt.Sprint(i)))))
	}
}

// appendUntilFull runs into a limit that the kernel sets on the size of files, and prints what it then gets.
func appendUntilFull(name, keys string) {
	signal.Ignore(syscall.SIGXFSZ)
	s := must(record.LoadOrCreateSigner(keys))
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 10_000, Max: 10_000}); err != nil {
		panic(err)
	}
	w := must(record.Create(name, header(), record.Options{Signer: s}))
	for {
		seq, err := w.Append(record.TypeNotice, note(strings.Repeat("x", 100)))
		if err != nil {
			fmt.Println("error", errors.Is(err, record.ErrFailed), errors.Is(err, syscall.EFBIG))
			return
		}
		fmt.Println(seq)
	}
}

func child(t *testing.T, what, name, keys string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), must(os.Executable()))
	cmd.Env = append(os.Environ(), "RECORD_TEST_CHILD="+what, "RECORD_TEST_FILE="+name, "RECORD_TEST_KEYS="+keys)
	cmd.Stderr = os.Stderr
	return cmd
}

func TestKillingTheProcessLosesNothingThatWasAcknowledged(t *testing.T) {
	for round := range 5 {
		dir := t.TempDir()
		name, keys := filepath.Join(dir, "a.hrec"), filepath.Join(dir, "keys")
		cmd := child(t, "append", name, keys)
		out := must(cmd.StdoutPipe())
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var acknowledged uint64
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			acknowledged = must(strconv.ParseUint(lines.Text(), 10, 64))
			if acknowledged > uint64(200+100*round) {
				if _, err := record.Recover(name, signer(t), record.Options{}); !errors.Is(err, record.ErrInUse) {
					t.Fatalf("a living recording was recovered: %v", err)
				}
				break
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() {
			if n, err := strconv.ParseUint(lines.Text(), 10, 64); err == nil {
				acknowledged = n
			}
		}
		_ = cmd.Wait() // it was killed
		s := must(record.LoadOrCreateSigner(keys))
		report := verify(t, must(os.ReadFile(name)), s.Keys())
		if report.State != record.Whole || report.Frames < acknowledged {
			t.Fatalf("frame %d was acknowledged: %+v", acknowledged, report)
		}
		head := must(record.Recover(name, s, record.Options{}))
		report = verify(t, must(os.ReadFile(name)), s.Keys(), head)
		if report.State != record.Sealed || report.Sealed != "crashed" || report.Frames <= acknowledged {
			t.Fatalf("recovered: %+v", report)
		}
	}
}

func TestAFullDiskFailsTheRecordingAndWhatIsThereVerifies(t *testing.T) {
	dir := t.TempDir()
	name, keys := filepath.Join(dir, "a.hrec"), filepath.Join(dir, "keys")
	lines := strings.Fields(string(must(child(t, "full", name, keys).Output())))
	if n := len(lines); n < 10 || strings.Join(lines[n-3:], " ") != "error true true" {
		t.Fatalf("output %v", lines)
	}
	acknowledged := must(strconv.ParseUint(lines[len(lines)-4], 10, 64))
	s := must(record.LoadOrCreateSigner(keys))
	report := verify(t, must(os.ReadFile(name)), s.Keys())
	if report.State != record.Whole || report.Frames != acknowledged || report.BadFrame != 0 {
		t.Fatalf("frame %d was acknowledged: %+v", acknowledged, report)
	}
}

// unsealed is the story without its seal, in a file.
func unsealed(t *testing.T, s *record.Signer, alter func([]byte) []byte) string {
	t.Helper()
	parts := frames(story(t, s))
	data := bytes.Join(parts[:len(parts)-1], nil)
	name := filepath.Join(t.TempDir(), "a.hrec")
	if err := os.WriteFile(name, alter(data), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestATornTailIsCutAndTheRestSealed(t *testing.T) {
	s := signer(t)
	whole := func(data []byte) []byte { return data }
	for what, c := range map[string]struct {
		alter  func([]byte) []byte
		frames uint64
	}{
		"nothing is torn":             {whole, 14},
		"part of a header":            {func(d []byte) []byte { return append(d, frames(d)[4][:20]...) }, 14},
		"part of a body":              {func(d []byte) []byte { return d[:len(d)-40] }, 13},
		"zeros":                       {func(d []byte) []byte { return append(d, make([]byte, 70_000)...) }, 14},
		"a body that never came":      {func(d []byte) []byte { clear(d[len(d)-60:]); return d }, 13},
		"a last header with zeros in": {func(d []byte) []byte { n := len(frames(d)[13]); return append(d[:len(d)-n], make([]byte, n)...) }, 13},
	} {
		name := unsealed(t, s, c.alter)
		var told []record.Head
		head, err := record.Recover(name, s, record.Options{OnCheckpoint: func(h record.Head) { told = append(told, h) }})
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		report := verify(t, must(os.ReadFile(name)), s.Keys(), head)
		if report.State != record.Sealed || report.Sealed != "crashed" || report.Frames != c.frames || !slices.Equal(told, []record.Head{head}) {
			t.Errorf("%s: %+v", what, report)
		}
		before := must(os.ReadFile(name))
		if again := must(record.Recover(name, s, record.Options{})); again.Hash != head.Hash || !bytes.Equal(before, must(os.ReadFile(name))) {
			t.Errorf("%s: recovered twice, it is another recording", what)
		}
	}
}

func TestWhatWasAlteredIsNotSealedByRecover(t *testing.T) {
	s := signer(t)
	parts := frames(story(t, s))
	heads := []record.Head{{Seq: 13, Hash: [32]byte(parts[13][len(parts[13])-32:])}}
	for what, c := range map[string]struct {
		alter func([]byte) []byte
		o     record.Options
	}{
		"a flipped bit":              {func(d []byte) []byte { d[500] ^= 1; return d }, record.Options{}},
		"a tail chained anew":        {func(d []byte) []byte { p := frames(d); return rechain(slices.Delete(p, 4, 5)) }, record.Options{}},
		"bytes after the seal":       {func([]byte) []byte { return append(bytes.Join(parts, nil), 1, 2, 3) }, record.Options{}},
		"no checkpoint":              {func([]byte) []byte { return bytes.Join(parts[:2], nil) }, record.Options{}},
		"not even a header":          {func(d []byte) []byte { return d[:7] }, record.Options{}},
		"an empty file":              {func([]byte) []byte { return nil }, record.Options{}},
		"garbage at the end":         {func(d []byte) []byte { return append(d, bytes.Repeat([]byte("x"), 100)...) }, record.Options{}},
		"cut before what was seen":   {func([]byte) []byte { return bytes.Join(parts[:12], nil) }, record.Options{Witnessed: heads}},
		"another than what was seen": {func([]byte) []byte { return rechain(append(slices.Clone(parts[:13]), parts[12])) }, record.Options{Witnessed: heads}},
	} {
		name := unsealed(t, s, c.alter)
		before := must(os.ReadFile(name))
		_, err := record.Recover(name, s, c.o)
		var damage *record.DamageError
		var torn *record.TornError
		if !errors.As(err, &damage) && !errors.As(err, &torn) || !bytes.Equal(before, must(os.ReadFile(name))) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestRecoverKnowsTheKeysOfBefore(t *testing.T) {
	old, now := signer(t), signer(t)
	name := unsealed(t, old, func(d []byte) []byte { return d })
	if _, err := record.Recover(name, now, record.Options{}); err == nil {
		t.Fatal("signatures of an unknown key were taken")
	}
	head := must(record.Recover(name, now, record.Options{Known: old.Keys()}))
	keys := record.Keys{Keys: []record.Key{old.Key(), now.Key()}}
	if report := verify(t, must(os.ReadFile(name)), keys, head); report.State != record.Sealed || report.KeyID != now.Key().ID {
		t.Fatalf("%+v", report)
	}
}
