package cli

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// go test ./cmd/hoop/cli -run TestTheReferenceOfTheCommandLine -update
var update = flag.Bool("update", false, "write the reference page anew")

const referenceHead = `# The command line of hoop

This page is made from the program itself (` + "`go test ./cmd/hoop/cli -run TestTheReferenceOfTheCommandLine -update`" + `).

Data goes to stdout, and all that is for people to stderr. What the codes mean at the end stands in
[exit codes](exit-codes.md), what ` + "`-o ndjson`" + ` and ` + "`--events`" + ` write in [events](events.md), and where settings
come from in [configuration](configuration.md).

`

// TestTheReferenceOfTheCommandLine holds docs/reference/cli.md to the tree of commands.
func TestTheReferenceOfTheCommandLine(t *testing.T) {
	file := filepath.Join("..", "..", "..", "docs", "reference", "cli.md")
	p := &program{version: "1.2.3", out: io.Discard, err: io.Discard}
	var page bytes.Buffer
	page.WriteString(referenceHead)
	describe(&page, p.root())
	if *update {
		if err := os.WriteFile(file, page.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, page.Bytes()) {
		t.Errorf("%s differs from the commands: run go test ./cmd/hoop/cli -run %s -update", file, t.Name())
	}
}

// describe writes a command and those below it.
func describe(page *bytes.Buffer, cmd *cobra.Command) {
	fmt.Fprintf(page, "## %s\n\n", cmd.CommandPath())
	text := cmd.Long
	if text == "" {
		text = cmd.Short
	}
	// The text of a help topic is laid out for a terminal.
	if cmd.IsAdditionalHelpTopicCommand() {
		fmt.Fprintf(page, "```text\n%s\n```\n\n", strings.TrimSpace(text))
	} else {
		fmt.Fprintf(page, "%s\n\n", strings.TrimSpace(text))
	}
	if cmd.Runnable() && !cmd.HasSubCommands() {
		fmt.Fprintf(page, "```text\n%s\n```\n\n", cmd.UseLine())
	}
	if cmd.HasExample() {
		fmt.Fprintf(page, "```sh\n%s\n```\n\n", cmd.Example)
	}
	flags := cmd.NonInheritedFlags()
	if lines := rows(flags); lines != "" {
		fmt.Fprintf(page, "| flag | meaning |\n|---|---|\n%s\n", lines)
	}
	for _, child := range cmd.Commands() {
		describe(page, child)
	}
}

func rows(flags *pflag.FlagSet) string {
	var b strings.Builder
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		kind, meaning := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" && f.DefValue != "0" && f.DefValue != "0s" {
			meaning += " (default " + f.DefValue + ")"
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", strings.TrimSpace(name+" "+kind), strings.ReplaceAll(meaning, "|", `\|`))
	})
	return b.String()
}
