import { expect, test } from 'vitest';
import { Workers } from '../../src/study/workers.ts';

const JOB = { of: 'channels', amount: 0.5, options: { structured: 0.5 } } as const;

test('Workers can be closed again where one that had nothing to do is gone since, and take no job then', async () => {
  const workers = new Workers(2, '/nowhere/model.onnx', '/nowhere/data.bin', '/nowhere');
  expect(await workers.run(JOB, null)).toMatchObject({ ok: false });
  // As a study does: when it is stopped, and once more when it ends.
  await workers.close();
  await workers.close();
  expect(await workers.run(JOB, null)).toMatchObject({ ok: false, message: expect.stringContaining('stopped') });
});
