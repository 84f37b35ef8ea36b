import { expect, test } from 'vitest';
import { ModelBuilder } from '../support/build.ts';
import { rawBytes } from '../support/build-tensor.ts';
import { npyBytes } from '../support/npy-bytes.ts';
import { Desk } from './support/desk.ts';
import { at, itemsAt, parse } from './support/read.ts';

/** Two hidden layers side by side, whose outputs are added: one as it is, one divided by 100. */
function unequal(): Uint8Array {
  const b = new ModelBuilder({ seed: 3 });
  const x = b.input('x', 'float32', ['N', 6]);
  const [loud, quiet] = ['loud', 'quiet'].map((name) => {
    const hidden = b.node('Relu', [b.node('MatMul', [x, b.weight(`${name}.in`, [6, 16], { fanIn: 6 })])]);
    return b.node('MatMul', [hidden, b.weight(`${name}.out`, [16, 3], { fanIn: 16 })]);
  });
  const small = b.node('Mul', [quiet ?? '', b.constant('small', 'float32', [], [0.01])]);
  b.output(b.node('Add', [loud ?? '', small], {}, { outputs: ['y'] }), 'float32', ['N', 3]);
  return b.bytes();
}

const widths = async (...args: readonly string[]): Promise<{ left: Map<unknown, unknown>; seconds: unknown }> => {
  const desk = new Desk();
  desk.write('m.onnx', unequal());
  const numbers = Float32Array.from({ length: 6 * 128 }, (_, i) => Math.sin(i * i));
  desk.write('x.npy', npyBytes('<f4', [128, 6], rawBytes('float32', numbers)));
  const outcome = await desk.run(
    ...['m.onnx', '--calibration', 'x.npy', '--align', 'none', '--no-bench', '--json', '-o', 'small.onnx', ...args],
  );
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
  const report = parse(outcome.stdout);
  return {
    left: new Map(itemsAt(report, 'pruning', 'groups').map((each) => [at(each, 'name'), at(each, 'after')])),
    seconds: at(report, 'seconds'),
  };
};

test('a global amount leaves where outputs lose least', { timeout: 60_000 }, async () => {
  const { left, seconds } = await widths('--structured', '40%', '--scope', 'global');
  expect(left.get('loud.in')).toBeGreaterThan(14);
  expect(left.get('quiet.in')).toBeLessThan(6);
  expect(seconds).toHaveProperty('measure sensitivity');
});

test('nothing is measured where groups share no amount', { timeout: 60_000 }, async () => {
  const { left, seconds } = await widths('--structured', '50%');
  expect(left.get('loud.in')).toBe(8);
  expect(left.get('quiet.in')).toBe(8);
  expect(seconds).not.toHaveProperty('measure sensitivity');
});
