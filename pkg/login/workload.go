package login

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// Variables of the environment that hold or lead to a workload's token. A child process gets none of them.
const (
	EnvToken      = "HOOP_ID_TOKEN"
	EnvTokenFile  = "HOOP_ID_TOKEN_FILE"
	EnvActionsURL = "ACTIONS_ID_TOKEN_REQUEST_URL"
	EnvActionsKey = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
)

// SecretVariables are the names that must not reach a child process.
func SecretVariables() []string {
	return []string{EnvToken, EnvTokenFile, EnvActionsURL, EnvActionsKey}
}

// maxToken bounds an ID token; the broker takes no longer one either.
const maxToken = 16 << 10

// Workload is where the ID token of a job or an agent comes from. It is asked anew whenever the last one is over:
// a projected token is renewed in its file.
type Workload struct {
	literal string
	file    string
	actions *http.Request
	http    *http.Client
}

// FindWorkload looks where DESIGN's order says: the file that was asked for, HOOP_ID_TOKEN, HOOP_ID_TOKEN_FILE
// (also for a Kubernetes projected token), GitHub's request URL. It returns nil when there is none.
// audience is the broker's origin, for issuers that make a token on demand.
func FindWorkload(file string, getenv func(string) string, client *http.Client, audience string) (*Workload, error) {
	if file != "" {
		return &Workload{file: file}, nil
	}
	if token := getenv(EnvToken); token != "" {
		return &Workload{literal: token}, nil
	}
	if file := getenv(EnvTokenFile); file != "" {
		return &Workload{file: file}, nil
	}
	if getenv(EnvActionsURL) == "" || getenv(EnvActionsKey) == "" {
		return nil, nil
	}
	u, err := url.Parse(getenv(EnvActionsURL))
	if err != nil || safeURL(u.String()) != nil {
		return nil, &api.Error{Code: api.CodeUsage, Message: EnvActionsURL + " is not an https address.", Hint: "It is set by GitHub's runner: leave it as it is."}
	}
	query := u.Query()
	query.Set("audience", audience)
	u.RawQuery = query.Encode()
	req, err := http.NewRequest(http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("ask for a workflow token: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+getenv(EnvActionsKey))
	return &Workload{actions: req, http: client}, nil
}

// Token returns the workload's ID token.
func (w *Workload) Token(ctx context.Context) (string, error) {
	token, err := w.read(ctx)
	if err != nil {
		return "", err
	}
	token = strings.TrimSpace(token)
	// What is no token at all is not sent anywhere: it may be another secret, from a wrong path.
	if len(token) > maxToken || strings.Count(token, ".") != 2 || strings.ContainsAny(token, " \t\r\n") {
		return "", &api.Error{Code: api.CodeSignInNeeded, Message: w.name() + " holds no ID token.", Hint: "It must be one signed JWT."}
	}
	return token, nil
}

func (w *Workload) name() string {
	switch {
	case w.file != "":
		return w.file
	case w.actions != nil:
		return "what " + EnvActionsURL + " answers"
	}
	return EnvToken
}

func (w *Workload) read(ctx context.Context) (string, error) {
	switch {
	case w.file != "":
		f, err := os.Open(w.file)
		if err != nil {
			return "", fmt.Errorf("%w (%w)", &api.Error{Code: api.CodeSignInNeeded, Message: "The token file can't be read.", Hint: "Check --token-file or HOOP_ID_TOKEN_FILE."}, err)
		}
		defer f.Close()
		b, err := io.ReadAll(io.LimitReader(f, maxToken+1))
		return string(b), err
	case w.actions != nil:
		return w.request(ctx)
	}
	return w.literal, nil
}

func (w *Workload) request(ctx context.Context) (string, error) {
	resp, err := w.http.Do(w.actions.Clone(ctx))
	if err != nil {
		return "", fmt.Errorf("%w (%w)", &api.Error{Code: api.CodeUnreachable, Message: "The workflow's token can't be had.", Hint: "Try again.", Retryable: true}, err)
	}
	defer resp.Body.Close()
	var answer struct {
		Value string `json:"value"`
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, 2*maxToken))
	if err != nil || resp.StatusCode != http.StatusOK || json.Unmarshal(body, &answer) != nil {
		return "", &api.Error{Code: api.CodeUnreachable, Message: fmt.Sprintf("The workflow's token can't be had (status %d).", resp.StatusCode),
			Hint: "The job needs permissions: id-token: write.", Retryable: true}
	}
	return answer.Value, nil
}
