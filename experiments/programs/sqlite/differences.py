#!/usr/bin/env python3
"""Which cells of two tables differ: differences.py RECORDED IN_PROCESS, each as table.py prints it."""
import sys


def cells(path):
    lines = open(path).read().split("\n\n")[0].splitlines()
    personas = lines[0].split()
    return {(row.split()[0], name): word for row in lines[1:] for name, word in zip(personas, row.split()[1:])}


recorded, in_process = map(cells, sys.argv[1:])
if not recorded.keys() <= in_process.keys():
    sys.exit("a row or column that was recorded is not in the other table")
differ = [cell for cell in recorded if recorded[cell] != in_process[cell]]
print(f"{len(recorded)} cells, {len(differ)} differ")
for mode, persona in differ:
    print(f"{mode:16}{persona:12}recorded: {recorded[mode, persona]}, in process: {in_process[mode, persona]}")
