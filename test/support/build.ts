import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import onnxProto from 'onnx-proto';
import { type AttributeInput, attributeProto, type SparseInput, sparseProto } from './build-attribute.ts';
import { DATA_TYPE, type ElementType, type Storage, type TensorInput, tensorProto } from './build-tensor.ts';
import { createRandom, type Random } from './random.ts';

const { onnx } = onnxProto;

/** Dims as a model declares them: a number, a symbol, or `undefined` where nothing is known. */
export type Dims = readonly (number | string | undefined)[];

/** The attributes of a node by name; see AttributeInput for how floats, tensors and graphs are written. */
export type Attributes = Readonly<Record<string, AttributeInput>>;

/** The forms that ONNX allows for the value of a Constant node. */
export type ConstantForm =
  | { readonly value: TensorInput }
  | { readonly value_float: number }
  | { readonly value_floats: readonly number[] }
  | { readonly value_int: number | bigint }
  | { readonly value_ints: readonly (number | bigint)[] }
  | { readonly value_string: string }
  | { readonly value_strings: readonly string[] }
  | { readonly sparse_value: SparseInput };

export interface NodeOptions {
  readonly name?: string;
  readonly domain?: string;
  readonly docString?: string;
  /** Names of the outputs, instead of generated ones; '' leaves an optional output away. */
  readonly outputs?: readonly string[];
}

export interface WeightOptions {
  readonly dtype?: ElementType;
  readonly storage?: Storage;
  /** Standard deviation; without it 1/sqrt(fan-in), which keeps activations near 1 through deep nets. */
  readonly std?: number;
  /** Inputs per output; without it the product of all dims but the first (Conv, Gemm with transB). */
  readonly fanIn?: number;
  readonly mean?: number;
  /** |value| + 0.5: for variances and scales, which must stay away from zero. */
  readonly positive?: boolean;
}

/** How all weights of a model are written, unless a weight says otherwise. */
export interface WeightDefaults {
  readonly dtype?: ElementType;
  readonly storage?: Storage;
  /** `constant` writes each weight as a Constant node. Default `initializer`. */
  readonly weightsAs?: 'initializer' | 'constant';
}

export interface ModelOptions extends WeightDefaults {
  /** Version of the default operator set; 17 if left out. */
  readonly opset?: number;
  /** Versions of further operator sets by domain, e.g. `{ 'com.microsoft': 1 }`. */
  readonly domains?: Readonly<Record<string, number>>;
  readonly irVersion?: number;
  readonly seed?: number;
  readonly graphName?: string;
  readonly producer?: string;
  readonly docString?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Before IR version 4 every initializer had to be a graph input, too. */
  readonly initializersAsInputs?: boolean;
}

interface Shared {
  readonly random: Random;
  readonly taken: Set<string>;
  readonly defaults: WeightDefaults;
}

/** Builds one graph: the main one (as ModelBuilder) or a subgraph (from `subgraph()`). Every method returns value names. */
export class GraphBuilder {
  protected readonly shared: Shared;
  protected readonly proto: onnxProto.onnx.GraphProto;

  constructor(name: string, shared: Shared) {
    this.shared = shared;
    this.proto = onnx.GraphProto.create({ name });
  }

  /** The element type of weights that do not name their own. */
  get elementType(): ElementType {
    return this.shared.defaults.dtype ?? 'float32';
  }

  /** Declares a graph input. Without `dims` only the type is declared. */
  input(name: string, dtype: ElementType = 'float32', dims?: Dims): string {
    this.shared.taken.add(name);
    this.proto.input.push(valueInfo(name, dtype, dims));
    return name;
  }

  /** Makes `value` a graph output. Without `dims` only the type is declared. */
  output(value: string, dtype: ElementType = 'float32', dims?: Dims): string {
    this.proto.output.push(valueInfo(value, dtype, dims));
    return value;
  }

  /** Declares type and shape of an intermediate value, as exporters that ran shape inference do. */
  valueInfo(value: string, dtype: ElementType = 'float32', dims?: Dims): string {
    this.proto.valueInfo.push(valueInfo(value, dtype, dims));
    return value;
  }

  /** Adds a seeded random normal weight. */
  weight(name: string, dims: readonly number[], options: WeightOptions = {}): string {
    const { mean = 0, positive = false } = options;
    const dtype = options.dtype ?? this.elementType;
    const storage = options.storage ?? this.shared.defaults.storage ?? 'raw';
    const std = options.std ?? 1 / Math.sqrt(Math.max(1, options.fanIn ?? product(dims.slice(1))));
    const values = Float64Array.from({ length: product(dims) }, () => {
      const value = mean + std * this.shared.random.normal();
      return positive ? Math.abs(value) + 0.5 : value;
    });
    const tensor: TensorInput = { dtype, dims, values, storage };
    if (this.shared.defaults.weightsAs !== 'constant') return this.initializer({ ...tensor, name });
    return this.node('Constant', [], { value: { tensor } }, { outputs: [name] });
  }

  /** Adds a random vector (a bias; with `positive`, a variance), standard deviation 0.1 if not said. */
  vector(name: string, length: number, options: WeightOptions = {}): string {
    return this.weight(name, [length], { std: 0.1, ...options });
  }

  /** Adds an initializer with the given numbers. */
  constant(
    name: string,
    dtype: ElementType,
    dims: readonly number[],
    values: TensorInput['values'],
    storage: Storage = this.shared.defaults.storage ?? 'raw',
  ): string {
    return this.initializer({ name, dtype, dims, values, storage });
  }

  /** Adds an initializer as it is. */
  initializer(tensor: TensorInput & { readonly name: string }): string {
    this.shared.taken.add(tensor.name);
    this.proto.initializer.push(tensorProto(tensor));
    return tensor.name;
  }

  /** Adds a sparse initializer. */
  sparseInitializer(name: string, sparse: SparseInput): string {
    this.shared.taken.add(name);
    this.proto.sparseInitializer.push(sparseProto({ ...sparse, values: { ...sparse.values, name } }));
    return name;
  }

  /** Adds a Constant node of any form. */
  constantNode(form: ConstantForm, options: NodeOptions = {}): string {
    return this.node('Constant', [], constantAttribute(form), options);
  }

  /** Adds a node with one output and returns that output's name. '' leaves an optional input away. */
  node(opType: string, inputs: readonly string[], attributes: Attributes = {}, options: NodeOptions = {}): string {
    const [output] = this.nodes(opType, inputs, 1, attributes, options);
    if (output === undefined) throw new Error(`${opType}: node() wants one output name; use nodes() for more`);
    return output;
  }

  /** Adds a node with `count` outputs and returns their names. */
  nodes(
    opType: string,
    inputs: readonly string[],
    count: number,
    attributes: Attributes = {},
    options: NodeOptions = {},
  ): string[] {
    const name = options.name ?? this.fresh(opType);
    const outputs = options.outputs ?? Array.from({ length: count }, (_, index) => this.fresh(`${name}_out`, index));
    for (const taken of [name, ...outputs]) this.shared.taken.add(taken);
    this.proto.node.push(
      onnx.NodeProto.create({
        name,
        opType,
        input: [...inputs],
        output: [...outputs],
        attribute: Object.entries(attributes).map(([key, value]) => attributeProto(key, value)),
        ...(options.domain === undefined ? {} : { domain: options.domain }),
        ...(options.docString === undefined ? {} : { docString: options.docString }),
      }),
    );
    return [...outputs];
  }

  /** Starts a subgraph for `{ graph: … }`; names and random numbers are shared with this builder, so nothing collides. */
  subgraph(name: string = this.fresh('subgraph')): GraphBuilder {
    return new GraphBuilder(name, this.shared);
  }

  /** The GraphProto as built so far. It is the builder's own message, not a copy. */
  graph(): onnxProto.onnx.GraphProto {
    return this.proto;
  }

  private fresh(stem: string, from = 0): string {
    let index = from;
    while (this.shared.taken.has(`${stem}_${index}`)) index += 1;
    const name = `${stem}_${index}`;
    this.shared.taken.add(name);
    return name;
  }
}

/** A model and, where its weights are external, the bytes of the data file next to it. */
export interface ExternalModel {
  readonly model: Uint8Array;
  readonly data: Uint8Array;
}

/**
 * Builds an ONNX model by hand, through onnx-proto's encoder and not the project's, so that tests have a second opinion.
 *
 *     const b = new ModelBuilder({ opset: 17, seed: 1 });
 *     const x = b.input('x', 'float32', ['N', 3, 8, 8]);
 *     const y = b.node('Conv', [x, b.weight('w', [16, 3, 3, 3]), b.vector('bias', 16)], { pads: [1, 1, 1, 1] });
 *     b.output(y, 'float32', ['N', 16, 8, 8]);
 *     const bytes = b.bytes();
 */
export class ModelBuilder extends GraphBuilder {
  private readonly options: ModelOptions;

  constructor(options: ModelOptions = {}) {
    super(options.graphName ?? 'main', {
      random: createRandom(options.seed ?? 1),
      taken: new Set(),
      defaults: options,
    });
    this.options = options;
  }

  /** The ModelProto message as built so far, for tests that want to bend it further. */
  model(): onnxProto.onnx.ModelProto {
    const { opset = 17, domains = {}, irVersion = 8, producer = 'onnx-prune test builder' } = this.options;
    return onnx.ModelProto.create({
      irVersion,
      producerName: producer,
      opsetImport: [
        { domain: '', version: opset },
        ...Object.entries(domains).map(([domain, version]) => ({ domain, version })),
      ],
      graph: this.options.initializersAsInputs === true ? withInitializerInputs(this.proto) : this.proto,
      metadataProps: Object.entries(this.options.metadata ?? {}).map(([key, value]) => ({ key, value })),
      ...(this.options.docString === undefined ? {} : { docString: this.options.docString }),
    });
  }

  /** The model as the bytes of an .onnx file. */
  bytes(): Uint8Array {
    return encode(this.model());
  }

  /** The model with every raw initializer of at least `minBytes` moved to a data file called `location`. */
  externalBytes(location: string, minBytes = 0): ExternalModel {
    const model = onnx.ModelProto.decode(this.bytes());
    const data: Uint8Array[] = [];
    let offset = 0;
    for (const tensor of model.graph?.initializer ?? []) {
      const raw = tensor.rawData;
      if (!(raw instanceof Uint8Array) || raw.length === 0 || raw.length < minBytes) continue;
      tensor.rawData = null;
      tensor.dataLocation = onnx.TensorProto.DataLocation.EXTERNAL;
      const place = { location, offset: String(offset), length: String(raw.length) };
      tensor.externalData = Object.entries(place).map(([key, value]) => ({ key, value }));
      data.push(raw);
      offset += raw.length;
    }
    return { model: encode(model), data: Buffer.concat(data) };
  }

  /** Writes the model to `path`; with `external`, its weights to a file of that name beside it. */
  write(path: string, external?: { readonly location: string; readonly minBytes?: number }): void {
    if (external === undefined) {
      writeFileSync(path, this.bytes());
      return;
    }
    const { model, data } = this.externalBytes(external.location, external.minBytes);
    writeFileSync(path, model);
    writeFileSync(join(dirname(path), external.location), data);
  }
}

function encode(model: onnxProto.onnx.ModelProto): Uint8Array {
  return onnx.ModelProto.encode(model).finish();
}

function valueInfo(name: string, dtype: ElementType, dims: Dims | undefined): onnxProto.onnx.ValueInfoProto {
  const shape = dims === undefined ? {} : { shape: { dim: dims.map(dimension) } };
  return onnx.ValueInfoProto.create({ name, type: { tensorType: { elemType: DATA_TYPE[dtype], ...shape } } });
}

function dimension(dim: number | string | undefined): onnxProto.onnx.TensorShapeProto.IDimension {
  if (dim === undefined) return {};
  return typeof dim === 'number' ? { dimValue: dim } : { dimParam: dim };
}

function withInitializerInputs(graph: onnxProto.onnx.GraphProto): onnxProto.onnx.IGraphProto {
  const inputs = graph.initializer.map(({ name, dataType, dims }) => ({
    name: name ?? '',
    type: { tensorType: { elemType: dataType ?? 0, shape: { dim: (dims ?? []).map((dimValue) => ({ dimValue })) } } },
  }));
  return { ...graph, input: [...graph.input, ...inputs] };
}

function constantAttribute(form: ConstantForm): Attributes {
  if ('value' in form) return { value: { tensor: form.value } };
  if ('value_float' in form) return { value_float: { float: form.value_float } };
  if ('value_floats' in form) return { value_floats: { floats: form.value_floats } };
  if ('value_int' in form) return { value_int: form.value_int };
  if ('value_ints' in form) return { value_ints: { ints: form.value_ints } };
  if ('value_string' in form) return { value_string: form.value_string };
  if ('value_strings' in form) return { value_strings: { strings: form.value_strings } };
  return { sparse_value: { sparse: form.sparse_value } };
}

function product(dims: readonly number[]): number {
  return dims.reduce((total, dim) => total * dim, 1);
}
