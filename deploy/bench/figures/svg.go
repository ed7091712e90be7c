package figures

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
)

// SVG draws the CPU time of each candidate with one kind of request, the cheapest first, as bars with their range.
func (r Report) SVG(request, title string) string {
	var bars []Candidate
	for _, c := range r.Candidates {
		if c.Request == request {
			bars = append(bars, c)
		}
	}
	slices.SortStableFunc(bars, func(a, b Candidate) int { return int(100 * (a.CPU.Median - b.CPU.Median)) })
	largest := 1.0
	for _, b := range bars {
		largest = max(largest, b.CPU.Max)
	}
	const width, left, line, head = 760, 220, 30, 46
	scale := float64(width-left-110) / largest
	var svg strings.Builder
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="14">`+"\n", width, head+line*len(bars)+30)
	fmt.Fprintf(&svg, `<rect width="100%%" height="100%%" fill="#fff"/><text x="10" y="24" font-size="16">%s</text>`+"\n", escaped(title))
	for i, b := range bars {
		y := head + i*line
		colour := "#9aa5b1"
		if b.Name == "gateway" {
			colour = "#2563eb"
		}
		fmt.Fprintf(&svg, `<text x="%d" y="%d" text-anchor="end">%s</text>`, left-10, y+16, escaped(b.Name))
		fmt.Fprintf(&svg, `<rect x="%d" y="%d" width="%.1f" height="20" fill="%s"/>`, left, y, b.CPU.Median*scale, colour)
		fmt.Fprintf(&svg, `<path d="M%.1f %dH%.1f" stroke="#111"/>`, left+b.CPU.Min*scale, y+10, left+b.CPU.Max*scale)
		fmt.Fprintf(&svg, `<text x="%.1f" y="%d">%.0f µs</text>`+"\n", left+b.CPU.Max*scale+8, y+16, b.CPU.Median)
	}
	fmt.Fprintf(&svg, `<text x="10" y="%d" font-size="12" fill="#555">%s</text></svg>`+"\n", head+line*len(bars)+18, escaped(r.source()))
	return svg.String()
}

// source says when and where the figures were measured.
func (r Report) source() string {
	return fmt.Sprintf("%s, gateway %s, %s, median and range of %d rounds", r.Date, r.Version, r.Machine, r.Rounds)
}

func escaped(text string) string {
	var out strings.Builder
	_ = xml.EscapeText(&out, []byte(text)) // a Builder takes everything
	return out.String()
}
