package api

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	callTimeout = 30 * time.Second
	maxAnswer   = 16 << 20
)

// Client calls a broker. It is safe for concurrent use. Its errors are *Error wherever the
// broker answered or could not be reached, and the context's own where that ended.
type Client struct {
	base  string
	http  *http.Client
	token func(context.Context) (string, error)
	agent string
}

// ClientOption changes how a Client is made.
type ClientOption func(*clientOptions)

type clientOptions struct {
	loopbackHTTP bool
	agent        string
}

// AllowLoopbackHTTP lets the broker's URL be http where its host is a loopback address.
func AllowLoopbackHTTP() ClientOption { return func(o *clientOptions) { o.loopbackHTTP = true } }

// ClientVersion names the program's version to the broker.
func ClientVersion(version string) ClientOption {
	return func(o *clientOptions) { o.agent = "hoop/" + version }
}

// NewClient returns a client of the broker at base, an https URL. roots are what its
// certificate is verified with; nil means the system's. token gives the access token for
// calls that need a sign-in; it may be nil where only the others are made.
func NewClient(base string, roots *x509.CertPool, token func(context.Context) (string, error), options ...ClientOption) (*Client, error) {
	o := clientOptions{agent: "hoop/dev"}
	for _, option := range options {
		option(&o)
	}
	origin, err := checkBase(base, o.loopbackHTTP)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13},
		TLSHandshakeTimeout:    10 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		IdleConnTimeout:        60 * time.Second,
		MaxIdleConnsPerHost:    4,
		ForceAttemptHTTP2:      true,
	}
	return &Client{
		base: origin, token: token, agent: o.agent,
		http: &http.Client{
			Transport: transport,
			// A token is for the broker that it was given by. Where a redirect leads is not that.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// checkBase returns the URL in the form that paths are appended to.
func checkBase(base string, loopbackHTTP bool) (string, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", usageError(fmt.Sprintf("%q is not the URL of a broker.", base))
	}
	switch {
	case u.Scheme == "https":
	case u.Scheme == "http" && loopbackHTTP && isLoopback(u.Hostname()):
	default:
		return "", usageError(fmt.Sprintf("%q is not an https URL.", base))
	}
	return strings.TrimSuffix(u.String(), "/"), nil
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

func usageError(message string) *Error {
	return &Error{Code: CodeUsage, Message: message, Hint: "Set --broker or HOOP_BROKER to the broker's https URL."}
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// request is one call: a path that is already escaped, and whether it needs a sign-in.
type request struct {
	method, path string
	query        url.Values
	in           any
	open         bool
	header       http.Header
}

// do makes a call and decodes its answer into out, which may be nil.
func (c *Client) do(ctx context.Context, r request, out any) error {
	return c.doWithin(ctx, callTimeout, r, out)
}

func (c *Client) doWithin(ctx context.Context, limit time.Duration, r request, out any) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errSlow)
	defer cancel()
	res, err := c.send(ctx, r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return c.unreachable(ctx, err)
	}
	if len(body) > maxAnswer {
		return strange("The broker's answer is too large.")
	}
	if out == nil {
		return nil
	}
	if kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return strange("The broker's answer is not JSON: something else may answer at this URL.")
	}
	if err := json.Unmarshal(body, out); err != nil {
		return strange("The broker's answer can't be read.")
	}
	return nil
}

var errSlow = errors.New("no answer in time")

// send makes a call and returns a successful answer, whose body the caller closes.
func (c *Client) send(ctx context.Context, r request) (*http.Response, error) {
	req, err := c.build(ctx, r)
	if err != nil {
		return nil, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	if res.StatusCode/100 == 2 {
		return res, nil
	}
	defer res.Body.Close()
	return nil, problemOf(res)
}

func (c *Client) build(ctx context.Context, r request) (*http.Request, error) {
	target := c.base + r.path
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	var body io.Reader
	if r.in != nil {
		text, err := json.Marshal(r.in)
		if err != nil {
			return nil, fmt.Errorf("encode the request: %w", err)
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target, body)
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	for name, values := range r.header {
		req.Header[name] = values
	}
	if r.in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("User-Agent", c.agent)
	if r.open {
		return req, nil
	}
	if c.token == nil {
		return nil, &Error{Code: CodeSignInNeeded, Message: "There is no sign-in.", Hint: "Run `hoop login`."}
	}
	token, err := c.token(ctx)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	return req, nil
}

// problemOf reads the error in an answer. What is not problem+json was not said by a broker.
func problemOf(res *http.Response) error {
	if res.StatusCode/100 == 3 {
		return strange("The broker answers with a redirect, which is not followed.")
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	kind, _, kindErr := mime.ParseMediaType(res.Header.Get("Content-Type"))
	var e Error
	if err != nil || kindErr != nil || kind != "application/problem+json" || json.Unmarshal(body, &e) != nil || e.Code == "" {
		unknown := strange(fmt.Sprintf("The broker's URL answers with status %d, and not in a broker's words.", res.StatusCode))
		unknown.Retryable = res.StatusCode >= 500
		return unknown
	}
	e.Status = res.StatusCode
	if after, err := strconv.ParseInt(res.Header.Get("Retry-After"), 10, 64); err == nil && e.RetryAfter == 0 && after > 0 {
		e.RetryAfter = after
	}
	return &e
}

func strange(message string) *Error {
	return &Error{Code: CodeUnreachable, Message: message, Hint: "Check the broker's URL, and what stands between here and it."}
}

// unreachable makes the error of a call that got no answer. Where the caller's own
// context ended it is that.
func (c *Client) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil && !errors.Is(context.Cause(ctx), errSlow) {
		return ctx.Err()
	}
	hint := "Check that it runs and can be reached from here."
	var unknown x509.UnknownAuthorityError
	var invalid *tls.CertificateVerificationError
	if errors.As(err, &unknown) || errors.As(err, &invalid) {
		hint = "Its certificate is not trusted here: set HOOP_CA_FILE to the CA's certificate."
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	if errors.Is(context.Cause(ctx), errSlow) {
		err = errSlow
	}
	return &Error{
		Code: CodeUnreachable, Message: fmt.Sprintf("The broker at %s can't be reached: %v.", c.base, err),
		Hint: hint, Retryable: true,
	}
}
