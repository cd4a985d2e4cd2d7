# Reads data.csv in the current directory, writes plot.svg and plot.pdf.
set datafile separator ","
fences = system("awk -F, 'NR > 1 && $4 == 1 && !s[$1]++ {printf \"%s \", $1}' data.csv")
personas = "posix-min ext2 ext4-ordered ext4-noda ext4-writeback xfs btrfs ext3-ordered ext3-writeback ext3-journal ext4-journal plp"
number(list, name) = sum [i = 1:words(list)] (word(list, i) eq name ? i : 0)
do for [pass = 1:2] {
  if (pass == 1) { set terminal svg size 1100,640 font "Helvetica,14" background "white"; set output "plot.svg" }
  if (pass == 2) { set terminal pdfcairo size 11in,6.4in font "Helvetica,12"; set output "plot.pdf" }
  set title "On posix-min nearly every sync counts; where a journal orders the data, three do\n{/*0.8 demo8, every crash at depth 1: always, everysec, hybrid-always, checkpoint; 'lost' if any of them breaks its promise}" font ",16"
  set xrange [0.5:words(personas) + 0.5]
  set yrange [words(fences) + 0.5:0.5]
  set xtics rotate by -35 scale 0 noenhanced
  set ytics scale 0 noenhanced
  set for [i = 1:words(personas)] xtics (word(personas, i) i) add
  set xtics ()
  set ytics ()
  do for [i = 1:words(personas)] { set xtics add (word(personas, i) i) }
  do for [i = 1:words(fences)] { set ytics add (word(fences, i) i) }
  unset key
  unset colorbox
  unset grid
  set label 1 "experiments/run.sh e07_which_filesystem_forgives" at screen 0.01,0.015 noenhanced font ",10" tc rgb "#555555"
  set tmargin 5
  broken(row) = 1
  plot "< awk -F, 'NR > 1 && $4 == 1 {k = $1 \",\" $2; n[k] = 1; if ($6 > 0) b[k] = 1} END {for (k in n) print k \",\" (b[k] ? 1 : 0)}' data.csv | sort" \
    using (number(personas, strcol(2))):(number(fences, strcol(1))):(0.5):(0.5):($3 == 1 ? 0xE69F00 : 0xCFE8F3) with boxxyerror fs solid 1 border lc rgb "white" lw 2 lc rgb variable, \
    "" using (number(personas, strcol(2))):(number(fences, strcol(1))):($3 == 1 ? "✗ lost" : "✓ kept") with labels font ",12"
}
