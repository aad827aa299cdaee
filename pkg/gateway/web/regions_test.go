package web

import (
	"fmt"
	"mime/multipart"
	"strings"
	"testing"
)

// A file may hold what looks like a part of a form: a letter, a recorded request, the source of a framework.
func TestAFileThatHoldsAFormIsNotTakenForOne(t *testing.T) {
	const form, boundary = "Content-Type: multipart/form-data; boundary=----WebKitFormBoundaryAb", "------WebKitFormBoundaryAb"
	head := boundary + "\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.eml\"\r\nContent-Type: message/rfc822\r\n\r\n"
	const inner = "\r\n--inner\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nDELETE\r\n--inner--\r\n"
	const last = "\r\n" + boundary + "\r\nContent-Disposition: form-data; name=\"g\"\r\n\r\nb\r\n" + boundary + "--\r\n"
	for name, body := range map[string]string{
		"at its beginning":               head + inner[2:] + big(bodyCap) + last,
		"behind the first MiB":           head + big(bodyCap) + inner + last,
		"across the end of the first":    head + big(bodyCap-len(head)-20) + inner + last,
		"with the delimiter's beginning": head + big(bodyCap) + "\r\n------WebKitFormBoundary\r\n" + inner + strings.Repeat("-", 5000) + last,
	} {
		log := &journal{}
		if a := open(t, took(t, log), allowAll).Ask("POST /x", form, body); a.Text != fmt.Sprintf("%d %s", len(body), sumOf(body)) {
			t.Errorf("%s: %s %s", name, a.Status, a.Text)
		}
	}
	part := inner[2:]
	for name, c := range map[string]struct{ mediaType, body string }{
		"a part":                        {form, head + big(bodyCap) + strings.ReplaceAll(inner, "--inner", boundary)},
		"a part behind another":         {form, head + big(bodyCap) + strings.TrimSuffix(last, "--\r\n") + "\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nDELETE\r\n"},
		"its delimiter in another case": {form, head + big(bodyCap) + strings.ReplaceAll(inner, "--inner", strings.ToLower(boundary))},
		"within a line":                 {form, head + big(bodyCap) + "x" + strings.ReplaceAll(part, "--inner", boundary)},
		"of lines that end in LF":       {form, head + big(bodyCap) + strings.ReplaceAll(strings.ReplaceAll(inner, "--inner", boundary), "\r\n", "\n")},
		"behind an empty line of LF":    {form, head + big(bodyCap) + "\r\n" + boundary + "\r\nX-A: a\n\nContent-Disposition: form-data; name=_method\r\n\r\nDELETE\r\n" + boundary + "--\r\n"},
		"behind an empty head":          {form, head + big(bodyCap) + "\r\n" + boundary + "\r\n\r\nContent-Disposition: form-data; name=_method\r\n\r\nDELETE\r\n" + boundary + "--\r\n"},
		"behind several empty lines":    {form, head + big(bodyCap) + "\r\n" + boundary + "\n\r\n \r\n\r\nContent-Disposition: form-data; name=_method\r\n\r\nDELETE\r\n" + boundary + "--\r\n"},
		"the first line's delimiter":    {form, "--inner\r\n" + head + big(bodyCap) + inner},
		"parts in a part":               {form, strings.Replace(head, "message/rfc822", "Multipart/mixed; boundary=inner", 1) + big(bodyCap) + inner},
		"parts in a later part":         {form, head + big(bodyCap) + "\r\n" + boundary + "\r\nContent-Disposition: form-data; name=g\r\nContent-Type: multipart/mixed; boundary=inner\r\n\r\n" + inner},
		"a boundary in quotes":          {`Content-Type: multipart/form-data; boundary="----WebKitFormBoundaryAb"`, head + big(bodyCap) + inner},
		"two boundaries":                {form + "; boundary=inner", head + big(bodyCap) + inner},
		"another type of parts":         {strings.Replace(form, "form-data", "mixed", 1), head + big(bodyCap) + inner},
	} {
		log := &journal{}
		if a := open(t, took(t, log), allowAll).Ask("POST /x", c.mediaType, c.body); a.StatusCode != 400 || !strings.Contains(a.Text, "another method") {
			t.Errorf("%s: %s %.300s", name, a.Status, a.Text)
		}
	}
}

// Who is refused for what can't be told is told what that is.
func TestWhatCanNotBeToldOfAPartIsSaid(t *testing.T) {
	for want, body := range map[string]string{
		"longer than 8 KiB":       "--b\r\nContent-Disposition: form-data; name=f; filename=\"" + strings.Repeat("method", 2000) + "\"\r\n\r\n" + big(bodyCap) + "\r\n--b--\r\n",
		"one Content-Disposition": "--b\r\nContent-Disposition: form-data; name=f\r\nContent-Disposition: form-data; name=method\r\n\r\na\r\n--b--\r\n",
	} {
		if a := open(t, took(t, &journal{}), allowAll).Ask("POST /x", "Content-Type: "+ofParts, body); a.StatusCode != 400 || !strings.Contains(a.Text, want) {
			t.Errorf("%s: %s %.300s", want, a.Status, a.Text)
		}
	}
}

// Whatever a server that reads parts as Go does finds in them is found, in whatever pieces a body comes.
func FuzzRegions(f *testing.F) {
	f.Add("--b\r\nContent-Disposition: form-data; name=f\r\n\r\n--i\r\nContent-Disposition: form-data; name=_method\r\n\r\nPUT\r\n--b--\r\n", uint8(3))
	f.Add("--b\r\nA: b\n\nContent-Disposition: form-data; name=_method\r\n\r\nPUT\r\n--b--\r\n", uint8(5))
	f.Add("--b\r\nContent-Disposition: form-data; name=f\r\n\r\n\n--b\nContent-Disposition: form-data; name=_method\n\nPUT\n--b--\n", uint8(1))
	f.Fuzz(func(t *testing.T, text string, cut uint8) {
		text = "--b\r\n" + text
		found := inPieces(t, ofParts, text, cut)
		parts := multipart.NewReader(strings.NewReader(text), "b")
		for p, err := parts.NextRawPart(); err == nil && found == nil; p, err = parts.NextRawPart() {
			for _, s := range p.Header.Values("Content-Disposition") {
				if fieldOfHead("Content-Disposition: "+s, "", "POST") != nil {
					t.Fatalf("%q names another method: %s", text, s)
				}
			}
		}
	})
}
