# Reads data.csv; experiments/common/style.gp stands before it.
fences = system("awk -F, 'NR > 1 && $4 == 1 && !s[$1]++ {printf \"%s \", $1}' data.csv")
personas = "posix-min ext2 ext4-ordered ext4-noda ext4-writeback xfs btrfs ext3-ordered ext3-writeback ext3-journal ext4-journal plp"
count(persona) = int(system("awk -F, -v p=" . persona . " 'NR > 1 && $4 == 1 && $2 == p && $6 > 0 {b[$1] = 1} END {print length(b)}' data.csv"))
claim = sprintf("posix-min needs %d of %d syncs; where the journal holds the data, %d", \
  count("posix-min"), words(fences), count("ext4-journal"))
conditions = "each sync left out in turn; demo8 under always, everysec, hybrid-always, checkpoint; every crash, exhaustive at depth 1"
height = 540
eval open
number(list, name) = sum [i = 1:words(list)] (word(list, i) eq name ? i : 0)
set border 0
unset grid
unset key
unset colorbox
set lmargin at screen 0.19
set rmargin at screen 0.985
set bmargin at screen up(110)
set tmargin at screen down(66)
set xrange [0.5:words(personas) + 0.5]
set yrange [words(fences) + 0.5:0.5]
set xtics rotate by -30 scale 0 noenhanced
set ytics scale 0 noenhanced
set xtics ()
set ytics ()
do for [i = 1:words(personas)] { set xtics add (word(personas, i) i) }
do for [i = 1:words(fences)] { set ytics add (word(fences, i) i) }
cells = "< awk -F, 'NR > 1 && $4 == 1 {k = $1 \",\" $2; n[k] = 1; if ($6 > 0) b[k] = 1} END {for (k in n) print k \",\" (b[k] ? 1 : 0)}' data.csv | sort"
x(c) = number(personas, strcol(2))
y(c) = number(fences, strcol(1))
plot cells using (x(0)):(y(0)):(0.5):(0.5):($3 == 1 ? lost_fill : kept_fill) \
    with boxxyerror fs solid 1 border lc rgb paper lw 2 lc rgb variable, \
  "" using (x(0)):(y(0)):($3 == 1 ? "✗ lost" : "✓ kept") with labels textcolor rgb ink
