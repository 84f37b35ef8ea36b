"""Judges ONNX files by onnx itself: reads paths from stdin, one a line, and writes one JSON object a line.

Each has `path`, `faults` (what onnx's checker and its shape inference refuse, by their first sentences) and `mismatches`
(values whose declared type or dims are not those that are inferred where nothing but the inputs is declared). With the
argument `plain`, inference follows no data: where onnx knows no type, as behind operators of other domains, it may die of
that.
"""

import json
import sys

import numpy
import onnx
from onnx import checker, numpy_helper, shape_inference

KNOWS_DATA = "plain" not in sys.argv[1:]


def first_line(error):
    return str(error).strip().split("\n")[0]


def type_of(info):
    tensor = info.type.tensor_type
    if info.type.WhichOneof("value") != "tensor_type":
        return None
    dims = None
    if tensor.HasField("shape"):
        dims = [dim.dim_value if dim.HasField("dim_value") else None for dim in tensor.shape.dim]
    return tensor.elem_type, dims


def fits(declared, inferred):
    if declared is None or inferred is None:
        return True
    if declared[0] != inferred[0] and inferred[0] != 0:
        return False
    if declared[1] is None or inferred[1] is None:
        return True
    if len(declared[1]) != len(inferred[1]):
        return False
    return all(a is None or b is None or a == b for a, b in zip(declared[1], inferred[1]))


def mismatches(model):
    """Values whose declaration is not what is inferred, as `name: declared, inferred`."""
    declared = {info.name: type_of(info) for info in [*model.graph.value_info, *model.graph.output]}
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    del bare.graph.value_info[:]
    for output in bare.graph.output:
        if output.type.WhichOneof("value") == "tensor_type":
            output.type.tensor_type.ClearField("shape")
    try:
        known = shape_inference.infer_shapes(bare, data_prop=KNOWS_DATA).graph
    except Exception:  # What strict inference refuses is told as a fault.
        return []
    inferred = {info.name: type_of(info) for info in [*known.value_info, *known.output]}
    return [
        f"{name}: {what}, {inferred[name]}"
        for name, what in declared.items()
        if name in inferred and not fits(what, inferred[name])
    ]


def dense(sparse):
    """The tensor that a sparse one with linear indices stands for."""
    values, indices = numpy_helper.to_array(sparse.values), numpy_helper.to_array(sparse.indices)
    whole = numpy.zeros(tuple(sparse.dims), values.dtype)
    whole.reshape(-1)[indices] = values
    return numpy_helper.from_array(whole, sparse.values.name)


def faults(path, model):
    """What onnx refuses of a file, which is only read: `check_model(path, full_check=True)` writes what it infers over it.

    onnx's inference knows no operator that takes a sparse weight, so it sees those that were made dense.
    """
    found = []
    try:
        checker.check_model(path)
    except Exception as error:
        found.append(f"checker: {first_line(error)}")
    model.graph.initializer.extend(dense(each) for each in model.graph.sparse_initializer)
    del model.graph.sparse_initializer[:]
    try:
        shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=KNOWS_DATA)
    except Exception as error:
        found.append(f"inference: {first_line(error)}")
    return found


for line in sys.stdin:
    path = line.rstrip("\n")
    model = onnx.load(path, load_external_data=False)
    print(json.dumps({"path": path, "faults": faults(path, model), "mismatches": mismatches(model)}), flush=True)
