# Reads data.csv; experiments/common/style.gp stands before it.
rate = system("awk -F, 'NR == 2 {print $4}' data.csv")
most = system("cut -d, -f2 data.csv | sort -n | tail -n 1")
of(server, value) = middle("$1 == \"" . server . "\" && $2 == " . most, value)
claim = sprintf("A rewrite of %s MB takes %.2g MB more memory without a fork, %.2g with one", most, of("powercut", "($11 - $10) / 1024"), of("redis", "($11 - $10) / 1024"))
conditions = sprintf("amid %s SETs of 1 KiB a second, everysec; waits from when each was due; bars: lowest to highest run", rate)
height = 420
eval open
servers = "powercut redis"
array colour[2] = [blue, red]
array mark[2] = [7, 5]
rows(value) = spread("$1 \",\" $2", value)
set multiplot layout 1,3 margins 0.08,0.97,up(84),down(98) spacing 0.1,0
set logscale x
set xlabel "data, MB"
set xtics (10, 100, 400, 1000)
least = system("tail -n +2 data.csv | cut -d, -f2 | sort -n | head -n 1")
set xrange [least * 0.7:1500]
set offsets graph 0, graph 0, graph 0.1, 0
do for [panel = 1:3] {
  what = word("'$8 / 1000' '$9 / 1000' '($11 - $10) / 1024'", panel)
  set title word("'p99.9 of the waits, ms' 'longest wait, ms' 'extra memory, MB'", panel) offset 0, -0.6
  if (panel == 1) { set key at graph 0.03, 0.97 left top Left reverse } else { set key off }
  if (panel < 3) { set logscale y; set yrange [1:1000] } else { unset logscale y; set yrange [0:*] }
  plot for [s = 1:2] rows(what) using (strcol(1) eq word(servers, s) ? $2 * (s == 1 ? 0.95 : 1.05) : NaN):4:3:5 with yerrorlines lc rgb colour[s] pt mark[s] dt s lw 2 title word(servers, s)
  eval undress
}
unset multiplot
