package broker

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // for the page and the document
	"encoding/base64"
	"html/template"
	"regexp"
)

//go:embed openapi.json
var openAPI []byte

// document serves the OpenAPI document, which a test holds to the routes and the types.
func (b *Broker) document(c *call) (any, error) {
	c.w.Header().Set("Content-Type", "application/json")
	_, _ = c.w.Write(openAPI) // the client may be gone
	return answered{}, nil
}

const pageStyle = `body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem}code{background:#eee;padding:.1em .3em}`

var (
	approvalID = regexp.MustCompile(`^ap_[a-z0-9]{10}$`)

	page = template.Must(template.New("approval").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>hoop: a request for approval</title>
<style>` + pageStyle + `</style>
<h1>A request for approval</h1>
<p>Whoever may decide it looks at it, and decides, in a terminal:</p>
<pre><code>hoop approvals show {{.}}
hoop approvals approve {{.}}
hoop approvals reject {{.}}</code></pre>
<p>This page knows nobody, so it shows nothing of what is asked.</p>
</html>
`))
)

// approvalPage says how to look at a request. It needs no sign-in, so it reads nothing:
// for an id that never was it is the same.
func (b *Broker) approvalPage(c *call) (any, error) {
	id := c.r.PathValue("id")
	if !approvalID.MatchString(id) {
		return nil, notFound()
	}
	var body bytes.Buffer
	if err := page.Execute(&body, id); err != nil {
		return nil, err
	}
	style := sha256.Sum256([]byte(pageStyle))
	h := c.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(style[:])+
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	_, _ = c.w.Write(body.Bytes()) // the client may be gone
	return answered{}, nil
}
