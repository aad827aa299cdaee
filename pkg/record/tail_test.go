package record_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/record"
)

// growing is a file of which a first part is written.
type growing struct {
	data    []byte
	written int
	read    int
}

func (g *growing) Read(p []byte) (int, error) {
	n := copy(p, g.data[g.read:g.written])
	g.read += n
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func TestATailGivesOutWholeFramesAndAllOfThem(t *testing.T) {
	data := story(t, signer(t))
	ends, end := map[int]bool{}, 0
	for _, part := range frames(data) {
		end += len(part)
		ends[end] = true
	}
	for _, step := range []int{1, 7, 100, len(data)} {
		g := &growing{data: data}
		tail := record.NewTail(g)
		var got []byte
		for g.written < len(data) {
			g.written = min(g.written+step, len(data))
			for {
				part, err := tail.Next()
				if err != nil && !errors.Is(err, io.EOF) {
					t.Fatal(err)
				}
				if len(part) == 0 {
					break
				}
				if got = append(got, part...); !ends[len(got)] {
					t.Fatalf("in steps of %d: %d bytes are no whole frames", step, len(got))
				}
			}
		}
		if !bytes.Equal(got, data) {
			t.Errorf("in steps of %d: %d bytes of %d", step, len(got), len(data))
		}
		if _, err := tail.Next(); !errors.Is(err, io.EOF) {
			t.Errorf("after the seal: %v", err)
		}
	}
}

func TestATailStopsAtWhatIsNoRecording(t *testing.T) {
	data := story(t, signer(t))
	for _, at := range []int{3, 20, len(data) / 2} {
		altered := bytes.Clone(data)
		for i := at; i < len(altered); i++ {
			altered[i] ^= 0x55
		}
		tail := record.NewTail(bytes.NewReader(altered))
		var err error
		var part []byte
		for n := 0; err == nil && n < 100; n++ {
			part, err = tail.Next()
			if err == nil && len(part) == 0 {
				break
			}
		}
		var damage *record.DamageError
		if !errors.As(err, &damage) && (err != nil || len(part) != 0) {
			t.Errorf("altered at %d: %d bytes, %v", at, len(part), err)
		}
	}
}
