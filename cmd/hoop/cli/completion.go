package cli

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/hoop-gateway/hoop/pkg/api"
)

func (p *program) completionCommand() *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use: "completion SHELL", Short: "Print the completion script of a shell", ValidArgs: shells,
		Long: `Print the completion script of bash, zsh, fish or powershell. For this shell:

    bash        source <(hoop completion bash)
    zsh         source <(hoop completion zsh)
    fish        hoop completion fish | source
    powershell  hoop completion powershell | Out-String | Invoke-Expression`,
		Args: takes(cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs)),
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(p.out, true)
			case "zsh":
				return root.GenZshCompletion(p.out)
			case "fish":
				return root.GenFishCompletion(p.out, true)
			}
			return root.GenPowerShellCompletionWithDesc(p.out)
		},
	}
}

const (
	// namesFresh is how long names are completed without asking the broker.
	namesFresh = 30 * time.Second
	// completeWithin bounds a TAB, whatever the broker, the keyring and the network do.
	completeWithin = 250 * time.Millisecond
)

type cachedNames struct {
	At    time.Time `json:"at"`
	Names []string  `json:"names"`
}

// cacheNames keeps the names of connections for completion. It failing costs a completion.
func (p *program) cacheNames(origin string, all []api.Connection) []string {
	cached := cachedNames{At: time.Now()}
	for _, c := range all {
		cached.Names = append(cached.Names, c.Name)
	}
	if dir, err := p.stateDir(); err == nil {
		if raw, err := json.Marshal(cached); err == nil {
			_ = dir.Write(stateName("names", origin, ""), raw)
		}
	}
	return plainNames(cached.Names)
}

// plainNames leaves out what a shell could take for more than a word: completion scripts quote, but not all of them well.
func plainNames(names []string) []string {
	word := regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
	var plain []string
	for _, name := range names {
		if word.MatchString(name) {
			plain = append(plain, name)
		}
	}
	return plain
}

// completeConnections gives the names of connections for the first argument. It never prompts and never waits long.
func (p *program) completeConnections(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return p.completeMore(cmd, args, word)
}

// completeMore completes one more name of those that are not there yet. What stands behind -- is a program's.
func (p *program) completeMore(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if dash := cmd.ArgsLenAtDash(); dash >= 0 && dash < len(args) { // the completion ends every line with one
		return nil, cobra.ShellCompDirectiveDefault
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), completeWithin)
	defer cancel()
	found := make(chan []string, 1)
	go func() { found <- p.names(ctx) }() // its keyring calls can't be ended: the process ends first
	select {
	case names := <-found:
		names = slices.DeleteFunc(names, func(name string) bool { return slices.Contains(args, name) })
		return names, cobra.ShellCompDirectiveNoFileComp
	case <-ctx.Done():
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
}

func (p *program) names(ctx context.Context) []string {
	s, err := p.connectBroker()
	if err != nil {
		return nil
	}
	defer s.Close()
	if dir, err := p.stateDir(); err == nil {
		var cached cachedNames
		raw, err := dir.Read(stateName("names", s.origin, ""), 1<<20)
		if err == nil && json.Unmarshal(raw, &cached) == nil && time.Since(cached.At) < namesFresh {
			return plainNames(cached.Names)
		}
	}
	all, err := s.Connections(ctx)
	if err != nil {
		return nil
	}
	return p.cacheNames(s.origin, all)
}
