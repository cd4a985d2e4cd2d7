# Reads data.csv; experiments/common/style.gp stands before it.
ratio(server, policy) = middle("$1 == \"" . server . "\" && $2 == \"" . policy . "\"", "$7 * 100")
claim = sprintf("Of a Zipf trace, %.1f %% is found under allkeys-lru (Redis: %.1f %%), %.1f %% under allkeys-lfu (Redis: %.1f %%)", \
  ratio("powercut", "allkeys-lru"), ratio("redis", "allkeys-lru"), ratio("powercut", "allkeys-lfu"), ratio("redis", "allkeys-lfu"))
conditions = "values of 1,000 B, skew 0.99, the same memory for both, room for about a fifth of the keys; bars: lowest to highest run"
height = 420
eval open
policies = "allkeys-lru allkeys-lfu allkeys-random"
array colour[2] = [blue, red]
array mark[2] = [7, 5]
servers = "powercut redis"
rows(column) = spread("$1 \",\" $2", "$" . column)
place(s) = (sum [i = 1:3] (word(policies, i) eq strcol(2) ? i : 0)) + (s - 1.5) * 0.18
set multiplot layout 1,2 margins 0.1,0.97,up(110),down(70) spacing 0.13,0
set xrange [0.5:3.5]
set xtics ("allkeys-lru" 1, "allkeys-lfu" 2, "allkeys-random" 3) scale 0
set key at graph 0.98, 0.98 right top Left reverse
set title "look-ups that find their key, %" offset 0, -0.6
plot for [s = 1:2] rows(7) using (strcol(1) eq word(servers, s) ? place(s) : NaN):($4 * 100):($3 * 100):($5 * 100) with yerrorbars lc rgb colour[s] pt mark[s] lw 2 title word(servers, s)
eval undress
set key off
set title "keys that fit" offset 0, -0.6
set yrange [0:*]
plot for [s = 1:2] rows(8) using (strcol(1) eq word(servers, s) ? place(s) : NaN):4:3:5 with yerrorbars lc rgb colour[s] pt mark[s] lw 2
unset multiplot
