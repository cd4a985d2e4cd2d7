# Reads data.csv in the current directory, writes plot.svg.
set terminal svg size 1500,640 font "Helvetica,15" background "white"
set output "plot.svg"
set datafile separator ","
variants = "always everysec no hybrid-always hybrid-everysec everysec+checkpoint checkpoint"
# Okabe and Ito: told apart by the colour-blind.
array colour[7] = ["#000000", "#0072B2", "#56B4E9", "#D55E00", "#E69F00", "#CC79A7", "#009E73"]

set multiplot title "Bytes that reach the simulated disk (ext4-ordered) for each byte of key and value" \
  font ",19" layout 1,3 margins 0.055,0.985,0.2,0.84 spacing 0.065,0
set grid ytics lc rgb "#dddddd"
set logscale xy
set xlabel "value size"
set ylabel "bytes on the disk / byte of user data"
set xtics ("16 B" 16, "64 B" 64, "256 B" 256, "1 KiB" 1024, "4 KiB" 4096, "16 KiB" 16384, \
  "64 KiB" 65536) rotate by 40 right
set xrange [11:95000]
set yrange [0.9:1000]
set ytics (1, 2, 5, 10, 20, 50, 100, 200, 500)
set key top right Left reverse samplen 2

do for [batch in "1 16"] {
  set title batch eq "1" ? "one SET at a time" : "16 SETs at a time"
  plot for [v = 1:7] "data.csv" using (strcol("variant") eq word(variants, v) && \
      strcol("batch") eq batch ? column("value_bytes") : NaN):(column("amplification")) \
    with linespoints lc rgb colour[v] pt v lw 2 ps 0.7 title word(variants, v)
}

# Where the bytes go, at 256 B, one at a time.
unset logscale
set title "where they go: 256 B values, one SET at a time"
set xlabel ""
set ylabel "share of the bytes on the disk, %"
set xrange [0.4:7.6]
set yrange [0:138]
set ytics 0,20,100
set xtics rotate by 40 right ("always" 1, "everysec" 2, "no" 3, "hybrid-always" 4, "hybrid-everysec" 5, \
  "everysec+checkpt" 6, "checkpoint" 7)
set boxwidth 0.7
set style fill solid 1.0 border rgb "#ffffff"
set key top center horizontal maxcols 2 Left reverse samplen 1.2
roles = "metadata_bytes manifest_bytes checkpoint_bytes base_bytes segment_bytes"
titles = "metadata manifest checkpoint rewrite(base) AOF"
array shade[5] = ["#999999", "#000000", "#009E73", "#E69F00", "#0072B2"]
position(name) = sum [v = 1:7] (word(variants, v) eq name ? v : 0)
chosen(c) = strcol("batch") eq "1" && strcol("value_bytes") eq "256"
# Of the roles from the r-th on: the bars are painted over one another, the longest first.
above(r) = 100.0 * ((r <= 1 ? column("metadata_bytes") : 0) + (r <= 2 ? column("manifest_bytes") : 0) \
  + (r <= 3 ? column("checkpoint_bytes") : 0) + (r <= 4 ? column("base_bytes") : 0) \
  + column("segment_bytes")) / column("total_bytes")
plot for [r = 1:5] "data.csv" using (chosen(0) ? position(strcol("variant")) : NaN):(above(r)) \
    with boxes fc rgb shade[r] title word(titles, r), \
  "data.csv" using (chosen(0) ? position(strcol("variant")) : NaN):(103.5): \
    (sprintf("×%.1f", column("amplification"))) with labels font ",13" notitle
unset multiplot
