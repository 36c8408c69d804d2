#!/usr/bin/env python3
"""Records what PyYAML's parser makes of each file of the corpus, one event a line, beside it as `<name>.events`.

The words are those of the YAML test suite: +DOC, +MAP, +SEQ, =VAL, =ALI, -MAP, -SEQ, -DOC. An anchor is `&name`, a tag
`<tag>`; a scalar is its style (`:` plain, `'`, `"`, `|`, `>`) before its text as JSON. PyYAML's own parser is asked, not the C
library below it, which is what the other implementation in the test is made from.
"""

import json
import pathlib
import sys

import yaml

STYLES = {None: ":", "'": "'", '"': '"', "|": "|", ">": ">"}


def line(event):
    props = ""
    if getattr(event, "anchor", None) and not isinstance(event, yaml.AliasEvent):
        props += f" &{event.anchor}"
    if getattr(event, "tag", None):
        props += f" <{event.tag}>"
    match event:
        case yaml.DocumentStartEvent():
            return "+DOC"
        case yaml.DocumentEndEvent():
            return "-DOC"
        case yaml.MappingStartEvent():
            return "+MAP" + props
        case yaml.MappingEndEvent():
            return "-MAP"
        case yaml.SequenceStartEvent():
            return "+SEQ" + props
        case yaml.SequenceEndEvent():
            return "-SEQ"
        case yaml.AliasEvent():
            return f"=ALI *{event.anchor}"
        case yaml.ScalarEvent():
            return f"=VAL{props} {STYLES[event.style]}{json.dumps(event.value)}"
    return None


def main():
    corpus = pathlib.Path(__file__).parent / "corpus"
    for path in sorted(corpus.rglob("*.yaml")):
        events = [line(event) for event in yaml.parse(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)]
        lines = [event for event in events if event]
        path.with_suffix(".events").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"PyYAML {yaml.__version__}", file=sys.stderr)


if __name__ == "__main__":
    main()
