package gateway

import (
	"context"
	"crypto/tls"
	"net"
	"net/url"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/credential"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/policy"
	"github.com/hoop-gateway/hoop/pkg/tunnel"
)

// Target is a connection's far end. Only Protocol.Greet's and Protocol.Open's callees see it: Session.Serve never does.
type Target struct {
	Connection policy.Connection
	Address    string // host:port, or the absolute path of a Unix socket's folder with ":port" behind it
	Database   string
	TLS        *tls.Config // nil: not encrypted
	Credential credential.Login
	HostKeys   []string // of kind ssh: the host's public keys, as in known_hosts, "ssh-ed25519 AAAA…"
	Env        []string // of kind ssh: names of variables that clients may set, "LC_*"; nil: a few harmless ones
	Input      string   // of kind ssh: what of typed input is recorded, record.InputNone or record.InputEchoed
	ReadOnly   bool     // the policy lets this person do nothing but read
	User       string   // who is served, as policies name them
	Groups     []string // whose member that is
	// Subject is who is served, whole: what an Assertion says.
	Subject policy.Subject
	// Base is what paths stand behind, of the kinds kubernetes and http: scheme, host and a prefix that begins with a slash, ends with
	// none, or is empty. No user, no query, no fragment. Its host and port are Address too. TLS shows the client's certificate where
	// there is one, and asks for HTTP/1.1.
	Base *url.URL
	// Impersonation is whom a cluster is told to take this person for; nil: it sees the gateway's own account.
	Impersonation *Impersonation
	Assertion     *Assertion      // of kind http: nil is none
	RawPaths      bool            // of kind http: the service finds its routes in paths as they are written, "%2F" in them being no slash
	ShownCookies  []string        // of kind http: names of cookies whose values the client gets; those of others stay at the gateway
	Programs      policy.Programs // the policy's own, where a command is judged outside a session
}

// Visit is what a tunnel's opening said, and whose grant it came with.
type Visit struct {
	GrantID string
	SSH     *tunnel.SSH // of connections of kind ssh
}

// Greeting is what a client asked for first.
type Greeting interface {
	// Client is what the client program calls itself, "" unknown. It comes from the client: show it escaped.
	Client() string
	// Done says that all was answered already, and that there is no session to open.
	Done() bool
}

// Protocol serves one kind of connection.
type Protocol interface {
	// Greet reads the client's first words, before anything is opened for it. An error was told to the client.
	Greet(ctx context.Context, client net.Conn, v Visit) (Greeting, error)
	// Open connects and authenticates to the target. An error is an *api.Error, not yet told to the client.
	Open(ctx context.Context, g Greeting, t Target) (Session, error)
	// Refuse tells a greeted client, in the protocol's own words, that there is no session for it.
	Refuse(g Greeting, why *api.Error)
	// GrantEnded says that no session of a grant will be opened any more, and that its sessions were told. Whatever is
	// kept for it ends.
	GrantEnded(id string)
	// Judge understands a command as it would be understood in a session, without running anything.
	Judge(ctx context.Context, t Target, masks []policy.Mask, command string) (Judgement, error)
	// JudgeText does so where no server is at hand: names stand as they are written.
	JudgeText(ctx context.Context, own policy.Programs, command string) Judgement
}

// Session is one client socket with its target behind it.
type Session interface {
	// Serve runs until the client leaves, the target does, or ctx ends; it then stops what runs, tells the client the
	// cause in the protocol's own words and returns within a second. A nil error says that the client left by itself.
	Serve(ctx context.Context, gate *guard.Session) error
	// Idle says whether no command is under way.
	Idle() bool
	// About describes the far end for the recording: database, role, settings.
	About() (database, role string, settings map[string]string)
	Close() error
}

// Judgement is what a protocol understood of a command.
type Judgement struct {
	Facts     policy.Command
	Rewritten string
	Masked    []string
	Problem   *api.Refusal // why it can't be sent whatever the policy says
}
