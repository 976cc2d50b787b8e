"""A program that forks while its first fetch loads modules, or judges a token when hardly anything is left of it."""

import builtins
import json
import os
import sys
import threading
import time
from typing import Any

from bearergate.config import from_mapping
from tests.faults.forking import in_child
from tests.faults.starving import asked

VALIDATOR = from_mapping(os.environ).validator()


def tell(seen: Any) -> None:
    os.write(1, json.dumps(seen).encode())


class LastWords:
    def __init__(self, token: str) -> None:
        self.work, self.tell, self.arguments = asked, tell, (VALIDATOR, token)

    def __del__(self) -> None:
        self.tell(self.work(*self.arguments))


if __name__ == "__main__":
    token = sys.stdin.read().strip()
    if sys.argv[1] == "in __del__":
        vars(builtins)["kept"] = LastWords(token)
    else:
        first = threading.Thread(target=VALIDATOR.validate, args=(token,))
        first.start()
        while "joserfc" not in sys.modules:
            time.sleep(0.0001)
        time.sleep(0.01)
        told = in_child(lambda: asked(VALIDATOR, token))
        first.join()
        tell(told)
