package web

import (
	"slices"
	"strings"
)

// treatment is what is done with a field of a request.
type treatment uint8

// The treatments.
const (
	passed    treatment = iota // and shown to who approves, since it may change what the request does
	quiet                      // passed, and changes at most how an answer looks
	dropped                    // never passed on
	part                       // asks for a part of a body
	condition                  // has the request done for some versions of what it is about
)

// treatmentOf is that of a field by its name, in small letters. Most names of most requests stand in the table; what proxies tell is a
// list of beginnings and parts besides.
//
// The list of what proxies in wide use tell a service of who asks, from where and for what can't be whole: every service may have such a
// name of its own. It is for what services have without being told to, and errs on the side of names that no client sends. Behind hoop
// nobody stands who could say so but hoop.
func treatmentOf(name string) treatment {
	if t, ok := treatments[name]; ok {
		return t
	}
	switch {
	case strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "": // servers that make variables of names read it as another one
		return dropped
	case slices.ContainsFunc(othersBegin, func(prefix string) bool { return strings.HasPrefix(name, prefix) }),
		slices.ContainsFunc(othersHold, func(part string) bool { return strings.Contains(name, part) }):
		return dropped
	case strings.HasPrefix(name, "sec-"):
		return quiet
	case name == "if", strings.HasPrefix(name, "if-"), strings.Contains(name, "-if-"): // stores have their own: X-Amz-Copy-Source-If-Match
		return condition
	}
	return passed
}

// treatments are those of whole names.
var treatments = tabled(map[treatment][]string{
	passed: {
		"content-type", "content-length", "cookie", "x-csrf-token", "x-user-agent", // the last is of gRPC
	},
	quiet: {
		"accept", "accept-language", "accept-charset", "user-agent", "origin", "referer", "cache-control", "pragma", "priority", "dnt",
		"traceparent", "tracestate", "upgrade-insecure-requests", "save-data", "x-requested-with", "baggage",
		"sec-fetch-dest", "sec-fetch-mode", "sec-fetch-user", "sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform",
	},
	condition: {"if-none-match", "if-modified-since", "if-match", "if-unmodified-since"},
	part:      {"range", "if-range", "request-range", "x-range", "x-ms-range"},
	dropped: {
		"authorization", "accept-encoding", "via", "http2-settings", "sec-fetch-site", "x-request-id", "content-encoding",
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
	},
})

func tabled(lists map[treatment][]string) map[string]treatment {
	out := map[string]treatment{}
	for t, names := range lists {
		for _, name := range names {
			out[name] = t
		}
	}
	return out
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
