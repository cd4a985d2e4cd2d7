# Reads data.csv; experiments/common/style.gp stands before it.
claim = "Legal images run into millions; what recovery can tell apart, into thousands"
conditions = "SETs of 100 bytes under everysec; all crashes at depth 1, exhaustive; exact counts, summed over the crash points"
height = 520
eval open
set logscale y
set format y "10^{%T}"
set xlabel "operations in the run"
set xtics (1, 8, 16, 24, 32, 48, 64)
set xrange [0:64]
set yrange [50:1e7]
set rmargin at screen 0.80
unset key
names = "posix-min ext4-ordered xfs ext4-journal"
array colour[4] = [red, ink, blue, green]
array mark[4] = [7, 5, 9, 11]
of(i, c) = strcol(2) eq "everysec" && strcol(3) eq word(names, i) ? column(c) : NaN
last(i, c) = column(1) == 64 ? of(i, c) : NaN
# Where two ends meet, their names make room.
array raise[4] = [0, 0, 0, -0.35]
array raise_classes[4] = [0, 0, 0.45, 0]
plot for [i = 1:4] "data.csv" using 1:(of(i, 5)) with linespoints lw 2.5 pt mark[i] ps 0.6 lc rgb colour[i], \
  for [i = 1:4] "" using 1:(of(i, 7)) with linespoints lw 2 dt 2 pt mark[i] ps 0.6 lc rgb colour[i], \
  for [i = 1:4] "" using 1:(last(i, 5)):(word(names, i) . (i == 4 ? ": both" : ": images")) \
    with labels left offset 1, raise[i] textcolor rgb colour[i], \
  for [i = 1:3] "" using 1:(last(i, 7)):(word(names, i) . ": classes") \
    with labels left offset 1, raise_classes[i] textcolor rgb colour[i]
