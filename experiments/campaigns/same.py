"""Are these two sweeps the same but for their time? same.py WHOLE.json MERGED.json, the second printed by `powercut merge`."""
import json
import sys

whole = json.load(open(sys.argv[1]))
merged = json.load(open(sys.argv[2]))["result"]
differs = sorted(key for key in whole.keys() | merged.keys() if key != "elapsed_s" and whole.get(key) != merged.get(key))
sys.exit(f"not the same: {', '.join(differs)}" if differs else 0)
