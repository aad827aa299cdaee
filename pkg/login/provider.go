package login

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"golang.org/x/oauth2"

	"github.com/hoop-gateway/hoop/pkg/api"
)

const maxMetadata = 256 << 10

// discover reads the provider's metadata (OpenID Connect Discovery 1.0, section 4) for the two endpoints of the
// device flow. The client checks no token: the broker does.
func (s *Source) discover(ctx context.Context, p api.Provider) (oauth2.Endpoint, error) {
	if err := safeURL(p.Issuer); err != nil {
		return oauth2.Endpoint{}, providerError(p, "the issuer's address: "+err.Error(), nil)
	}
	address := strings.TrimSuffix(p.Issuer, "/") + "/.well-known/openid-configuration"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return oauth2.Endpoint{}, providerError(p, "the issuer's address", err)
	}
	resp, err := s.opts.HTTP.Do(req)
	if err != nil {
		return oauth2.Endpoint{}, providerError(p, "it can't be reached", err)
	}
	defer resp.Body.Close()
	var meta struct {
		Issuer string `json:"issuer"`
		Device string `json:"device_authorization_endpoint"`
		Token  string `json:"token_endpoint"`
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxMetadata))
	if err != nil || resp.StatusCode != http.StatusOK || json.Unmarshal(body, &meta) != nil {
		return oauth2.Endpoint{}, providerError(p, fmt.Sprintf("its metadata can't be read (status %d)", resp.StatusCode), err)
	}
	if meta.Issuer != p.Issuer {
		return oauth2.Endpoint{}, providerError(p, "it calls itself by another name", nil)
	}
	for _, u := range []string{meta.Device, meta.Token} {
		if err := safeURL(u); err != nil {
			return oauth2.Endpoint{}, providerError(p, "it has no safe address for the device flow: "+err.Error(), nil)
		}
	}
	// In the parameters, not the header: guessing which one a provider wants costs a refused request.
	return oauth2.Endpoint{DeviceAuthURL: meta.Device, TokenURL: meta.Token, AuthStyle: oauth2.AuthStyleInParams}, nil
}
