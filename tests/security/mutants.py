"""Configurations with some values changed, drawn from a seeded generator.

Mutants          draws them
WORDS            words that are likely to be taken for something else
PIECES           pieces of YAML
"""

import copy
import datetime

WORDS = [
    "", "x", "../x", "/etc/passwd", "a" * 70, "nan", "null", "{x}", "{{x}}", "$(touch x)", "`x`", "x\ny", "\0",
    "\ud800",
    "é", "CON", "all", "none", "1_0", "0x1F", "1e400", "1:2", "yes", "!!python/object:os.system", "python:os:system",
    "torchvision:resnet34", "transformers:../../x", "timm:", "hub", "1 ", "\t1", "(a+)+$", "[", "**", "%s", "<script>",
    "inf", "1,5", "\uff11",
]  # fmt: skip
PIECES = [
    "a", "study", "models", ": ", ":", "\n", "\n  ", "- ", "[", "]", "{", "}", ", ", "&a ", "*a", "!!str ", "!x ",
    "!!set ",
    "<<: ", "? ", "| ", ">\n", "'", '"', "#", "%YAML 1.1\n", "---\n", "...\n", "1", "1e5", ".nan", "2020-01-01", "~",
    "\t",
    "\ufeff", "0x", "!!binary ", "!!omap ", "!!timestamp ", "!!int ", "!!float ", "!!bool ", "12:30:45",
]  # fmt: skip
NUMBERS = [0, 1, -1, 8, 2**31, 2**64, 10**400, True, False, None, 0.0, 0.5, -0.5, 1.0, 1e308, 1e-320]
NUMBERS += [float("nan"), float("inf"), -float("inf")]
ODD_KEYS = [0, 1, None, True, 1.5, float("nan"), (1, 2), datetime.date(2020, 1, 1), 10**400]


class Mutants:
    """Draws configurations that differ from valid ones in some values and keys."""

    def __init__(self, schema, valid, rng):
        self.valid, self.rng = valid, rng
        self.keys = sorted(set(_keys(valid)) | set(_of_schema(schema)), key=str)

    def draw(self):
        """Change one place, or some, of a valid configuration."""
        config = copy.deepcopy(self.rng.choice(self.valid))
        for _ in range(self.rng.choice([1, 1, 1, 2, 3])):
            self._change(config)
        return config

    def _change(self, config):
        place = self.rng.choice([one for one in _places(config) if one])
        parent = config
        for key in place[:-1]:
            parent = parent[key]
        how, last = self.rng.random(), place[-1]
        if how < 0.6:
            parent[last] = self._value()
        elif how < 0.75:
            del parent[last]
        elif isinstance(parent, list):
            parent.append(copy.deepcopy(parent[last]))
        else:
            parent[self._key()] = copy.deepcopy(parent[last]) if self.rng.random() < 0.5 else self._value()

    def _value(self, depth=0):
        kind = self.rng.random()
        if kind < 0.4:
            return self.rng.choice(WORDS)
        if kind < 0.75 or depth > 3:
            return self.rng.choice(NUMBERS)
        if kind < 0.87:
            return [self._value(depth + 1) for _ in range(self.rng.randrange(4))]
        return {self._key(): self._value(depth + 1) for _ in range(self.rng.randrange(4))}

    def _key(self):
        kind = self.rng.random()
        return self.rng.choice(self.keys if kind < 0.7 else WORDS if kind < 0.85 else ODD_KEYS)


def _keys(value):
    if isinstance(value, dict):
        yield from value
        for inner in value.values():
            yield from _keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys(inner)


def _of_schema(schema):
    if isinstance(schema, dict):
        yield from schema.get("properties", ())
        for inner in schema.values():
            yield from _of_schema(inner)


def _places(value, path=()):
    yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _places(inner, (*path, key))
