#!/usr/bin/env python3
"""A manual page of what a program says with --help: man_page.py VERSION PROGRAM [VERB] > NAME.1"""
import os
import sys

import help_text


def roff(text):
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in escaped.split("\n"))


def page(version, program, verb):
    name = os.path.basename(program) + ("-" + verb if verb else "")
    said = help_text.read(program, verb)
    about = said.about.rstrip(".") or "see below"
    out = [".TH %s 1 \"\" \"powercut %s\" \"User Commands\"" % (name.upper(), version),
           ".SH NAME", roff("%s - %s" % (name, about[0].lower() + about[1:])),
           ".SH SYNOPSIS", roff(said.usage)]
    if said.positionals:
        out.append(".SH ARGUMENTS")
        for left, text in said.positionals:
            out += [".TP", ".B " + roff(left.split(" ")[0]), roff(text)]
    if said.options:
        out.append(".SH OPTIONS")
        for option in said.options:
            value = " \\fI%s\\fR" % roff(option.value) if option.value else ""
            out += [".TP", ", ".join("\\fB%s\\fR" % roff(n) for n in option.names) + value,
                    roff(option.text + (" (one of: %s)" % ", ".join(option.choices) if option.choices else ""))]
    if said.verbs:
        out.append(".SH VERBS")
        for left, text in said.verbs:
            out += [".TP", "\\fB%s\\fR(1)" % roff(name + "-" + left), roff(text)]
    if said.footer:
        out += [".SH NOTES", ".nf", roff(said.footer), ".fi"]
    if verb:
        out += [".SH SEE ALSO", "\\fB%s\\fR(1)" % roff(os.path.basename(program))]
    return "\n".join(line for line in out if line) + "\n"


if __name__ == "__main__":
    print(page(sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None), end="")
