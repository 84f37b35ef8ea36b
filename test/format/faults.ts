import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import onnxProto from 'onnx-proto';
import { dataTypeOf } from '../../src/ir/data-type.ts';
import { typeOf } from '../../src/ir/import.ts';
import { sparseTensorsOf, tensorsOf } from '../../src/onnx/all-tensors.ts';
import { decodeModel, encodeModel } from '../../src/onnx/codec.ts';
import { externalLocation, readExternal } from '../../src/onnx/external-data.ts';
import { copyMessage, type GraphProto, type ModelProto, type NodeProto } from '../../src/onnx/messages.ts';
import { inferShapes, type RuntimeChild } from '../../src/runtime/index.ts';
import { VERSIONS } from '../../src/upgrade/versions.ts';
import { irVersionOf } from './nets.ts';

const { ModelProto: Oracle } = onnxProto.onnx;

/** Operator set and IR version that brought element types. Source: onnx.proto and docs/Changelog.md up to ONNX 1.20. */
const TYPES_SINCE: Readonly<Record<string, { readonly opset: number; readonly irVersion: number }>> = {
  float8e4m3fn: { opset: 19, irVersion: 9 },
  float8e4m3fnuz: { opset: 19, irVersion: 9 },
  float8e5m2: { opset: 19, irVersion: 9 },
  float8e5m2fnuz: { opset: 19, irVersion: 9 },
  uint4: { opset: 21, irVersion: 10 },
  int4: { opset: 21, irVersion: 10 },
  float4e2m1: { opset: 23, irVersion: 11 },
  float8e8m0: { opset: 24, irVersion: 12 },
  uint2: { opset: 25, irVersion: 13 },
  int2: { opset: 25, irVersion: 13 },
};

/** IR version that brought sparse initializers. Source: onnx.proto, enum Version. */
const SPARSE_SINCE = 6;

/** What a result got wrong about the format, one sentence each; none where all is well. */
export async function formatFaults(path: string, original: ModelProto, child: RuntimeChild): Promise<string[]> {
  const bytes = readFileSync(path);
  const model = decodeModel(bytes);
  return [
    ...rereadFaults(bytes, model),
    ...versionFaults(model, original),
    ...dataFaults(model, dirname(path)),
    ...(await shapeFaults(model, child)),
  ];
}

/** Reading and writing again gives the same model and the same bytes; so does a decoder that is not ours. */
function rereadFaults(bytes: Uint8Array, model: ModelProto): string[] {
  const again = encodeModel(model);
  const foreign = decodeModel(Oracle.encode(Oracle.decode(bytes)).finish());
  return [
    ...(Buffer.compare(again, bytes) === 0 ? [] : ['encoding it again gives other bytes']),
    ...(plain(decodeModel(again)) === plain(model) ? [] : ['reading it again gives another model']),
    ...(plain(foreign) === plain(model) ? [] : ['an independent decoder reads another model']),
  ];
}

/** A message as text: numbers of 64 bits and bytes by their values. */
function plain(model: ModelProto): string {
  return JSON.stringify(model, (_, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value,
  );
}

/** Versions that the file states, against what it uses. */
export function versionFaults(model: ModelProto, original: ModelProto): string[] {
  const [irVersion, opset] = [Number(model.irVersion), opsetOf(model)];
  const faults: string[] = [];
  const wants = (what: string, since: { readonly opset: number; readonly irVersion: number }): void => {
    if (irVersion < since.irVersion || opset < since.opset)
      faults.push(
        `${what} needs IR ${since.irVersion} and opset ${since.opset}, and it states ${irVersion} and ${opset}`,
      );
  };
  for (const { dataType } of tensorsOf(model)) {
    const since = TYPES_SINCE[dataTypeOf(dataType)];
    if (since !== undefined) wants(dataTypeOf(dataType), since);
  }
  if (sparseTensorsOf(model).next().done !== true) wants('a sparse tensor', { opset: 1, irVersion: SPARSE_SINCE });
  if (opset > opsetOf(original)) wants(`opset ${opset}`, { opset, irVersion: irVersionOf(opset) });
  if (opset < opsetOf(original)) faults.push(`its opset fell from ${opsetOf(original)} to ${opset}`);
  if (irVersion < Number(original.irVersion)) faults.push(`its IR fell to ${irVersion}`);
  const domains = new Set((model.opsetImport ?? []).map(({ domain }) => domain ?? ''));
  for (const node of nodesOf(model.graph ?? {})) {
    const { domain = '', opType = '' } = node;
    if (!domains.has(domain)) faults.push(`${opType} is of domain "${domain}", which it does not import`);
    if (domain === '') faults.push(...operatorFaults(node, opset));
  }
  return faults;
}

function operatorFaults({ opType = '', attribute = [] }: NodeProto, opset: number): string[] {
  const [since] = VERSIONS.get(opType) ?? [];
  const faults =
    since !== undefined && since > opset ? [`${opType} came with opset ${since}, and it states ${opset}`] : [];
  if (!/^(Q|Deq)uantizeLinear$/i.test(opType)) return faults;
  for (const { name } of attribute) {
    const needed = { axis: 13, block_size: 21, output_dtype: 21, saturate: 19, precision: 23 }[name ?? ''];
    if (needed !== undefined && opset < needed) faults.push(`${opType} has ${name}, which came with opset ${needed}`);
  }
  return faults;
}

function nodesOf(graph: GraphProto): NodeProto[] {
  return (graph.node ?? []).flatMap((node) => [
    node,
    ...(node.attribute ?? []).flatMap(({ g, graphs = [] }) => [...(g ? [g] : []), ...graphs].flatMap(nodesOf)),
  ]);
}

function opsetOf({ opsetImport = [] }: ModelProto): number {
  return Number(opsetImport.find(({ domain }) => !domain || domain === 'ai.onnx')?.version ?? 0);
}

/** Data in other files are there, in the folder of the model. */
function dataFaults(model: ModelProto, folder: string): string[] {
  return [...tensorsOf(model)].flatMap((tensor) => {
    const place = externalLocation(tensor);
    if (place === undefined) return [];
    const read = readExternal(tensor, folder, place.length ?? 0);
    return read.length === place.length ? [] : [`"${tensor.name}" has ${read.length} bytes outside`];
  });
}

/** What it declares of its values, against what the runtime infers where nothing but the inputs is declared. */
async function shapeFaults(model: ModelProto, child: RuntimeChild): Promise<string[]> {
  const graph = model.graph ?? {};
  const declared = [...(graph.valueInfo ?? []), ...(graph.output ?? [])];
  const bare = copyMessage(model);
  bare.graph = Object.assign(copyMessage(graph), {
    valueInfo: [],
    output: (graph.output ?? []).map(({ name = '' }) => ({ name })),
  });
  const facts = await inferShapes(bare, child);
  return declared.flatMap((info) => {
    const name = info.name ?? '';
    const said = typeOf(info);
    const fact = facts.get(name);
    if (said === undefined) return [];
    if (fact === undefined) return [`"${name}" is declared, and nothing is inferred of it`];
    const fits =
      said.type === fact.type &&
      (said.dims === undefined ||
        fact.dims === undefined ||
        (said.dims.length === fact.dims.length &&
          said.dims.every((dim, i) => {
            const inferred = fact.dims?.[i];
            return typeof dim !== 'number' || typeof inferred !== 'number' || dim === inferred;
          })));
    return fits ? [] : [`"${name}" is declared as ${JSON.stringify(said)} and is ${JSON.stringify(fact)}`];
  });
}
