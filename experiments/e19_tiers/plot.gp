# Reads data.csv; experiments/common/style.gp stands before it.
ratio = middle("$1 == \"hot\"", "$7")
wait(where, column) = middle("$1 == \"latency\" && $2 == \"" . where . "\"", "$" . column)
own(which, part) = middle("$1 == \"memory\" && $2 == \"" . which . "\" && $3 == " . part, "$5")
p99(which, part) = middle("$1 == \"memory\" && $2 == \"" . which . "\" && $3 == " . part, "$8")
claim = sprintf("A GET takes %.0f us from memory, %.0f if warm, %.0f if cold, %.0f if archived", \
  wait("memory", 5), wait("warm", 5), wait("cold", 5), wait("archive", 5))
conditions = sprintf("medians over loopback, 1,000 B; of a hot key it takes %.2f times the processor time with tiers; bars: lowest to highest run", ratio)
height = 460
eval open
places = "memory warm cold archive"
array colour[3] = [grey, blue, red]
array mark[3] = [9, 7, 5]
sets = "none cold warm"
array what[3] = ["all in memory", "a cold tier", "a warm one before it"]
rows(kind, by, column) = spread("$1 \",\" " . by, "$" . column) 
place(name) = (sum [i = 1:4] (word(places, i) eq name ? i : 0))
set multiplot layout 1,2 margins 0.09,0.97,up(100),down(112) spacing 0.12,0
set xrange [0.5:4.5]
set logscale y
set yrange [10:*]
set xtics ("memory" 1, "warm" 2, "cold" 3, "archive" 4) scale 0
set key at graph 0.03, 0.98 left top Left reverse
set title "a GET by where the value is, us" offset 0, -0.6
plot rows("latency", "$2", 5) using (strcol(1) eq "latency" ? place(strcol(2)) - 0.1 : NaN):4:3:5 with yerrorbars lc rgb blue pt 7 lw 2 title "median", \
  rows("latency", "$2", 6) using (strcol(1) eq "latency" ? place(strcol(2)) + 0.1 : NaN):4:3:5 with yerrorbars lc rgb red pt 5 lw 2 title "99th percentile"
eval undress
set autoscale y
set yrange [10:*]
set xrange [0:*]
unset xtics
set xtics nomirror textcolor rgb ink
set xlabel "the process's own memory, MB" offset 0, 0.4
set key at graph 0.98, 0.03 right bottom Left reverse
set title "99th percentile of a Zipf trace, us" offset 0, -0.6
plot for [s = 1:3] "< awk -F, '$1 == \"memory\" && $2 == \"" . word(sets, s) . "\" {n[$3]++; x[$3] += $5; y[$3, n[$3]] = $8} END {for (p in n) {lo = hi = t = y[p, 1] + 0; for (i = 1; i <= n[p]; i++) {v = y[p, i] + 0; if (v < lo) lo = v; if (v > hi) hi = v; } m = 0; for (i = 1; i <= n[p]; i++) m += y[p, i]; print p \",\" x[p] / n[p] \",\" m / n[p] \",\" lo \",\" hi}}' data.csv | sort -n" \
  using 2:3:4:5 with yerrorlines lc rgb colour[s] pt mark[s] lw 2 title what[s]
unset multiplot
