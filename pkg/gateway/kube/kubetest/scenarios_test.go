package kubetest_test

import (
	"flag"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/gateway/kube/kubetest"
)

var update = flag.Bool("update", false, "write the references of the scenarios anew")

// The references are read by people when they change: a command that fails directly is no reference.
func TestScenariosSayDirectlyWhatTheirReferencesSay(t *testing.T) {
	c := kubetest.Start(t)
	kubeconfig := c.Kubeconfig(t, c.RobotToken)
	for _, version := range []string{kubetest.Oldest, kubetest.Newest} {
		for _, s := range kubetest.Scenarios() {
			t.Run(version+"/"+s.Name, func(t *testing.T) {
				got := s.Transcript(t, c, kubeconfig, version)
				if *update {
					s.Update(t, version, got)
				} else if want := s.Reference(t, version); got != want {
					t.Errorf("it said:\n%s\nand the reference is:\n%s", got, want)
				}
			})
		}
	}
}
