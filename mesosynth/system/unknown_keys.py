"""Unknown keys of JSON objects, kept in the `extra` of the record that each object becomes.

msgspec drops keys that a record does not have. A converter moves them into `extra` before msgspec
converts an object, and out of it before a record is encoded, in all records that have such a
field. Types without such records have no converter: long lists of numbers cost nothing.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from msgspec import inspect


class _Converter(Protocol):
    """Way of a type's values from JSON to what msgspec converts, and back.

    What is wrong in a JSON value is left for msgspec to refuse; `where` is what messages call it.
    A :class:`~mesosynth.system.documents.Document` is one, too.
    """

    def from_object(self, raw: Any, where: str) -> Any: ...  # noqa: ANN401 - any JSON value

    def to_object(self, value: Any, where: str) -> Any: ...  # noqa: ANN401


class RecordConverter:
    """Way of a record.

    Attributes
    ----------
    record : type
    has_extra : bool
        Whether it keeps unknown keys.
    """

    def __init__(
        self, info: inspect.StructType | inspect.DataclassType, ways: dict[type, _Converter]
    ) -> None:
        ways[info.cls] = self
        fields = {field.encode_name: field for field in info.fields}
        self.record, self.has_extra = info.cls, "extra" in fields
        self._names = {key: field.name for key, field in fields.items() if key != "extra"}
        found = {key: _converter(fields[key].type, ways) for key in self._names}
        self._ways = {key: way for key, way in found.items() if way is not None}
        self._tag: dict[str, Any] = {}
        if isinstance(info, inspect.StructType) and info.tag_field is not None:
            self._tag = {info.tag_field: info.tag}

    @property
    def needed(self) -> bool:
        """Whether msgspec alone would lose something."""
        return self.has_extra or bool(self._ways)

    def tags(self, raw: object) -> bool:
        """Whether an object has the tag of this record, if records of this type have one."""
        return isinstance(raw, dict) and all(raw.get(key) == tag for key, tag in self._tag.items())

    def from_object(self, raw: Any, where: str) -> Any:  # noqa: ANN401 - any JSON value
        """Move unknown keys into `extra`.

        Parameters
        ----------
        raw
            Any JSON value.
        where : str
            What messages call the document.
        """
        if not isinstance(raw, dict):
            return raw
        fields: dict[str, Any] = {}
        extra: dict[str, Any] = {}
        for key, value in raw.items():
            if key in self._ways:
                fields[key] = self._ways[key].from_object(value, f"{where}, its {key}")
            elif key in self._names or key in self._tag:
                fields[key] = value
            else:
                extra[key] = value
        return {**fields, "extra": extra} if self.has_extra else fields

    def to_object(self, value: Any, where: str) -> Any:  # noqa: ANN401 - a record
        """Move unknown keys out of `extra`; they come after those that are known.

        Parameters
        ----------
        value
            A value of the type.
        where : str
            What messages call the document.
        """
        fields = dict(self._tag)
        for key, name in self._names.items():
            fields[key] = getattr(value, name)
            if key in self._ways:
                fields[key] = self._ways[key].to_object(fields[key], f"{where}, its {key}")
        if self.has_extra:
            for key, kept in value.extra.items():
                fields.setdefault(key, kept)
        return fields


class _ContainerConverter:
    """Way of the items of a list or tuple, or of the values of a dict."""

    def __init__(self, item: _Converter) -> None:
        self._item = item

    def from_object(self, raw: Any, where: str) -> Any:  # noqa: ANN401 - any JSON value
        return _each(raw, lambda item: self._item.from_object(item, where))

    def to_object(self, value: Any, where: str) -> Any:  # noqa: ANN401 - a list, tuple or dict
        return _each(value, lambda item: self._item.to_object(item, where))


def _each(container: Any, change: Callable[[Any], Any]) -> Any:  # noqa: ANN401
    if isinstance(container, dict):
        return {key: change(item) for key, item in container.items()}
    return (
        [change(item) for item in container] if isinstance(container, list | tuple) else container
    )


class _UnionConverter:
    """Way of a value that may be None, or one of several records, which have tags."""

    def __init__(self, options: list[_Converter]) -> None:
        self._options = options

    def from_object(self, raw: Any, where: str) -> Any:  # noqa: ANN401 - any JSON value
        for option in self._options if raw is not None else ():
            if not isinstance(option, RecordConverter) or option.tags(raw):
                return option.from_object(raw, where)
        return raw

    def to_object(self, value: Any, where: str) -> Any:  # noqa: ANN401 - a value of the type
        for option in self._options if value is not None else ():
            if not isinstance(option, RecordConverter) or isinstance(value, option.record):
                return option.to_object(value, where)
        return value


def record_converter(record: type, documents: Mapping[type, _Converter]) -> RecordConverter:
    """Converter of a record.

    Parameters
    ----------
    record : type
        A msgspec.Struct or a dataclass.
    documents : mapping
        Converters of records that lie in it, where they are documents of their own.

    Raises
    ------
    TypeError
        If it is no record.
    """
    info = inspect.type_info(record)
    if not isinstance(info, inspect.StructType | inspect.DataclassType):
        raise TypeError(f"{record} is neither a msgspec.Struct nor a dataclass")
    return RecordConverter(info, dict(documents))


def _converter(info: inspect.Type, ways: dict[type, _Converter]) -> _Converter | None:
    """Converter of a type; None where msgspec alone loses nothing."""
    if isinstance(info, inspect.StructType | inspect.DataclassType):
        if info.cls in ways:
            return ways[info.cls]
        record = RecordConverter(info, ways)
        return record if record.needed else None
    if isinstance(info, inspect.ListType | inspect.VarTupleType | inspect.DictType):
        of = info.value_type if isinstance(info, inspect.DictType) else info.item_type
        item = _converter(of, ways)
        return None if item is None else _ContainerConverter(item)
    if isinstance(info, inspect.UnionType):
        found = [_converter(option, ways) for option in info.types]
        options = [way for way in found if way is not None]
        return _UnionConverter(options) if options else None
    return None
