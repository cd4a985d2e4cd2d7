# Reads data.csv; experiments/common/style.gp stands before it.
cache = system("awk -F, 'NR > 1 {print $5}' data.csv | sort -u | paste -sd/")
most = system("cut -d, -f3 data.csv | sort -n | tail -n 1")
start(mode) = middle("$1 == \"powercut\" && $2 == \"" . mode . "\" && $3 == " . most, "$7 / 1000")
claim = sprintf("First reply after %s MB of SETs: %.2g s from the log, %.2g s once rewritten", most, start("log"), start("rewritten"))
conditions = "values of 1,000 B, four SETs a key; " . cache . " cache; bars: lowest to highest run"
height = 760
eval open
servers = "powercut redis"
modes = "log rewritten checkpoint"
array colour[2] = [blue, red]
array mark[2] = [7, 5]
rows = spread("$1 \",\" $2 \",\" $3", "$7")
stats rows using 6 nooutput name "MS"
set yrange [1:MS_max * 2]
set logscale y
set ylabel "ms to the first reply"
set multiplot layout 2,2 margins 0.09,0.97,up(100),down(104) spacing 0.11,0.15
set logscale x
set xlabel "MB of SETs"
set xtics (5, 50, 200, 1000)
least = system("tail -n +2 data.csv | cut -d, -f3 | sort -n | head -n 1")
set xrange [least * 0.7:1500]
do for [m = 1:3] {
  set title word("'every SET since the beginning' 'rewritten: a base' 'no log: a checkpoint'", m) offset 0, -0.6
  if (m == 1) { set key at graph 0.03, 0.97 left top Left reverse } else { set key off }
  plot for [s = 1:2] rows using (strcol(1) eq word(servers, s) && strcol(2) eq word(modes, m) ? $3 * (s == 1 ? 0.95 : 1.05) : NaN):5:4:6 \
    with yerrorlines lc rgb colour[s] pt mark[s] dt s lw 2 title word(servers, s)
  eval undress
}
# What its own rewrites have written, for what it then saves at a start.
unset logscale x
set title "rewritten by itself at N % of growth"
set xlabel "bytes written for each byte of the SETs"
set xtics autofreq
stats spread("$1 \",\" $2 \",\" $3", "$8 / $3 / 1024") using 6 nooutput name "WRITTEN"
set xrange [1:WRITTEN_max * 1.15]
set yrange [MS_max / 12:MS_max * 2]
thresholds = system("sed -n 's/^[^,]*,rewritten_at_\\([0-9]*\\),.*/\\1/p' data.csv | sort -nu | paste -sd' '")
at(s, i) = "$1 == \"" . word(servers, s) . "\" && $2 == \"rewritten_at_" . word(thresholds, i) . "\""
written(s, i) = middle(at(s, i), "$8 / $3 / 1024")
waited(s, i) = middle(at(s, i), "$7")
set key off
plot for [s = 1:2] for [i = 1:words(thresholds)] "data.csv" every ::1::1 using (written(s, i)):(waited(s, i)):(word(thresholds, i) . " %") \
    with labels point pt mark[s] lc rgb colour[s] offset 0, (s == 1 ? -1 : 1) textcolor rgb ink
unset multiplot
