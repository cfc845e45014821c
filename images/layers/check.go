package layers

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"gantry/internal/termsafe"
	"gantry/store"
)

// Rules are the thresholds of a check; nil is not checked.
type Rules struct {
	LowestEfficiency         *float64
	HighestWastedBytes       *int64
	HighestUserWastedPercent *float64 // a fraction
	HighestReclaimableBytes  *int64   // not one of dive's
}

// DefaultRules are dive's.
func DefaultRules() Rules {
	lowest, highest := 0.9, 0.1
	return Rules{LowestEfficiency: &lowest, HighestUserWastedPercent: &highest}
}

// Outcome of a rule.
type Outcome string

// Outcomes.
const (
	Pass Outcome = "pass"
	Fail Outcome = "fail"
	Skip Outcome = "skip" // disabled
)

// RuleResult is one rule's outcome.
type RuleResult struct {
	Rule    string  `json:"rule"`
	Outcome Outcome `json:"outcome"`
	Value   float64 `json:"value"`
	Limit   float64 `json:"limit,omitempty"`
}

// Check applies the rules, as dive's code does: a value that equals its limit
// passes.
func (s Stats) Check(r Rules) []RuleResult {
	return []RuleResult{
		least("lowestEfficiency", s.Dive.Efficiency, r.LowestEfficiency),
		most("highestWastedBytes", float64(s.Dive.WastedBytes), float(r.HighestWastedBytes)),
		most("highestUserWastedPercent", s.Dive.UserWastedPercent, r.HighestUserWastedPercent),
		most("highestReclaimableBytes", float64(s.Reclaimable), float(r.HighestReclaimableBytes)),
	}
}

// Passed reports whether no rule failed.
func Passed(results []RuleResult) bool {
	for _, r := range results {
		if r.Outcome == Fail {
			return false
		}
	}
	return true
}

func float(n *int64) *float64 {
	if n == nil {
		return nil
	}
	f := float64(*n)
	return &f
}

func least(rule string, value float64, limit *float64) RuleResult {
	if limit == nil {
		return RuleResult{Rule: rule, Outcome: Skip, Value: value}
	}
	return judge(rule, value, *limit, *limit > value)
}

func most(rule string, value float64, limit *float64) RuleResult {
	if limit == nil {
		return RuleResult{Rule: rule, Outcome: Skip, Value: value}
	}
	return judge(rule, value, *limit, value > *limit)
}

func judge(rule string, value, limit float64, failed bool) RuleResult {
	r := RuleResult{Rule: rule, Outcome: Pass, Value: value, Limit: limit}
	if failed {
		r.Outcome = Fail
	}
	return r
}

// maxRules bounds a rules file.
const maxRules = 1 << 20

// ParseRules reads a .dive-ci file. What it does not mention stays as in base,
// "disabled" switches a rule off, and keys are compared without regard to case,
// as dive does it.
func ParseRules(r io.Reader, base Rules) (Rules, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxRules))
	if err != nil {
		return base, err
	}
	var file map[string]any
	if err := yaml.Unmarshal(raw, &file); err != nil {
		return base, fmt.Errorf("not YAML: %s: %w", termsafe.Line(err.Error()), store.ErrInvalid)
	}
	for section, value := range file {
		rules, ok := value.(map[string]any)
		if !strings.EqualFold(section, "rules") || value == nil {
			continue
		}
		if !ok {
			return base, fmt.Errorf("rules is no list of keys and values: %w", store.ErrInvalid)
		}
		for key, value := range rules {
			if err := base.Set(key, fmt.Sprint(value)); err != nil {
				return base, err
			}
		}
	}
	return base, nil
}

// Set sets one rule as a rules file or an option has it.
func (r *Rules) Set(key, value string) error {
	var err error
	value = strings.TrimSpace(value)
	off := strings.EqualFold(value, "disabled")
	switch strings.ToLower(key) {
	case "lowestefficiency":
		r.LowestEfficiency, err = fraction(value, off)
	case "highestuserwastedpercent":
		r.HighestUserWastedPercent, err = fraction(value, off)
	case "highestwastedbytes":
		r.HighestWastedBytes, err = byteCount(value, off)
	case "highestreclaimablebytes":
		r.HighestReclaimableBytes, err = byteCount(value, off)
	default:
		return fmt.Errorf("unknown rule %s: %w", termsafe.Line(key), store.ErrInvalid)
	}
	if err != nil {
		return fmt.Errorf("rule %s: %s: %w", termsafe.Line(key), err.Error(), store.ErrInvalid)
	}
	return nil
}

func fraction(s string, off bool) (*float64, error) {
	if off {
		return nil, nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || f < 0 || f > 1 {
		return nil, fmt.Errorf(`"%s" is not between 0 and 1`, termsafe.Line(s))
	}
	return &f, nil
}

var units = map[string]float64{
	"": 1, "b": 1, "k": 1e3, "kb": 1e3, "m": 1e6, "mb": 1e6, "g": 1e9, "gb": 1e9, "t": 1e12, "tb": 1e12,
	"ki": 1 << 10, "kib": 1 << 10, "mi": 1 << 20, "mib": 1 << 20, "gi": 1 << 30, "gib": 1 << 30, "ti": 1 << 40, "tib": 1 << 40,
}

// byteCount reads 20MB, 1.5 GiB or 1000: k is a thousand, ki is 1,024.
func byteCount(s string, off bool) (*int64, error) {
	if off {
		return nil, nil
	}
	end := 0
	for end < len(s) && (s[end] >= '0' && s[end] <= '9' || s[end] == '.' || s[end] == ',') {
		end++
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(s[:end], ",", ""), 64)
	unit, known := units[strings.ToLower(strings.TrimSpace(s[end:]))]
	if err != nil || !known || f*unit > math.MaxInt64/2 {
		return nil, fmt.Errorf(`"%s" is not a size such as 20MB`, termsafe.Line(s))
	}
	n := int64(f * unit)
	return &n, nil
}
