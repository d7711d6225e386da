"""A fox in a world of WIDE by HIGH: reads where everybody is, and goes after the nearest rabbit.

It steps once for each state that it reads, says `caught NAME` of a rabbit whose place it comes to, and
ends when it has caught them all.
"""

import json
import sys

wide, high = int(sys.argv[1]), int(sys.argv[2])


def way(own, other, side):
    """How far it is along one axis, the short way round."""
    return (other - own + side // 2) % side - side // 2


print("E fox")
caught = set()
for line in sys.stdin:
    players = json.loads(line)["players"]
    rabbits = {name: at for name, at in players.items() if name.startswith("rabbit")}
    if "fox" not in players or not rabbits:
        continue
    x, y = players["fox"]
    ways = {name: (way(x, at[0], wide), way(y, at[1], high)) for name, at in rabbits.items()}
    for name, (east, south) in ways.items():
        if (east, south) == (0, 0) and name not in caught:
            caught.add(name)
            print("caught", name)
    if caught >= set(rabbits):
        break
    east, south = min((abs(e) + abs(s), (e, s)) for name, (e, s) in ways.items() if name not in caught)[1]
    if abs(east) >= abs(south):
        print("E fox" if east > 0 else "W fox")
    else:
        print("S fox" if south > 0 else "N fox")
