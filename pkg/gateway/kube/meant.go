package kube

import (
	"strings"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/argv"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// meant is what a request was understood to be, before anybody judges it.
type meant struct {
	tuple *Tuple
	body  *Body
	run   *run // of exec and attach
	facts policy.Command
}

// asked is a request as it came, as far as its meaning goes.
type asked struct {
	method, path, query string
	contentType         string
	body                []byte
}

// understand tells what a request means, by itself: it asks nobody.
func understand(q asked, own policy.Programs) (*meant, *api.Refusal) {
	t, r := Parse(q.method, q.path, q.query)
	if r != nil {
		return nil, r
	}
	m := &meant{tuple: t, body: &Body{}}
	if t.Subresource != "proxy" { // a service behind it has bodies of its own, which nobody reads
		if m.body, r = ReadBody(t, q.contentType, q.body); r != nil {
			return nil, r
		}
	}
	accesses := t.Effects()
	if t.what() == "pods/exec" || t.what() == "pods/attach" {
		if m.run, r = t.runs(own); r != nil {
			return nil, r
		}
		accesses = m.run.accesses
	}
	if name := m.body.Facts.Name; name != "" {
		for i := range accesses {
			accesses[i].Object = strings.TrimSuffix(accesses[i].Object, "*") + name
		}
	}
	if m.body.Facts.Mints {
		accesses = append(accesses, policy.Access{Effect: policy.Privilege, Object: accesses[0].Object})
	}
	m.facts = policy.Command{Accesses: accesses, Kube: m.kube()}
	return m, nil
}

// kube are the facts that rules can ask for.
func (m *meant) kube() *policy.Kube {
	t, f := m.tuple, m.body.Facts
	k := &policy.Kube{
		Verb: t.Verb, Group: t.Group, Version: t.Version, Resource: t.Resource, Subresource: t.Subresource, Namespace: t.Namespace, Name: t.Name,
		DryRun: f.DryRun, Creates: f.Creates, Privileged: f.Privileged, HostPath: f.HostPath, ServiceAccounts: f.ServiceAccounts, Images: f.Images, Path: t.Path,
	}
	if f.Name != "" {
		k.Name = f.Name
	}
	if t.Rest != "" {
		k.Path = t.Rest
	}
	if m.run != nil {
		k.Argv, k.Operators = m.run.argv, m.run.operators
	}
	return k
}

// headline says a request in kubectl's manner: "delete deployments.apps/web -n stg". It is for people; the line of the request
// stands below it.
func (m *meant) headline() string {
	t := m.tuple
	if !t.IsResource() {
		return t.Verb + " " + t.Path
	}
	words := []string{t.Verb, t.what()}
	switch t.what() {
	case "pods/exec", "pods/attach":
		words = []string{t.Subresource, t.Resource}
	}
	if name := m.facts.Kube.Name; name != "" {
		words[1] += " " + argv.Quote([]string{name})
	}
	switch {
	case t.Namespace != "" && !t.isNamespace():
		words = append(words, "-n", t.Namespace)
	case t.Collection && t.Namespace == "":
		words = append(words, "(in the whole cluster)")
	}
	if m.run != nil && m.run.text != "" {
		words = append(words, "--", m.run.text)
	}
	if m.body.Facts.DryRun {
		words = append(words, "(dry run)")
	}
	return strings.Join(words, " ")
}

// line is the request's line as it is sent.
func (m *meant) line() string { return m.lineWith(func(query string) string { return query }) }

// lineWith is line with its query as somebody may see it.
func (m *meant) lineWith(seen func(query string) string) string {
	path, query := m.tuple.Target()
	if query = seen(query); query != "" {
		path += "?" + query
	}
	return m.tuple.Method + " " + path
}

// normal is all that is sent, in the form that the digest of an approval covers: without the version of the object that the gateway adds,
// which changes while a person is asked.
func (m *meant) normal() string { return m.line() + "\n" + m.body.Type + "\n" + string(m.body.asked()) }

// shown is a request for reviewers, with a body of its own or as recordings hold it.
func (m *meant) shown(line, body string) string {
	text := m.headline() + "\n" + line
	if body != "" {
		text += "\n\n" + body
	}
	return text
}
