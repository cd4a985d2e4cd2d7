# Reads data.csv, and of the tree the table of e01; experiments/common/style.gp stands before it.
times(server, policy) = middle("$1 == \"" . server . "\" && $2 == \"" . policy . "\" && $3 == 256", "$7 / $6")
claim = sprintf("A byte of a 256 B value costs %.3g on the device under always, %.3g in Redis", times("powercut", "always"), times("redis", "always"))
conditions = "100 SETs a second, one at a time; ext4 on a loop device of its own, its journal counted; bars: lowest to highest run"
height = 420
eval open
policies = "always everysec no"
servers = "powercut redis"
array colour[2] = [blue, red]
array mark[2] = [7, 5]
set multiplot layout 1,3 margins 0.08,0.975,up(84),down(98) spacing 0.06,0
set logscale xy
set xlabel "value"
set xtics ("16 B" 16, "256" 256, "4 KiB" 4096, "64 KiB" 65536)
set xrange [9:120000]
set yrange [0.8:2000]
set ytics (1, 10, 100, 1000)
do for [p = 1:3] {
  policy = word(policies, p)
  set title policy offset 0, -0.6
  set ylabel (p == 1 ? "bytes on the device for a byte of user data" : "")
  if (p == 2) { set key at graph 0.99, 0.98 right top Left reverse samplen 2 } else { set key off }
  plot for [s = 1:2] spread("$1 \",\" $2 \",\" $3", "$7 / $6") using (strcol(1) eq word(servers, s) && strcol(2) eq policy ? $3 * (s == 1 ? 0.95 : 1.05) : NaN):5:4:6 \
      with yerrorlines lc rgb colour[s] pt mark[s] dt s lw 2 title word(servers, s), \
    root . "/results/e01_write_amplification/data.csv" using (strcol("variant") eq policy && strcol("batch") eq "1" ? column("value_bytes") : NaN):(column("amplification")) \
      with lines lc rgb grey dt 3 lw 2 title "e01, simulated"
  eval undress
}
unset multiplot
