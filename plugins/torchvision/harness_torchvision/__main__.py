"""`python -m harness_torchvision [NETWORK ...]`: download the ImageNet weights, so that weights = "auto" finds them."""

from __future__ import annotations

import sys

from harness.errors import HarnessError, UnknownComponent, nearest
from harness.weights import find
from harness_torchvision.options import IMAGENET


def main(names: list[str]) -> int:
    """Find or download the weights of the named networks (none: all five); 0, or 2 with a line on what failed."""
    try:
        for name in names or list(IMAGENET):
            if name not in IMAGENET:
                raise UnknownComponent(f"network {name!r} is not known{nearest(name, IMAGENET)}")
            sys.stdout.write(f"{name}: {find(IMAGENET[name])}\n")
    except HarnessError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
