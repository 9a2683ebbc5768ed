"""Names of the classes in ``Session.__mro__`` as a JSON list, for :mod:`benchmarks.structure`."""

import json

from mesosynth.session import Session

if __name__ == "__main__":
    print(json.dumps([cls.__name__ for cls in Session.__mro__]))
