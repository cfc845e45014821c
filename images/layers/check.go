package layers

// Rules are the thresholds of a check; nil is not checked.
type Rules struct {
	LowestEfficiency         *float64
	HighestWastedBytes       *int64
	HighestUserWastedPercent *float64
	HighestReclaimableBytes  *int64 // ours
}

// RuleResult is one rule's outcome.
type RuleResult struct {
	Rule   string `json:"rule"`
	Limit  string `json:"limit"`
	Value  string `json:"value"`
	Passed bool   `json:"passed"`
}

// Check applies the rules.
func (s Stats) Check(r Rules) []RuleResult { return nil }
