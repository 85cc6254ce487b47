#!/bin/sh
# Makes ./configure from configure.ac.  Needs autoconf, automake, pkg-config.
set -eu
cd "$(dirname "$0")"
exec autoreconf --force --install --warnings=all
