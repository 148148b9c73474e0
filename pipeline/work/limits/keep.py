"""The expression of ``--keep``: Python's syntax, parsed and never run, over the facts of a clip.

It is read by `ast` and turned, node by node, into an expression that pyarrow evaluates. Promise:
any syntax but names of columns, literals, comparisons, ``and``, ``or``, ``not``, ``in``, ``is
None`` and arithmetic is refused before anything is read. A comparison with a missing value is not
true, so it leaves a clip out.
"""

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from fmdata.catalog.errors import RecordingError, UsageError
from fmdata.catalog.given.labels import PREFIX, Label
from fmdata.catalog.storage.schema import ACTION_COLUMNS, is_scalar, with_labels

NOT_KEPT = "not_kept"
_MAX_TEXT, _MAX_NODES = 2000, 400
_MAX_NUMBER = 2**63
_NUMBER, _TEXT, _TRUTH = "a number", "a text", "true or false"
_COMPARED: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: lambda a, b: a == b,
    ast.NotEq: lambda a, b: a != b,
    ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b,
    ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b,
}
_COMPUTED: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: pc.add,
    ast.Sub: pc.subtract,
    ast.Mult: pc.multiply,
    ast.Div: pc.divide,  # by zero: infinite
}


class _Part(NamedTuple):
    """A part of the expression, and the kind of its value."""

    value: Any
    kind: str


@dataclass(frozen=True)
class Keep:
    """An expression that was read.

    Attributes
    ----------
    text : str
        As it was written.
    columns : tuple of str
        Columns of a clip that it uses, in the order of the text.
    expression : pyarrow.compute.Expression
        The same for pyarrow.
    """

    text: str
    columns: tuple[str, ...]
    expression: Any

    @classmethod
    def of(cls, text: str, labels: Sequence[Label] = ()) -> "Keep":
        """Read an expression over the facts of clips that have some labels.

        Raises
        ------
        UsageError
            When it is not of the syntax above, or has a name that is no column.
        """
        schema = with_labels(ACTION_COLUMNS, tuple(labels)).facts
        reader = _Reader(text, {f.name: f.type for f in schema if is_scalar(f)})
        part = reader.whole()
        return cls(text, tuple(dict.fromkeys(reader.used)), part.value)

    def left_out(self, clips: pa.Table) -> Iterator[tuple[str, str]]:
        """Yield key and detail of each row of a table of clips that is not kept.

        The table has at least the columns of the expression, and `key`.
        """
        kept = set(clips.filter(self.expression)["key"].to_pylist())
        for row in clips.select([*dict.fromkeys(["key", *self.columns])]).to_pylist():
            if row["key"] not in kept:
                yield row["key"], self._detail(row)

    def error(self, detail: str) -> RecordingError:
        """Return the error by which a clip is left out."""
        return RecordingError("keep", NOT_KEPT, detail)

    def _detail(self, row: Mapping[str, Any]) -> str:
        values = ", ".join(f"{name} {_shown(row[name])}" for name in self.columns)
        return f"{self.text} is not true (--keep)" + (f": {values}" if values else "")


def _shown(value: Any) -> str:
    if value is None:
        return "missing"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


class _Reader:
    """Reads an expression; `used` are the columns that it names."""

    def __init__(self, text: str, types: Mapping[str, pa.DataType]) -> None:
        self._text, self._types = text, types
        self.used: list[str] = []

    def whole(self) -> _Part:
        """Return the whole expression, which is true or false."""
        try:
            if len(self._text) > _MAX_TEXT:
                raise self._refused(f"{len(self._text)} characters", f"at most {_MAX_TEXT}")
            tree = ast.parse(self._text.strip(), mode="eval").body
            if sum(1 for _ in ast.walk(tree)) > _MAX_NODES:
                raise self._refused("an expression of very many parts", "a shorter one")
            return self._truth(tree)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            words = error.msg if isinstance(error, SyntaxError) else str(error)
            raise self._refused(f"no expression: {words}", "an expression in one line") from error

    def _part(self, node: ast.expr) -> _Part:
        match node:
            case ast.Name():
                return self._column(node.id)
            case ast.Constant():
                return self._literal(node)
            case ast.BoolOp():
                join = and_ if isinstance(node.op, ast.And) else or_
                parts = [self._truth(one).value for one in node.values]
                return _Part(reduce(join, parts), _TRUTH)
            case ast.UnaryOp(op=ast.Not()):
                return _Part(~self._truth(node.operand).value, _TRUTH)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                return self._literal(ast.copy_location(ast.Constant(-value), node))
            case ast.UnaryOp(op=ast.USub()):
                return _Part(pc.negate(self._number(node.operand)), _NUMBER)
            case ast.BinOp(op=op) if type(op) in _COMPUTED:
                one, other = self._number(node.left), self._number(node.right)
                return _Part(_COMPUTED[type(op)](one, other), _NUMBER)
            case ast.Compare():
                return self._comparison(node)
        raise self._no_syntax(node)

    def _comparison(self, node: ast.Compare) -> _Part:
        """Return a comparison; ``a < b < c`` is ``a < b and b < c``."""
        sides = [node.left, *node.comparators]
        pairs = zip(sides, node.ops, sides[1:], strict=False)
        return _Part(reduce(and_, [self._compared(*pair) for pair in pairs]), _TRUTH)

    def _compared(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> Any:
        is_none = isinstance(right, ast.Constant) and right.value is None
        if isinstance(op, ast.Is | ast.IsNot) or is_none:
            if not is_none or not isinstance(op, ast.Is | ast.IsNot):
                raise self._refused(ast.unparse(left), "`is None` or `is not None` alone")
            value = self._part(left).value
            return value.is_null() if isinstance(op, ast.Is) else value.is_valid()
        one = self._part(left)
        if isinstance(op, ast.In | ast.NotIn):
            value, members = one.value, self._members(right, one.kind)
            if one.kind == _NUMBER:
                value, members = value.cast(pa.float64()), [float(member) for member in members]
            inside = value.isin(members)
            return inside if isinstance(op, ast.In) else ~inside & one.value.is_valid()
        other = self._part(right)
        if one.kind != other.kind:
            got = f"{ast.unparse(left)} is {one.kind}, {ast.unparse(right)} is {other.kind}"
            raise self._refused(got, "two values of one kind in a comparison")
        return _COMPARED[type(op)](one.value, other.value)

    def _members(self, node: ast.expr, kind: str) -> list[Any]:
        """Return the literals in a list, all of one kind."""
        if not isinstance(node, ast.Tuple | ast.List | ast.Set):
            raise self._refused(ast.unparse(node), "a list of values after `in`, such as (1, 2)")
        found = []
        for one in node.elts:
            part = self._part(one)
            try:
                found.append(ast.literal_eval(one))
            except ValueError:
                raise self._refused(ast.unparse(one), "plain values in a list") from None
            if part.kind != kind:
                raise self._refused(f"{ast.unparse(one)} is {part.kind}", f"{kind} in the list")
        return found

    def _truth(self, node: ast.expr) -> _Part:
        part = self._part(node)
        if part.kind != _TRUTH:
            raise self._refused(f"{ast.unparse(node)} is {part.kind}", "a comparison")
        return part

    def _number(self, node: ast.expr) -> Any:
        """Return a number as a float, so that no sum of integers overflows."""
        part = self._part(node)
        if part.kind != _NUMBER:
            raise self._refused(f"{ast.unparse(node)} is {part.kind}", "a number")
        return part.value.cast(pa.float64())

    def _literal(self, node: ast.Constant) -> _Part:
        value = node.value
        if isinstance(value, bool):
            return _Part(pc.scalar(value), _TRUTH)
        if isinstance(value, int | float) and abs(value) < _MAX_NUMBER:
            return _Part(pc.scalar(value), _NUMBER)
        if isinstance(value, str):
            return _Part(pc.scalar(value), _TEXT)
        raise self._no_syntax(node)

    def _column(self, name: str) -> _Part:
        known = self._types
        column = name if name in known else f"{PREFIX}{name.casefold()}"
        if column not in known:
            names = (one.removeprefix(PREFIX) for one in known)
            raise self._refused(f"no column {name}", f"one of {', '.join(names)}")
        self.used.append(column)
        kind, field = known[column], pc.field(column)
        if pa.types.is_boolean(kind):
            return _Part(field, _TRUTH)
        return _Part(field, _TEXT if pa.types.is_string(kind) else _NUMBER)

    def _no_syntax(self, node: ast.expr) -> UsageError:
        wanted = "columns, numbers, texts, comparisons, and, or, not, in (…), is None, + - * /"
        return self._refused(f"{ast.unparse(node):.80}", wanted)

    def _refused(self, got: str, wanted: str) -> UsageError:
        todo = 'correct it, such as --keep "snr > 6 and faces == 1 and face_px > 60"'
        return UsageError(got, wanted=wanted, where=f"--keep {self._text[:200]!r}", todo=todo)
