import { expect, test } from 'vitest';
import { Workers } from '../../src/study/workers.ts';
import { size } from '../report/support/studies.ts';

const JOB = { of: 'channels', amount: 0.5, options: { structured: 0.5 } } as const;

test('Workers can be closed again where one that had nothing to do is gone since, and take no job then', async () => {
  const workers = new Workers(2, { input: '/nowhere/model.onnx', data: '/nowhere/data.bin', before: size }, '/nowhere');
  expect(await workers.run(JOB, null)).toMatchObject({ ok: false });
  // As a study does: when it is stopped, and once more when it ends.
  await workers.close();
  await workers.close();
  expect(await workers.run(JOB, null)).toMatchObject({ ok: false, message: expect.stringContaining('stopped') });
});
