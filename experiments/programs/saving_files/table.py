#!/usr/bin/env python3
"""The table of run.sh: table.py FOLDER WAY..., each with FOLDER/WAY.json, as `explore --trace --json` prints it."""
import json
import sys

folder, ways = sys.argv[1], sys.argv[2:]
found = {way: json.load(open(f"{folder}/{way}.json")) for way in ways}
personas = [one["persona"] for one in found[ways[0]]["certificates"]]


def word(certificate):
    verdicts = {one["verdict"] for one in certificate.get("found", [])}
    if not verdicts:
        return "keeps" if certificate["certificate"] == "exhaustive" else "keeps?"
    return "lost" if verdicts == {"lost"} else "BROKEN"


width = max(map(len, ways)) + 2
head = [persona.replace("ext4-", "e4-").replace("ext3-", "e3-") for persona in personas]
columns = [max(len(name), 6) + 2 for name in head]
print("".ljust(width) + "".join(name.ljust(size) for name, size in zip(head, columns)).rstrip())
for way in ways:
    cells = [word(one) for one in found[way]["certificates"]]
    print(way.ljust(width) + "".join(cell.ljust(size) for cell, size in zip(cells, columns)).rstrip())
print("""
keeps   after every cut there is the old text or the new one, and the new one once "saved" was said
lost    it was said, and the old text is there again
BROKEN  a text that never was, or none at all
Each is exhaustive: every image that is legal at every point was recovered. A "?" would say that some were drawn.
e4, e3: ext4, ext3.""")
images = sum(one["recoveries_run"] for one in found.values())
print(f"{images} images that differ were recovered, each twice.")
