package record_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/record"
)

// Offsets of the format, as docs/reference/recording-format.md gives them.
const (
	fileHeaderSize  = 16
	frameHeaderSize = 33
	hashSize        = 32
)

// frames cuts a recording into its file header and its frames.
func frames(data []byte) [][]byte {
	parts := [][]byte{data[:fileHeaderSize]}
	for rest := data[fileHeaderSize:]; len(rest) > 0; {
		size := frameHeaderSize + int(binary.LittleEndian.Uint32(rest)) + hashSize
		parts = append(parts, rest[:size])
		rest = rest[size:]
	}
	return parts
}

// rechain gives frames new numbers, checksums and hashes, as somebody can who has everything but the key.
func rechain(parts [][]byte) []byte {
	return chained(parts, func(i int) uint64 { return uint64(i + 1) })
}

func chained(parts [][]byte, number func(int) uint64) []byte {
	out := slices.Clone(parts[0])
	hash := sha256.Sum256(parts[0])
	table := crc32.MakeTable(crc32.Castagnoli)
	for i, p := range parts[1:] {
		f := slices.Clone(p)
		binary.LittleEndian.PutUint32(f, uint32(len(f)-frameHeaderSize-hashSize))
		binary.LittleEndian.PutUint64(f[8:], number(i))
		binary.LittleEndian.PutUint32(f[4:], crc32.Update(crc32.Checksum(f[:4], table), table, f[8:frameHeaderSize]))
		hash = sha256.Sum256(append(hash[:], f[:len(f)-hashSize]...))
		copy(f[len(f)-hashSize:], hash[:])
		out = append(out, f...)
	}
	return out
}

func TestTheFormatIsTheDocumentedOne(t *testing.T) {
	data := story(t, signer(t))
	if again := rechain(frames(data)); !bytes.Equal(again, data) {
		t.Fatal("a recording made by the documented offsets is another one")
	}
}

func TestEveryFlippedBitIsFoundInItsFrame(t *testing.T) {
	s := signer(t)
	data := story(t, s)
	at := 0
	for frame, part := range frames(data) {
		for range part {
			for bit := range 8 {
				data[at] ^= 1 << bit
				report := verify(t, data, s.Keys())
				if report.State != record.Damaged || report.BadFrame != uint64(frame) || report.Why == "" {
					t.Fatalf("byte %d bit %d of frame %d: %s at %d: %s", at, bit, frame, report.State, report.BadFrame, report.Why)
				}
				data[at] ^= 1 << bit
			}
			at++
		}
	}
}

func TestDeletedSwappedAndDoubledFramesAreFound(t *testing.T) {
	s := signer(t)
	parts := frames(story(t, s))
	check := func(what string, parts [][]byte, frame int) {
		t.Helper()
		report := verify(t, bytes.Join(parts, nil), s.Keys())
		if report.State != record.Damaged || report.BadFrame != uint64(frame) {
			t.Errorf("%s %d: %s at %d: %s", what, frame, report.State, report.BadFrame, report.Why)
		}
	}
	last := len(parts) - 1
	for i := 1; i <= last; i++ {
		if i < last {
			check("deleted", slices.Delete(slices.Clone(parts), i, i+1), i)
			swapped := slices.Clone(parts)
			swapped[i], swapped[i+1] = swapped[i+1], swapped[i]
			check("swapped", swapped, i)
		}
		check("doubled", slices.Insert(slices.Clone(parts), i, parts[i]), i+1)
	}
}

func TestACutRecordingIsToldFromOneThatEnded(t *testing.T) {
	s := signer(t)
	data := story(t, s)
	parts := frames(data)
	signed := len(parts[0]) + len(parts[1]) + len(parts[2])
	ends := map[int]uint64{}
	at := 0
	for i, p := range parts {
		at += len(p)
		ends[at] = uint64(i)
	}
	for n := range data {
		report := verify(t, data[:n], s.Keys())
		switch {
		case n < signed:
			if report.State != record.Damaged {
				t.Fatalf("cut to %d bytes, before anything was signed: %s", n, report.State)
			}
		case report.State != record.Whole || report.Why == "" || report.LastCheckpoint == 0:
			t.Fatalf("cut to %d bytes: %s, checkpoint %d: %s", n, report.State, report.LastCheckpoint, report.Why)
		default:
			if frame, whole := ends[n]; whole && (report.Frames != frame || report.BadFrame != 0) || !whole && report.BadFrame != report.Frames+1 {
				t.Fatalf("cut to %d bytes: %d frames, bad %d", n, report.Frames, report.BadFrame)
			}
		}
	}
}

func TestATailThatWasChainedAnewIsFound(t *testing.T) {
	s := signer(t)
	parts := frames(story(t, s))
	for i := 1; i < len(parts); i++ {
		altered := slices.Clone(parts)
		altered[i] = slices.Clone(altered[i])
		altered[i][24] ^= 1 // its wall time
		report := verify(t, rechain(altered), s.Keys())
		// Frames 2, 10 and 14 are signed; a signature that does not fit speaks for nothing since the one before.
		want := uint64(1)
		if i > 10 {
			want = 11
		} else if i > 2 {
			want = 3
		}
		if report.State != record.Damaged || report.BadFrame != want {
			t.Errorf("frame %d altered: %s at %d, want %d: %s", i, report.State, report.BadFrame, want, report.Why)
		}
	}
	without := slices.Delete(slices.Clone(parts), 5, 6)
	if report := verify(t, rechain(without), s.Keys()); report.State != record.Damaged || report.BadFrame != 3 {
		t.Errorf("a frame taken out and the rest renumbered: %+v", report)
	}
}

func TestAGapInTheNumbersOfAnUnsignedTailIsFound(t *testing.T) {
	s := signer(t)
	parts := frames(story(t, s))[:8]
	if report := verify(t, rechain(parts), s.Keys()); report.State != record.Whole {
		t.Fatalf("%+v", report)
	}
	gap := chained(parts, func(i int) uint64 { return uint64(i + 1 + i/4) })
	if report := verify(t, gap, s.Keys()); report.State != record.Damaged || report.BadFrame != 5 {
		t.Fatalf("%+v", report)
	}
}

func TestNothingMayStandAfterTheSeal(t *testing.T) {
	s := signer(t)
	data := story(t, s)
	parts := frames(data)
	for what, more := range map[string][]byte{"a byte": {0}, "a frame": parts[4], "zeros": make([]byte, 4096)} {
		report := verify(t, append(slices.Clone(data), more...), s.Keys())
		if report.State != record.Damaged || report.BadFrame != uint64(len(parts)) {
			t.Errorf("%s: %s at %d: %s", what, report.State, report.BadFrame, report.Why)
		}
	}
	if report := verify(t, rechain(append(slices.Clone(parts), parts[4])), s.Keys()); report.State != record.Damaged || !strings.Contains(report.Why, "after the seal") {
		t.Errorf("a chained frame: %+v", report)
	}
}

func TestASignatureByAnUnknownKeyIsNoSignature(t *testing.T) {
	data := story(t, signer(t))
	for _, keys := range []record.Keys{{}, signer(t).Keys()} {
		if report := verify(t, data, keys); report.State != record.Damaged || !strings.Contains(report.Why, "not among the known keys") {
			t.Errorf("report: %+v", report)
		}
	}
}

func TestAWitnessedHeadMustBeInTheRecording(t *testing.T) {
	s := signer(t)
	data := story(t, s)
	var heads []record.Head
	r := must(record.NewReader(bytes.NewReader(data)))
	for e, err := r.Next(); err == nil; e, err = r.Next() {
		heads = append(heads, record.Head{Seq: e.Seq, Hash: e.Hash})
	}
	if report := verify(t, data, s.Keys(), heads...); report.State != record.Sealed || report.Head.Hash != heads[len(heads)-1].Hash {
		t.Fatalf("its own heads: %+v", report)
	}
	other := heads[4]
	other.Hash[7] ^= 1
	if report := verify(t, data, s.Keys(), other); report.State != record.Damaged || report.BadFrame != 5 {
		t.Errorf("another head: %+v", report)
	}
	parts := frames(data)
	cut := bytes.Join(parts[:6], nil)
	if report := verify(t, cut, s.Keys(), heads[9]); report.State != record.Damaged || report.BadFrame != 6 {
		t.Errorf("cut before what was witnessed: %+v", report)
	}
	if report := verify(t, cut, s.Keys(), heads[1]); report.State != record.Whole {
		t.Errorf("cut after what was witnessed: %+v", report)
	}
}

func TestAClaimedLengthTakesNoMemory(t *testing.T) {
	parts := frames(story(t, signer(t)))
	claim := func(length uint32) []byte {
		f := slices.Clone(parts[3][:frameHeaderSize])
		binary.LittleEndian.PutUint32(f, length)
		table := crc32.MakeTable(crc32.Castagnoli)
		binary.LittleEndian.PutUint32(f[4:], crc32.Update(crc32.Checksum(f[:4], table), table, f[8:]))
		return bytes.Join([][]byte{parts[0], parts[1], parts[2], f}, nil)
	}
	for _, length := range []uint32{record.MaxBody, record.MaxBody + 1, 1 << 31, 1<<32 - 1} {
		data := claim(length)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if report := verify(t, data, record.Keys{}); report.State == record.Sealed {
			t.Fatal("sealed")
		}
		runtime.ReadMemStats(&after)
		allocated := after.TotalAlloc - before.TotalAlloc
		if allocated > 1<<20 {
			t.Errorf("a claim of %d bytes took %d bytes of memory", length, allocated)
		}
	}
}

func TestAReaderGivesTheSameErrorEverAfter(t *testing.T) {
	data := story(t, signer(t))
	r := must(record.NewReader(bytes.NewReader(data[:len(data)-3])))
	var torn *record.TornError
	for {
		if _, err := r.Next(); err != nil {
			if !errors.As(err, &torn) {
				t.Fatal(err)
			}
			break
		}
	}
	if _, err := r.Next(); !errors.As(err, &torn) {
		t.Fatalf("then %v", err)
	}
}

func TestAReadErrorIsNoVerdict(t *testing.T) {
	s := signer(t)
	data := story(t, s)
	broken := io.MultiReader(bytes.NewReader(data[:700]), failingReader{})
	if report, err := record.Verify(broken, s.Keys()); err == nil || report.State != record.Damaged {
		t.Fatalf("%+v, %v", report, err)
	}
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errors.New("bad sector") }

// What a reader accepts is exactly what a writer writes, and nothing but the original is sealed.
func FuzzReader(f *testing.F) {
	s := signer(f)
	data := story(f, s)
	f.Add(data)
	parts := frames(data)
	f.Add(bytes.Join(parts[:8], nil))
	f.Add(rechain(slices.Delete(slices.Clone(parts), 4, 5)))
	f.Add(data[:len(data)-1])
	f.Fuzz(func(t *testing.T, in []byte) {
		report := verify(t, in, s.Keys())
		if report.State == record.Sealed && !bytes.Equal(in, data) {
			t.Fatal("an altered recording is sealed")
		}
		// The fuzzer does not know SHA-256; with the chain mended it reaches what lies behind.
		mended := in
		if whole := wholeFrames(in); whole != nil {
			mended = rechain(whole)
		}
		if report := verify(t, mended, s.Keys()); report.State == record.Sealed && !bytes.Equal(mended, data) {
			t.Fatal("an altered and mended recording is sealed")
		}
		accepted := reencode(mended)
		if !bytes.HasPrefix(mended, accepted) {
			t.Fatal("what was read encodes to other bytes")
		}
		for _, format := range []string{record.FormatNDJSON, record.FormatText} {
			if r, err := record.NewReader(bytes.NewReader(mended)); err == nil {
				var out strings.Builder
				_ = record.Export(&out, r, format) // damage is an error; what was written must be safe all the same
				if strings.ContainsFunc(out.String(), func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r == 0x202e }) {
					t.Fatalf("an unsafe character in %s", format)
				}
			}
		}
	})
}

// wholeFrames is frames for bytes that may be anything; nil where not one frame is there.
func wholeFrames(in []byte) [][]byte {
	if len(in) < fileHeaderSize {
		return nil
	}
	parts := [][]byte{in[:fileHeaderSize]}
	for rest := in[fileHeaderSize:]; len(rest) >= frameHeaderSize+hashSize; {
		size := frameHeaderSize + int(binary.LittleEndian.Uint32(rest)) + hashSize
		if size > len(rest) {
			break
		}
		parts = append(parts, rest[:size])
		rest = rest[size:]
	}
	if len(parts) == 1 {
		return nil
	}
	return parts
}

// reencode writes what a reader reads by the documented format.
func reencode(in []byte) []byte {
	r, err := record.NewReader(bytes.NewReader(in))
	if err != nil {
		return nil
	}
	parts := [][]byte{in[:fileHeaderSize]}
	for {
		e, err := r.Next()
		if err != nil {
			return rechain(parts)
		}
		f := make([]byte, frameHeaderSize, frameHeaderSize+len(e.Body)+hashSize)
		binary.LittleEndian.PutUint64(f[16:], uint64(e.Elapsed))
		binary.LittleEndian.PutUint64(f[24:], uint64(e.Time.UnixNano()))
		f[32] = byte(e.Type)
		parts = append(parts, append(append(f, e.Body...), make([]byte, hashSize)...))
	}
}
