#!/usr/bin/env python3
"""What a shell completes behind `powercut`: completions.py bash|zsh|fish POWERCUT

Verbs, flags, and the values of flags: the choices of the help text, and the names of policies, personas, faults,
mutants, workloads and targets, asked of the program itself.
"""
import sys

import help_text

# Which list stands behind a flag or an argument.
LISTS = {"--policy": "policies", "--persona": "personas", "--personas": "personas", "--faults": "faults",
         "--mutant": "mutants", "--missing": "mutants", "--workload": "workloads", "--target": "targets"}
FILES = {"--campaign", "--out", "--output", "--junit", "--known", "--corpus", "--from"}
FOLDERS = {"--artifacts", "--tests"}


def names_of(program, what):
    """A list has a name a line; where names are long, what is said of one stands below it, further in."""
    lines = help_text.run([program, "list", what]).splitlines()
    names = [line.split()[0] for line in lines if line and not line.startswith(" ")]
    if what in ("faults", "policies", "personas"):
        names.append("all")
    return [name for name in names if not name.startswith("NAME/")]


class Known:
    def __init__(self, program):
        top = help_text.read(program)
        self.verbs = top.verbs
        self.options = {verb: help_text.read(program, verb).options for verb, _ in top.verbs}
        self.lists = {what: names_of(program, what) for what in sorted(set(LISTS.values()))}
        what = help_text.read(program, "list").positionals[0][0]
        self.what = what[what.index("{") + 1:what.index("}")].split(",")

    def values(self, option):
        for name in option.names:
            if name in LISTS:
                return self.lists[LISTS[name]]
        return option.choices


def flags(option):
    return [name for name in option.names if name.startswith("--")]


def quoted(words):
    return "'" + " ".join(words) + "'"


def bash(known):
    out = ["# bash completion for powercut; made by scenarios/package/completions.py",
           "_powercut() {",
           "  local verb= word previous=${COMP_WORDS[COMP_CWORD-1]} current=${COMP_WORDS[COMP_CWORD]} words= i",
           "  for ((i = 1; i < COMP_CWORD; ++i)); do",
           "    [[ ${COMP_WORDS[i]} == -* ]] || { verb=${COMP_WORDS[i]}; break; }",
           "  done",
           "  COMPREPLY=()",
           # Bash takes a word apart at colons, which names of mutants have: no-sync:segment.commit.
           "  if declare -F _get_comp_words_by_ref >/dev/null; then",
           "    _get_comp_words_by_ref -n : -c current -p previous",
           "  fi",
           "  case $verb in",
           "    '') words=" + quoted([verb for verb, _ in known.verbs] + ["--color", "--help", "--version"]) + " ;;"]
    for verb, _ in known.verbs:
        out.append("    %s)" % verb)
        out.append("      case $previous in")
        for option in known.options[verb]:
            names = "|".join(option.names)
            values = known.values(option)
            if values:
                out.append("        %s) words=%s ;;" % (names, quoted(values)))
            elif FILES & set(option.names):
                out.append("        %s) COMPREPLY=($(compgen -f -- \"$current\")); return ;;" % names)
            elif FOLDERS & set(option.names):
                out.append("        %s) COMPREPLY=($(compgen -d -- \"$current\")); return ;;" % names)
        every = [name for option in known.options[verb] for name in flags(option)]
        behind = known.what if verb == "list" else []
        out.append("        *) words=%s ;;" % quoted(every + behind))
        out.append("      esac")
        if verb in ("replay", "shrink", "view", "merge", "calibrate", "record", "trace", "witness"):
            out.append("      [[ $current == -* || -n $COMPREPLY ]] || COMPREPLY=($(compgen -f -- \"$current\"))")
        out.append("      ;;")
    out += ["  esac",
            # Of several names with commas, the last is completed.
            "  local before=",
            "  if [[ $current == *,* ]]; then before=${current%,*},; fi",
            "  COMPREPLY+=($(compgen -P \"$before\" -W \"$words\" -- \"${current##*,}\"))",
            "  if declare -F __ltrim_colon_completions >/dev/null; then __ltrim_colon_completions \"$current\"; fi",
            "}",
            "complete -F _powercut powercut"]
    return out


def in_zsh(text):
    return text.replace("'", "'\\''").replace("[", "(").replace("]", ")").replace(":", "\\:")


def zsh(known):
    out = ["#compdef powercut", "# made by scenarios/package/completions.py", "_powercut() {",
           "  local -a verbs", "  verbs=("]
    out += ["    '%s:%s'" % (verb, in_zsh(text)) for verb, text in known.verbs]
    out += ["  )", "  if (( CURRENT == 2 )); then", "    _describe verb verbs", "    return", "  fi",
            "  local verb=$words[2]", "  shift words", "  (( CURRENT-- ))", "  case $verb in"]
    for verb, _ in known.verbs:
        out.append("    %s)" % verb)
        out.append("      _arguments \\")
        for option in known.options[verb]:
            values = known.values(option)
            action = ":value:" if option.value else ""
            if values:
                action = ":name:_values -s , name " + " ".join(v.replace(":", "\\:") for v in values)
            elif FILES & set(option.names):
                action = ":file:_files"
            elif FOLDERS & set(option.names):
                action = ":folder:_files -/"
            for name in option.names:
                out.append("        '%s[%s]%s' \\" % (name, in_zsh(option.text), action))
        behind = "(%s)" % " ".join(known.what) if verb == "list" else "_files"
        out += ["        '*:argument:%s'" % behind, "      ;;"]
    return out + ["  esac", "}", "_powercut \"$@\""]


def in_fish(text):
    return text.replace("\\", "\\\\").replace("'", "\\'")


def fish(known):
    out = ["# made by scenarios/package/completions.py", "complete -c powercut -f"]
    for verb, text in known.verbs:
        out.append("complete -c powercut -n __fish_use_subcommand -a %s -d '%s'" % (verb, in_fish(text)))
        seen = "'__fish_seen_subcommand_from %s'" % verb
        if verb == "list":
            out.append("complete -c powercut -n %s -a '%s'" % (seen, " ".join(known.what)))
        if verb in ("replay", "shrink", "view", "merge", "calibrate", "record", "trace", "witness"):
            out.append("complete -c powercut -n %s -F" % seen)
        for option in known.options[verb]:
            names = " ".join("-l " + n[2:] if n.startswith("--") else "-s " + n[1:] for n in option.names)
            values = known.values(option)
            takes = " -x -a '%s'" % " ".join(values) if values else " -r -F" if option.value else ""
            out.append("complete -c powercut -n %s %s%s -d '%s'" % (seen, names, takes, in_fish(option.text)))
    return out


if __name__ == "__main__":
    make = {"bash": bash, "zsh": zsh, "fish": fish}[sys.argv[1]]
    print("\n".join(make(Known(sys.argv[2]))))
