import { OnnxPruneError, present } from '../errors.ts';
import { bfloat16ToFloat32, float16ToFloat32 } from '../numeric/float16.ts';
import { unpackCodes, unpackSigned } from '../numeric/packed.ts';
import { smallFloatsToFloat32 } from '../numeric/small-floats.ts';
import { externalLocation, findExternal, readExternal } from '../onnx/external-data.ts';
import { copyMessage, type TensorProto } from '../onnx/messages.ts';
import { atHand, type Bytes, StoredBytes } from '../onnx/stored-bytes.ts';
import { bitsOf, byteLengthOf, type DataType, dataTypeNumber, dataTypeOf } from './data-type.ts';

/** Number of elements of a shape; the product over no dims is 1. */
export function sizeOf(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}

/**
 * A constant array. Immutable: a changed tensor is a new one, so a clone of a graph shares its weights.
 * Data stay where the file put them (a view into its bytes, typed fields, or another file) until someone asks.
 */
export class Tensor {
  readonly type: DataType;
  readonly dims: readonly number[];
  /** The message this tensor was read from, or was made as; written back as it stands. */
  readonly proto: TensorProto;
  readonly #directory: string | undefined;

  constructor(proto: TensorProto, directory?: string) {
    this.proto = proto;
    this.type = dataTypeOf(proto.dataType);
    this.dims = (proto.dims ?? []).map(Number);
    this.#directory = directory;
  }

  /** A new tensor over row-major little-endian bytes, which it keeps without a copy, or leaves in their file. */
  static of(type: DataType, dims: readonly number[], rawData: Bytes): Tensor {
    return new Tensor({ dims: [...dims], dataType: dataTypeNumber(type), rawData });
  }

  /** A new int64 tensor, of rank 1 unless `dims` says otherwise: the usual form of shapes, axes and sizes. */
  static ofIntegers(values: readonly number[], dims: readonly number[] = [values.length]): Tensor {
    const data = BigInt64Array.from(values, (value) => BigInt(value));
    return Tensor.of('int64', dims, new Uint8Array(data.buffer));
  }

  /** A new float32 tensor. */
  static ofFloats(values: Float32Array, dims: readonly number[] = [values.length]): Tensor {
    return Tensor.of('float32', dims, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }

  /** This tensor with other dims and bytes; name, doc string and metadata stay. */
  withData(dims: readonly number[], rawData: Bytes): Tensor {
    const proto = Object.assign(copyMessage(this.proto), { dims: [...dims], rawData });
    for (const field of DATA_FIELDS) delete proto[field];
    return new Tensor(proto);
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.dims);
  }

  /** Bytes of the data as `raw_data` would hold them; 0 for strings. */
  get byteLength(): number {
    return byteLengthOf(this.type, this.size);
  }

  /** Whether the message says that the data live in another file. */
  get isExternal(): boolean {
    return externalLocation(this.proto) !== undefined;
  }

  /** Whether the data are in a file and have to be read, all of them, whenever somebody asks. */
  get isStored(): boolean {
    return this.proto.rawData instanceof StoredBytes || this.isExternal;
  }

  /**
   * The elements as `raw` gives them, or where they are in a file.
   * @throws OnnxPruneError as `raw` does
   */
  data(): Bytes {
    if (this.isExternal) return findExternal(this.proto, this.#folder, this.byteLength);
    const { rawData } = this.proto;
    return rawData instanceof StoredBytes ? this.#fitting(rawData) : this.raw();
  }

  /**
   * The elements, row-major and little-endian, as `raw_data` would hold them: a view where the file holds them so.
   * @throws OnnxPruneError `bad-model` where the message has fewer or more bytes than its dims need,
   *   `unsupported` for strings, `bad-file` where external data cannot be read
   */
  raw(): Uint8Array {
    return atHand(this.#fitting(this.#bytes()));
  }

  #fitting<T extends Bytes>(bytes: T): T {
    const expected = this.byteLength;
    if (bytes.byteLength !== expected) {
      throw new OnnxPruneError(
        'bad-model',
        this.#label(),
        `Tensor "${this.#label()}" is declared as ${this.type}[${this.dims.join(', ')}], which takes ${expected} bytes, but holds ${bytes.byteLength}; export the model again.`,
      );
    }
    return bytes;
  }

  /** Checks that `raw_data`, where the tensor uses it, is as long as dims and type need. @throws OnnxPruneError `bad-model` */
  checkSize(): void {
    const { rawData } = this.proto;
    if (rawData && rawData.byteLength > 0 && bitsOf(this.type) > 0) this.#fitting(rawData);
  }

  get #folder(): string {
    return present(this.#directory, 'the folder of external data');
  }

  #bytes(): Bytes {
    if (this.isExternal) return readExternal(this.proto, this.#folder, this.byteLength);
    const raw = this.proto.rawData;
    if (raw && raw.byteLength > 0) return raw;
    return fromTypedFields(this.proto, this.type, this.#label());
  }

  /**
   * The elements as numbers: a view where type and alignment allow, else a copy. Narrower floats and integers are
   * widened.
   * @throws OnnxPruneError `unsupported` for other types
   */
  floats(): Float32Array | Float64Array {
    const bytes = this.raw();
    switch (this.type) {
      case 'float32':
        return new Float32Array(aligned(bytes, 4), alignedOffset(bytes, 4), bytes.byteLength / 4);
      case 'float64':
        return new Float64Array(aligned(bytes, 8), alignedOffset(bytes, 8), bytes.byteLength / 8);
      case 'float16':
        return float16ToFloat32(new Uint16Array(aligned(bytes, 2), alignedOffset(bytes, 2), bytes.byteLength / 2));
      case 'bfloat16':
        return bfloat16ToFloat32(new Uint16Array(aligned(bytes, 2), alignedOffset(bytes, 2), bytes.byteLength / 2));
      case 'int8':
        return Float32Array.from(new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
      case 'uint8':
        return Float32Array.from(bytes);
      case 'int16':
        return Float32Array.from(new Int16Array(aligned(bytes, 2), alignedOffset(bytes, 2), bytes.byteLength / 2));
      case 'uint16':
        return Float32Array.from(new Uint16Array(aligned(bytes, 2), alignedOffset(bytes, 2), bytes.byteLength / 2));
      case 'int4':
        return Float32Array.from(unpackSigned(bytes, 4, this.size));
      case 'int2':
        return Float32Array.from(unpackSigned(bytes, 2, this.size));
      case 'uint4':
        return Float32Array.from(unpackCodes(bytes, 4, this.size));
      case 'uint2':
        return Float32Array.from(unpackCodes(bytes, 2, this.size));
      case 'float8e4m3fn':
      case 'float8e4m3fnuz':
      case 'float8e5m2':
      case 'float8e5m2fnuz':
      case 'float8e8m0':
        return smallFloatsToFloat32(this.type, bytes);
      case 'float4e2m1':
        return smallFloatsToFloat32(this.type, unpackCodes(bytes, 4, this.size));
      case 'int32':
        return Float64Array.from(new Int32Array(aligned(bytes, 4), alignedOffset(bytes, 4), bytes.byteLength / 4));
      default:
        throw new OnnxPruneError(
          'unsupported',
          this.#label(),
          `Tensor "${this.#label()}" holds ${this.type}, not floating-point numbers.`,
        );
    }
  }

  /**
   * The elements of a small integer or boolean tensor (shapes, axes, indices) as numbers.
   * @throws OnnxPruneError `unsupported` for other types
   */
  integers(): number[] {
    const bytes = this.raw();
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const read = INTEGER_READERS[this.type];
    if (read === undefined) {
      throw new OnnxPruneError(
        'unsupported',
        this.#label(),
        `Tensor "${this.#label()}" holds ${this.type}, not integers.`,
      );
    }
    const width = bitsOf(this.type) / 8;
    return Array.from({ length: this.size }, (_, i) => read(view, i * width));
  }

  #label(): string {
    return this.proto.name || '(unnamed)';
  }
}

/** Fields of TensorProto that hold elements or say where they are. */
const DATA_FIELDS = [
  'floatData',
  'int32Data',
  'stringData',
  'int64Data',
  'doubleData',
  'uint64Data',
  'externalData',
  'dataLocation',
] as const;

const INTEGER_READERS: Partial<Record<DataType, (view: DataView, offset: number) => number>> = {
  int64: (view, offset) => Number(view.getBigInt64(offset, true)),
  uint64: (view, offset) => Number(view.getBigUint64(offset, true)),
  int32: (view, offset) => view.getInt32(offset, true),
  uint32: (view, offset) => view.getUint32(offset, true),
  int16: (view, offset) => view.getInt16(offset, true),
  uint16: (view, offset) => view.getUint16(offset, true),
  int8: (view, offset) => view.getInt8(offset),
  uint8: (view, offset) => view.getUint8(offset),
  bool: (view, offset) => view.getUint8(offset),
};

function alignedOffset(bytes: Uint8Array, width: number): number {
  return bytes.byteOffset % width === 0 ? bytes.byteOffset : 0;
}

/** The buffer to build a typed array on: the file's own where the data happen to be aligned, else a copy of them. */
function aligned(bytes: Uint8Array, width: number): ArrayBufferLike {
  return bytes.byteOffset % width === 0 ? bytes.buffer : new Uint8Array(bytes).buffer;
}

/**
 * The bytes of a tensor that uses the typed fields.
 * Source: onnx.proto on TensorProto: int32_data carries (u)int32, (u)int16, (u)int8, bool and the bits of 16-bit and 8-bit floats.
 */
function fromTypedFields(proto: TensorProto, type: DataType, label: string): Uint8Array {
  switch (type) {
    case 'float32':
      return bytesOf(Float32Array.from(proto.floatData ?? []));
    case 'complex64':
      return bytesOf(Float32Array.from(proto.floatData ?? []));
    case 'float64':
    case 'complex128':
      return bytesOf(Float64Array.from(proto.doubleData ?? []));
    case 'int64':
      return bytesOf(BigInt64Array.from(proto.int64Data ?? [], (value) => BigInt(value.toString())));
    case 'uint64':
      return bytesOf(BigUint64Array.from(proto.uint64Data ?? [], (value) => BigInt(value.toString())));
    case 'uint32':
      return bytesOf(Uint32Array.from(proto.uint64Data ?? [], Number));
    case 'int32':
      return bytesOf(Int32Array.from(proto.int32Data ?? []));
    case 'uint16':
    case 'int16':
    case 'float16':
    case 'bfloat16':
      return bytesOf(Uint16Array.from(proto.int32Data ?? []));
    case 'string':
    case 'undefined':
      throw new OnnxPruneError(
        'unsupported',
        label,
        `Tensor "${label}" holds ${type === 'string' ? 'strings' : 'an unknown type'}, which cannot be read as numbers.`,
      );
    default:
      return Uint8Array.from(proto.int32Data ?? []);
  }
}

function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
