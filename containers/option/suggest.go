package option

import (
	"slices"
	"strings"
)

// suggest returns ` (did you mean x?)` for the candidate nearest to word, or ""
// when none is near.
func suggest(word string, candidates []string) string {
	best, least := "", len(word)/3+2
	for _, c := range candidates {
		d := distance(word, c)
		if d == 2 && sorted(word) == sorted(c) { // two letters exchanged
			d = 1
		}
		if d < least {
			best, least = c, d
		}
	}
	if best == "" {
		return ""
	}
	return " (did you mean " + best + "?)"
}

// distance is the number of letters to add, drop or change (Levenshtein).
func distance(a, b string) int {
	if len(a) > 64 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}

func sorted(s string) string {
	letters := strings.Split(s, "")
	slices.Sort(letters)
	return strings.Join(letters, "")
}
