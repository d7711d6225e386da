"""Draws the moves of a player as docs/format.md says, without a line of the program.

    python3 draws.py SEED PRESET NTH PLAYER MOVES FROM TO    (uniform, in nanoseconds)
"""

import sys

M = 2**64 - 1


def fnv(data, h=0xCBF29CE484222325):
    for byte in data:
        h = ((h ^ byte) * 0x100000001B3) & M
    return h


def split_mix(s):
    s = (s + 0x9E3779B97F4A7C15) & M
    z = ((s ^ (s >> 30)) * 0xBF58476D1CE4E5B9) & M
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & M
    return s, z ^ (z >> 31)


def generator(h):
    h, a = split_mix(h)
    h, b = split_mix(h)
    increment = ((b << 1) | 1) & M
    state = ((a + increment) * 6364136223846793005 + increment) & M
    while True:
        x = (((state >> 18) ^ state) >> 27) & 0xFFFFFFFF
        turn = state >> 59
        yield ((x >> turn) | (x << (32 - turn))) & 0xFFFFFFFF
        state = (state * 6364136223846793005 + increment) & M


def main():
    seed, preset, nth, player, moves, start, end = sys.argv[1:]
    number = lambda n: int(n).to_bytes(8, "little")
    text = lambda t: t.encode() + b"\0"
    draw = generator(fnv(number(seed) + text("player") + text(preset) + number(nth) + text(player)))
    due = 0
    for _ in range(int(moves)):
        print(due, "NSEW"[(next(draw) * 4) >> 32])
        wide = next(draw) | (next(draw) << 32)
        due += int(start) + ((wide * (int(end) - int(start))) >> 64)


main()
