"""A program that makes its validator before gevent patches, as `gunicorn --preload -k gevent` does."""

import json
import os
import sys

import gevent  # type: ignore[import-untyped]
from gevent import monkey

from bearergate.config import from_mapping

VALIDATOR = from_mapping(os.environ).validator()

if __name__ == "__main__":
    token = sys.stdin.read().strip()
    monkey.patch_all()
    greenlets = [gevent.spawn(VALIDATOR.validate, token) for _ in range(100)]
    gevent.joinall(greenlets)
    json.dump([greenlet.value.subject for greenlet in greenlets], sys.stdout)
    sys.stdout.flush()
    os._exit(0)
