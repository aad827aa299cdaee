package localproxy

import (
	"context"
	"fmt"
	"net"
	"slices"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// The kinds of connections that this client knows.
const (
	kindPostgres   = "postgres"
	kindSSH        = "ssh"
	kindHTTP       = "http"
	kindKubernetes = "kubernetes"
)

// kind is all that tells one kind of connection from another. Each is made in one place.
type kind struct {
	front func(*Proxy) front
	url   func(Endpoint) string // one connection string
	line  func(Endpoint) string // what a person copies
	vars  func(Endpoint) []Var  // what programs read
	// join is vars for several endpoints at once; nil where they can't share an environment. remove takes away what it wrote.
	join func([]Endpoint) (vars []Var, remove func(), err error)
	// inherited tells whether a variable would send a program elsewhere, or with other settings, than the endpoint says.
	inherited func(name string) bool
	proxied   bool // its programs obey HTTP_PROXY and the like
	looks     int  // of the loop for what has come, before it sleeps (see pump.Start)
}

// front is the local end of one kind of connection: what its programs speak with.
type front interface {
	// listen opens the listener and says in the endpoint how it is reached. Whatever it answers, remove is called.
	listen() error
	// serve is the life of one local socket, which its caller closes. proved takes it out of those that may be cut to make room.
	serve(ctx context.Context, c net.Conn, proved func() bool)
	// remove takes away the files that listen wrote.
	remove()
}

func kindOf(name string) (kind, bool) {
	switch name {
	case kindPostgres:
		return ofPostgres(), true
	case kindSSH:
		return ofSSH(), true
	case kindHTTP:
		return ofHTTP(), true
	case kindKubernetes:
		return ofKubernetes(), true
	}
	return kind{}, false
}

// Environment is what programs need to use all of some endpoints at once. remove takes away the files that were written
// for that.
func Environment(all []Endpoint) (vars []Var, remove func(), err error) {
	var removes []func()
	remove = func() {
		for _, r := range removes {
			r()
		}
	}
	for i, e := range all {
		same := func(other Endpoint) bool { return other.Kind == e.Kind }
		if slices.ContainsFunc(all[:i], same) {
			continue
		}
		group := slices.DeleteFunc(slices.Clone(all[i:]), func(other Endpoint) bool { return !same(other) })
		more, undo, err := together(e.Kind, group)
		if err != nil {
			remove()
			return nil, func() {}, err
		}
		vars, removes = append(vars, more...), append(removes, undo)
	}
	return vars, remove, nil
}

// together is Environment for endpoints of one kind.
func together(name string, group []Endpoint) (vars []Var, remove func(), err error) {
	k, _ := kindOf(name)
	switch {
	case len(group) == 1:
		return k.vars(group[0]), func() {}, nil
	case k.join == nil:
		return nil, nil, &api.Error{Code: api.CodeUsage, Message: fmt.Sprintf("Two connections of kind %s can't share one environment.", name),
			Hint: "Run one `hoop connect` for each of them."}
	}
	return k.join(group)
}

// Inherited tells whether a variable of the environment would send a program of this kind elsewhere, or with other
// settings, than the endpoint says. A child process gets none of them.
func Inherited(name, variable string) bool {
	k, known := kindOf(name)
	return known && k.inherited(variable)
}
