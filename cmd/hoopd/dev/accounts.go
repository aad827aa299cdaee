package dev

import "slices"

// Account is a sample person or workload. None has a password: the provider is bound to loopback.
type Account struct {
	Name   string
	Shown  string
	Groups []string
	Person bool // signs in at the device page; the others bring a token of `hoopd dev token`
}

// Accounts are the sample accounts, named after their groups.
func Accounts() []Account {
	return []Account{
		{Name: "dev", Shown: "Dev Sample", Groups: []string{"developers"}, Person: true},
		{Name: "dba", Shown: "Dba Sample", Groups: []string{"dba"}, Person: true},
		{Name: "privacy", Shown: "Privacy Sample", Groups: []string{"privacy"}, Person: true},
		{Name: "security", Shown: "Security Sample", Groups: []string{"security"}, Person: true},
		{Name: "agent", Shown: "Agent Sample", Groups: []string{"agents"}},
	}
}

func account(name string) (Account, bool) {
	all := Accounts()
	i := slices.IndexFunc(all, func(a Account) bool { return a.Name == name })
	if i < 0 {
		return Account{}, false
	}
	return all[i], true
}

// person finds an account that signs in at a page.
func person(name string) (Account, bool) {
	a, ok := account(name)
	return a, ok && a.Person
}

// claims are what a token says of an account besides who it is for and until when.
func (a Account) claims() map[string]any {
	return map[string]any{
		"preferred_username": a.Name,
		"name":               a.Shown,
		"email":              a.Name + "@example.com",
		"email_verified":     true,
		"groups":             a.Groups,
	}
}
