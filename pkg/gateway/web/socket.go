package web

import (
	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/exchange"
)

func (s *service) socket(*exchange.Meaning, *exchange.Request) *api.Refusal {
	return unsupported("WebSockets are not served yet.", "Use plain requests.")
}
