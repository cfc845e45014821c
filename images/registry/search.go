package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"gantry/images/reference"
)

// hubIndex is where Docker Hub is searched unless the configuration says
// otherwise.
const hubIndex = "https://index.docker.io"

// Found is a repository that a search found. Its texts are as they came.
type Found struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Stars       int    `json:"star_count"`
	Official    bool   `json:"is_official"`
	Automated   bool   `json:"is_automated"`
}

// Search asks a registry's index for repositories, by the API that Docker Hub
// has and few others.
func (c *Client) Search(ctx context.Context, domain, term string, limit int, insecure bool) ([]Found, error) {
	base := c.cfg.Hosts[domain].Search
	insecure = insecure || c.cfg.Hosts[domain].Insecure
	switch {
	case base != "":
	case domain == reference.Hub:
		base = hubIndex
	case insecure || isLoopback(domain):
		base = "http://" + domain
	default:
		base = "https://" + domain
	}
	at, err := url.Parse(strings.TrimSuffix(base, "/") + "/v1/search")
	if err != nil {
		return nil, fmt.Errorf("searching: %w", cleaned(err))
	}
	at.RawQuery = url.Values{"q": {term}, "n": {strconv.Itoa(limit)}}.Encode()
	net, err := newNetwork(c.cfg, at.Host, at.Host, insecure || at.Scheme == "http")
	if err != nil {
		return nil, err
	}
	defer net.close()
	found, err := net.search(ctx, at)
	if err != nil {
		return nil, fmt.Errorf("searching on %s: %w", at.Host, err)
	}
	return found[:min(limit, len(found))], nil
}

func (n *network) search(ctx context.Context, at *url.URL) ([]Found, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := n.RoundTrip(req)
	if err != nil {
		return nil, cleaned(err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return nil, bad("this registry has no search")
	default:
		return nil, readRefusal(resp, at.Host, "search")
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxDocument+1))
	if err != nil {
		return nil, cleaned(err)
	}
	var answer struct{ Results []Found }
	if len(body) > maxDocument || json.Unmarshal(body, &answer) != nil {
		return nil, bad("the answer is not a list of repositories")
	}
	return answer.Results, nil
}
