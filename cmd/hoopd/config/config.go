// Package config reads hoopd.yaml, strictly: nothing in it is ignored.
package config

import (
	"net/url"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/credential"
	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/policy/strict"
)

// Config is a hoopd.yaml that was read without a problem. File names in it are absolute.
type Config struct {
	File        string
	State       string // the folder of keys, store and recordings
	Broker      Broker
	Gateway     Gateway
	Connections []Connection
	Policy      string // the policy file
	Warnings    []Problem
}

// Broker is what the broker needs.
type Broker struct {
	Listen    string // host:port
	PublicURL string // https://host[:port], as clients reach it
	TLS       *TLSFiles
	Store     string // the SQLite file
	Identity  []Identity
}

// TLSFiles are a certificate and its key. A nil one means that hoopd makes its own authority.
type TLSFiles struct{ Cert, Key string }

// Identity is one trusted issuer: of people (OIDC) or of workloads.
type Identity struct {
	Name          string
	Workload      bool
	Issuer        string
	ClientID      string // or the audience of workload tokens
	ClientSecret  *credential.Source
	Scopes        []string
	CAFile        string
	UsernameClaim string
	GroupsClaim   string
	Match         []Match

	at *strict.Node
}

// Match makes a workload's identity of a token that has all of Claims.
type Match struct {
	Claims map[string]string
	As     string
	Groups []string
	Type   string
	Owner  *api.Person
}

// Gateway is what the gateway needs.
type Gateway struct {
	Recordings string // the folder
	ResultCap  int64  // bytes of result kept for each command
	Metrics    string // host:port; "" serves none
}

// Connection is a named target.
type Connection struct {
	Name     string
	Kind     string
	Address  string // host:port, or /folder:port of a Unix socket
	Database string
	Labels   map[string]string
	User     string
	credential.Sources
	// Of kind ssh: a private key, or an authority that signs certificates for Principals, may stand in the password's place.
	Principals []string
	HostKeys   []string
	Env        []string // names of variables that clients may set
	Input      string   // what of typed input is recorded: see record.Terminal
	TLS        TLS
	Insecure   bool // said in the file: this target may be reached without TLS
	// Of the kinds kubernetes and http. What they are is gateway.Target's to say.
	Base         *url.URL
	Request      *credential.TokenRequest
	Slot         credential.Slot
	Impersonate  *gateway.Impersonate
	Assertion    *gateway.Assertion
	RawPaths     bool
	ShownCookies []string
}

// TLS says how a target is verified.
type TLS struct {
	Mode   string // VerifyFull, VerifyCA, Require or Disable
	CAFile string // "" means the system's roots
}

// Modes of TLS to a target, by libpq's names, strictest first.
const (
	VerifyFull = "verify-full"
	VerifyCA   = "verify-ca"
	Require    = "require"
	Disable    = "disable"
)

const (
	defaultResultCap = 1 << 20
	// unlimited is `results: full`: no command's result comes near it.
	unlimited = int64(1) << 62
)

// Problem is one thing that is wrong in a configuration, or worth a warning.
type Problem = strict.Problem

// Problems is all that is wrong with a file, in its order. Load and Parse return it as their error.
type Problems = strict.Problems
