# Reads data.csv; experiments/common/style.gp stands before it.
stats "data.csv" using (strcol("rule") eq "powercut" ? column("lost_span_ms_max") / 1000 : NaN) nooutput name "OURS"
claim = sprintf("However slow the disk, everysec loses %.3g s at most; replies wait instead", OURS_max)
conditions = "the worst cut of a stream of 200 SETs a second; Redis's rule is a model of 7.0, simulated; exhaustive over the run"
height = 720
rules = "'powercut' 'powercut without its window' 'redis: the write waits' 'redis: the write passes'"
array colour[4] = [blue, sky, orange, red]
array dash[4] = [1, 5, 4, 2]
array mark[4] = [7, 6, 9, 5]
array size[4] = [0.7, 0.6, 0.7, 0.6]
eval open
set multiplot
set logscale x
set xtics ("0.1 ms" 1e-4, "1 ms" 1e-3, "10 ms" 0.01, "100 ms" 0.1, "1 s" 1, "10 s" 10, "60" 60)
set xrange [8e-5:70]
unset key
of(r, c) = strcol("clients") eq "wait" && strcol("rule") eq word(rules, r) ? column(c) : NaN

set tmargin at screen down(98)
set bmargin at screen up(350)
set rmargin at screen 0.80
set title "lost span: from the first lost acknowledgement to the last" offset 0, -0.6
set ylabel "s"
set logscale y
set yrange [0.7:200]
set ytics (1, 2, 5, 10, 20, 60, 120)
set label 1 "powercut: 2 s" at 60, 2 left offset 1, 0 textcolor rgb blue
set label 2 "Redis, write waits:\na sync and 2 s" at 60, 62 left offset 1, 0 textcolor rgb orange
set label 3 "Redis, write passes,\npowercut without its\nwindow: two syncs" at 60, 230 left offset 1, 0 textcolor rgb red
set label 4 "all alike: 1 s and a sync" at 1e-4, 1.35 left textcolor rgb ink
plot for [r in "4 3 2 1"] "data.csv" using (column("sync_us") * 1e-6):(of(int(r), "lost_span_ms_max") / 1000.0) \
  with linespoints lw 2.2 dt dash[int(r)] pt mark[int(r)] ps size[int(r)] lc rgb colour[int(r)]
eval undress
do for [i = 1:4] { unset label i }

set tmargin at screen down(444)
set bmargin at screen up(84)
set rmargin at screen 0.40
set xtics ("0.1 ms" 1e-4, "1 ms" 1e-3, "" 0.01, "0.1 s" 0.1, "1 s" 1, "" 10, "60" 60)
set title "lost work: s of the stream"
set xlabel "one sync takes"
set yrange [0.01:200]
set ytics (0.01, 0.1, 1, 2, 4, 10, 30, 120)
set label 1 "powercut" at 60, 2 left offset 1, -0.2 textcolor rgb blue
set label 2 "Redis, waits" at 60, 4 left offset 1, 0.2 textcolor rgb orange
set label 3 "Redis, passes" at 60, 120 left offset 1, 0 textcolor rgb red
plot for [r in "4 3 2 1"] "data.csv" using (column("sync_us") * 1e-6):(of(int(r), "lost_ops_max") / 200.0) \
  with linespoints lw 2.2 dt dash[int(r)] pt mark[int(r)] ps size[int(r)] lc rgb colour[int(r)]
do for [i = 1:4] { unset label i }

set lmargin at screen 0.56
set rmargin at screen 0.87
set title "the price: the longest wait for a reply"
set ylabel ""
unset logscale y
set yrange [-4:124]
set ytics 0,30,120
set label 1 "powercut" at 60, 118 left offset 1, 0 textcolor rgb blue
set label 2 "Redis, waits" at 60, 58 left offset 1, 0 textcolor rgb orange
set label 3 "the others" at 60, 0 left offset 1, 0 textcolor rgb red
plot for [r in "4 3 2 1"] "data.csv" using (column("sync_us") * 1e-6):(of(int(r), "stall_ms_max") / 1000.0) \
  with linespoints lw 2.2 dt dash[int(r)] pt mark[int(r)] ps size[int(r)] lc rgb colour[int(r)]
unset multiplot
