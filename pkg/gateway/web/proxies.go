package web

import (
	"slices"
	"strings"
)

// saysForOthers says whether a field, whose name is in small letters, is one in which proxies in wide use tell a service who asks and
// from where, or what was asked for: method, path, host. Behind hoop nobody stands who could say so but hoop.
//
// The list can't be whole: every service may have such a name of its own. It is for what services have without being told to, and errs
// on the side of names that no client sends.
func saysForOthers(name string) bool {
	switch {
	case strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "": // servers that make variables of names read it as another one
		return true
	case name == "x-user-agent": // of gRPC
		return false
	}
	return slices.Contains(othersNames, name) ||
		slices.ContainsFunc(othersBegin, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) ||
		slices.ContainsFunc(othersHold, func(part string) bool { return strings.Contains(name, part) })
}

// othersNames are whole names.
var othersNames = []string{
	// who asks
	"x-email", "x-eppn", "eppn", "x-group", "x-groups", "x-role", "x-roles", "x-admin", "x-identity", "x-subject", "x-login", "x-token-subject", "sudo",
	"auth-user", "x-jwt-assertion", "x-jwt-payload", "x-endpoint-api-userinfo", "x-apigateway-api-userinfo", "x-goog-iap-jwt-assertion",
	"x-client-dn", "x-client-cn", "x-client-verify", "x-client-subject", "x-client-user", "x-anonymous-consumer", "teleport-jwt-assertion",
	// from where
	"x-real-ip", "x-real-port", "true-client-ip", "x-true-client-ip", "client-ip", "x-client-ip", "x-cluster-client-ip", "x-originating-ip",
	"x-proxyuser-ip", "x-custom-ip-authorization", "cf-ipcountry", "cf-visitor", "cf-pseudo-ipv4",
	// what for
	"x-http-destinationurl", "x-method", "x-http-verb", "x-http-action", "x-real-host", "x-host", "x-backend", "x-request-uri", "x-request-url",
	"request-uri", "base-url", "http-url", "x-proxy-url", "x-proxy-host", "x-url", "x-uri", "x-path", "url", "uri", "dapr-app-id",
}

// othersBegin begin names.
var othersBegin = []string{
	"x-forward", "x-hoop-", "x-auth-", "x-remote-", "remote-", "x-user", "x-principal", "x-webauth-", "x-goog-authenticated-user", "x-amzn-oidc-",
	"x-amzn-mtls-", "x-ms-client-principal", "x-ms-token-", "cf-access-", "cf-connecting-", "tailscale-user-", "x-pomerium-", "x-authentik-",
	"x-vouch-", "x-consumer-", "x-credential-", "x-envoy-", "x-appengine-", "x-azure-", "cloudfront-viewer-", "fastly-client-", "wl-proxy-",
	"ssl-", "x-ssl-", "x-tls-", "x-mtls-", "x-arr-", "client-cert", "x-client-cert", "shib-", "oidc-", "x-oidc-", "saml-", "x-saml-", "mellon-",
	"gitlab-workhorse", "x-http-method", "x-middleware-", "x-sendfile", "x-accel-", "x-backend-", "x-waws-",
}

// othersHold are parts of names.
var othersHold = []string{
	"forwarded", "method-override", "host-override", "override-url", "override-host", "override-uri", "override-path", "impersonat", "runas", "run-as",
	"on-behalf-of", "authenticated", "original-u", "original-host", "original-method", "original-path", "original-for", "original-ip", "original-remote", "rewrite-u",
}
