package identitytest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// Refreshable returns a refresh token for subject. What a refresh says of them is what
// SetUser said last; RemoveUser makes refreshes fail.
func (i *Issuer) Refreshable(subject string, claims map[string]any) string {
	i.SetUser(subject, claims)
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.newRefresh(subject)
}

func (i *Issuer) newRefresh(subject string) string {
	i.count++
	token := fmt.Sprintf("provider-refresh-%s-%d", subject, i.count)
	i.refresh[token] = subject
	return token
}

// SetUser sets what tokens say of subject besides the standard claims.
func (i *Issuer) SetUser(subject string, claims map[string]any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.users[subject] = maps.Clone(claims)
}

// RemoveUser makes the issuer refuse every refresh of subject.
func (i *Issuer) RemoveUser(subject string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.users, subject)
}

func (i *Issuer) serve(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	down := i.down
	i.mu.Unlock()
	if down {
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		answer(w, http.StatusOK, i.discovery())
	case "/keys":
		answer(w, http.StatusOK, i.published())
	case "/token":
		i.token(w, r)
	case "/userinfo":
		i.info(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (i *Issuer) discovery() map[string]any {
	i.mu.Lock()
	defer i.mu.Unlock()
	doc := map[string]any{
		"issuer": i.URL, "jwks_uri": i.URL + "/keys", "token_endpoint": i.URL + "/token",
		"authorization_endpoint": i.URL + "/authorize", "device_authorization_endpoint": i.URL + "/device",
		"id_token_signing_alg_values_supported": []string{"RS256"},
	}
	if i.userinfo {
		doc["userinfo_endpoint"] = i.URL + "/userinfo"
	}
	maps.Copy(doc, i.document)
	return doc
}

func (i *Issuer) published() jose.JSONWebKeySet {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.fetches++
	var set jose.JSONWebKeySet
	for _, alg := range []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.EdDSA} {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: i.keys[alg].Public(), KeyID: i.keyID(alg), Use: "sig"})
	}
	return set
}

// token answers refreshes; each uses its refresh token up, as careful providers do.
func (i *Issuer) token(w http.ResponseWriter, r *http.Request) {
	old := r.PostFormValue("refresh_token")
	i.mu.Lock()
	subject, known := i.refresh[old]
	claims, there := i.users[subject]
	delete(i.refresh, old)
	byUserinfo := i.userinfo
	next := ""
	if known && there {
		next = i.newRefresh(subject)
	}
	i.mu.Unlock()
	if r.PostFormValue("grant_type") != "refresh_token" || !known || !there {
		answer(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
		return
	}
	out := map[string]any{"access_token": "access-" + subject, "token_type": "Bearer", "expires_in": 300, "refresh_token": next}
	if !byUserinfo {
		id, err := i.sign(jose.RS256, i.Claims(subject, claims), nil)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		out["id_token"] = id
	}
	answer(w, http.StatusOK, out)
}

func (i *Issuer) info(w http.ResponseWriter, r *http.Request) {
	subject := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer access-")
	i.mu.Lock()
	claims := maps.Clone(i.users[subject])
	i.mu.Unlock()
	if claims == nil {
		answer(w, http.StatusUnauthorized, map[string]any{"error": "invalid_token"})
		return
	}
	claims["sub"] = subject
	answer(w, http.StatusOK, claims)
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may be gone
}
