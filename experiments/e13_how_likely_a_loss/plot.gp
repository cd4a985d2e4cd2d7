# Reads data.csv and survival.csv; experiments/common/style.gp stands before it.
median(policy) = system("awk -F, '$1 == \"" . policy . "\" && $2 == 100 && $3 == \"worst\" {printf \"%.2g\", $6 / 1000}' data.csv")
claim = sprintf("Cut at any moment: everysec loses %s s in the median, no %s s, always %s", \
  median("everysec"), median("no"), median("always") eq "0" ? "nothing" : median("always") . " s")
conditions = "ext4-ordered; 1,000 cuts a line, uniform in time, after warming up, sampled; syncs of 0.1 to 1.5 ms. Not nasty cuts: e02"
height = 420
policies = "everysec no checkpoint"
rates = "1 10 100"
array colour[3] = [orange, blue, ink]
array reach[3] = [1.2, 42, 5.6]
eval open
set multiplot layout 1,3 margins 0.095,0.985,up(84),down(98) spacing 0.055,0
set yrange [0:100]
set format y "%g %%"
set ytics 0,25,100
set xlabel "the loss reaches back at least, s"
set key off
do for [p = 1:3] {
  policy = word(policies, p)
  set title policy offset 0, -0.6
  set xrange [0:reach[p]]
  set xtics 0, (p == 1 ? 0.25 : p == 2 ? 10 : 1)
  set ylabel (p == 1 ? "share of the cuts" : "") offset 0.5, 0
  if (p == 1) { set key at graph 1.0, 0.99 right top Left reverse samplen 3 width -2 } else { set key off }
  if (p == 2) { set format y ""; set label 1 "all that may be lost, is:\nfull lines\n \nwhat may be lost is drawn:\ndashes" at graph 0.98, 0.92 right textcolor rgb muted }
  if (p == 3) { set label 1 "saved after 10 changes in 1 s,\nor 1 change in 5 s: a slow\nstream loses more" at graph 0.98, 0.92 right textcolor rgb muted }
  of(r, image) = strcol("policy") eq policy && strcol("sets_a_second") eq word(rates, r) && \
    strcol("image") eq image ? column("share") * 100 : NaN
  plot for [r = 1:3] "survival.csv" using (column("age_ms_at_least") / 1000.0):(of(r, "worst")) \
      with lines lw 2.2 lc rgb colour[r] title word(rates, r) . " a second", \
    for [r = 1:3] "" using (column("age_ms_at_least") / 1000.0):(of(r, "drawn")) \
      with lines lw 1.6 dt 2 lc rgb colour[r] notitle
  eval undress
}
unset multiplot
