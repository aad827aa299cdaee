package streams

import "fmt"

// kind is what a stream is for. Its numbers are those of WebSocket's channels.
type kind uint8

const (
	stdin kind = iota
	stdout
	stderr
	status // how the command ended; Kubernetes calls it the error stream
	resize
	data // of a forwarded connection
	kinds
)

// String is the word in the header "streamtype".
func (k kind) String() string {
	return [...]string{"stdin", "stdout", "stderr", "error", "resize", "data", "none"}[min(k, kinds)]
}

// kindOf answers kinds for a word that names none.
func kindOf(word string) kind {
	for k := range kinds {
		if k.String() == word {
			return k
		}
	}
	return kinds
}

// asked says whether the request asked for such a stream.
func (p Plan) asked(k kind) bool {
	switch k {
	case stdin:
		return p.Stdin
	case stdout:
		return p.Stdout
	case stderr:
		return p.Stderr && !p.TTY
	case status:
		return true
	case resize:
		return p.TTY
	}
	return false
}

func fromClient(format string, args ...any) error {
	return &Violation{false, fmt.Sprintf(format, args...)}
}

func fromCluster(format string, args ...any) error {
	return &Violation{true, fmt.Sprintf(format, args...)}
}
