package kube

import (
	"strings"

	"github.com/hoop-gateway/hoop/pkg/http1"
)

// releasesHidden warns who asks for helm's releases and is not shown what is in Secrets, where helm keeps them: to helm there are none, and it
// says no more than that.
func releasesHidden(t *Tuple, masked []field) http1.Fields {
	selector, _ := t.Query.Get("labelSelector")
	helms := strings.HasPrefix(t.Name, "sh.helm.release.v1.") || strings.Contains(selector, "owner=helm")
	if t.Group != "" || t.Resource != "secrets" || !t.Reads() || !helms || len(masked) == 0 {
		return nil
	}
	return http1.Fields{warning("helm keeps its releases in Secrets, and a mask hides from you what is in those: helm finds no release to list, " +
		"upgrade, roll back or uninstall. Ask who keeps the policy for a mask with fields: [secrets.data.*] and an unless that names you.")}
}
