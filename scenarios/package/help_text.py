"""What a program says with --help, taken apart: the manual pages and the completions are made of it."""
import re
import subprocess


class Option:
    def __init__(self, names, value, text):
        self.names = names    # ["-o", "--output"]
        self.value = value    # "TEXT", or "" of a flag
        self.choices = []     # what it may be, if that is a list
        self.text = text


class Help:
    def __init__(self, about, usage, options, verbs, positionals, footer):
        self.about, self.usage, self.options = about, usage, options
        self.verbs, self.positionals, self.footer = verbs, positionals, footer


def run(arguments):
    return subprocess.run(arguments, check=True, capture_output=True, text=True).stdout


def entries(lines):
    """Two columns: what stands on the left, and the text beside it or below."""
    found = []
    for line in lines:
        left = re.match(r"  (\S.*?)(?:\s{2,}(.*))?$", line)
        if left:
            found.append([left.group(1), left.group(2) or ""])
        elif found:
            found[-1][1] = (found[-1][1] + " " + line.strip()).strip()
    return found


def option_of(left, text):
    words = left.split(" ", 1)
    names = [name.split("{")[0] for name in words[0].split(",")]
    value = words[1].split(" Excludes")[0].split(" Needs")[0] if len(words) > 1 else ""
    value = re.sub(r"^(Excludes|Needs|REQUIRED).*", "", value).replace(" ...", "")
    option = Option(names, value.split(":")[0].split("=")[0].split(" ")[0], text)
    choices = re.search(r"\{([^}]*)\}", value)
    if choices:
        option.choices = choices.group(1).split(",")
    return option


def read(program, verb=None):
    text = run([program] + ([verb] if verb else []) + ["--help"])
    sections, heading = {"about": []}, "about"
    for line in text.splitlines():
        title = re.match(r"(Usage|Positionals|Options|Subcommands|OPTIONS|POSITIONALS):\s*(.*)$", line)
        if title:
            heading = title.group(1).capitalize()
            sections[heading] = [title.group(2)] if title.group(2) else []
        elif heading not in ("about", "footer", "Usage") and not line.startswith(" ") and line:
            heading = "footer"
            sections.setdefault(heading, []).append(line)
        else:
            sections.setdefault(heading, []).append(line)
    return Help(
        about=" ".join(" ".join(sections["about"]).split()),
        usage=" ".join(" ".join(sections.get("Usage", [])).split()),
        options=[option_of(*entry) for entry in entries(sections.get("Options", []))],
        verbs=entries(sections.get("Subcommands", [])),
        positionals=entries(sections.get("Positionals", [])),
        footer="\n".join(sections.get("footer", [])).strip())
