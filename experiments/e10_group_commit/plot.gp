# Reads data.csv; experiments/common/style.gp stands before it.
stats "data.csv" using (1.0 * column("wait_us_max") / column("sync_us")) nooutput name "WAIT"
stats "data.csv" using "lost_acknowledged_max" nooutput name "LOST"
claim = sprintf("Group commit: fewer syncs, a wait of two at most, and %s lost", \
  LOST_max == 0 ? "nothing" : "some are")
conditions = "always; syncs of 1 ms; ×4: a client sends 4 at once and waits; no processor time; exhaustive over the run"
height = 420
pipelines = "1 4 16"
array colour[3] = [ink, blue, red]
array dash[3] = [1, 2, 4]
array mark[3] = [7, 5, 9]
eval open
set multiplot layout 1,3 margins 0.085,0.93,up(84),down(98) spacing 0.105,0
unset key
set logscale x 2
set xtics (1, 4, 16, 64, 128)
set xrange [0.9:150]
set xlabel "clients"
of(p, c) = column("sync_us") == 1000 && column("pipeline") == int(word(pipelines, p)) ? column(c) : NaN
end(p, c) = column("clients") == 128 ? of(p, c) : NaN
do for [panel = 1:3] {
  what = word("syncs_an_operation wait_us_max operations_a_second", panel)
  unit = panel == 2 ? 0.001 : 1
  set title word("'syncs an operation' 'longest wait, syncs' 'operations a second'", panel) offset 0, -0.6
  if (panel == 1) { set logscale y; set yrange [0.0005:1.5]; set ytics (0.001, 0.01, 0.1, 1) }
  if (panel == 2) { unset logscale y; set yrange [0:4]; set ytics (0, 1, 2, 3, 4); set label 1 "one client: its own sync;\nmore: what is under way\nwhen they come, and theirs" at graph 0.04, 0.9 left textcolor rgb muted }
  if (panel == 3) { unset label 1; set logscale y; set yrange [500:2e6]; set ytics ("1,000" 1e3, "10,000" 1e4, "100,000" 1e5, "million" 1e6) }
  plot for [p = 1:3] "data.csv" using (column("clients")):(of(p, what) * unit) with linespoints lw 2.2 dt dash[p] pt mark[p] ps 0.6 lc rgb colour[p], \
    for [p = 1:(panel == 2 ? 0 : 3)] "" using (column("clients")):(end(p, what)):("×" . word(pipelines, p)) with labels left offset 0.8, 0 textcolor rgb colour[p]
  eval undress
}
unset multiplot
