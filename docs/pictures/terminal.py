"""Turns what `tmux capture-pane -e -p` prints into a page that looks like the terminal did."""

import html
import re
import sys

COLORS = ["#3b4252", "#e5686f", "#8fc379", "#e3c078", "#69a6f0", "#c28be0", "#63bcc9", "#d8dee9"]


def style(codes, now):
    """The style after the codes of one SGR sequence. Colours of 256 and of 24 bits are passed over."""
    now = dict(now)
    for code in [int(code or 0) for code in re.split("[;:]", codes)]:
        if code == 0:
            now = {}
        elif code == 1:
            now["font-weight"] = "bold"
        elif code == 2:
            now["opacity"] = "0.65"
        elif code == 4:
            now["text-decoration"] = "underline"
        elif code in (22, 39):
            for key in ("font-weight", "opacity") if code == 22 else ("color",):
                now.pop(key, None)
        elif 30 <= code <= 37 or 90 <= code <= 97:
            now["color"] = COLORS[code % 10]
    return now


def main():
    now, out = {}, []
    for part in re.split("(\x1b\\[[0-9;:]*m)", sys.stdin.read().rstrip("\n")):
        if part.startswith("\x1b"):
            now = style(part[2:-1], now)
        elif part:
            css = ";".join(f"{key}:{value}" for key, value in now.items())
            out.append(f'<span style="{css}">{html.escape(part)}</span>')
    print(
        "<!doctype html><meta charset=utf-8><style>body{margin:0;background:#16191d}"
        "pre{margin:0;padding:18px 22px;color:#d8dee9;font:14px/1.36 'DejaVu Sans Mono',monospace}</style>"
        f"<pre>{''.join(out)}</pre>"
    )


main()
