#!/usr/bin/env python3
"""usage: run.py RIG CASE

Runs one case of front.py, flow.py or load.py against the rig whose `rig up'
lines are in RIG.env, with the fake Engine behind it.  See http.bats."""
import sys

import flow
import front
import lib
import load


def main():
    lib.rig(sys.argv[1])
    for module in (front, flow, load):
        case = module.__dict__.get(sys.argv[2])
        if case:
            case(lib.Engine())
            break
    else:
        sys.exit('no case ' + sys.argv[2])
    # Whatever it was: the broker serves.
    with lib.Client('bob') as c:
        c.alive('the case')


if __name__ == '__main__':
    try:
        main()
    except lib.Failed as e:
        sys.exit('%s: %s' % (sys.argv[2], e))
