# Reads data.csv; experiments/common/style.gp stands before it. The model: W runs in ten shards a core, each with what a shard
# costs, and a merge that is proportional to the shards.
one = middle("$1 == \"sweep\" && $3 == 1", "$5 / $6")
two = middle("$1 == \"sweep\" && $3 == 2", "$5 / $6")
small = middle("$1 == \"campaign\" && $2 > 16", "$2")
shard = middle("$1 == \"campaign\" && $2 > 16", "($6 - $5 / " . sprintf("%.6f", one) . ") / $2")
merge = middle("$1 == \"merge\"", "$6 / $2")
per_core = 10
seconds(work, cores) = work / one / cores + per_core * shard + (cores > 1 ? per_core * cores * merge : 0)
speedup(work, cores) = work / one / seconds(work, cores)
# Where one core more costs the merge what it saves the runs.
best(work) = sqrt(work / one / (per_core * merge))
claim = sprintf("Two cores do %.2f times the work of one; 10^8 runs gain up to %.0f cores", two / one, best(1e8))
conditions = sprintf("points: measured; lines: the model, %d shards a core, each %.2g s besides its runs, and %.2g s of merge", per_core, shard, merge)
eval open
set logscale xy
set xlabel "cores"
set ylabel "times as fast as one core"
set xrange [0.9:5000]
set yrange [0.8:5000]
set samples 200
set key left top Left reverse
plot x with lines lc rgb grey dt 3 lw 2 title "as many times as cores", \
  speedup(1e9, x) with lines lc rgb blue lw 2 title sprintf("10^9 runs (%.0f core hours)", 1e9 / one / 3600), \
  speedup(1e8, x) with lines lc rgb green dt 2 lw 2 title sprintf("10^8 runs (%.0f core hours)", 1e8 / one / 3600), \
  speedup(1e7, x) with lines lc rgb orange dt 4 lw 2 title sprintf("10^7 runs (%.1f core hours)", 1e7 / one / 3600), \
  spread("$1 \",\" $2 \",\" $3", sprintf("$5 / $6 / %.6f", one)) using (strcol(1) eq "campaign" && $2 == 16 ? $3 : NaN):5:4:6 \
    with yerrorlines lc rgb red pt 7 lw 2 title "measured, 16 shards by GNU parallel"
