package kube

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
)

// lines are those of a file of testdata that are no comments.
func lines(t testing.TB, name string) (all []string) {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
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

func parseLine(line string) (*Tuple, string) {
	method, target, _ := strings.Cut(line, " ")
	path, query, _ := strings.Cut(target, "?")
	t, r := Parse(method, path, query)
	if r != nil {
		return nil, r.Message
	}
	return t, ""
}

// golden is a tuple as tuples.txt has it: what an API server's RequestInfo says of it.
func golden(t *Tuple) string {
	path := t.Path
	if t.IsResource() {
		path = "-"
	}
	return fmt.Sprintf("verb=%s group=%s version=%s namespace=%s resource=%s subresource=%s name=%s path=%s",
		t.Verb, t.Group, t.Version, t.Namespace, t.Resource, t.Subresource, t.Name, path)
}

func TestRequestsAreReadAsAPIServersReadThem(t *testing.T) {
	want, requests := lines(t, "tuples.txt"), lines(t, "requests.txt")
	if len(want) != len(requests) {
		t.Fatalf("%d requests, %d tuples", len(requests), len(want))
	}
	for i, line := range requests {
		got, why := parseLine(line)
		if got == nil {
			t.Errorf("%s: refused: %s", line, why)
		} else if golden(got) != want[i] {
			t.Errorf("%s\n got %s\nwant %s", line, golden(got), want[i])
		}
	}
}

func TestWhatIsSentIsReadAsWhatWasJudged(t *testing.T) {
	for _, line := range lines(t, "requests.txt") {
		got, why := parseLine(line)
		if got == nil {
			t.Fatalf("%s: %s", line, why)
		}
		again(t, got)
	}
}

// again reads what is sent for a tuple, which must be the same tuple.
func again(t testing.TB, was *Tuple) {
	t.Helper()
	path, query := was.Target()
	is, r := Parse(was.Method, path, query)
	if r != nil {
		t.Fatalf("%s %s?%s: what is sent is refused: %s", was.Method, path, query, r.Message)
	}
	if !reflect.DeepEqual(is, was) {
		t.Fatalf("%s %s?%s is read as\n%+v, and was judged as\n%+v", was.Method, path, query, is, was)
	}
}

func TestWhatReadersCouldReadInTwoWaysIsRefused(t *testing.T) {
	for line, code := range map[string]string{
		"GET /api/v1/namespaces/stg/pods/":                                     codeMalformed,
		"GET /api/v1//pods":                                                    codeMalformed,
		"GET //api/v1/pods":                                                    codeMalformed,
		"GET api/v1/pods":                                                      codeMalformed,
		"GET ":                                                                 codeMalformed,
		"GET /api/v1/namespaces/stg/../prod/pods":                              codeMalformed,
		"GET /api/v1/namespaces/./pods":                                        codeMalformed,
		"GET /api/v1/namespaces/%2E%2E/pods":                                   codeMalformed,
		"GET /api/v1/namespaces/stg%2Fpods":                                    codeMalformed,
		"GET /api/v1/namespaces/stg/%70ods":                                    codeMalformed,
		"GET /api/v1/namespaces/stg/pods/web%3a1":                              codeMalformed,
		"GET /api/v1/namespaces/stg/pods/web%00":                               codeMalformed,
		"GET /api/v1/namespaces/stg/pods/web%":                                 codeMalformed,
		"GET /api/v1/namespaces/stg/pods;x=1/web":                              codeMalformed,
		"GET /api/v1/namespaces/stg\\pods":                                     codeMalformed,
		"GET /api/v1/namespaces/stg/pods/web\x00":                              codeMalformed,
		"GET /api/v1/namespaces/stg/pods/wéb":                                  codeMalformed,
		"GET /api/v1/namespaces/Stg/pods":                                      codeMalformed,
		"GET /api/V1/namespaces/stg/pods":                                      codeMalformed,
		"GET /apis/Apps/v1/deployments":                                        codeMalformed,
		"GET /api/v1/namespaces/stg/Pods":                                      codeMalformed,
		"GET /api/v1/namespaces/stg/pods/Web":                                  codeMalformed,
		"GET /api/v1/namespaces/stg/pods/web/Exec":                             codeMalformed,
		"GET /api/v1/namespaces/stg/namespaces/stg":                            codeNotFound,
		"GET /api/v1/namespaces/stg/pods/web/exec/x":                           codeNotFound,
		"GET /apis/apps/v1/namespaces/stg/deployments/web/proxy/x":             codeNotFound,
		"GET /api/v1/watch/namespaces/stg/pods":                                codeMalformed,
		"GET /api/v1/watch/pods":                                               codeMalformed,
		"GET /apis/apps/v1/watch/deployments":                                  codeMalformed,
		"GET /api/v1/proxy/nodes/n1":                                           codeMalformed,
		"GET /api/v1/proxy/namespaces/stg/pods/web":                            codeMalformed,
		"GET /api/v1/nodes/ftp:n1:80/proxy/x":                                  codeMalformed,
		"GET /api/v1/nodes/a:b:c:d/proxy":                                      codeMalformed,
		"GET /api/v1/nodes/n1/proxy/a/../b":                                    codeMalformed,
		"GET /api/v1/nodes/n1/proxy/a//b":                                      codeMalformed,
		"GET /api/v1/nodes/n1/proxy//":                                         codeMalformed,
		"GET /api/v1/nodes/n1/proxy/a%2Fb":                                     codeMalformed,
		"GET /api/v1/nodes/n1/proxy/%70":                                       codeMalformed,
		"GET /api/v1/nodes/n1/proxy/a?access_token=x":                          codeMalformed,
		"OPTIONS /api/v1/pods":                                                 codeNotAllowed,
		"CONNECT /api/v1/pods":                                                 codeNotAllowed,
		"TRACE /api/v1/pods":                                                   codeNotAllowed,
		"get /api/v1/pods":                                                     codeNotAllowed,
		"HEAD /api/v1/pods":                                                    codeNotAllowed,
		"PUT /api/v1/namespaces/stg/pods":                                      codeNotAllowed,
		"POST /api/v1/namespaces/stg/pods/web":                                 codeNotAllowed,
		"DELETE /api/v1/namespaces/stg/pods/web/exec?command=ls":               codeNotAllowed,
		"POST /api/v1/namespaces/stg/pods/web/log":                             codeNotAllowed,
		"GET /api/v1/pods?watch=true&watch=false":                              codeMalformed,
		"GET /api/v1/pods?watch&watch=false":                                   codeMalformed,
		"GET /api/v1/pods?limit=1&limit=2":                                     codeMalformed,
		"GET /api/v1/pods?wat%63h=true&watch=false":                            codeMalformed,
		"GET /api/v1/pods?access_token=x":                                      codeMalformed,
		"GET /api/v1/pods?Watch=true":                                          codeMalformed,
		"GET /api/v1/pods?_method=DELETE":                                      codeMalformed,
		"GET /api/v1/pods?limit=ten":                                           codeMalformed,
		"GET /api/v1/pods?a;b":                                                 codeMalformed,
		"GET /api/v1/pods?watch=true;limit=1":                                  codeMalformed,
		"GET /api/v1/pods?limit=1&&watch=true":                                 codeMalformed,
		"GET /api/v1/pods?=1":                                                  codeMalformed,
		"GET /api/v1/pods?limit=%zz":                                           codeMalformed,
		"GET /api/v1/pods?labelSelector=%00":                                   codeMalformed,
		"GET /api/v1/pods?labelSelector=%FF":                                   codeMalformed,
		"GET /api/v1/pods?fieldSelector=metadata.name":                         codeMalformed,
		"GET /api/v1/pods?fieldSelector=metadata.name=a,metadata.name=b":       codeMalformed,
		"GET /api/v1/namespaces/stg/pods/web?watch=true":                       codeMalformed,
		"GET /api/v1/namespaces/stg/pods/web?fieldSelector=a=b":                codeMalformed,
		"DELETE /api/v1/namespaces/stg/pods/web?dryRun=all":                    codeMalformed,
		"DELETE /api/v1/namespaces/stg/pods/web?dryRun=":                       codeMalformed,
		"DELETE /api/v1/namespaces/stg/pods/web?dryRun=All&dryRun=All":         codeMalformed,
		"GET /api/v1/namespaces/stg/pods/web/log?insecureSkipTLSVerifyBackend": codeMalformed,
		"GET /version?timeout=soon":                                            codeMalformed,
		"GET /" + strings.Repeat("a", maxPath):                                 codeMalformed,
		"GET /api/v1/pods?labelSelector=" + strings.Repeat("a", maxQuery):      codeMalformed,
		"GET /api/v1/namespaces/" + strings.Repeat("a", 64) + "/pods":          codeMalformed,
		"GET /api/v1/namespaces/stg/pods/" + strings.Repeat("a", maxName+1):    codeMalformed,
	} {
		method, target, _ := strings.Cut(line, " ")
		path, query, _ := strings.Cut(target, "?")
		got, r := Parse(method, path, query)
		switch {
		case r == nil:
			t.Errorf("%.120q is read as %+v", line, got)
		case r.Code != code || r.Message == "" || len(r.Remedy) == 0:
			t.Errorf("%.120q: %+v, want the code %s", line, r, code)
		}
	}
}

func TestOneMeaningIsSentInOneForm(t *testing.T) {
	for line, want := range map[string]string{
		"GET /api/v1/pods?watch=1&limit=05":                         "/api/v1/pods?limit=5&watch=true",
		"GET /api/v1/pods?watch":                                    "/api/v1/pods?watch=true",
		"GET /api/v1/pods?watch=FALSE":                              "/api/v1/pods?watch=false",
		"GET /api/v1/pods?labelSelector=a+in+(b)":                   "/api/v1/pods?labelSelector=a%20in%20%28b%29",
		"GET /apis/rbac.authorization.k8s.io/v1/roles/a%3Ab":        "/apis/rbac.authorization.k8s.io/v1/roles/a:b",
		"GET /api/v1/namespaces/stg":                                "/api/v1/namespaces/stg?",
		"POST /api/v1/namespaces/s/pods/p/exec?command=b&command=a": "/api/v1/namespaces/s/pods/p/exec?command=b&command=a",
		"GET /api/v1/namespaces/s/services/w/proxy/?b=1&a=2&b=3":    "/api/v1/namespaces/s/services/w/proxy/?b=1&a=2&b=3",
	} {
		got, why := parseLine(line)
		if got == nil {
			t.Errorf("%s: %s", line, why)
			continue
		}
		path, query := got.Target()
		if sent := path + "?" + query; sent != strings.TrimSuffix(want, "?")+"?" && sent != want {
			t.Errorf("%s: sent %s, want %s", line, sent, want)
		}
	}
}

// What is accepted is sent in a form that is read as the same, twice over, and that no reader repairs.
func FuzzTuple(f *testing.F) {
	for _, line := range lines(f, "requests.txt") {
		method, target, _ := strings.Cut(line, " ")
		path, query, _ := strings.Cut(target, "?")
		f.Add(method, path, query)
	}
	f.Fuzz(func(t *testing.T, method, path, query string) {
		got, r := Parse(method, path, query)
		if r != nil {
			if r.Message == "" || statusOf(r.Code) == 403 {
				t.Fatalf("a refusal without words or status: %+v", r)
			}
			return
		}
		again(t, got)
		if sent, _ := got.Target(); strings.Contains(sent, "//") || strings.Contains(sent, "/./") || strings.Contains(sent, "/../") || strings.ContainsAny(sent, "\\;?#\x00") {
			t.Fatalf("%q is sent", sent)
		}
		if len(got.Effects()) == 0 {
			t.Fatalf("%+v has no effect", got)
		}
	})
}
