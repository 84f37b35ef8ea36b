import { mkdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { imageNet } from '../format/nets.ts';
import { Desk } from './support/desk.ts';

/** Everything of a report but times and the words of the command. */
function told(text: string): object {
  const { seconds, command, ...report } = JSON.parse(text);
  expect(seconds).toBeDefined();
  expect(command).toBeDefined();
  return report;
}

test('the same command gives the same bytes and the same report in any surroundings', { timeout: 60_000 }, async () => {
  const results = [];
  // Names are hashed with another seed in every process; what else may differ from one to the next is in its surroundings.
  for (const surroundings of [{}, { LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8', TZ: 'Asia/Tokyo', COLUMNS: '40' }]) {
    const desk = new Desk();
    desk.write('m.onnx', imageNet({ opset: 17, irVersion: 8 }).bytes());
    mkdirSync(desk.path('temporary'));
    const ways = ['--structured', '40%', '--unstructured', '50%', '--int8', 'dynamic', '--criterion', 'random'];
    const args = ['m.onnx', ...ways, '--no-bench', '--json', '-o', 'out.onnx'];
    const places = Object.keys(surroundings).length === 0 ? {} : { TMPDIR: desk.path('temporary') };
    const { ended } = desk.start(args, { ...surroundings, ...places });
    const { code, stdout, stderr } = await ended;
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    results.push({ model: desk.read('out.onnx').toString('hex'), report: told(stdout) });
  }
  expect(results[1]).toEqual(results[0]);
});
