package containers

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"strings"

	"gantry/store"
)

const adjectives = `able agile alert amber ample apt arctic astute azure balmy bold brave breezy bright brisk calm candid
careful cheerful civil clear clever cosmic cosy crisp curious daring deft eager early earnest easy elated epic exact fair
famous fast fearless fine firm fleet fluent fond frank fresh gallant gentle glad golden grand happy hardy hearty honest
humble ideal jolly jovial keen kind lively loyal lucid lucky mellow merry mighty modest neat nimble noble patient placid
plucky polite proud quick quiet rapid ready robust serene sharp silent sincere smooth snug sober spry stellar sturdy sunny
swift tidy tranquil trusty upbeat vivid warm wise witty zealous`

const surnames = `abel agnesi ampere babbage banach bardeen bell bernoulli bohr boole borg brahe braun brown cantor carson
cauchy cerf chandrasekhar church clarke colden conway copernicus cori crick curie darwin diffie dijkstra dirac easley
einstein elion engelbart erdos euclid euler faraday fermat fermi feynman fibonacci franklin galileo galois gauss germain
goedel goodall hamilton hawking heisenberg hertz hilbert hodgkin hopper hubble huygens hypatia jemison johnson joliot
kepler khorana knuth kovalevskaya lamarr lamport laplace leavitt leibniz lovelace maxwell mayer mcclintock meitner mendel
mirzakhani moser napier nash neumann newton nobel noether pascal pasteur pauli payne perlman planck poincare raman
ramanujan riemann ride ritchie rubin sagan salk shannon shockley thompson torvalds turing vaughan volta wiles wilson wu
yalow yonath`

// autoName claims a name of the form adjective_surname for id.
func (m *Manager) autoName(ctx context.Context, id string) (string, error) {
	first, last := strings.Fields(adjectives), strings.Fields(surnames)
	for try := 0; ; try++ {
		name := first[rand.IntN(len(first))] + "_" + last[rand.IntN(len(last))]
		if try > 5 { // crowded: make room
			name += strconv.Itoa(rand.IntN(10 * try))
		}
		err := m.claim(ctx, name, id)
		if !errors.Is(err, store.ErrExists) {
			return name, err
		}
	}
}
