import {
  AttributeType,
  DataType,
  type GraphProto,
  type NodeProto,
  type TensorProto,
  type TypeProto,
} from '../onnx/messages.ts';

/** Two values that tell everything about a sequence or an optional: all its elements in a column, and their shapes. */
export interface Seen {
  /** [n, 1]: the elements of all tensors, one below the other: they are no row of classes whose largest is an answer. */
  readonly elements: string;
  /** 1-D int64: of each tensor its rank, then its dims. Empty where an optional holds nothing. */
  readonly shapes: string;
}

/** Nodes that make sequences and optionals of tensors visible, and the constants that those need. */
export interface SeeingParts {
  readonly nodes: readonly NodeProto[];
  readonly constants: readonly TensorProto[];
  readonly seen: Seen;
}

/**
 * The type of the tensors in a sequence of tensors, an optional tensor or an optional sequence; undefined for anything else.
 */
export function tensorTypeInside(type: TypeProto | undefined): number | undefined {
  const inner = type?.optionalType?.elemType ?? type;
  const tensor = inner?.sequenceType?.elemType?.tensorType ?? (inner === type ? undefined : inner?.tensorType);
  return tensor?.elemType === DataType.UNDEFINED ? undefined : tensor?.elemType;
}

/**
 * Nodes at the end of the main graph that take a value apart; operators of ONNX 11 (sequences) and 15 (optionals).
 *
 * @param name a value for whose type `tensorTypeInside` gives `dataType`
 */
export function seeElements(name: string, type: TypeProto, dataType: number): SeeingParts {
  const writer = new Writer(name, dataType);
  const nodes: NodeProto[] = [];
  const seen = type.optionalType === undefined ? writer.sequence(nodes, name) : writer.optional(nodes, name, type);
  return { nodes, constants: writer.constants, seen };
}

class Writer {
  readonly constants: readonly TensorProto[];
  readonly #prefix: string;
  readonly #elementType: number;
  #count = 0;

  constructor(name: string, elementType: number) {
    this.#prefix = `${name}/onnx-prune/`;
    this.#elementType = elementType;
    this.constants = [
      { name: `${this.#prefix}nothing`, dataType: elementType, dims: [0, 1] },
      { name: `${this.#prefix}no shapes`, dataType: DataType.INT64, dims: [0] },
      { name: `${this.#prefix}column`, dataType: DataType.INT64, dims: [2], int64Data: [-1, 1] },
    ];
  }

  /** An optional that holds a tensor or a sequence, or nothing. */
  optional(nodes: NodeProto[], value: string, type: TypeProto): Seen {
    const has = this.#node(nodes, 'OptionalHasElement', [value]);
    const full: NodeProto[] = [];
    const held = this.#node(full, 'OptionalGetElement', [value]);
    const isSequence = type.optionalType?.elemType?.sequenceType !== undefined;
    const inside = isSequence ? this.sequence(full, held) : this.#tensor(full, held);
    const bare: NodeProto[] = [];
    const nothing = {
      elements: this.#node(bare, 'Identity', [`${this.#prefix}nothing`]),
      shapes: this.#node(bare, 'Identity', [`${this.#prefix}no shapes`]),
    };
    const seen = { elements: this.#fresh('elements'), shapes: this.#fresh('shapes') };
    nodes.push({
      opType: 'If',
      input: [has],
      output: [seen.elements, seen.shapes],
      attribute: [
        { name: 'then_branch', type: AttributeType.GRAPH, g: this.#graph(full, [], inside) },
        { name: 'else_branch', type: AttributeType.GRAPH, g: this.#graph(bare, [], nothing) },
      ],
    });
    return seen;
  }

  /** A sequence, by a Loop over its tensors. */
  sequence(nodes: NodeProto[], value: string): Seen {
    const length = this.#node(nodes, 'SequenceLength', [value]);
    const [index, going] = [this.#fresh('index'), this.#fresh('going')];
    const before = { elements: this.#fresh('elements'), shapes: this.#fresh('shapes') };
    const body: NodeProto[] = [];
    const still = this.#node(body, 'Identity', [going]);
    const one = this.#tensor(body, this.#node(body, 'SequenceAt', [value, index]));
    const after = {
      elements: this.#concat(body, [before.elements, one.elements]),
      shapes: this.#concat(body, [before.shapes, one.shapes]),
    };
    const graph = this.#graph(body, [before.elements, before.shapes], after);
    graph.input = [scalar(index, DataType.INT64), scalar(going, DataType.BOOL), ...(graph.input ?? [])];
    graph.output = [scalar(still, DataType.BOOL), ...(graph.output ?? [])];
    const seen = { elements: this.#fresh('elements'), shapes: this.#fresh('shapes') };
    nodes.push({
      opType: 'Loop',
      input: [length, '', `${this.#prefix}nothing`, `${this.#prefix}no shapes`],
      output: [seen.elements, seen.shapes],
      attribute: [{ name: 'body', type: AttributeType.GRAPH, g: graph }],
    });
    return seen;
  }

  #tensor(nodes: NodeProto[], value: string): Seen {
    const dims = this.#node(nodes, 'Shape', [value]);
    const rank = this.#node(nodes, 'Shape', [dims]);
    return {
      elements: this.#node(nodes, 'Reshape', [value, `${this.#prefix}column`]),
      shapes: this.#concat(nodes, [rank, dims]),
    };
  }

  #concat(nodes: NodeProto[], values: string[]): string {
    return this.#node(nodes, 'Concat', values, [{ name: 'axis', type: AttributeType.INT, i: 0 }]);
  }

  #node(nodes: NodeProto[], opType: string, input: string[], attribute: NodeProto['attribute'] = []): string {
    const output = this.#fresh(opType);
    nodes.push({ opType, input, output: [output], attribute });
    return output;
  }

  #graph(node: NodeProto[], input: readonly string[], { elements, shapes }: Seen): GraphProto {
    const types = [this.#elementType, DataType.INT64];
    const declared = (names: readonly string[]): GraphProto['output'] =>
      names.map((name, i) => ({ name, type: { tensorType: { elemType: types[i] } } }));
    return { name: this.#fresh('body'), node, input: declared(input), output: declared([elements, shapes]) };
  }

  #fresh(what: string): string {
    this.#count++;
    return `${this.#prefix}${what} ${this.#count}`;
  }
}

function scalar(name: string, elemType: number): { name: string; type: TypeProto } {
  return { name, type: { tensorType: { elemType, shape: { dim: [] } } } };
}
