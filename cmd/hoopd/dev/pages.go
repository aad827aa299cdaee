package dev

import (
	"embed"
	"html/template"
	"net/http"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/op"
)

//go:embed pages/*.html
var pageFiles embed.FS

// page is what a page shows. The pages work without JavaScript.
type page struct {
	Title    string
	Issuer   string
	Problem  string
	UserCode string
	LoginID  string
	Account  Account
	People   []Account
	Scopes   string
}

func (p *Provider) show(w http.ResponseWriter, status int, name string, data page) {
	data.Issuer = p.issuer
	for _, a := range Accounts() {
		if a.Person {
			data.People = append(data.People, a)
		}
	}
	t, err := template.ParseFS(pageFiles, "pages/frame.html", "pages/"+name)
	if err != nil {
		http.Error(w, "the page can't be shown", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = t.ExecuteTemplate(w, "frame.html", data) // the browser may be gone
}

func (p *Provider) home(w http.ResponseWriter, _ *http.Request) {
	p.show(w, http.StatusOK, "home.html", page{Title: "Development sign-in"})
}

// devicePage asks for the code that the person's terminal shows, and who they are.
func (p *Provider) devicePage(w http.ResponseWriter, r *http.Request) {
	p.show(w, http.StatusOK, "device.html", page{Title: "Sign in on a device", UserCode: r.URL.Query().Get("user_code")})
}

// deviceAccount shows what is being signed in, and asks once more.
func (p *Provider) deviceAccount(w http.ResponseWriter, r *http.Request) {
	code := r.PostFormValue("user_code")
	d, ok := p.storage.device(code)
	if !ok {
		p.show(w, http.StatusBadRequest, "device.html", page{Title: "Sign in on a device", Problem: "There is no sign-in with this code, or it is over."})
		return
	}
	a, ok := person(r.PostFormValue("account"))
	if !ok {
		p.show(w, http.StatusBadRequest, "device.html", page{Title: "Sign in on a device", UserCode: d.userCode, Problem: "Choose one of the accounts."})
		return
	}
	p.show(w, http.StatusOK, "confirm.html", page{Title: "Is this you?", UserCode: d.userCode, Account: a, Scopes: strings.Join(d.scopes, ", ")})
}

// deviceConfirm approves or denies.
func (p *Provider) deviceConfirm(w http.ResponseWriter, r *http.Request) {
	subject := ""
	switch r.PostFormValue("decision") {
	case "approve":
		a, ok := person(r.PostFormValue("account"))
		if !ok {
			p.show(w, http.StatusBadRequest, "device.html", page{Title: "Sign in on a device", Problem: "Choose one of the accounts."})
			return
		}
		subject = a.Name
	case "deny":
	default:
		p.show(w, http.StatusBadRequest, "device.html", page{Title: "Sign in on a device", Problem: "Approve or deny the sign-in."})
		return
	}
	if !p.storage.decide(r.PostFormValue("user_code"), subject) {
		p.show(w, http.StatusBadRequest, "device.html", page{Title: "Sign in on a device", Problem: "There is no sign-in with this code, or it is over."})
		return
	}
	title := "Signed in"
	if subject == "" {
		title = "Denied"
	}
	p.show(w, http.StatusOK, "done.html", page{Title: title})
}

// loginPage asks who signs in by the authorization code flow.
func (p *Provider) loginPage(w http.ResponseWriter, r *http.Request) {
	l, err := p.storage.login(r.URL.Query().Get("id"))
	if err != nil {
		p.show(w, http.StatusBadRequest, "done.html", page{Title: "This sign-in is over"})
		return
	}
	p.show(w, http.StatusOK, "login.html", page{Title: "Sign in", LoginID: l.id, Scopes: strings.Join(l.GetScopes(), ", ")})
}

func (p *Provider) loginAccount(w http.ResponseWriter, r *http.Request) {
	a, ok := person(r.PostFormValue("account"))
	id := r.PostFormValue("id")
	if !ok || !p.storage.signIn(id, a.Name) {
		p.show(w, http.StatusBadRequest, "done.html", page{Title: "This sign-in is over"})
		return
	}
	ctx := op.ContextWithIssuer(r.Context(), p.issuer)
	http.Redirect(w, r, op.AuthCallbackURL(p.op)(ctx, id), http.StatusSeeOther)
}
