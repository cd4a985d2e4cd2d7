# Reads data.csv; experiments/common/style.gp stands before it.
most = system("cut -d, -f2 data.csv | sort -n | tail -n 1")
span(server) = middle("$1 == \"" . server . "\" && $2 == " . most, "$6 / 1000")
claim = sprintf("Where a sync takes %g s, a cut takes a span of %.2g s here, of %.2g s in Redis", most / 1000.0, span("powercut"), span("redis"))
conditions = "everysec, 200 SETs a second; syncs delayed by strace; the worst moment for a cut; bars: lowest to highest run"
height = 420
eval open
servers = "powercut redis"
array colour[2] = [blue, red]
array mark[2] = [7, 5]
set multiplot layout 1,2 margins 0.09,0.97,up(84),down(98) spacing 0.12,0
set logscale x
set xlabel "a sync is delayed by"
set xtics ("1 ms" 1, "10" 10, "100 ms" 100, "1 s" 1000, "10 s" 10000)
set xrange [0.7:15000]
do for [panel = 1:2] {
  set title word("'lost span, s' 'longest wait for a reply, s'", panel) offset 0, -0.6
  if (panel == 1) { set key at graph 0.03, 0.97 left top Left reverse } else { set key off }
  set yrange [0:*]
  plot for [s = 1:2] spread("$1 \",\" $2", panel == 1 ? "$6 / 1000" : "$8 / 1000") using (strcol(1) eq word(servers, s) ? $2 * (s == 1 ? 0.95 : 1.05) : NaN):4:3:5 \
    with yerrorlines lc rgb colour[s] pt mark[s] dt s lw 2 title word(servers, s)
  eval undress
}
unset multiplot
