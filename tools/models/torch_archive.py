"""Reads a state dictionary that PyTorch saved in its first archive format (before version 1.6), without PyTorch.

The file is a row of pickles: a magic number, a protocol version, the sizes of the writer's types, the dictionary itself, and
the keys of its storages; then, in the order of those keys, each storage as a 64-bit count and its elements. A pickle is a
program, so the reader lets it name nothing but an ordered dictionary, the tensor constructor and two storage types.
"""
import collections
import pickle
import typing

import numpy

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
ELEMENTS = {"FloatStorage": numpy.dtype("<f4"), "LongStorage": numpy.dtype("<i8")}


class ArchiveError(Exception):
    """The file is not such an archive, or asks for more than the reader allows."""


class Storage(typing.NamedTuple):
    key: str
    elements: numpy.dtype
    count: int


class StridedTensor(typing.NamedTuple):
    storage: Storage
    offset: int
    shape: tuple
    strides: tuple


def _rebuild(storage, offset, shape, strides, requires_gradient, hooks, *metadata):
    return StridedTensor(storage, offset, tuple(shape), tuple(strides))


class _Reader(pickle.Unpickler):
    ALLOWED = {
        ("collections", "OrderedDict"): collections.OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2"): _rebuild,
        **{("torch", name): elements for name, elements in ELEMENTS.items()},
    }

    def find_class(self, module, name):
        try:
            return self.ALLOWED[module, name]
        except KeyError:
            raise ArchiveError(f"the archive names {module}.{name}, which a state dictionary does not need") from None

    def persistent_load(self, identifier):
        match identifier:
            case ("storage", numpy.dtype() as elements, str(key), _, int(count), None):
                return Storage(key, elements, count)
        raise ArchiveError("the archive refers to something that is not a whole storage of float32 or int64 elements")


def read_state_dictionary(path):
    """The tensors of the state dictionary by name, as NumPy arrays of float32 or int64."""
    with open(path, "rb") as file:
        if _Reader(file).load() != MAGIC or _Reader(file).load() != PROTOCOL:
            raise ArchiveError(f"{path} is not an archive of PyTorch's first format")
        if not _Reader(file).load().get("little_endian"):
            raise ArchiveError(f"{path} was written on a big-endian machine")
        tensors = _Reader(file).load()
        storages = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
        contents = {}
        for key in _Reader(file).load():
            storage = storages[key]
            count = int.from_bytes(file.read(8), "little")
            data = file.read(count * storage.elements.itemsize)
            if count != storage.count or len(data) != count * storage.elements.itemsize:
                raise ArchiveError(f"{path} ends within storage {key}, or disagrees about its size")
            contents[key] = numpy.frombuffer(data, storage.elements)
    return {name: _array(name, tensor, contents[tensor.storage.key]) for name, tensor in tensors.items()}


def _array(name, tensor, elements):
    last = tensor.offset + sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.strides))
    if tensor.offset < 0 or min(tensor.strides, default=0) < 0 or last >= len(elements):
        raise ArchiveError(f"tensor {name} reaches outside of its storage")
    strides = [stride * elements.itemsize for stride in tensor.strides]
    view = numpy.lib.stride_tricks.as_strided(elements[tensor.offset:], tensor.shape, strides, writeable=False)
    return numpy.ascontiguousarray(view).reshape(tensor.shape)
