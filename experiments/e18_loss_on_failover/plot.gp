# Reads data.csv; experiments/common/style.gp stands before it.
stats "data.csv" using (strcol("mode") eq "WAITAOF 1 1" ? column("both_cut_lost_ops_max") + column("master_lost_ops_max") : NaN) nooutput name "TOLD"
claim = sprintf("Of what WAITAOF 1 1 confirmed %s is lost, also where both lose their power", TOLD_max == 0 ? "nothing" : sprintf("%.0f writes", TOLD_max))
conditions = "the worst of 12 moments a point; everysec; the master is lost with all that is under way; sampled"
height = 720
modes = "'asynchronous' 'WAIT 1' 'WAITAOF 1 1'"
array colour[3] = [red, orange, blue]
array dash[3] = [1, 4, 1]
array mark[3] = [5, 9, 7]
array size[3] = [0.7, 0.7, 0.7]
eval open
set multiplot
set logscale x
set xtics ("0.1 ms" 100, "1 ms" 1000, "10 ms" 10000, "100 ms" 100000)
set xrange [80:130000]
unset key
of(p, m, c) = strcol("policy") eq p && strcol("mode") eq word(modes, m) ? column(c) : NaN
atleast(v, least) = v < least ? least : v

set tmargin at screen down(98)
set bmargin at screen up(350)
set rmargin at screen 0.80
set title "the master is lost: how long ago the oldest lost write was acknowledged" offset 0, -0.6
set ylabel "ms"
set logscale y
set yrange [0.03:400]
set ytics ("none" 0.05, "0.1" 0.1, "1" 1, "10" 10, "100" 100)
set label 1 "asynchronous:\na latency" at 100000, 130 left offset 1, 0 textcolor rgb red
set label 2 "WAIT 1, WAITAOF 1 1:\nnothing" at 100000, 0.05 left offset 1, 0.2 textcolor rgb blue
plot for [m = 1:3] "data.csv" using (column("latency_us")):(atleast(of("everysec", m, "master_lost_age_us_max") / 1000.0, 0.05)) \
  with linespoints lw 2.2 dt dash[m] pt mark[m] ps size[m] lc rgb colour[m]
eval undress
do for [i = 1:2] { unset label i }

set tmargin at screen down(444)
set bmargin at screen up(84)
set rmargin at screen 0.38
set title "both lose their power"
set ylabel "s"
set xlabel "latency of the link"
unset logscale y
set yrange [-0.08:1.3]
set ytics 0,0.5,1
set label 1 "asynchronous,\nWAIT 1" at 100000, 0.95 left offset 1, 0 textcolor rgb orange
set label 2 "WAITAOF 1 1" at 100000, 0 left offset 1, 0 textcolor rgb blue
plot for [m = 1:3] "data.csv" using (column("latency_us")):(of("everysec", m, "both_cut_lost_age_us_max") * 1e-6) \
  with linespoints lw 2.2 dt dash[m] pt mark[m] ps size[m] lc rgb colour[m]
do for [i = 1:2] { unset label i }

set lmargin at screen 0.58
set rmargin at screen 0.84
set title "the price: a write, until it counts"
set ylabel "ms"
set logscale y
set yrange [0.003:5000]
set ytics ("0.01" 0.01, "0.1" 0.1, "1" 1, "10" 10, "100" 100, "1000" 1000)
set label 1 "WAITAOF 1 1" at 100000, 1100 left offset 1, 0.3 textcolor rgb blue
set label 2 "WAIT 1; dots:\nWAITAOF, always" at 100000, 220 left offset 1, -0.4 textcolor rgb orange
set label 3 "asynchronous" at 100000, 0.006 left offset 1, 0.2 textcolor rgb red
plot for [m = 1:3] "data.csv" using (column("latency_us")):(of("everysec", m, "wait_us_mean") / 1000.0) \
  with linespoints lw 2.2 dt dash[m] pt mark[m] ps size[m] lc rgb colour[m], \
  "data.csv" using (column("latency_us")):(of("always", 3, "wait_us_mean") / 1000.0) \
  with linespoints lw 1.6 dt 3 pt 6 ps 0.6 lc rgb blue
unset multiplot
