# For experiments/run.sh and experiments/measure.sh, which set `root`.

# The text of a field of DIRECTORY/run.json.
field() {  # DIRECTORY FIELD
  sed -n "s/^  \"$2\": \"\\(.*\\)\",\\?\$/\\1/p" "$1/run.json"
}

# plot EXPERIMENT DIRECTORY SOURCE: light and dark as SVG, and PDF, of the tables there. SOURCE: the footer.
plot() {
  local name=$1 directory=$2 source=$3 theme svg
  for theme in light dark pdf; do
    (cd "$directory" && gnuplot -e "theme = '$theme'; source = '$source'; root = '$root'" \
      "$root/experiments/common/style.gp" "$root/experiments/$name/plot.gp")
  done
  LC_ALL=C sed -i 's/(D:[0-9]\{14\}Z)/(D:20000101000000Z)/' "$directory/plot.pdf"  # its date, or each would be another
  for svg in "$directory"/plot{,-dark}.svg; do
    sed -i 's/font-family="Helvetica"/font-family="Helvetica, Arial, sans-serif"/g' "$svg"
  done
}
