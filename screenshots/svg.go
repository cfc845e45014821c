package main

import (
	"encoding/xml"
	"fmt"
	"image/color"
	"strings"

	uv "github.com/charmbracelet/ultraviolet"
)

// Cell size and colours of the pictures.
const (
	cellW, cellH = 9.0, 19.0
	fontSize     = 15.0
	margin       = 14.0
	titleH       = 30.0
	defaultFg    = "#d7dae0"
	defaultBg    = "#16181d"
)

// svg draws the screen: one rectangle per run of a background, one text per
// run of a style, stretched to the grid so that any monospaced font aligns.
func (p *pane) svg(title string) string {
	w, h := p.screen.Width(), p.screen.Height()
	var b strings.Builder
	width, height := float64(w)*cellW+2*margin, float64(h)*cellH+2*margin+titleH
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, `<title>%s</title><rect width="100%%" height="100%%" rx="8" fill="%s"/>`+"\n", escape(title), defaultBg)
	for i, c := range []string{"#ff5f57", "#febc2e", "#28c840"} {
		fmt.Fprintf(&b, `<circle cx="%.0f" cy="16" r="5.5" fill="%s"/>`, margin+6+float64(i)*18, c)
	}
	fmt.Fprintf(&b, "\n"+`<g font-family="'DejaVu Sans Mono','Menlo','Consolas',monospace" font-size="%.0f" xml:space="preserve">`+"\n", fontSize)
	for y := range h {
		for x := 0; x < w; {
			x += p.drawRun(&b, x, y, w)
		}
	}
	b.WriteString("</g>\n</svg>\n")
	return b.String()
}

// drawRun draws the cells from x that share a style, and returns their number.
func (p *pane) drawRun(b *strings.Builder, x, y, w int) int {
	style := styleAt(p.cell(x, y))
	var text strings.Builder
	n := 0
	for x+n < w {
		c := p.cell(x+n, y)
		if styleAt(c) != style {
			break
		}
		if c == nil || c.Content == "" {
			text.WriteByte(' ')
			n++
			continue
		}
		text.WriteString(c.Content)
		n += max(1, c.Width)
	}
	left, top := margin+float64(x)*cellW, margin+titleH+float64(y)*cellH
	if style.bg != defaultBg {
		fmt.Fprintf(b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`+"\n", left, top, float64(n)*cellW+0.3, cellH+0.3, style.bg)
	}
	if strings.TrimSpace(text.String()) != "" {
		fmt.Fprintf(b, `<text x="%.1f" y="%.1f" textLength="%.1f" lengthAdjust="spacingAndGlyphs" fill="%s"%s>%s</text>`+"\n",
			left, top+cellH*0.76, float64(n)*cellW, style.fg, style.extra, escape(text.String()))
	}
	return n
}

func (p *pane) cell(x, y int) *uv.Cell { return p.screen.CellAt(x, y) }

// look is how a run of cells is painted.
type look struct{ fg, bg, extra string }

func styleAt(c *uv.Cell) look {
	l := look{fg: defaultFg, bg: defaultBg}
	if c == nil {
		return l
	}
	if c.Style.Fg != nil {
		l.fg = hex(c.Style.Fg)
	}
	if c.Style.Bg != nil {
		l.bg = hex(c.Style.Bg)
	}
	if c.Style.Attrs&uv.AttrReverse != 0 {
		l.fg, l.bg = l.bg, l.fg
	}
	if c.Style.Attrs&uv.AttrBold != 0 {
		l.extra += ` font-weight="bold"`
	}
	if c.Style.Attrs&uv.AttrFaint != 0 {
		l.extra += ` opacity="0.6"`
	}
	if c.Style.Attrs&uv.AttrItalic != 0 {
		l.extra += ` font-style="italic"`
	}
	if c.Style.Underline != 0 {
		l.extra += ` text-decoration="underline"`
	}
	return l
}

func hex(c color.Color) string {
	r, g, b, _ := c.RGBA()
	return fmt.Sprintf("#%02x%02x%02x", r>>8, g>>8, b>>8)
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}
