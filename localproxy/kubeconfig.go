package localproxy

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

func ofKubernetes() kind {
	return kind{
		front: func(p *Proxy) front { return &kubeFront{Proxy: p} },
		url:   kubeURL,
		line:  func(e Endpoint) string { return "export KUBECONFIG=" + quoteShell(e.Config) },
		vars:  kubeVars,
		join:  joinKube,
		inherited: func(name string) bool {
			return name == "KUBECONFIG" || name == "KUBERNETES_MASTER" ||
				name == "KUBERNETES_SERVICE_HOST" || name == "KUBERNETES_SERVICE_PORT" // where clients inside a cluster look
		},
		proxied: true,
	}
}

func kubeURL(e Endpoint) string { return "https://" + e.address() }

func kubeVars(e Endpoint) []Var { return []Var{{"KUBECONFIG", e.Config}} }

// joinKube writes one kubeconfig with a context for each of several clusters.
func joinKube(all []Endpoint) ([]Var, func(), error) {
	file, remove, err := writePrivate("hoop-kube-", kubeconfig(all))
	if err != nil {
		return nil, nil, err
	}
	return kubeVars(Endpoint{Config: file}), remove, nil
}

// kubeconfig has a cluster, a user and a context for each endpoint, all of its connection's name. The first is current.
// Names are quoted as Go and YAML do alike.
func kubeconfig(all []Endpoint) []byte {
	var clusters, users, contexts strings.Builder
	for _, e := range all {
		name := strconv.QuoteToASCII(e.Name)
		fmt.Fprintf(&clusters, "- name: %s\n  cluster:\n    server: %s\n    certificate-authority-data: %s\n",
			name, kubeURL(e), base64.StdEncoding.EncodeToString(e.CA))
		fmt.Fprintf(&users, "- name: %s\n  user:\n    token: %s\n", name, strconv.QuoteToASCII(e.Password.Reveal()))
		fmt.Fprintf(&contexts, "- name: %s\n  context:\n    cluster: %s\n    user: %s\n    namespace: default\n", name, name, name)
	}
	return fmt.Appendf(nil, "# written by hoop connect, removed at its end\napiVersion: v1\nkind: Config\nclusters:\n%susers:\n%scontexts:\n%scurrent-context: %s\n",
		clusters.String(), users.String(), contexts.String(), strconv.QuoteToASCII(all[0].Name))
}
