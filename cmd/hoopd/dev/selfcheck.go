package dev

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hoop-gateway/hoop/cmd/hoopd/pki"
	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/tunnel"
)

const checkTime = 60 * time.Second

// ErrRefused is wrapped by a self check that was refused by the policy, or by a lock that outlived the last run.
var ErrRefused = errors.New("the policy refuses it")

// SelfCheck goes the whole way of a client once: sign-in, grant, tunnel, and a query at the target.
func (p *Provider) SelfCheck(ctx context.Context, broker, caFile string) error {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := p.once(ctx, broker, caFile)
		var said *api.Error
		if err == nil || !errors.As(err, &said) || !said.Retryable || said.Code == api.CodeTargetDown {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return err
		}
	}
}

func (p *Provider) once(ctx context.Context, broker, caFile string) (err error) {
	roots, err := pki.Roots(caFile)
	if err != nil {
		return err
	}
	token, err := p.Token("dev", time.Minute)
	if err != nil {
		return err
	}
	open, err := api.NewClient(broker, roots, nil)
	if err != nil {
		return err
	}
	defer open.Close()
	signedIn, err := open.Login(ctx, api.LoginRequest{IDToken: token})
	if err != nil {
		return refused(fmt.Errorf("sign in: %w", err))
	}
	client, err := api.NewClient(broker, roots, func(context.Context) (string, error) { return signedIn.AccessToken, nil })
	if err != nil {
		return err
	}
	defer client.Close()
	defer func() { err = errors.Join(err, client.Logout(ctx)) }() // ends the grant with it
	return query(ctx, client)
}

// query asks for a grant and runs SELECT 1 with it.
func query(ctx context.Context, client *api.Client) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	g, err := client.CreateGrant(ctx, api.GrantRequest{Connection: "db-prod", PublicKey: public, Reason: "hoopd dev checks itself"})
	if err != nil {
		return refused(fmt.Errorf("get a grant: %w", err))
	}
	conn, err := connect(ctx, g, key)
	if err != nil {
		return refused(fmt.Errorf("connect through the gateway: %w", err))
	}
	_, err = conn.Exec(ctx, "SELECT 1").ReadAll()
	if err = errors.Join(err, conn.Close(ctx)); err != nil {
		return refused(fmt.Errorf("query through the gateway: %w", err))
	}
	return nil
}

func connect(ctx context.Context, g api.Grant, key *ecdsa.PrivateKey) (*pgconn.PgConn, error) {
	if g.Certificate == nil || g.Gateway == nil {
		return nil, errors.New("the grant has no certificate or no gateway")
	}
	pair, err := tls.X509KeyPair([]byte(g.Certificate.Certificate), keyPEM(key))
	if err != nil {
		return nil, fmt.Errorf("read the grant's certificate: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(g.Gateway.CA)) {
		return nil, errors.New("the grant names no authority of the gateway")
	}
	target := tunnel.Target{Addresses: g.Gateway.Addresses, ServerName: g.Gateway.ServerName, Roots: roots}
	c, err := pgconn.ParseConfig("host=127.0.0.1 port=5432 user=dev dbname=" + g.Connection.Database + " sslmode=disable application_name=hoopd-dev-check")
	if err != nil {
		return nil, fmt.Errorf("prepare a connection: %w", err)
	}
	c.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) {
		conn, _, err := tunnel.Dial(ctx, target, func(context.Context) (*tls.Certificate, error) { return &pair, nil },
			tunnel.Hello{V: tunnel.Version, Connection: g.Connection.Name, Client: "hoopd-dev"})
		return conn, err
	}
	return pgconn.ConnectConfig(ctx, c)
}

// refused marks the errors that are the policy's word, not a failure.
func refused(err error) error {
	var said *api.Error
	var pg *pgconn.PgError
	switch {
	case errors.As(err, &said) && (said.Code == api.CodeDenied || said.Code == api.CodeLocked || said.Code == api.CodeNoSuchConnection),
		errors.As(err, &pg) && pg.Code == "42501":
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return err
}
