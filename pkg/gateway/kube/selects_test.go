package kube

import (
	"fmt"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/policy"
)

// I11: a selector compares with the value as it is stored.
func TestNobodySelectsByWhatIsMasked(t *testing.T) {
	masks := []policy.Mask{{Fields: []string{"pods.spec.nodeName", "*.metadata.labels['a.b/ssn']", "*..env[*].value", "*.status.*"}, As: "last4"}}
	for query, refused := range map[string]bool{
		"fieldSelector=spec.nodeName%3Dn1":                        true,
		"fieldSelector=metadata.name%3Dweb,spec.nodeName!%3Dn1":   true,
		"watch=true&fieldSelector=status.podIP%3D%3D10.0.0.1":     true,
		"labelSelector=a.b/ssn%3D1":                               true,
		"labelSelector=app%3Dweb,a.b/ssn+in+(1,2)":                true,
		"labelSelector=!a.b/ssn":                                  true,
		"labelSelector=a.b/ssn%3E1":                               true,
		"fieldSelector=metadata.name%3Dweb":                       false,
		"fieldSelector=metadata.namespace!%3Dstg,spec.x%3Dy":      false,
		"labelSelector=app+in+(web,api),ssn%3D1&fieldSelector=":   false,
		"labelSelector=app%3Da.b/ssn":                             false,
		"labelSelector=app!%3Da.b/ssn,tier":                       false,
		"labelSelector=app+notin+(x,a.b/ssn),tier":                false,
		"labelSelector=app+in+(x),a.b/ssn":                        true,
		"labelSelector=app%3D,a.b/ssn%3D1":                        true,
		"labelSelector=&limit=500":                                false,
		"fieldSelector=spec.restartPolicy%3DAlways&labelSelector": false,
	} {
		for _, line := range []string{"GET /api/v1/namespaces/stg/pods?" + query, "GET /api/v1/pods?" + query} {
			tuple, why := parseLine(line)
			if tuple == nil {
				t.Fatalf("%s: %s", line, why)
			}
			if r := tuple.selects(fields(tuple, masks, false)); (r != nil) != refused {
				t.Errorf("%s: %+v", line, r)
			}
			if r := tuple.selects(nil); r != nil {
				t.Errorf("%s, nothing masked: %+v", line, r)
			}
		}
	}
	tuple, _ := parseLine("DELETE /api/v1/namespaces/stg/pods?fieldSelector=spec.nodeName%3Dn1&dryRun=All")
	if tuple.selects(fields(tuple, masks, false)) == nil {
		t.Error("a collection is deleted by what is masked")
	}
}

// API servers compare some fields under other names than the object has for them.
func TestNobodySelectsByAnotherNameOfWhatIsMasked(t *testing.T) {
	masks := []policy.Mask{{Fields: []string{"pods.spec.nodeName", "pods.status.podIPs[*].ip", "jobs..succeeded", "events.source.component"}, As: "redact"}}
	for line, refused := range map[string]bool{
		"GET /api/v1/pods?fieldSelector=spec.host%3Dn1":                                  true,
		"GET /api/v1/pods?watch=true&fieldSelector=spec.host!%3Dn1":                      true,
		"GET /api/v1/namespaces/stg/pods?fieldSelector=status.podIPs%3D10.0.0.1":         true,
		"GET /api/v1/namespaces/stg/pods?fieldSelector=status.podIP%3D10.0.0.1":          true,
		"GET /apis/batch/v1/namespaces/stg/jobs?fieldSelector=status.successful%3D1":     true,
		"GET /api/v1/namespaces/stg/events?fieldSelector=source%3Dkubelet":               true,
		"GET /api/v1/namespaces/stg/events?fieldSelector=type%3DWarning,reason%3DFailed": false,
		"GET /api/v1/namespaces/stg/pods?fieldSelector=spec.hostNetwork%3Dtrue":          false,
	} {
		tuple, why := parseLine(line)
		if tuple == nil {
			t.Fatalf("%s: %s", line, why)
		}
		if r := tuple.selects(fields(tuple, masks, false)); (r != nil) != refused {
			t.Errorf("%s: %+v", line, r)
		}
	}
}

// As API servers read a selector (k8s.io/apimachinery, labels.Parse), and more than them where they refuse it.
func TestTheLabelsOfASelectorAreThoseOfAnAPIServer(t *testing.T) {
	for selector, want := range map[string]string{
		"": "[]", "app": "[app]", " app ": "[app]", "!app": "[app]", "! app": "[app]", "app=web": "[app]", "app==web": "[app]", "app = web": "[app]", "app!=web": "[app]",
		"app>1": "[app]", "app < 1,b": "[app b]", "app=": "[app]", "app=,b": "[app b]", "app in (a,b)": "[app]", "app in(a),b=c": "[app b]", "app\tnotin\n( a , b ) , !c": "[app c]",
		"in in (in)": "[in]", "in=notin,notin": "[in notin]", "a in (),b": "[a b]", "a,b,c": "[a b c]", "a=in,b": "[a b]",
		"a b": "[a b]", "a=b c": "[a c]", "a in b": "[a b]", ",,a": "[a]", "a in (b) c": "[a c]", ")a": "[a]",
	} {
		if got := fmt.Sprint(labelKeys(selector)); got != want {
			t.Errorf("%q: %s, want %s", selector, got, want)
		}
	}
}
