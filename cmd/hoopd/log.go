package main

import (
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// logFlags choose how the log looks. It goes to stderr.
type logFlags struct {
	format string
	level  string
}

func (f *logFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.format, "log-format", "auto", "text, json, or auto: text on a terminal, else json")
	flags.StringVar(&f.level, "log-level", "info", "debug, info, warn or error")
}

func (f *logFlags) open(to *os.File) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.level)); err != nil {
		return nil, usageError{fmt.Errorf("--log-level %q is none of debug, info, warn, error", f.level)}
	}
	options := &slog.HandlerOptions{Level: level}
	switch {
	case f.format == "json" || f.format == "auto" && !term.IsTerminal(int(to.Fd())):
		return slog.New(slog.NewJSONHandler(to, options)), nil
	case f.format == "text" || f.format == "auto":
		options.ReplaceAttr = shortTime
		return slog.New(slog.NewTextHandler(to, options)), nil
	}
	return nil, usageError{fmt.Errorf("--log-format %q is none of auto, text, json", f.format)}
}

// shortTime leaves the date out where a person watches.
func shortTime(groups []string, a slog.Attr) slog.Attr {
	if t, ok := a.Value.Any().(time.Time); ok && len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.String(a.Key, t.Format("15:04:05.000"))
	}
	return a
}
