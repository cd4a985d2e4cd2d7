# Reads data.csv; experiments/common/style.gp stands before it.
total(column, after) = int(system("awk -F, '$1 == \"" . after . "\" && $3 != \"none\" {s += $" . column . "} END {print s}' data.csv"))
outside = total(10, "crash") + total(10, "failed sync")
checked = total(7, "crash") + total(7, "failed sync")
claim = sprintf("Of %d states that Linux 6.18 was seen to leave, %s outside the model", checked + outside, \
  outside == 0 ? "none is" : sprintf("%d are", outside))
conditions = sprintf("what was seen is a sample, what is legal is exhaustive; %d more states are truncated or unreadable: unchecked", \
  total(8, "crash") + total(9, "crash"))
height = 620
eval open
unset key
set border 2
set multiplot
set grid x
unset grid
set grid xtics lc rgb faint lt 1 lw 1
set style fill solid 1.0 border lc rgb paper
set boxwidth 0.7
rows(after) = "< awk -F, '$1 == \"" . after . "\" && $3 != \"none\" {print NR \",\" $0}' data.csv | sort -t, -k13,13nr | cut -d, -f2- | awk '{print NR \",\" $0}'"
# columns: 1 place, 2 after, 3 filesystem, 4 persona, 5 programs, 6 not run, 7 observed, 8 contained, 9 truncated, 10 unreadable, 11 outside, 12 not counted, 13 legal, 14 seen
set tmargin at screen down(98)
set bmargin at screen up(84)
set ytics scale 0 noenhanced
set xlabel "legal states; filled: seen"
do for [p = 1:2] {
  after = p == 1 ? "crash" : "failed sync"
  n = int(system("awk -F, '$1 == \"" . after . "\" && $3 != \"none\"' data.csv | wc -l"))
  set yrange [n + 0.5:0.5]
  set ytics ()
  set lmargin at screen p == 1 ? 0.225 : 0.69
  set rmargin at screen p == 1 ? 0.545 : 0.985
  set title (p == 1 ? "after a power cut" : "after a failed sync") offset 0, -0.6
  set xrange [0:p == 1 ? 2000 : 800]
  set xtics 0, p == 1 ? 500 : 200
  plot rows(after) using ($13 / 2.0):1:($13 / 2.0):(0.36):ytic(3) with boxxyerror fc rgb (dark ? "#12384f" : "#CFE8F3"), \
    "" using ($14 / 2.0):1:($14 / 2.0):(0.36) with boxxyerror fc rgb blue, \
    "" using 13:1:(sprintf("%s%.0f %% seen%s", $11 == 0 ? "" : sprintf("✗ %d OUTSIDE, ", $11), 100.0 * $14 / $13, $9 + $10 == 0 ? "" : sprintf(", %d unchecked", $9 + $10))) \
      with labels left offset 0.5, 0 font pt(11) textcolor rgb ink
  eval undress
}
unset multiplot
