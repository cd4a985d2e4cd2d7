# Reads data.csv and survival.csv in the current directory, writes plot.svg.
set terminal svg size 1500,900 font "Helvetica,15" background "white"
set output "plot.svg"
set datafile separator ","
policies = "always everysec no hybrid-always hybrid-everysec checkpoint"
personas = "ext4-ordered ext4-journal xfs btrfs posix-min"
# Okabe and Ito: told apart by the colour-blind.
array colour[5] = ["#000000", "#E69F00", "#56B4E9", "#009E73", "#D55E00"]
array width[5] = [5, 2, 3, 1.5, 2]

array bound[6]
do for [p = 1:6] {
  stats "data.csv" using (strcol("policy") eq word(policies, p) && strcol("crash") eq "power-cut" && \
    strcol("persona") eq "ext4-ordered" ? column("bound_ms_min") / 1000.0 : NaN) nooutput name "B"
  bound[p] = B_max
}

set multiplot title "How old is the oldest acknowledged write that a power cut takes, beside the promised bound" \
  font ",19" layout 2,3 margins 0.06,0.985,0.08,0.88 spacing 0.06,0.13
set grid lc rgb "#dddddd"
set logscale y
set yrange [0.0008:1.3]
set ytics ("0.1 %%" 0.001, "1 %%" 0.01, "10 %%" 0.1, "100 %%" 1)
set xlabel "lost age, s (from acknowledgement to cut)"

do for [p = 1:6] {
  policy = word(policies, p)
  unset arrow
  unset label
  set ylabel (p % 3 == 1 ? "share of cuts that lose at least that" : "")
  set title policy
  everysec = policy eq "everysec" || policy eq "hybrid-everysec"
  always = policy eq "always" || policy eq "hybrid-always"
  if (always) { set xrange [0:1.5]; set xtics 0.25 }
  if (everysec) { set xrange [0:1.5]; set xtics 0.25 }
  if (policy eq "no") { set xrange [0:60]; set xtics 10 }
  if (policy eq "no") {
    set label "posix-min promises no\nwriteback: no bound" at graph 0.96,0.9 right
  }
  if (policy eq "checkpoint") { set xrange [0:3]; set xtics 0.5 }
  unset key
  if (p == 1) { set key at graph 0.98,0.96 top right Left reverse samplen 2 }
  if (bound[p] > 0) {
    set arrow from bound[p], graph 0 to bound[p], graph 1 nohead lc rgb "#CC79A7" lw 3 dt 2 front
    set label sprintf("bound: %.0f s + sync", bound[p]) \
      at bound[p], graph (policy eq "no" ? 0.3 : 0.55) rotate by 90 center offset 1.1,0 textcolor rgb "#a04a80" front
  }
  if (always) {
    set label "no acknowledged write lost in any cut\n(the bound is 0)" at graph 0.5,0.25 center
  }
  if (policy eq "no") {
    set label "posix-min promises no\nwriteback: no bound" at graph 0.96,0.9 right
  }
  if (policy eq "checkpoint") {
    set label "no bound in time: what the last\npublished checkpoint has not" at graph 0.96,0.9 right
  }
  if (always) {
    plot for [i = 1:5] 1e-9 with lines lc rgb colour[i] lw width[i] title word(personas, i)
    continue
  }
  plot for [i = 1:5] "survival.csv" using (strcol("policy") eq policy && \
      strcol("persona") eq word(personas, i) && column("share") > 0 ? \
      column("lost_ms_at_least") / 1000.0 : NaN):(column("share")) \
    with lines lc rgb colour[i] lw width[i] title word(personas, i)
}
unset multiplot
