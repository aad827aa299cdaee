package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/viper"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/login"
)

// settings are read once: a flag wins over a HOOP_ variable, that over $XDG_CONFIG_HOME/hoop/config.yaml.
// Nothing in the working directory is ever read.
type settings struct {
	Broker     string `mapstructure:"broker"`
	CAFile     string `mapstructure:"ca_file"`
	TokenStore string `mapstructure:"token_store"`
	TokenFile  string `mapstructure:"token_file"`
	Output     string `mapstructure:"output"`
}

// flagValues are the flags that every command has.
type flagValues struct{ broker, caFile, tokenStore, tokenFile, output string }

func settingNames() []string {
	return []string{"broker", "ca_file", "token_store", "token_file", "output"}
}

// load reads the settings, at the first call.
func (p *program) load() (*settings, error) {
	if p.settings != nil {
		return p.settings, nil
	}
	v := viper.New()
	v.SetDefault("token_store", login.KeepAuto)
	if err := p.readConfig(v); err != nil {
		return nil, err
	}
	for _, name := range settingNames() {
		if value := p.getenv("HOOP_" + strings.ToUpper(name)); value != "" {
			v.Set(name, value)
		}
	}
	for name, value := range map[string]string{"broker": p.flags.broker, "ca_file": p.flags.caFile,
		"token_store": p.flags.tokenStore, "token_file": p.flags.tokenFile, "output": p.flags.output} {
		if value != "" {
			v.Set(name, value)
		}
	}
	set := &settings{}
	if err := v.Unmarshal(set); err != nil {
		return nil, configError(err.Error())
	}
	if set.Broker == "" {
		p.remembered(set)
	}
	p.settings = set
	return set, nil
}

// readConfig reads the one configuration file. A key that is not known is an error: it may be a misspelt one.
func (p *program) readConfig(v *viper.Viper) error {
	dir := p.getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(dir) {
		home := p.home()
		if home == "" {
			return nil
		}
		dir = filepath.Join(home, ".config")
	}
	file := filepath.Join(dir, "hoop", "config.yaml")
	v.SetConfigFile(file)
	err := v.ReadInConfig()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return configError(file + " can't be read: " + err.Error())
	}
	for _, key := range v.AllKeys() {
		if !slices.Contains(settingNames(), key) {
			return configError(fmt.Sprintf("%s: %q is not a setting", file, key))
		}
	}
	return nil
}

func configError(message string) *api.Error {
	return &api.Error{Code: api.CodeUsage, Message: "Configuration: " + message + ".", Hint: "The settings are " + strings.Join(settingNames(), ", ") + "."}
}

func (p *program) home() string {
	if home := p.getenv("HOME"); filepath.IsAbs(home) {
		return home
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return home
}

// stateDir is where sign-ins, ports and running connections are kept.
func (p *program) stateDir() (*login.Dir, error) {
	base := p.getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(base) {
		home := p.home()
		if home == "" {
			return nil, &api.Error{Code: api.CodeUsage, Message: "There is no home directory to keep the sign-in in.", Hint: "Set HOME or XDG_STATE_HOME, or use --token-store none."}
		}
		base = filepath.Join(home, ".local", "state")
	}
	return login.OpenDir(filepath.Join(base, "hoop"))
}

const lastBroker = "last-broker.json"

// remembered fills in the broker of the last sign-in, where nothing else names one.
func (p *program) remembered(set *settings) {
	dir, err := p.stateDir()
	if err != nil {
		return
	}
	raw, err := dir.Read(lastBroker, 4096)
	if err != nil {
		return
	}
	var last struct{ Broker, CAFile string }
	if json.Unmarshal(raw, &last) != nil {
		return
	}
	set.Broker = last.Broker
	if set.CAFile == "" {
		set.CAFile = last.CAFile
	}
}

// remember keeps the broker of a sign-in for the next command.
func (p *program) remember(set *settings) error {
	dir, err := p.stateDir()
	if err != nil {
		return err
	}
	last := struct{ Broker, CAFile string }{Broker: set.Broker}
	if set.CAFile != "" {
		if last.CAFile, err = filepath.Abs(set.CAFile); err != nil {
			return fmt.Errorf("remember the CA file: %w", err)
		}
	}
	raw, err := json.Marshal(last)
	if err != nil {
		return fmt.Errorf("remember the broker: %w", err)
	}
	return dir.Write(lastBroker, raw)
}
