package credentials

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"gantry/internal/termsafe"
	"gantry/store"
)

// patience is how long a helper may take: it may ask for a passphrase.
const patience = 2 * time.Minute

// notThere is what helpers print on standard output when they know nothing.
const notThere = "credentials not found in native keychain"

func program(name string) string { return "docker-credential-" + termsafe.Line(name) }

// ask gets what a helper knows of a registry.
func (s *Store) ask(ctx context.Context, name, registry string) (Credential, bool, error) {
	out, err := s.call(ctx, name, "get", []byte(registry))
	if err != nil && strings.Contains(err.Error(), notThere) {
		return Credential{}, false, nil
	}
	if err != nil {
		return Credential{}, false, err
	}
	var answer struct{ Username, Secret string }
	if json.Unmarshal(out, &answer) != nil {
		return Credential{}, false, errors.New("its answer is not JSON")
	}
	if answer.Username == tokenUser {
		return Credential{IdentityToken: answer.Secret}, true, nil
	}
	return Credential{Username: answer.Username, Password: answer.Secret}, answer.Secret != "", nil
}

// keep gives a helper a credential.
func (s *Store) keep(ctx context.Context, name, registry string, c Credential) error {
	secret := struct{ ServerURL, Username, Secret string }{registry, c.Username, c.Password}
	if c.IdentityToken != "" {
		secret.Username, secret.Secret = tokenUser, c.IdentityToken
	}
	in, err := json.Marshal(secret)
	if err != nil {
		return err
	}
	_, err = s.call(ctx, name, "store", in)
	return err
}

// drop makes a helper forget a registry and reports whether it knew it.
func (s *Store) drop(ctx context.Context, name, registry string) (bool, error) {
	if _, found, err := s.ask(ctx, name, registry); err != nil || !found {
		return false, err
	}
	_, err := s.call(ctx, name, "erase", []byte(registry))
	return err == nil, err
}

// call runs a helper. What is wrong it says on standard output.
func (s *Store) call(ctx context.Context, name, action string, in []byte) ([]byte, error) {
	if strings.ContainsAny(name, "/\\\x00") {
		return nil, fmt.Errorf("the name holds a slash: %w", store.ErrInvalid)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	path, err := exec.LookPath("docker-credential-" + name)
	if err != nil {
		return nil, errors.New("not found in $PATH: install it, or change credsStore and credHelpers")
	}
	cmd := exec.CommandContext(ctx, path, action)
	cmd.Stdin = bytes.NewReader(in)
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err == nil {
		return out, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	said := strings.TrimSpace(string(out))
	var exit *exec.ExitError
	if said == "" && errors.As(err, &exit) {
		said = strings.TrimSpace(string(exit.Stderr))
	}
	if said == "" {
		said = err.Error()
	}
	return nil, errors.New(termsafe.Line(said[:min(len(said), 400)]))
}
