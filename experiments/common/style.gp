# The style of every figure. experiments/run.sh loads it before plot.gp, which sets `claim`, `conditions` and
# perhaps `height`, and then says `eval open`. Themes: light and dark as SVG, and light as PDF.
#
# `source` is the footer: the command and the commit. Widths are those of a README: 800 px.
set encoding utf8
set datafile separator ","
set datafile missing NaN  # what is left out of a line does not break it
width = 800
height = 500
dark = theme eq "dark"
paper = dark ? "#0d1117" : "#ffffff"
ink = dark ? "#e6edf3" : "#1f2328"
muted = dark ? "#9aa4af" : "#59636e"
faint = dark ? "#2b323b" : "#e3e6ea"
# Okabe and Ito, told apart by the colour-blind; lighter on dark paper.
blue = dark ? "#58a6e8" : "#0072B2"
red = dark ? "#ff8650" : "#D55E00"
green = dark ? "#33c79c" : "#009E73"
orange = dark ? "#f2b73d" : "#E69F00"
pink = dark ? "#e6a3c8" : "#B8558C"
sky = dark ? "#a5dcf7" : "#56B4E9"
grey = dark ? "#7d8792" : "#8c959f"
# Areas that text stands on.
lost_fill = dark ? 0x7a3b12 : 0xFBD5B5
kept_fill = dark ? 0x12384f : 0xCFE8F3
refused_fill = dark ? 0x4c4a10 : 0xF5EBA6
none_fill = dark ? 0x21262d : 0xF0F2F4

open = 'if (theme eq "pdf") { set terminal pdfcairo size width / 96.0, height / 96.0 font "Helvetica,9" \
    fontscale 0.76 linewidth 1.4 background rgb paper; set output "plot.pdf" } \
  else { set terminal svg size width, height font "Helvetica,12" background rgb paper; \
    set output (dark ? "plot-dark.svg" : "plot.svg") }; eval dress'
# Points of a font in a PDF are larger than pixels.
pt(n) = sprintf(",%.1f", theme eq "pdf" ? n * 0.75 : 1.0 * n)
# A distance in pixels, as a part of the picture.
down(n) = 1.0 - 1.0 * n / height
up(n) = 1.0 * n / height
dress = 'set border 3 lc rgb muted; set tics nomirror textcolor rgb ink; set grid lc rgb faint lt 1 lw 1; \
  set xlabel textcolor rgb ink; set ylabel textcolor rgb ink; set title textcolor rgb ink font pt(14); \
  set key textcolor rgb ink samplen 2; set xtics textcolor rgb ink; set ytics textcolor rgb ink; \
  set label 901 "{/:Bold " . claim . "}" at screen 0.016, down(24) left font pt(17) textcolor rgb ink; \
  set label 902 conditions at screen 0.016, down(46) left font pt(12.5) textcolor rgb muted; \
  set label 903 source at screen 0.016, up(13) left noenhanced font pt(11) textcolor rgb muted; \
  set tmargin at screen down(72); set bmargin at screen up(84); \
  set lmargin at screen 0.09; set rmargin at screen 0.97'
# Of a picture of several plots, only the first draws them.
undress = 'unset label 901; unset label 902; unset label 903'

# Of measured tables: the middle of a value over the runs where `where` holds, both as awk says them.
middle(where, value) = real(system("awk -F, 'NR > 1 && " . where . " {print " . value . "}' data.csv | sort -n | awk '{v[NR] = $1} END {print NR ? v[int((NR + 1) / 2)] : 0}'"))
# Its lowest, middle and highest by what is named in `by` (one column or several), which stand before them.
spread(by, value) = "< awk -F, 'NR > 1 {print " . by . " \",\" " . value . "}' data.csv | sort -V | awk -F, '{k = $0; sub(/,[^,]*$/, \"\", k); if (k != last && n) out(); if (k != last) n = 0; last = k; v[++n] = $NF} function out() {for (i = 2; i <= n; i++) for (j = i; j > 1 && v[j - 1] + 0 > v[j] + 0; j--) {t = v[j]; v[j] = v[j - 1]; v[j - 1] = t}; print last \",\" v[1] \",\" v[int((n + 1) / 2)] \",\" v[n]} END {if (n) out()}'"
