#!/usr/bin/env python3
"""A table of certificates: table.py FOLDER CASE..., each with FOLDER/CASE.json, as `explore --json` prints it,
of a recording or in process."""
import json
import sys

ORACLES = {"LAW": "lost"}  # what a recording calls that

folder, cases = sys.argv[1], sys.argv[2:]
found = {case: json.load(open(f"{folder}/{case}.json")) for case in cases}
personas = [one["persona"] for one in found[cases[0]]["certificates"]]


def word(certificate):
    verdicts = {one.get("verdict") or ORACLES.get(one["oracle"], "broken") for one in certificate.get("found", [])}
    if not verdicts:
        return "keeps" if certificate.get("certificate") == "exhaustive" or certificate.get("complete") else "keeps?"
    return "lost" if verdicts == {"lost"} else "BROKEN"


width = max(map(len, cases)) + 2
head = [persona.split("/")[0].replace("ext4-", "e4-").replace("ext3-", "e3-") for persona in personas]
columns = [max(len(name), 6) + 2 for name in head]
print((" " * width + "".join(name.ljust(size) for name, size in zip(head, columns))).rstrip())
for case in cases:
    cells = [word(one) for one in found[case]["certificates"]]
    print((case.ljust(width) + "".join(cell.ljust(size) for cell, size in zip(cells, columns))).rstrip())
print("""
keeps   after every cut there is a state that was acknowledged, and none older than the last
lost    what was acknowledged is gone, and an older state is there
BROKEN  a state that never was, or none at all
With a "?" some images were drawn; without, every image that is legal at every point was recovered.""")
if any(name.startswith("e4-") for name in head):
    print("e4, e3: ext4, ext3.")
axes = {persona.partition("/")[2] for persona in personas} - {""}
if axes:
    print("On each: " + ", ".join(sorted(axes)) + ".")
images = sum(one["recoveries_run"] for one in found.values())
if all("classes_run" in one for one in found.values()):
    classes = sum(one["classes_run"] for one in found.values())
    print(f"{images} images that differ were recovered, each twice, and {classes} classes of images.")
else:
    print(f"{sum(one['classes'] for one in found.values())} classes of images were judged, by {images} recoveries.")
