package mask_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/mask"
)

func set(t testing.TB, as string, names ...string) *mask.Set {
	t.Helper()
	if len(names) == 0 {
		names = mask.Names()
	}
	s, err := mask.NewSet(mask.Rule{Detect: names, As: as})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func apply(s *mask.Set, text string, form mask.Form) (string, mask.Result) {
	out, r := s.Apply([]byte(text), form)
	return string(out), r
}

// jwt, pem and the other secrets below were made up for these tests.
const (
	jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
	pem = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA0Z3VS5JJcds3xfn/ygWyF0qJDr1PjFzR7mNMqzKZ\nx9Yj0A==\n-----END RSA PRIVATE KEY-----"
)

func findings() map[string][]string { // each is masked as a whole between the signs around it
	return map[string][]string{
		"email": {
			"alice@example.com", "a.b+c_d%e-f@mail.example.co.uk", "müller@exämple.de", "иван@пример.рф", "x@xn--80ak6aa92e.xn--p1ai",
			"al\u200bice@exam\u200dple.com", "alice＠example.com",
		},
		"credit_card": {
			"4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "378282246310005", "3782 822463 10005", "6011111111111117",
			"5555555555554444", "2223003122003222", "30569309025904", "3056 930902 5904", "3530111333300000", "4000000000000000006", "4000 0000 0000 0000 006",
			"４１１１１１１１１１１１１１１１", "４１１１ １１１１ １１１１ １１１１", "4111\u200b1111\u200d1111\ufeff1111", "4111\u00a01111\u00a01111\u00a01111", "4111‐1111‐1111‐1111",
		},
		"us_ssn": {"123-45-6789", "001-01-0001", "899-99-9999", "123‑45‑6789", "１２３-４５-６７８９"},
		"iban": {
			"DE89370400440532013000", "DE89 3704 0044 0532 0130 00", "GB82 WEST 1234 5698 7654 32", "FR1420041010050500013M02606", "NO9386011117947", "gb82west12345698765432",
			"MT84MALT011000012345MTLCAST001S", "DE89-3704-0044-0532-0130-00",
		},
		"phone": {
			"+1-202-555-0101", "+12025550101", "+44 20 7946 0958", "+49 (0)30 123456", "+33 1 23 45 67 89", "+1 (202) 555-0101", "(202) 555-0101", "(202)555-0101", "202-555-0101",
			"202.555.0101", "1-202-555-0101", "＋４４ ２０ ７９４６ ０９５８",
		},
		"jwt":         {jwt},
		"aws_key":     {"AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE"},
		"private_key": {pem, strings.ReplaceAll(pem, "\n", `\n`), strings.ReplaceAll(pem, "\n", `\\n`), strings.ReplaceAll(pem, "RSA ", "OPENSSH ")},
		"api_token": {
			"ghp_16C7e42F292c6912E7710c838347Ae178B4a", "github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuv", "glpat-ABCdef123456_-789xyz", "xoxb-123456789012-abcdefGHIJKL",
			"sk_live_4eC39HqLyjWDarjtT1zdp7dc", "sk-proj-abcDEF123456_7890-xyzABC", "sk-abcdefghijklmnopqrst0123456789ABCD", "AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY",
			"npm_abcdefghijklmnopqrstuvwxyz0123456789", "SG.abcdefghij1234567890ab.ABCDEFGHIJKLMNOPQRSTUVWXYZ01234567890abcdef", "hf_abcdefghijklmnopqrstuvwxyzABCDEF",
			"shpat_0123456789abcdef0123456789abcdef", "hvs.CAESIJ1234567890abcdefghijkl",
		},
	}
}

func TestWhatIsFoundIsMasked(t *testing.T) {
	all := set(t, "redact")
	for name, values := range findings() {
		one := set(t, "redact", name)
		others := set(t, "redact", slices.DeleteFunc(mask.Names(), func(n string) bool { return n == name })...)
		for _, value := range values {
			for _, around := range []string{"", "|", "a value: |, and more", `{"k": "|"}`, "(|)", "<a>|</a>", "1,|,2", "a\t|\tb\n", `x\n|\ny`, `'|'`, "k=|&l=1", "ü |。"} {
				text := strings.Replace(around, "|", value, 1)
				want := strings.Replace(around, "|", "***", 1)
				if around == "" {
					text, want = value, "***"
				}
				for _, s := range []*mask.Set{one, all} {
					if got, r := apply(s, text, mask.Text); got != want || r != mask.Masked {
						t.Errorf("%s: %q became %q", name, text, got)
					}
				}
			}
			if name != "jwt" && name != "private_key" && others.Find([]byte(value)) {
				t.Errorf("%q is found by others than %s too", value, name)
			}
		}
	}
}

// honest are values that must pass: they look like something at the first glance.
func honest() []string {
	return []string{
		// numbers, times, ids
		"0", "42", "1234567890123456", "1732618922123456", "1732618922123456789", "4111111111111112", "41111111111111111", "94111111111111111", "4012888888881881000",
		"0.4111111111111111", "4111111111111111.25", "x4111111111111111", "4111111111111111x", "id_4111111111111111", "4006381333931", "9780201379624", "100 20 3000",
		"2024-01-15 10:20:30.123456+00", "2024-01-15T10:20:30+0200", "2024-01-15", "10:20:30", "1-2-3", "12-34-56-78", "192.168.100.200", "1.22.333.4444", "3.14159265358979",
		"41 12 33 44 55 66 77 88", "4111 1111 1111 1112", "4111 1111 1111", "1234 5678 9012 3456", "+1.5e10", "1+12345678", "a+12345678", "+0123456789", "+1234567", "+1234567890123456",
		"550e8400-e29b-41d4-a716-446655440000", "4111-1111-1111-1111-1111", "41111111-1111-4111-8111-111111111111", "d41d8cd98f00b204e9800998ecf8427e",
		"da39a3ee5e6b4b0d3255bfef95601890afd80709", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "507f1f77bcf86cd799439011", "01ARZ3NDEKTSV4RRFFQ69G5FAV",
		// social security numbers that nobody has
		"000-12-3456", "666-12-3456", "900-12-3456", "123-00-4567", "123-45-0000", "123456789", "123-45-67890", "1123-45-6789", "123-45-6789-0", "0-123-45-6789",
		// phones
		"555-0101", "102-555-0101", "202-155-0101", "202-555-01011", "2025550101", "202 555 0101", "(2) + (3)", "(100) 200", "+", "(", "1.202", "12-202-555-0101",
		// IBANs
		"DE88370400440532013000", "DE8937040044053201300", "DE893704004405320130001", "XX89370400440532013000", "ID42", "ab12", "GB2024", "SE2024010112345678901234",
		// addresses
		"@", "a@b", "@alice", "alice@", "alice@localhost", "user@host", "a @ b.com", "node@1.2.3", "left-pad@1.3.0", "x@y.1", "@types/node", "#@!.com", "me@.com", "me@com.", "3@4.5",
		// tokens
		"eyJ", "eyJhbGciOiJIUzI1NiJ9", "eyJhbGciOiJIUzI1NiJ9.eyJ", "a.b.c", "heyJude12345.abcdefghij.abc", "AKIA", "AKIAIOSFODNN7EXAMPL", "AKIAIOSFODNN7EXAMPLES", "AKIAiosfodnn7example", "XAKIAIOSFODNN7EXAMPLE",
		"-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYD\n-----END CERTIFICATE-----",
		"-----BEGIN PUBLIC KEY-----\nMFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAL\n-----END PUBLIC KEY-----", "-----BEGIN PRIVATE KEY-----", "a file that begins with -----BEGIN PRIVATE KEY----- is one of those",
		"npm_config_registry", "sk_live_", "ghp_short", "user_id", "sk-internationalization", "sk-learn-is-a-name-of-something-else", "SG.", "xoxb-", "glpat-1", "AIza", "AIzaShort", "hf_hub", "task-force-of-the-whole-company-2024",
		// text
		"", "Lorem ipsum dolor sit amet, consectetur adipiscing elit. 2024, p. 17-23.", "Kärlek, 愛 и любовь", "SELECT * FROM users WHERE id = 1234567890", "/var/log/app-2024-01-15.log",
	}
}

func TestHonestValuesPassUntouched(t *testing.T) {
	s := set(t, "redact")
	for _, value := range honest() {
		for _, around := range []string{"|", " | ", `"|"`, "(|)", "\t|\n"} {
			text := strings.Replace(around, "|", value, 1)
			if got, r := apply(s, text, mask.Text); got != text || r != mask.Clean {
				t.Errorf("%q became %q", text, got)
			}
		}
	}
}

func TestSeveralFindingsOfOneValueAreAllMasked(t *testing.T) {
	s := set(t, "redact")
	for text, want := range map[string]string{
		"alice@example.com,bob@example.com;carol@example.com":                                   "***,***;***",
		"4111111111111111 4111111111111111":                                                     "*** ***",
		"call +1-202-555-0101 or 202-555-0101, SSN 123-45-6789, card 4111 1111 1111 1111 12/27": "call *** or ***, SSN ***, card *** 12/27",
		`{"{alice@example.com}","(4111-1111-1111-1111,x)"}`:                                     `{"{***}","(***,x)"}`,
		"https://user:secret@example.com/?q=bob@example.com&x=1":                                "https://user:***/?q=***&x=1",
		`"caf\u00e9\nalice@example.com"`:                                                        `"caf\u00e9\n***"`,
		`"\u00e9alice@example.com"`:                                                             `"\u00e9***"`,
		jwt + " " + jwt:                                                                         "*** ***",
		pem + "\n" + pem + "\n.":                                                                "***\n***\n.",
	} {
		if got, _ := apply(s, text, mask.Text); got != want {
			t.Errorf("%q became %q, not %q", text, got, want)
		}
	}
}

func TestWhatIsShownInsteadFollowsTheRule(t *testing.T) {
	for _, c := range []struct {
		as, text string
		form     mask.Form
		want     string
		result   mask.Result
	}{
		{"redact", "card 4111111111111111.", mask.Text, "card ***.", mask.Masked},
		{"last4", "card 4111111111111111.", mask.Text, "card ***1111.", mask.Masked},
		{"last4", "card ４１１１１１１１１１１１１２３４", mask.Text, "card ４１１１１１１１１１１１１２３４", mask.Clean},
		{"last4", "４１１１１１１１１１１１１１１１", mask.Text, "***１１１１", mask.Masked},
		{"last4", "a@b.co", mask.Text, "***", mask.Masked},
		{"last4", pem, mask.Text, "***", mask.Masked},
		{"null", "card 4111111111111111.", mask.Text, "", mask.Nulled},
		{"null", "card 4111111111111111.", mask.Piece, "card .", mask.Masked},
		{"null", "nothing", mask.Text, "nothing", mask.Clean},
		{"redact", `{"card": 4111111111111111, "a\"b": "4111111111111111", "l": [4111111111111111]}`, mask.JSON, `{"card": null, "a\"b": "***", "l": [null]}`, mask.Masked},
		{"last4", `{"card": 4111111111111111, "b": "4111111111111111"}`, mask.JSON, `{"card": null, "b": "***1111"}`, mask.Masked},
		{"redact", "\x00\x11alice@example.com\x00", mask.Fixed, "\x00\x11*****************\x00", mask.Masked},
		{"null", "\x00\x11alice@example.com\x00", mask.Fixed, "\x00\x11*****************\x00", mask.Masked},
	} {
		if got, r := apply(set(t, c.as), c.text, c.form); got != c.want || r != c.result {
			t.Errorf("%s: %q became %q (%d)", c.as, c.text, got, r)
		}
	}
}

func TestOfSeveralRulesTheOneThatShowsLeastStands(t *testing.T) {
	s, err := mask.NewSet(mask.Rule{Detect: []string{"email", "phone"}, As: "redact"}, mask.Rule{Detect: []string{"email", "us_ssn"}, As: "last4"})
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := apply(s, "alice@example.com 123-45-6789 4111111111111111", mask.Text); got != "*** ***6789 4111111111111111" {
		t.Errorf("got %q", got)
	}
}

func TestWordsThatAreNotKnownMakeNoSet(t *testing.T) {
	for _, r := range []mask.Rule{{Detect: []string{"emial"}, As: "redact"}, {Detect: []string{"email"}, As: "hash"}, {Detect: []string{"email"}}} {
		if _, err := mask.NewSet(r); err == nil {
			t.Errorf("%v is a set", r)
		}
	}
}

func TestTheZeroSetFindsNothing(t *testing.T) {
	var s mask.Set
	if got, r := apply(&s, "alice@example.com", mask.Text); r != mask.Clean || got != "alice@example.com" {
		t.Errorf("got %q", got)
	}
}
