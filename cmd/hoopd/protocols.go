package main

import (
	"log/slog"

	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/gateway/kube"
	"github.com/hoop-gateway/hoop/pkg/gateway/postgres"
	"github.com/hoop-gateway/hoop/pkg/gateway/sshhost"
	"github.com/hoop-gateway/hoop/pkg/gateway/web"
)

// protocols are those that connections can be of, by kind. Where nothing is served, as for a policy's tests, no key is needed.
func protocols(databases gateway.Protocol, asserts *web.Asserter, log *slog.Logger) map[string]gateway.Protocol {
	return map[string]gateway.Protocol{postgres.Kind: databases, sshhost.Kind: sshhost.New(log), kube.Kind: kube.New(log), web.Kind: web.New(log, asserts)}
}
