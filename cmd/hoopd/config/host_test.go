package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/cmd/hoopd/config"
)

func TestWhatAHostMayBeToldIsReadStrictly(t *testing.T) {
	const file = `state: /var/lib/hoop
broker:
  listen: 127.0.0.1:8443
  public_url: https://hoop.example.com
  identity: [{name: corp, oidc: {issuer: https://idp.example.com, client_id: hoop}}]
connections:
  - {name: web-1, kind: ssh, address: "web-1.internal:22", host_keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBJxCUo6Q6ZMoKnBYMQ1GxcYBpRCyuRgW5OmaqNcLZmR"], %s}
policy: /etc/hoop/policy.yaml
`
	read := func(t *testing.T, more string) (*config.Config, string) {
		t.Helper()
		c, err := config.Parse([]byte(fmt.Sprintf(file, more)), "hoopd.yaml")
		if err != nil {
			return nil, err.Error()
		}
		return c, ""
	}
	const key = "credential: {user: deploy, key: {env: KEY}}, "
	c, problem := read(t, key+`env: [LANG, "DEPLOY_*"]`)
	if problem != "" || len(c.Connections) != 1 || strings.Join(c.Connections[0].Env, " ") != "LANG DEPLOY_*" {
		t.Errorf("%s, %+v", problem, c)
	}
	for more, want := range map[string]string{
		key + `env: ["LD_*"]`: "LD_*", key + `env: [PATH]`: "PATH", key + `env: ["A*B"]`: "neither",
		`credential: {user: deploy, certificate: {ca: {env: CA}, principals: ["deploy,root"]}}`: "no principal",
		`credential: {user: deploy, certificate: {ca: {env: CA}, principals: ["*"]}}`:           "no principal",
		`credential: {user: deploy, certificate: {ca: {env: CA}, principals: [Deploy]}}`:        "no principal",
	} {
		if _, problem := read(t, more); !strings.Contains(problem, want) {
			t.Errorf("%s: %q", more, problem)
		}
	}
}
