package body_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"

	"github.com/hoop-gateway/hoop/pkg/mask/body"
)

func packed(t *testing.T, encoding string, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	switch encoding {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "deflate":
		w = zlib.NewWriter(&b)
	case "zstd":
		z, err := zstd.NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		w = z
	}
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func unpack(encoding string, b []byte, limits body.Limits) ([]byte, error) {
	r, err := body.Decompress(encoding, iotest.OneByteReader(bytes.NewReader(b)), limits)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

func TestEncodedBodiesAreRead(t *testing.T) {
	var honest bytes.Buffer
	for _, text := range lists() {
		honest.WriteString(text)
	}
	bomb := make([]byte, 20<<20)
	for _, encoding := range []string{"gzip", "deflate", "zstd"} {
		b := packed(t, encoding, honest.Bytes())
		if got, err := unpack(strings.ToUpper(encoding), b, body.Limits{}); err != nil || !bytes.Equal(got, honest.Bytes()) {
			t.Errorf("%s: %d bytes, %v", encoding, len(got), err)
		}
		for _, cut := range []int{0, 1, 5, len(b) / 2, len(b) - 1} {
			if _, err := unpack(encoding, b[:cut], body.Limits{}); cut > 0 && !errors.Is(err, body.ErrMalformed) {
				t.Errorf("%s: cut at %d of %d: %v", encoding, cut, len(b), err)
			}
		}
		if got, err := unpack(encoding, packed(t, encoding, bomb), body.Limits{}); !errors.Is(err, body.ErrMalformed) || len(got) > 2<<20 {
			t.Errorf("%s: a bomb became %d bytes, %v", encoding, len(got), err)
		}
		if got, err := unpack(encoding, packed(t, encoding, bomb), body.Limits{Ratio: 1 << 40, Bytes: 5 << 20}); !errors.Is(err, body.ErrMalformed) || len(got) > 5<<20 {
			t.Errorf("%s: too much became %d bytes, %v", encoding, len(got), err)
		}
		if got, err := unpack(encoding, packed(t, encoding, bomb), body.Limits{Ratio: 1 << 40, Bytes: 20 << 20}); err != nil || len(got) != len(bomb) {
			t.Errorf("%s: as much as is allowed became %d bytes, %v", encoding, len(got), err)
		}
		if _, err := unpack(encoding, []byte(`{"not":"encoded"}`), body.Limits{}); !errors.Is(err, body.ErrMalformed) {
			t.Errorf("%s: what is not encoded: %v", encoding, err)
		}
	}
	for _, encoding := range []string{"br", "gzip, gzip", "gzip,identity", "compress", "aws-chunked", "x", "gzip;q=1"} {
		if _, err := unpack(encoding, nil, body.Limits{}); !errors.Is(err, body.ErrEncoding) {
			t.Errorf("%s: %v", encoding, err)
		}
	}
	if got, err := unpack("", []byte("x"), body.Limits{}); err != nil || string(got) != "x" {
		t.Errorf("nothing: %q, %v", got, err)
	}
	var raw bytes.Buffer
	w, err := flate.NewWriter(&raw, 5)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write(honest.Bytes())
	_ = w.Close()
	if _, err := unpack("deflate", raw.Bytes(), body.Limits{}); !errors.Is(err, body.ErrMalformed) {
		t.Errorf("deflate without its wrapper: %v", err)
	}
}

// Whatever is unpacked, it is not more than is allowed, and cut anywhere it is an error.
func FuzzDecompress(f *testing.F) {
	f.Add([]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\x01\x00\x00\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00"), uint8(0))
	f.Add([]byte("\x28\xb5\x2f\xfd\x04\x00\x01\x00\x00\x99\xe9\xd8\x51"), uint8(2))
	f.Add([]byte("\x78\x9c\x03\x00\x00\x00\x00\x01"), uint8(1))
	f.Fuzz(func(t *testing.T, b []byte, which uint8) {
		encoding := []string{"gzip", "deflate", "zstd"}[which%3]
		limits := body.Limits{Bytes: 3 << 20, Ratio: 50}
		r, err := body.Decompress(encoding, bytes.NewReader(b), limits)
		if err != nil {
			if !errors.Is(err, body.ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		got, err := io.ReadAll(r)
		if int64(len(got)) > limits.Bytes || len(got) > 2<<20 && int64(len(got)) > limits.Ratio*int64(len(b)+1) || err != nil && !errors.Is(err, body.ErrMalformed) {
			t.Fatalf("%d bytes became %d, %v", len(b), len(got), err)
		}
		if _, again := r.Read(make([]byte, 1)); again == nil {
			t.Fatal("it can be read behind its end")
		}
	})
}
