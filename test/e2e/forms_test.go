package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
)

// unnamed is a service whose pages tell nobody who they are, as those of Keycloak for signing in.
func unnamed(t *testing.T, port int) {
	t.Helper()
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Referrer-Policy", "no-referrer")
		if r.Method == http.MethodPost {
			_, _ = fmt.Fprintf(w, "<title>hello %s</title>", r.FormValue("user"))
			return
		}
		_, _ = io.WriteString(w, `<title>sign in</title><form method="post" action="/in"><input name="user" value="carol"></form>`)
	})}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
}

// Browsers name no origin ("null") for forms of such pages, and say beside it that they are of the same one.
func TestAFormOfAPageThatSaysWhoItIsToNobodyIsSent(t *testing.T) {
	unnamed(t, shared.service)
	l := shared.user(t, "dev").open(t, "prom")
	b := startBrowser(t)
	b.open(t, l.link(t))
	b.run(t, `document.forms[0].submit(); done()`)
	var title string
	eventually(t, commandTime, "the next page", func() bool {
		b.do(t, "GET", "/title", nil, &title)
		return title != "sign in" && title != ""
	})
	if title != "hello carol" {
		t.Errorf("the form is answered with a page called %q", title)
	}
}
