# Reads data.csv in the current directory, writes plot.svg and plot.pdf.
set datafile separator ","
do for [pass = 1:2] {
  if (pass == 1) { set terminal svg size 1000,620 font "Helvetica,14" background "white"; set output "plot.svg" }
  if (pass == 2) { set terminal pdfcairo size 10in,6.2in font "Helvetica,12"; set output "plot.pdf" }
  set title "Legal images grow as a product, what recovery can tell apart does not\n{/*0.8 SETs of 100 bytes under everysec, every crash at depth 1; counts are exact}" font ",16"
  set logscale y
  set format y "10^{%T}"
  set xlabel "operations in the run"
  set ylabel "over all crash points"
  set grid lc rgb "#dddddd"
  set key outside right center reverse Left
  set label 1 "experiments/run.sh e11_images_against_classes" at screen 0.01,0.015 noenhanced font ",10" tc rgb "#555555"
  set bmargin 5
  set tmargin 5
  names = "posix-min ext4-ordered xfs ext4-journal"
  colours = "#D55E00 #000000 #0072B2 #009E73"
  plot for [i = 1:4] "data.csv" using ($1):(strcol(2) eq "everysec" && strcol(3) eq word(names, i) ? $5 : NaN) with linespoints lw 2.5 pt (4 + i) ps 0.8 lc rgb word(colours, i) title word(names, i) . ": images", \
    for [i = 1:4] "data.csv" using ($1):(strcol(2) eq "everysec" && strcol(3) eq word(names, i) ? $7 : NaN) with linespoints lw 2 dt 2 pt (4 + i) ps 0.8 lc rgb word(colours, i) title word(names, i) . ": classes"
}
