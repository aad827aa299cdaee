package kubetest

import (
	"strings"
	"testing"
)

// What the API server's own controller tells of an address at the wrong moment is in no transcript; any other event is.
func TestEventsOfTheAddressRepairAreLeftOut(t *testing.T) {
	const head = "Session Affinity:  None\nEvents:\n  Type     Reason                 Age   From                           Message\n  ----     ------                 ----  ----                           -------\n"
	const repair = "  Warning  ClusterIPNotAllocated  1s    ipallocator-repair-controller  Cluster IP [IPv4]: 10.96.3.4 is not allocated; repairing\n"
	const other = "  Warning  Unhealthy  1s    kubelet  it fails\n"
	for _, c := range []struct{ said, want string }{
		{head + repair, "Session Affinity: None\nEvents: <none>\n"},
		{head + repair + repair, "Session Affinity: None\nEvents: <none>\n"},
	} {
		s := &script{dir: t.TempDir()}
		s.note("%s", c.said)
		if got := s.text.String(); got != c.want {
			t.Errorf("noted %q, want %q", got, c.want)
		}
	}
	s := &script{dir: t.TempDir()}
	s.note("%s", head+other)
	if !strings.Contains(s.text.String(), "Unhealthy") {
		t.Errorf("another event was left out: %q", s.text.String())
	}
}
