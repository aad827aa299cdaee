package kubetest_test

import (
	"os"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/gateway/kube/kubetest"
)

func TestMain(m *testing.M) { os.Exit(kubetest.Main(m)) }

func TestTheAuditLogHoldsEveryRequestThatReachedTheServer(t *testing.T) {
	c := kubetest.Start(t)
	if status, body := c.Do(t, "GET", "/api/v1/namespaces/stg/secrets/db-credentials?marker=one", ""); status != 200 {
		t.Fatalf("%d: %s", status, body)
	}
	of := func(marker string) int {
		return len(c.Audited(t, func(e kubetest.Event) bool {
			return e.RequestURI == "/api/v1/namespaces/stg/secrets/db-credentials?marker="+marker
		}))
	}
	if one, two := of("one"), of("two"); one == 0 || two != 0 {
		t.Fatalf("%d events of the request that was sent, %d of one that was not", one, two)
	}
}
