//go:build !unix

package localproxy

import (
	"net"

	"github.com/hoop-gateway/hoop/pkg/api"
)

func listenUnix(string, string) (net.Listener, error) {
	return nil, &api.Error{Code: api.CodeUsage, Message: "--socket does not exist on this system.", Hint: "Leave it out to listen on 127.0.0.1."}
}
