# Reads data.csv and survival.csv; experiments/common/style.gp stands before it.
stats "data.csv" using (strcol("policy") eq "everysec" ? 100 * column("tightness") : NaN) nooutput name "TIGHT"
stats "data.csv" using (strcol("policy") eq "always" ? column("crashes_with_loss") : NaN) nooutput name "ALWAYS"
stats "data.csv" using "violations" nooutput name "BROKEN"
claim = sprintf("A cut takes up to %.0f %% of what everysec may lose, and %s more", TIGHT_max, \
  BROKEN_max == 0 ? "never" : "sometimes")
conditions = sprintf("1,000 nasty power cuts a line, sampled: no odds of the field; always lost %s write in any of them", \
  ALWAYS_max == 0 ? "no acknowledged" : "an acknowledged")
height = 640
policies = "everysec hybrid-everysec no checkpoint"
array bound[4]
do for [p = 1:4] {
  stats "data.csv" using (strcol("policy") eq word(policies, p) && strcol("crash") eq "power-cut" && \
    strcol("persona") eq "ext4-ordered" ? column("bound_ms_min") / 1000.0 : NaN) nooutput name "BOUND"
  bound[p] = BOUND_max
}
eval open
personas = "posix-min ext4-ordered xfs btrfs ext4-journal"
array colour[5] = [red, ink, blue, orange, green]
array dash[5] = [1, 2, 4, 5, 1]
array wide[5] = [4, 3, 2.2, 2.2, 1.5]
set multiplot layout 2,2 margins 0.1,0.97,up(84),down(98) spacing 0.11,0.14
set logscale y
set yrange [0.0008:1.3]
set ytics ("0.1 %%" 0.001, "1 %%" 0.01, "10 %%" 0.1, "100 %%" 1)
unset key
do for [p = 1:4] {
  policy = word(policies, p)
  unset arrow
  unset label 1
  set title policy offset 0, -0.6
  set ylabel (p % 2 == 1 ? "share of the cuts" : "") offset 1, 0
  set xlabel (p > 2 ? "age of the oldest lost write, at least, s" : "")
  if (p <= 2) { set xrange [0:1.25]; set xtics 0.25 }
  if (p == 3) { set xrange [0:50]; set xtics 10 }
  if (p == 4) { set xrange [0:5]; set xtics 1 }
  if (bound[p] > 0) {
    set arrow from bound[p], graph 0 to bound[p], graph 1 nohead lc rgb pink lw 2.5 dt 3 front
    set label 1 sprintf(p == 3 ? "bound: %.0f s" : "bound: %.0f s + syncs", bound[p]) at bound[p], graph (p == 3 ? 0.2 : 0.5) rotate by 90 center offset 1.1, 0 \
      textcolor rgb pink front
  }
  unset key
  if (p == 1) { set key at graph 0.03, 0.5 left top Left reverse samplen 3 spacing 1.0 }
  if (p == 3) { \
    set label 2 "posix-min promises no\nwriteback: no bound" at graph 0.76, 0.88 right textcolor rgb red }
  if (p == 4) { unset label 2; \
    set label 1 "no bound in time: what the last\ncheckpoint has not" at graph 0.97, 0.92 right textcolor rgb ink }
  plot for [i = 1:5] "survival.csv" using (strcol("policy") eq policy && \
      strcol("persona") eq word(personas, i) && column("share") > 0 ? \
      column("lost_ms_at_least") / 1000.0 : NaN):(column("share")) \
    with lines lc rgb colour[i] lw wide[i] dt dash[i] title word(personas, i)
  eval undress
}
unset multiplot
