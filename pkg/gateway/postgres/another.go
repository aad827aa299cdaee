package postgres

import "errors"

// errAnother says that the policy came to matter in a session that may run as another role than the connection's.
var errAnother = errors.New("the session may run as another role")

// becomeAnother notes that the client, who may do everything, changes who runs what follows. Nobody looks at that as long as
// the policy stays so; it can't be undone for certain, so that such a session runs nothing under another policy.
func (s *session) becomeAnother() {
	s.another = true
	u := s.target
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.fixed, "session_authorization")
	delete(u.fixed, "is_superuser")
}
