import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import onnxProto from 'onnx-proto';
import { expect, test } from 'vitest';
import { exportModel, importModel } from '../../src/ir/model.ts';
import { decodeModel, encodeModel } from '../../src/onnx/codec.ts';
import { extendedModelType, type Plain } from '../onnx/samples.ts';
import { ModelBuilder } from '../support/build.ts';

const FIXTURES = join(import.meta.dirname, '..', '..', 'fixtures');
const files = ['', 'structural'].flatMap((folder) =>
  readdirSync(join(FIXTURES, folder))
    .filter((name) => name.endsWith('.onnx'))
    .map((name) => join(folder, name)),
);
const { ModelProto: Oracle } = onnxProto.onnx;

/** The bytes after a way through the graph that changes nothing. */
const throughGraph = (bytes: Uint8Array): Uint8Array => encodeModel(exportModel(importModel(decodeModel(bytes))));

const meaning = (bytes: Uint8Array): Plain => Oracle.toObject(Oracle.decode(bytes), { bytes: String, longs: String });

test.each(files)('%s means the same after import and export', (name) => {
  const bytes = readFileSync(join(FIXTURES, name));
  const after = throughGraph(bytes);
  expect(meaning(after)).toEqual(meaning(bytes));
  // And to the byte what the codec alone makes of it.
  expect(Buffer.compare(after, encodeModel(decodeModel(bytes)))).toBe(0);
});

test('what a newer ONNX adds survives, in every message of the graph', () => {
  const b = new ModelBuilder({ docString: 'doc', metadata: { key: 'value' } });
  const x = b.input('x', 'float32', ['N', 2]);
  const body = b.subgraph();
  body.output(body.node('Neg', [x], {}, { docString: 'negates' }), 'float32', ['N', 2]);
  const branch = b.node('If', [b.input('flag', 'bool', [])], {
    then_branch: { graph: body },
    else_branch: { graph: body },
  });
  const sum = b.valueInfo(b.node('Add', [branch, b.vector('w', 2)]), 'float32', ['N', 2]);
  b.output(b.node('Concat', [sum, sum], { axis: 1 }, { outputs: ['y'] }), 'float32', ['N', 4]);

  const type = extendedModelType();
  const newer = type.toObject(type.decode(b.bytes()));
  const marked = type.encode(type.fromObject(mark(newer))).finish();
  const plain = (bytes: Uint8Array): Plain => type.toObject(type.decode(bytes), { bytes: String, longs: String });
  expect(JSON.stringify(plain(marked)).match(/extraText/g)?.length).toBeGreaterThan(30);
  expect(plain(throughGraph(marked))).toEqual(plain(marked));
});

/** Every message with a field that our schema does not know. */
function mark(message: Plain): Plain {
  const copy: Plain = { extraText: 'from the future' };
  for (const [key, value] of Object.entries(message)) {
    if (Array.isArray(value)) copy[key] = value.map((each: unknown) => (isMessage(each) ? mark(each) : each));
    else copy[key] = isMessage(value) ? mark(value) : value;
  }
  return copy;
}

function isMessage(value: unknown): value is Plain {
  return typeof value === 'object' && value !== null && !ArrayBuffer.isView(value) && !('unsigned' in value);
}
