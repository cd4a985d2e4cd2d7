# Reads data.csv; experiments/common/style.gp stands before it.
rate = system("awk -F, 'NR == 2 {print $4}' data.csv")
ours(policy) = middle("$1 == \"powercut\" && $2 == \"" . policy . "\"", "$8 / 1000")
claim = sprintf("The p99 of a reply is %.3g ms under always, %.3g ms under everysec", ours("always"), ours("everysec"))
conditions = sprintf("SETs of 64 B from 50 connections; waits at %s a second, counted from when each was due; bars: lowest to highest run", rate)
height = 480
eval open
policies = "none no everysec always"
array colour[2] = [blue, red]
array mark[2] = [7, 5]
servers = "powercut redis"
rows(column) = spread("$1 \",\" $2", "$" . column)
place(s) = (sum [i = 1:4] (word(policies, i) eq strcol(2) ? i : 0)) + (s - 1.5) * 0.18
set multiplot layout 1,2 margins 0.1,0.97,up(110),down(98) spacing 0.13,0
set xrange [0.5:4.5]
set xtics ("no log\n\nall" 1, "no\n\n40 s" 2, "everysec\n\n1 s, or 2" 3, "always\n\nnothing" 4) scale 0
set xlabel "the policy; below it, what a power cut takes at most" offset 0, -1.6
set logscale y
set yrange [0.08:80]
set key at graph 0.02, 0.98 left top Left reverse
set title "wait for a reply: p50, p99 and p99.9, ms" offset 0, -0.6
plot for [s = 1:2] rows(8) using (strcol(1) eq word(servers, s) ? place(s) : NaN):($4 / 1000):($3 / 1000):($5 / 1000) with yerrorbars lc rgb colour[s] pt mark[s] lw 2 title word(servers, s) . ": p99", \
  for [s = 1:2] rows(7) using (strcol(1) eq word(servers, s) ? place(s) : NaN):($4 / 1000):($3 / 1000):($5 / 1000) with yerrorbars lc rgb colour[s] pt 1 lw 1.5 title s == 1 ? "p50 (a cross)" : "", \
  for [s = 1:2] rows(9) using (strcol(1) eq word(servers, s) ? place(s) : NaN):($4 / 1000):($3 / 1000):($5 / 1000) with yerrorbars lc rgb colour[s] pt 8 lw 1.5 title s == 1 ? "p99.9 (a triangle)" : ""
eval undress
set key off
set yrange [*:*]
set title "operations a second, at most"
plot for [s = 1:2] rows(11) using (strcol(1) eq word(servers, s) ? place(s) : NaN):4:3:5 with yerrorbars lc rgb colour[s] pt mark[s] lw 2
unset multiplot
