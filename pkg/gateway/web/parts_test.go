package web

import (
	"bytes"
	"strings"
	"testing"
)

const ofParts = "multipart/form-data; boundary=b"

// J1: servers part on how a part says its name. Each of these is "_method" to one in wide use.
func TestAPartNamesAnotherMethodInNoneOfTheWaysThatServersRead(t *testing.T) {
	for _, head := range []string{
		`Content-Disposition: form-data; name="\_method"`, `Content-Disposition: form-data; name='_method'`, `Content-Disposition: form-data; name="=?utf-8?q?=5Fmethod?="`,
		`Content-Disposition: form-data; name="=?utf-8?b?X21ldGhvZA==?="`, `Content-Disposition: form-data; name="=?koi8-r?b?X21ldGhvZA==?="`, `Content-Disposition: form-data; filename="C:\"; name=_method; x="`,
		`Content-Disposition: form-data; name="%5fmethod"`, `Content-Disposition: form-data; name*=iso-8859-1''%5Fmethod`, `Content-Disposition: form-data; name*=utf-16''%FE%FF`,
		`Content-Disposition: form-data; name="_method"; name*=utf-8''a`, "Content-Disposition: form-data\r\nContent-ID: _method", "Content-Disposition: form-data\r\nContent-ID:\r\n _method",
		"X-A: Content-Disposition: form-data; name=_method\r\nContent-Disposition: form-data; name=a", "Content-Disposition: name=_method",
		"Content-Disposition: form-data; name=a;\r\n Content-Disposition: form-data; name=_method", "Content-ID: a\r\n Content-Disposition: form-data; name=_method",
	} {
		body := "--b\r\n" + head + "\r\n\r\nDELETE\r\n--b--\r\n"
		if overridden("POST", ofParts, []byte(body), true) == nil {
			t.Errorf("%q is let pass", head)
		}
		for cut := range len(body) {
			pieces := newTail("POST", ofParts)
			if pieces.look([]byte(body[:cut])) == nil && pieces.look([]byte(body[cut:])) == nil {
				t.Errorf("%q is let pass behind the first MiB, cut at %d", head, cut)
			}
		}
	}
	for _, head := range []string{
		`Content-Disposition: form-data; name="payment_method"; filename="method of 100%.pdf"`, `Content-Disposition: form-data; name="a"; filename*=UTF-8''m%C3%A9thod-method.pdf`,
		`Content-Disposition: form-data; name*=utf-8''b%C3%A4`, `Content-Disposition: form-data; name="what?=?"`, "Content-Disposition: form-data; name=a\r\nContent-ID: <method@example.com>",
		`Content-Disposition: form-data; name=a; filename="C:\docs\a.pdf"`,
	} {
		body := "--b\r\n" + head + "\r\n\r\n_method=DELETE\r\n--b--\r\n"
		if err := overridden("POST", ofParts, []byte(body), true); err != nil {
			t.Errorf("%q: %v", head, err)
		}
		if err := newTail("POST", ofParts).look([]byte(body)); err != nil {
			t.Errorf("%q behind the first MiB: %v", head, err)
		}
	}
}

// A body is looked at in time that grows with its length alone: in the square of it, each of these would take an hour. (BenchmarkTail
// measures it.)
func TestNoBodyTakesLongToLookAt(t *testing.T) {
	const size = 4 << 20
	for _, c := range []struct{ mediaType, unit string }{
		{ofParts, "Content-Disposition:\n"}, {ofParts, "Content-Disposition: method\n "}, {ofParts, "Content-ID:\n"}, {ofParts, "Content-Disposition: a; name=a; x=method\n"}, {ofParts, "content-"},
		{formType, "a=&"}, {formType, "%41%42=%43&"}, {formType, "amethod=b&"}, {"text/plain", "a line, with & = in it\n"}, {formType, "&"},
	} {
		_ = newTail("POST", c.mediaType).look(bytes.Repeat([]byte(c.unit), size/len(c.unit)))
	}
}

func BenchmarkTail(b *testing.B) {
	for _, c := range []struct{ name, mediaType, unit string }{
		{"parts/binary", ofParts, "\x00\x01\xff-\x8a\x11"}, {"parts/text", ofParts, "a line - with things in it\r\n"}, {"form/short", formType, "a=b&"}, {"form/escaped", formType, "%41%42=%43&"},
		{"form/method", formType, "xmethod=1&"}, {"text", "text/plain", "a line, with & = in it\n"}, {"parts/heads", ofParts, "--b\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n"},
		{"parts/hostile", ofParts, "Content-Disposition: a; name=a; x=method\n"},
	} {
		b.Run(c.name, func(b *testing.B) {
			piece := []byte(strings.Repeat(c.unit, 32<<10/len(c.unit)))
			pieces := newTail("POST", c.mediaType)
			b.SetBytes(int64(len(piece)))
			b.ReportAllocs()
			for b.Loop() {
				if err := pieces.look(piece); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// J1: some servers (formidable) look for a word anywhere in a type.
func TestATypeIsOneType(t *testing.T) {
	part := "--b\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nDELETE\r\n--b--\r\n"
	for _, c := range []struct{ mediaType, body string }{
		{"application/json; multipart; boundary=b", part}, {"application/octet-stream; x=Multipart/form-data; boundary=b", part}, {"application/x-multipart; boundary=b", part},
		{"multipart/form-data; boundary=b; x=urlencoded", "a&_method=DELETE"},
		{"application/octet-stream; x=urlencoded", big(bodyCap) + "&_method=DELETE"}, {"application/octet-stream; multipart; boundary=b", big(bodyCap) + "\r\n" + part},
	} {
		log := &journal{}
		if a := open(t, took(t, log), allowAll).Ask("POST /x", "Content-Type: "+c.mediaType, c.body); a.StatusCode != 415 && a.StatusCode != 400 {
			t.Errorf("%s: %s, the service got %s", c.mediaType, a.Status, log)
		}
	}
	for _, mediaType := range []string{"multipart/form-data; boundary=multipart", "application/x-www-form-urlencoded; charset=utf-8", "application/octet-stream", "", "Multipart/Related; boundary=x"} {
		if !oneType(mediaType) {
			t.Errorf("%q is refused", mediaType)
		}
	}
}
