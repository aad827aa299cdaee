// Package requestinfo holds hoop's reading of requests to that of an API server's own code.
package requestinfo

import (
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/endpoints/request"
)

const folder = "../../../../pkg/gateway/kube/testdata/"

var write = flag.Bool("write", false, "write tuples.txt anew")

func lines(t *testing.T, name string) (all []string) {
	text, err := os.ReadFile(folder + name)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			all = append(all, line)
		}
	}
	return all
}

// TestTuplesAreAnAPIServersOwn reads every request of requests.txt by RequestInfoFactory, which tuples.txt must hold.
func TestTuplesAreAnAPIServersOwn(t *testing.T) {
	factory := &request.RequestInfoFactory{APIPrefixes: sets.NewString("api", "apis"), GrouplessAPIPrefixes: sets.NewString("api")}
	var got []string
	for _, line := range lines(t, "requests.txt") {
		method, target, _ := strings.Cut(line, " ")
		i, err := factory.NewRequestInfo(httptest.NewRequest(method, target, nil))
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		path := i.Path
		if i.IsResourceRequest {
			path = "-"
		}
		if i.Verb == "head" { // what is no resource is asked for by HEAD as by GET
			i.Verb = "get"
		}
		got = append(got, fmt.Sprintf("verb=%s group=%s version=%s namespace=%s resource=%s subresource=%s name=%s path=%s",
			i.Verb, i.APIGroup, i.APIVersion, i.Namespace, i.Resource, i.Subresource, i.Name, path))
	}
	if *write {
		text := "# requests.txt as an API server's RequestInfoFactory reads it; written by test/k8s/tools/requestinfo.\n" + strings.Join(got, "\n") + "\n"
		if err := os.WriteFile(folder+"tuples.txt", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := lines(t, "tuples.txt")
	if len(want) != len(got) {
		t.Fatalf("%d requests, %d tuples", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("%s\n an API server reads %s\n tuples.txt has %s", lines(t, "requests.txt")[i], got[i], want[i])
		}
	}
}
