# Reads data.csv and recorded.csv; experiments/common/style.gp stands before it.
stats "data.csv" using "amplification" nooutput name "A"
claim = sprintf("A byte costs %.0f to %.0f on the disk; “5× to 7×” is a narrow band of that", A_min, A_max)
conditions = "ext4-ordered, 4 KiB blocks; the metadata is a model; three seeds, sampled; hybrids rewrite at twice the live data"
height = 900
eval open
variants = "always hybrid-always hybrid-everysec checkpoint everysec+checkpoint everysec no"
array colour[7] = [ink, red, orange, green, pink, blue, sky]
array dash[7] = [1, 2, 2, 4, 5, 1, 3]
array mark[7] = [7, 5, 9, 11, 13, 6, 4]
array shade[5] = [grey, ink, green, orange, blue]
roles = "metadata_bytes manifest_bytes checkpoint_bytes base_bytes segment_bytes"
titles = "metadata manifest checkpoint rewrite AOF"
position(name) = sum [v = 1:7] (word(variants, v) eq name ? v : 0)
# Of the roles from the r-th on: the bars are painted over one another, the longest first.
above(r) = 100.0 * ((r <= 1 ? column("metadata_bytes") : 0) + (r <= 2 ? column("manifest_bytes") : 0) \
  + (r <= 3 ? column("checkpoint_bytes") : 0) + (r <= 4 ? column("base_bytes") : 0) \
  + column("segment_bytes")) / column("total_bytes")

set multiplot
set logscale xy
set yrange [0.8:600]
set ytics (1, 2, 5, 10, 20, 50, 100, 200, 500)
set ylabel "bytes on the disk for each byte of user data"
set object 1 rectangle from graph 0, first 5 to graph 1, first 7 behind fc rgb faint fs solid 1 noborder

set lmargin at screen 0.09
set rmargin at screen 0.50
set tmargin at screen down(98)
set bmargin at screen down(406)
set title "by value size, one SET at a time" offset 0, -0.6
set xlabel "value"
set xtics ("16 B" 16, "64" 64, "256" 256, "1 KiB" 1024, "4" 4096, "16" 16384, "64 KiB" 65536)
set xrange [12:90000]
set key at graph 0.99, 0.98 right top Left reverse samplen 3 spacing 1.0
plot for [v = 1:7] "data.csv" using (strcol("variant") eq word(variants, v) && strcol("batch") eq "1" ? \
    column("value_bytes") : NaN):(column("amplification")) \
  with linespoints lc rgb colour[v] pt mark[v] dt dash[v] lw 2 ps 0.6 title word(variants, v)
eval undress

set lmargin at screen 0.57
set rmargin at screen 0.98
set title "always: a sync shared by more SETs"
set xlabel "SETs a sync"
set ylabel ""
set xtics (1, 2, 5, 10, 20, 50, 100)
set xrange [0.8:180]
unset key
set label 1 "folklore: 5× to 7×" at graph 0.03, first 5.9 left textcolor rgb muted
sizes = "16 256 4096"
set label 11 "values of 16 B" at first 6, 80 left textcolor rgb ink
set label 12 "256 B" at first 2.3, 18 left textcolor rgb ink
set label 13 "4 KiB" at first 2.3, 2.4 left textcolor rgb ink
always(bytes) = "< awk -F, '$1 == \"always\" && $3 == " . bytes . " {print $18 \",\" $14}' data.csv | sort -t, -n"
plot for [v = 1:3] always(word(sizes, v)) using 1:2 with linespoints lc rgb ink pt mark[v] dt v lw 2 ps 0.7
unset label 1
unset label 11
unset label 12
unset label 13
unset object 1

# Where the bytes go.
unset logscale
set tmargin at screen down(526)
set bmargin at screen up(130)
set boxwidth 0.8
set style fill solid 1.0 border lc rgb paper
set yrange [0:112]
set ytics 0,25,100
set xrange [0.4:7.6]
set lmargin at screen 0.09
set rmargin at screen 0.36
set xlabel ""
set ylabel "share, %; above it, bytes for a byte"
set title "SETs of 256 B, one at a time"
set xtics rotate by -50 scale 0 noenhanced ()
do for [v = 1:7] { set xtics add (v == 5 ? "everysec+save" : word(variants, v) v) }
unset key
do for [r = 1:5] {
  set label 20 + r "{/*1.4 ■} " . word(titles, 6 - r) at screen 0.09 + 0.125 * (r - 1), down(480) left textcolor rgb shade[6 - r]
}
chosen(c) = strcol("batch") eq "1" && strcol("value_bytes") eq "256" ? position(strcol("variant")) : NaN
plot for [r = 1:5] "data.csv" using (chosen(0)):(above(r)) with boxes fc rgb shade[r], \
  "" using (chosen(0)):(105):(sprintf("%.3g", column("amplification"))) with labels font pt(9.5) textcolor rgb ink
do for [r = 1:5] { unset label 20 + r }

set ylabel ""
set format y ""
do for [w = 1:2] {
  load_name = word("web-shop session-store", w)
  set lmargin at screen 0.4 + 0.3 * (w - 1)
  set rmargin at screen 0.67 + 0.3 * (w - 1)
  set title "recorded: " . load_name
  plot for [r = 1:5] "recorded.csv" using (strcol("workload") eq load_name ? position(strcol("variant")) : NaN):(above(r)) \
      with boxes fc rgb shade[r], \
    "" using (strcol("workload") eq load_name ? position(strcol("variant")) : NaN):(105): \
      (sprintf("%.3g", column("amplification"))) with labels font pt(9.5) textcolor rgb ink
}
unset multiplot
