import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import {
  benchmark,
  compare,
  modelInfo,
  openModel,
  RuntimeChild,
  RuntimeCrash,
  RuntimeTimeout,
  run,
} from '../../src/runtime/index.ts';
import { ModelBuilder } from '../support/build.ts';
import { endless, floats, scratch, unary } from './models.ts';

const write = scratch();
const open: RuntimeChild[] = [];
function child(options?: ConstructorParameters<typeof RuntimeChild>[0]): RuntimeChild {
  const made = new RuntimeChild(options);
  open.push(made);
  return made;
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((made) => made.close()));
});

const x3 = { x: floats([1, 3], [-1, 0, 2]) };
const x1 = { x: floats([1], [1]) };

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function until(condition: () => boolean, ms = 8000): Promise<boolean> {
  for (const end = Date.now() + ms; Date.now() < end; await delay(50)) if (condition()) return true;
  return condition();
}

// Processes start slowly on a busy machine.
const patient = { timeout: 30_000 };

describe('RuntimeChild', patient, () => {
  test('serves many requests with one process', async () => {
    const runtime = child();
    expect(runtime.pid).toBeUndefined();
    const { y: first } = await run(runtime, unary('Relu'), x3);
    const { pid } = runtime;
    const [{ y: second }, { y: third }] = await Promise.all([
      run(runtime, unary('Neg'), x3),
      run(runtime, unary('Abs'), x3),
    ]);
    expect(first?.data).toEqual(Float32Array.of(0, 0, 2));
    expect(second?.data).toEqual(Float32Array.of(1, -0, -2));
    expect(third?.data).toEqual(Float32Array.of(1, 0, 2));
    expect(runtime.pid).toBe(pid);
  });

  test('stops an endless Loop at its deadline, says how to allow more, and goes on with a new process', async () => {
    const runtime = child({ deadlineHint: 'raise --timeout' });
    const path = write('endless.onnx', endless());
    const error = await run(runtime, path, x1, { deadlineMs: 1500 }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RuntimeTimeout);
    expect(error).toMatchObject({
      code: 'runtime-refused',
      subject: path,
      message: `onnxruntime took longer than 1.5 s over ${path} and was stopped; raise --timeout.`,
    });
    const { y } = await run(runtime, unary('Relu'), x3);
    expect(y?.dims).toEqual([1, 3]);
  });

  test('reports a process that crashed as the fault of the model and of onnxruntime', async () => {
    const runtime = child();
    await run(runtime, unary('Relu'), x3);
    const pid = runtime.pid ?? 0;
    const running = run(runtime, endless(), x1).catch((reason: unknown) => reason);
    await delay(300);
    process.kill(pid, 'SIGSEGV');
    const error = await running;
    expect(error).toBeInstanceOf(RuntimeCrash);
    expect(error).toMatchObject({
      code: 'runtime-refused',
      message:
        "onnxruntime's process was ended by SIGSEGV while it worked on the model, a crash of onnxruntime over this model; try smaller inputs, or check that the model runs elsewhere.",
    });
  });

  test('tells of two models the one that never ends, or was at work when the process crashed', async () => {
    const runtime = child();
    const b = new ModelBuilder();
    b.output(b.node('Neg', [b.input('x', 'float32', [1])], {}, { outputs: ['y'] }), 'float32', [1]);
    const [fine, never] = [write('fine.onnx', b.bytes()), write('never.onnx', endless())];
    const late = await compare(runtime, fine, never, [x1], { deadlineMs: 800 }).catch((reason: unknown) => reason);
    expect(late).toBeInstanceOf(RuntimeTimeout);
    expect(late).toMatchObject({ subject: never, message: expect.stringContaining(`over ${never} and was stopped`) });
    await modelInfo(runtime, fine);
    const running = benchmark(runtime, [never, fine], [x1]).catch((reason: unknown) => reason);
    await delay(500);
    process.kill(runtime.pid ?? 0, 'SIGABRT');
    expect(await running).toMatchObject({ subject: never, code: 'runtime-refused' });
  });

  test('rejects with the reason of an AbortSignal and kills the process', async () => {
    const runtime = child();
    await run(runtime, unary('Relu'), x3);
    const pid = runtime.pid ?? 0;
    const abort = new AbortController();
    const running = run(runtime, endless(), x1, { signal: abort.signal }).catch((reason: unknown) => reason);
    await delay(200);
    abort.abort(new Error('enough'));
    expect(await running).toEqual(new Error('enough'));
    expect(await until(() => !alive(pid))).toBe(true);
    await expect(run(runtime, unary('Relu'), x3, { signal: abort.signal })).rejects.toThrow('enough');
  });

  test('rejects what is under way when closed, and whatever comes later', async () => {
    const runtime = child();
    const running = run(runtime, endless(), x1).catch((reason: unknown) => reason);
    await until(() => runtime.pid !== undefined);
    await delay(600);
    await runtime.close();
    expect(await running).toMatchObject({ code: 'internal', message: expect.stringContaining('closed') });
    await expect(run(runtime, unary('Relu'), x3)).rejects.toMatchObject({ code: 'internal' });
    expect(runtime.pid).toBeUndefined();
  });

  test('refuses data that cannot travel, and goes on', async () => {
    const runtime = child();
    const strange = { x: { ...floats([1, 3], [1, 2, 3]), note: () => 1 } };
    await expect(run(runtime, unary('Relu'), strange)).rejects.toMatchObject({ code: 'bad-data' });
    const { y } = await run(runtime, unary('Relu'), x3);
    expect(y?.dims).toEqual([1, 3]);
  });

  test('a model that was open in a stopped process is gone', async () => {
    const runtime = child();
    const model = await openModel(runtime, endless());
    await expect(model.run(x1, { deadlineMs: 300 })).rejects.toBeInstanceOf(RuntimeTimeout);
    await expect(model.run(x1)).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringContaining('open it again'),
    });
    await runtime.close();
    await model.close();
  });

  test('keeps what onnxruntime writes off the terminal and hands it on as the cause', async () => {
    const runtime = child();
    const feeds = { x: floats([1, 4], [1, 2, 3, 4]) };
    const b = new ModelBuilder();
    const shape = b.input('shape', 'int64', [1]);
    b.output(b.node('Reshape', [b.input('x', 'float32', ['N', 4]), shape], {}, { outputs: ['y'] }));
    const wrong = { ...feeds, shape: { type: 'int64', dims: [1], data: BigInt64Array.of(5n) } };
    const error = await run(runtime, b.bytes(), wrong).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'runtime-refused', cause: expect.any(Error) });
    expect(error).toMatchObject({
      message: expect.stringMatching(/^onnxruntime cannot run the model: [^\n]*Reshape[^\n]*$/),
    });
    expect(error).toMatchObject({ message: expect.not.stringContaining('.h:') });
  });
});

describe('the parent', patient, () => {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const module = new URL('../../src/runtime/index.ts', import.meta.url).href;
  const model = Buffer.from(endless()).toString('base64');

  function script(body: string): string {
    return write(
      `parent-${body.length}.mts`,
      `import { RuntimeChild, run } from ${JSON.stringify(module)};
       const runtime = new RuntimeChild();
       const model = Buffer.from(${JSON.stringify(model)}, 'base64');
       const x = { x: { type: 'float32', dims: [1], data: Float32Array.of(1) } };
       await runtime.request('info', 'it', { source: model, settings: {} });
       console.log(runtime.pid);
       ${body}`,
    );
  }

  async function start(body: string): Promise<{ parent: ReturnType<typeof spawn>; pid: number }> {
    const parent = spawn(process.execPath, ['--import', tsx, script(body)], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    parent.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    await until(() => text.includes('\n'), 20_000);
    return { parent, pid: Number(text) };
  }

  test('is not kept alive by an idle process, which ends with it', async () => {
    const { parent, pid } = await start('// nothing is closed');
    expect(await until(() => parent.exitCode === 0)).toBe(true);
    expect(await until(() => !alive(pid))).toBe(true);
  });

  test('takes the process with it when it is killed, even out of an endless Loop', async () => {
    const { parent, pid } = await start('await run(runtime, model, x);');
    await delay(300);
    expect(alive(pid)).toBe(true);
    parent.kill('SIGKILL');
    expect(await until(() => !alive(pid))).toBe(true);
  });
});
