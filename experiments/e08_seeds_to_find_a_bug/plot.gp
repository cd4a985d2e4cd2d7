# Reads data.csv and survival.csv; experiments/common/style.gp stands before it.
left(way) = real(system("awk -F, '$1 == \"" . way . "\" && $2 == 1000 {print 100 * $5}' survival.csv"))
claim = sprintf("After 1,000 runs %.0f %% of planted bugs are left; with kills alone, %.0f %%", left("plain"), left("kill-only"))
mutants = system("cut -d, -f1 data.csv | sort -u | grep -vxc mutant")
conditions = sprintf("%s planted bugs, every third that counts, from 3 starting seeds each, sampled; censored at 1,000 runs", mutants)
height = 480
eval open
ways = "kill-only plain steered pct"
array colour[4] = [red, ink, blue, green]
array dash[4] = [4, 1, 2, 5]
set lmargin at screen 0.1
set rmargin at screen 0.80
unset key
set logscale x
set xrange [1:1000]
set xtics (1, 3, 10, 30, 100, 300, "1,000" 1000)
set xlabel "runs, each with its crashes and the power cuts beside it"
set yrange [0:100]
set ytics 0,20,100
set format y "%g %%"
set ylabel "searches without a find"
set label 1 sprintf("kills alone: %.0f %% left", left("kill-only")) at 1000, left("kill-only") left offset 1, 0 textcolor rgb red
set label 2 sprintf("plain: %.0f %%", left("plain")) at 1000, left("plain") left offset 1, 0.9 textcolor rgb ink
set label 3 sprintf("steered: %.0f %%", left("steered")) at 1000, left("steered") left offset 1, -0.1 textcolor rgb blue
set label 4 sprintf("PCT: %.0f %%", left("pct")) at 1000, left("pct") left offset 1, -0.5 textcolor rgb green
set arrow 1 from 1, left("explorer") to 1000, left("explorer") nohead lc rgb pink dt 3 lw 2
set label 5 sprintf("explorer: %.0f %%,\nwithout a seed", left("explorer")) at 1000, left("explorer") left offset 1, 0.3 textcolor rgb pink
plot for [w = 1:4] "survival.csv" using (strcol("way") eq word(ways, w) ? (column("runs") < 1 ? 1 : column("runs")) : NaN):(column("share_left") * 100) \
  with steps lw 2.4 dt dash[w] lc rgb colour[w]
