package cluster

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

const people = 1000

// The sample people are synthetic: example.com, social security numbers of an area that is never given out (9xx), phone
// numbers kept for fiction (555-01xx), and card numbers of a test range.
func firstNames() []string {
	return []string{"Ada", "Björn", "Chidi", "Dóra", "Eşref", "Fatima", "Grüße", "Hélène", "Ioana", "José", "Køri", "Łucja",
		"Mei", "Nguyễn", "Óscar", "Priya", "Quentin", "Růžena", "Søren", "Tomás", "Ülkü", "Vera", "Waleed", "Ximena", "Yuki", "Živa",
		"李雷", "さくら", "Ольга", "محمد"}
}

func lastNames() []string {
	return []string{"Sample", "Example", "Muster", "Ejemplo", "Exemple", "Przykład", "Örnek", "Пример", "示例", "O'Sample", "van Example", "Sample-Example"}
}

// fixed gives the same numbers at every start.
func fixed(of uint64) *rand.Rand { return rand.New(rand.NewPCG(2026, of)) }

// users are rows of COPY's text format.
func users() string {
	var b strings.Builder
	r := fixed(1)
	first, last := firstNames(), lastNames()
	for id := 1; id <= people; id++ {
		name := first[r.IntN(len(first))] + " " + last[r.IntN(len(last))]
		email := fmt.Sprintf("user%04d@example.com", id)
		phone := fmt.Sprintf("+1 202 555 01%02d", r.IntN(100))
		row := []string{
			fmt.Sprint(id), name,
			sometimes(r, email), sometimes(r, fmt.Sprintf("9%02d-%02d-%04d", r.IntN(100), 1+r.IntN(98), 1+r.IntN(9998))),
			sometimes(r, card(r)), sometimes(r, phone), sometimes(r, notes(r, id, email, phone)),
		}
		for i, cell := range row {
			if i > 0 {
				b.WriteByte('\t')
			}
			if cell == "" {
				b.WriteString(`\N`)
				continue
			}
			b.WriteString(strings.ReplaceAll(cell, `\`, `\\`))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// sometimes is a value, and NULL one time in twelve.
func sometimes(r *rand.Rand, value string) string {
	if r.IntN(12) == 0 {
		return ""
	}
	return value
}

// card makes a number of a test range that passes Luhn.
func card(r *rand.Rand) string {
	digits := []byte(fmt.Sprintf("400000%09d", r.IntN(1_000_000_000)))
	sum := 0
	for i := range digits {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return string(digits) + string(rune('0'+(10-sum%10)%10))
}

// notes hold addresses and e-mails in free text and in nested objects.
func notes(r *rand.Rand, id int, email, phone string) string {
	streets := []string{"Example Street", "Muster-Straße", "Rue de l'Exemple", "サンプル通り"}
	address := fmt.Sprintf("%d %s, Sampletown", 1+r.IntN(200), streets[r.IntN(len(streets))])
	note := map[string]any{
		"address": map[string]any{"street": address, "postcode": fmt.Sprintf("%05d", r.IntN(100000))},
		"text":    fmt.Sprintf("Write to %s or call %s; deliver to %s.", email, phone, address),
		"tags":    []string{"sample", []string{"new", "returning", "vip"}[r.IntN(3)]},
		"seen":    id * 7 % 365,
	}
	if r.IntN(3) == 0 {
		note["contacts"] = []map[string]any{{"email": fmt.Sprintf("friend%04d@example.com", r.IntN(people)), "since": 2000 + r.IntN(26)}}
	}
	text, err := json.Marshal(note)
	if err != nil {
		return "" // these values can always be written
	}
	return string(text)
}

// orders are rows of COPY's text format, three for each of the people on average.
func orders() string {
	var b strings.Builder
	r := fixed(2)
	items := []string{"tea", "kettle", "cup", "saucer", "biscuits", "spoon"}
	begin := time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC)
	for id := 1; id <= 3*people; id++ {
		placed := begin.Add(time.Duration(r.IntN(300*24*60)) * time.Minute)
		fmt.Fprintf(&b, "%d\t%d\t%s\t%d.%02d\t%s\n", id, 1+r.IntN(people), items[r.IntN(len(items))], 1+r.IntN(400), r.IntN(100), placed.Format(time.RFC3339))
	}
	return b.String()
}
