# Reads data.csv; experiments/common/style.gp stands before it.
cache = system("awk -F, 'NR > 1 {print $5}' data.csv | sort -u | paste -sd/")
most = system("cut -d, -f3 data.csv | sort -n | tail -n 1")
start(mode) = middle("$1 == \"powercut\" && $2 == \"" . mode . "\" && $3 == " . most, "$7 / 1000")
claim = sprintf("First reply after %s MB of SETs: %.2g s from the log, %.2g s once rewritten", most, start("log"), start("rewritten"))
conditions = "values of 1,000 B, four SETs a key; " . cache . " cache; bars: lowest to highest run"
height = 420
eval open
servers = "powercut redis"
modes = "log rewritten checkpoint"
array colour[2] = [blue, red]
array mark[2] = [7, 5]
rows = spread("$1 \",\" $2 \",\" $3", "$7")
set multiplot layout 1,3 margins 0.08,0.97,up(84),down(98) spacing 0.08,0
set logscale xy
set xlabel "log before the rewrite, MB"
set xtics (5, 50, 200, 1000)
set xrange [3:1500]
stats rows using 6 nooutput name "MS"
set yrange [1:MS_max * 2]
do for [m = 1:3] {
  set title word("'every SET since the beginning' 'rewritten: a base' 'no log: a checkpoint'", m) offset 0, -0.6
  set ylabel (m == 1 ? "ms to the first reply" : "")
  if (m == 1) { set key at graph 0.03, 0.97 left top Left reverse } else { set key off }
  plot for [s = 1:2] rows using (strcol(1) eq word(servers, s) && strcol(2) eq word(modes, m) ? $3 * (s == 1 ? 0.95 : 1.05) : NaN):5:4:6 \
    with yerrorlines lc rgb colour[s] pt mark[s] dt s lw 2 title word(servers, s)
  eval undress
}
unset multiplot
