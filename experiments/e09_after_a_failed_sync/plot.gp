# Reads data.csv; experiments/common/style.gp stands before it.
claim = "A failed sync is survived by writing again, not by calling sync again"
conditions = "always; a sync fails, then power is cut; 1,000 nasty draws a cell, sampled (those that came to the failure count)"
height = 520
strategies = "'heal' 'exit; write the tail again' 'exit; believe the cache' 'retry' 'ignore'"
shown = "'heal' 'exit,\nwrite the\ntail again' 'exit,\nbelieve\nthe cache' 'retry' 'ignore'"
models = "ext4-ordered ext4-data xfs btrfs ext4-ordered-2020 ext4-data-2020 xfs-2020 btrfs-2020"
eval open
number(list, name) = sum [i = 1:words(list)] (word(list, i) eq name ? i : 0)
set border 0
unset grid
unset key
unset colorbox
set lmargin at screen 0.115
set rmargin at screen 0.985
set bmargin at screen up(92)
set tmargin at screen down(92)
set xrange [0.5:8.5]
set yrange [5.5:0.5]
set xtics scale 0 noenhanced ()
set ytics scale 0 noenhanced ()
do for [i = 1:8] { short = word(models, i); set xtics add ((strstrt(short, "-2020") ? substr(short, 1, strlen(short) - 5) : short) i) }
do for [i = 1:5] { set ytics add (word(shown, i) i) }
set label 1 "what the kernel does: Linux 6.18, as measured" at 2.5, graph 1.035 center textcolor rgb ink
set label 2 "as of 2020 (Linux 5.2)" at 6.5, graph 1.035 center textcolor rgb ink
set arrow 1 from 4.5, graph 0 to 4.5, graph 1.06 nohead lc rgb ink lw 1.5 front
set label 3 "“no start”: it refuses to open what it finds. ext4-data of 2020 reports a failure one sync late: outside the contract" \
  at screen 0.016, up(38) left textcolor rgb muted
x(c) = number(models, strcol("model"))
y(c) = number(strategies, strcol("strategy"))
bad(c) = column("no_start") + column("refused")
percent(n, what) = n == 0 ? "" : sprintf("\n%s %s", 100.0 * n / column("runs") < 1 ? "< 1 %" : sprintf("%.0f %%", 100.0 * n / column("runs")), what)
text(c) = column("held") == column("runs") ? "✓ held" \
  : sprintf("✗ held %.0f %%", floor(100.0 * column("held") / column("runs"))) . percent(column("lost"), "lost") . percent(bad(0), "no start")
plot "data.csv" using (x(0)):(y(0)):(0.5):(0.5):(column("lost") > 0 ? lost_fill : bad(0) > 0 ? refused_fill : kept_fill) \
    with boxxyerror fs solid 1 border lc rgb paper lw 2 lc rgb variable, \
  "" using (x(0)):(y(0) - 0.13 * ((column("lost") > 0) + (bad(0) > 0))):(text(0)) with labels font pt(11.5) textcolor rgb ink
